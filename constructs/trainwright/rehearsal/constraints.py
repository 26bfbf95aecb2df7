"""What botocore's model of an API says about a request: required members, types, enumerations, patterns, bounds.

botocore itself checks the first two only, and a client may have that switched off. All problems are said at once, in
the form of AWS's own answers: "2 validation errors detected: Value 'x' at 'y' failed to satisfy constraint: ...".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator


@dataclass(frozen=True)
class Problem:
    """Why a request is refused, with AWS's error code."""

    code: str
    message: str


def problem(shape: StructureShape, request: Mapping[str, Any]) -> Problem | None:
    """Everything of the first kind that is wrong: constraints, else types; None when nothing is."""
    broken = list(_broken(shape, request, ""))
    if broken:
        many = "error" if len(broken) == 1 else "errors"
        return Problem("ValidationException", f"{len(broken)} validation {many} detected: {'; '.join(broken)}")
    report = ParamValidator().validate(request, shape)
    return Problem("SerializationException", report.generate_report()) if report.has_errors() else None


def _broken(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Each constraint that the value, or a value in it, does not satisfy; wrong types are left to botocore."""
    for constraint in _constraints(shape, value):
        shown = f"Value '{value}'" if not isinstance(value, (dict, list)) else f"Value at length {len(value)}"
        yield f"{shown} at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _broken_structure(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, item in enumerate(value, start=1):
            yield from _broken(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, item in value.items():
            yield from _broken(shape.key, key, path)
            yield from _broken(shape.value, item, f"{path}.{key}")


def _broken_structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _broken(member, value[name], _join(path, name))


def _constraints(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(value, str):
        if "enum" in limits and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        if "pattern" in limits and not pattern(limits["pattern"]).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
    if isinstance(value, (str, list, dict)):
        yield from _bounds(limits, len(value), "length")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _bounds(limits, value, "value")


@functools.cache
def pattern(java: str) -> re.Pattern[str]:
    """A pattern of the model. AWS writes them for Java, whose names of character classes Python has not got."""
    for name, characters in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s"), (r"\p{Alnum}", "a-zA-Z0-9")):
        java = java.replace(name, characters)
    return re.compile(java, re.DOTALL)


def _bounds(limits: Mapping[str, Any], size: float, what: str) -> Iterator[str]:
    if "min" in limits and size < limits["min"]:
        yield f"Member must have {what} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"Member must have {what} less than or equal to {limits['max']}"


def _join(path: str, name: str) -> str:
    """AWS's answers spell members in camel case."""
    return f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
