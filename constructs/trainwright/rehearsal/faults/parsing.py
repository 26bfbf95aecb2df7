"""Reads faults from plain data and says everything that is wrong with it at once, with the nearest right name."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from trainwright.rehearsal.faults.errors import FaultProblem, FaultsError, Kind
from trainwright.rehearsal.faults.fields import CONFLICT, MISSING, WRONG_VALUE, Path, nearest
from trainwright.rehearsal.faults.model import Faults

_KINDS = {CONFLICT: Kind.CONFLICT, MISSING: Kind.MISSING, WRONG_VALUE: Kind.WRONG_VALUE}
_WANTED = {
    "bool": "true or false",
    "dict": "an object of fields",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "an object of fields",
    "string": "text",
    "tuple": "a list",
}


def parse_faults(data: Any) -> Faults:
    """Read faults from plain data, as JSON or YAML gives it.

    Raises:
        FaultsError: naming each wrong field's path, its value and what may stand there.
    """
    found: list[FaultProblem] = []
    parsed = _validated(data, found)
    if parsed is None:
        _validated(_without_wrong_entries(data, found), found)
        raise FaultsError(found)
    return parsed


def _validated(data: Any, found: list[FaultProblem]) -> Faults | None:
    """The faults, or None with what is wrong appended to ``found``."""
    try:
        # As JSON, because strict Python data would have to be tuples.
        return Faults.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        found += [problem for item in error.errors() if (problem := _problem(item)) not in found]
        return None


def _without_wrong_entries(data: Any, found: list[FaultProblem]) -> Any:
    """What is left without the list entries that are wrong: what goes wrong only between entries shows in it."""
    if not isinstance(data, dict) or any(len(p.path) < 2 or not isinstance(p.path[1], int) for p in found):
        return {}
    wrong = {problem.path[:2] for problem in found}
    return {
        key: [entry for index, entry in enumerate(value) if (key, index) not in wrong]
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }


def _problem(item: Any) -> FaultProblem:
    path: Path = tuple(part for part in item["loc"] if part != "[key]")
    context = item.get("ctx") or {}
    kind = str(item["type"])
    if kind in _KINDS:
        return _refused(_KINDS[kind], path, item["input"], context)
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "missing":
        return FaultProblem(Kind.MISSING, path, "this is needed and is not there")
    if kind == "literal_error":
        return _none_of(path, item["input"], re.findall(r"'([^']*)'", context["expected"]))
    return _wrong(kind, path, item, context)


def _refused(kind: Kind, path: Path, value: Any, context: dict[str, Any]) -> FaultProblem:
    """What one of the models refused itself, with `fields.refuse`."""
    given, at = _at(value, context["at"]), (*path, *context["at"])
    return FaultProblem(kind, at, context["problem"], given, context["allowed"], context["nearest"])


def _none_of(path: Path, value: Any, known: list[str]) -> FaultProblem:
    problem = f"this is none of {', '.join(repr(name) for name in known)}"
    return FaultProblem(Kind.WRONG_VALUE, path, problem, value, None, nearest(str(value), known))


def _unknown(path: Path) -> FaultProblem:
    known = fields_at(path[:-1])
    near = nearest(str(path[-1]), known)
    allowed = None if near else ", ".join(known)
    return FaultProblem(Kind.UNKNOWN_FIELD, path, "there is no fault field of this name", path[-1], allowed, near)


def _wrong(kind: str, path: Path, item: Any, context: dict[str, Any]) -> FaultProblem:
    wanted = _WANTED.get(kind.partition("_")[0])
    if kind.endswith("_type") and wanted:
        missing_list = kind.startswith(("tuple", "list")) and isinstance(item["input"], dict)
        hint = "; begin the entry with a dash" if missing_list else ""
        top = Kind.NOT_AN_OBJECT if not path else Kind.WRONG_TYPE
        return FaultProblem(top, path, f"this must be {wanted}{hint}", item["input"])
    limits = {
        "greater_than_equal": "at least {ge}",
        "greater_than": "more than {gt}",
        "less_than_equal": "at most {le}",
        "too_short": "at least {min_length} of them",
        "string_pattern_mismatch": "a host's name, as algo-2",
    }
    problem = f"this must be {limits[kind].format(**context)}" if kind in limits else str(item["msg"])
    return FaultProblem(Kind.WRONG_VALUE, path, problem, item["input"])


def _at(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(part)
    return value


def fields_at(path: Path) -> list[str]:
    """The names of the fields that may stand below a path of a faults file."""
    model = _model_at(Faults, path)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    named = [part for part in path if isinstance(part, str)]
    current: type[BaseModel] | None = model
    while named and current is not None:
        field = current.model_fields.get(named.pop(0))
        if field is not None and typing.get_origin(field.annotation) is dict:
            named = named[1:]
        current = next(_models_in(field.annotation), None) if field else None
    return current


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
