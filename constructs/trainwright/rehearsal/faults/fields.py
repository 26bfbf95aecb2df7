"""The kinds of value that a faults file has: durations, globs, names that AWS knows; and how a wrong one is refused."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from trainwright.rehearsal.faults import aws

Path = tuple[str | int, ...]

WRONG_VALUE = "wrong_value"
CONFLICT = "conflict"
MISSING = "missing_field"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def refuse(
    kind: str, problem: str, *, at: Path = (), allowed: str | None = None, nearest: str | None = None
) -> NoReturn:
    """End a validation; ``at`` leads from the validated value to the part that is wrong."""
    raise PydanticCustomError(
        kind,
        "{problem}",
        {"problem": problem, "at": at, "allowed": allowed, "nearest": nearest},
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who wrote ``name`` most likely meant."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def matches(globs: Sequence[str], name: str) -> bool:
    """Whether a name is meant by any of the globs; none at all means every name."""
    return not globs or any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace(" ", "")
    if not _DURATION.fullmatch(text):
        refuse(WRONG_VALUE, "this is not a duration", allowed='seconds (90) or text ("90s", "10m", "1h30m", "2d")')
    return float(sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))


def _listed(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def _known_instance_types(globs: tuple[str, ...]) -> tuple[str, ...]:
    for index, glob in enumerate(globs):
        _check_instance_type(glob, (index,))
    return globs


def _known_instance_type(name: str) -> str:
    _check_instance_type(name, ())
    return name


def _check_instance_type(glob: str, at: Path) -> None:
    known = aws.instance_types()
    if not fnmatch.filter(known, glob):
        refuse(WRONG_VALUE, "no instance type for training is called so", at=at, nearest=nearest(glob, known))


_DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$"}],
    "examples": [90, "90s", "10m", "2h"],
}
_GLOBS_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}

#: Seconds, as a number or as text with units.
Duration = Annotated[float, BeforeValidator(_seconds), Field(ge=0), WithJsonSchema(_DURATION_SCHEMA)]
#: One glob or a list of them.
Globs = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(_GLOBS_SCHEMA)]
#: Globs each of which means at least one instance type that SageMaker has.
InstanceTypes = Annotated[Globs, AfterValidator(_known_instance_types)]
#: One type by its full name.
InstanceTypeName = Annotated[str, AfterValidator(_known_instance_type)]
#: A host of a training job.
HostName = Annotated[str, Field(pattern=r"^algo-[1-9][0-9]*$", examples=["algo-2"])]
#: A probability.
Chance = Annotated[float, Field(gt=0, le=1)]
