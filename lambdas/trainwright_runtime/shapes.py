"""What AWS would refuse of a request, from botocore's own model of the API, enums, patterns, lengths and ranges
included.

botocore checks required members, unknown members and types (its ParamValidator), and of the rest only minima. The
shapes are passed in, so that this module needs neither boto3 nor its files.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

from trainwright_runtime import problems as codes
from trainwright_runtime.origin import field_of
from trainwright_runtime.problems import Path, Problem, shown
from trainwright_runtime.spec import Request

MAX_REQUEST_BYTES = 128 * 1024
"""Half of what Step Functions lets travel (262,144 bytes of state): room for the rest of the state."""

# Java's Unicode classes, which Python's re does not have, as they occur in the API's patterns: inside character classes
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{Alnum}": "a-zA-Z0-9",
}


class Shape(Protocol):
    """The part of botocore.model.Shape that is read here."""

    type_name: str
    metadata: Mapping[str, Any]


def problems_of(shape: Any, request: Request) -> list[Problem]:
    """Every part of a rendered request that does not fit the API's input shape, by the run request's own fields."""
    return [_in_request_words(problem, request) for problem in walk(shape, request, ())]


def too_large(request: Request, limit: int = MAX_REQUEST_BYTES) -> Problem | None:
    """A problem that names the biggest part of a request over `limit` bytes of JSON, else None."""
    size = len(_json(request))
    if size <= limit:
        return None
    biggest = max(request, key=lambda name: len(_json(request[name])))
    share = len(_json(request[biggest]))
    return Problem(
        codes.TOO_LARGE,
        field_of((biggest,), request),
        f"the training job's request is {size:,} bytes, of which {biggest} takes {share:,}",
        allowed=f"{limit:,} bytes in all",
        remedy="put long values into an input channel",
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _in_request_words(problem: Problem, request: Request) -> Problem:
    field = field_of(problem.path, request)
    hidden = "environment" in field
    text = problem.problem if field != problem.path else f"SageMaker refuses this: {problem.problem}"
    value = "(hidden)" if hidden else problem.value
    return Problem(codes.REFUSED_BY_API_MODEL, field, text, value, problem.allowed, problem.remedy, problem.sure)


def walk(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    """Every part of a value that does not fit a shape, by the API's own names."""
    yield from _CHECKS.get(shape.type_name, _no_check)(shape, value, path)
    if shape.type_name in ("string", "list", "map") and isinstance(value, str | list | dict):
        yield from _length(shape, len(value), path)


def _structure(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(path, value, "an object")
        return
    for name in set(shape.required_members) - value.keys():
        yield Problem(codes.REFUSED_BY_API_MODEL, (*path, name), "this is missing")
    for name, member in value.items():
        if name not in shape.members:
            yield Problem(codes.REFUSED_BY_API_MODEL, (*path, name), "the API has no such field", shown(member))
        else:
            yield from walk(shape.members[name], member, (*path, name))


def _list(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong(path, value, "a list")
        return
    for position, entry in enumerate(value):
        yield from walk(shape.member, entry, (*path, position))


def _map(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(path, value, "an object")
        return
    for key, entry in value.items():
        yield from walk(shape.key, key, (*path, key))
        yield from walk(shape.value, entry, (*path, key))


def _string(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _wrong(path, value, "text")
        return
    if (enum := shape.metadata.get("enum")) and value not in enum:
        yield _not_in_enum(path, value, enum)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield Problem(codes.REFUSED_BY_API_MODEL, path, "this has not the form SageMaker wants", shown(value), pattern)


def _number(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield _wrong(path, value, "a whole number")
        return
    widest = _WIDEST[shape.type_name]
    least, most = shape.metadata.get("min", -widest - 1), shape.metadata.get("max", widest)
    if not least <= value <= most:
        allowed = f"{least} to {most}"
        yield Problem(codes.REFUSED_BY_API_MODEL, path, "this is out of range", shown(value), allowed)


def _boolean(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    del shape
    if not isinstance(value, bool):
        yield _wrong(path, value, "true or false")


def _no_check(shape: Any, value: object, path: Path) -> Iterator[Problem]:
    """A kind of shape that CreateTrainingJob does not have must not slip through unseen."""
    del value
    yield Problem(codes.REFUSED_BY_API_MODEL, path, f"a {shape.type_name} cannot be checked")


_WIDEST = {"integer": 2**31 - 1, "long": 2**63 - 1}
"""What fits: an integer of the API's has 32 bits, a long 64 (https://smithy.io/2.0/spec/simple-types.html)."""

_CHECKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "boolean": _boolean,
}


def _wrong(path: Path, value: object, wanted: str) -> Problem:
    return Problem(codes.REFUSED_BY_API_MODEL, path, "this is of the wrong type", shown(value), wanted)


def _not_in_enum(path: Path, value: str, enum: Iterable[str]) -> Problem:
    known = sorted(enum)
    near = difflib.get_close_matches(value, known, n=1, cutoff=0.6)
    allowed = ", ".join(known) if len(known) < 20 else f"{len(known)} values, {known[0]} to {known[-1]}"
    remedy = f"did you mean {near[0]}?" if near else None
    return Problem(codes.REFUSED_BY_API_MODEL, path, "SageMaker does not have this", shown(value), allowed, remedy)


def _length(shape: Any, length: int, path: Path) -> Iterator[Problem]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if length < least or (most is not None and length > most):
        what = {"string": "characters", "list": "entries", "map": "entries"}[shape.type_name]
        problem = f"{length} {what} are too {'few' if length < least else 'many'}"
        yield Problem(codes.REFUSED_BY_API_MODEL, path, problem, allowed=f"{least} to {most}")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)
