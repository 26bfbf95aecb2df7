"""Reading a document into a pydantic model with every problem at once: nothing here raises on any JSON or YAML
value."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path, Problem, shown
from trainwright_runtime.vocabulary import Vocabulary, lookup

M = TypeVar("M", bound=BaseModel)

READING = {"reading": True}
"""Validation context while a document is being read: whole-model checks wait, because their findings come as
problems."""

UNION_TAGS = frozenset({"<address>", "<channel>", "<switch>", "<settings>"})
_HIDDEN_SECTIONS = frozenset({"environment"})
_DEPTH = 12
_MOST = 1000
_TYPES = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a section of `name: value` lines",
    "model_type": "a section of `name: value` lines",
    "model_attributes_type": "a section of `name: value` lines",
}


def refusal(
    code: str, problem: str, *, allowed: str | None = None, remedy: str | None = None, sure: bool = False
) -> PydanticCustomError:
    """What a validator raises to refuse a value; the reader turns it into a Problem at the value's path."""
    context = {"problem": problem, "allowed": allowed, "remedy": remedy, "sure": sure}
    # pydantic formats the message with the context: the user's own braces must not reach it
    return PydanticCustomError(code, "refused", context)


def read(
    model: type[M], data: object, words: Vocabulary, stand_ins: Mapping[str, Any] | None = None
) -> tuple[M, list[Problem]]:
    """What can be read of `data`, and a problem for each part that cannot; parts with problems are left out of the
    model.

    `stand_ins` are values for the fields that the model cannot be without, used where the document's own are refused.
    """
    required = dict(stand_ins or {})
    if not isinstance(data, Mapping):
        return model.model_validate(required, context=READING), [_not_a_document(data)]
    document, found = _plain(data, (), words)
    while True:
        try:
            return model.model_validate(required | document, context=READING), found
        except ValidationError as error:
            details = error.errors(include_url=False)
            found += [_problem(detail, words) for detail in details[:_MOST]]
            if more := len(details[_MOST:]):
                found.append(Problem(codes.NOT_A_DOCUMENT, (), f"{more} more problems are not listed"))
            _prune(document, [_path(detail) for detail in details])


def _not_a_document(data: object) -> Problem:
    return Problem(
        codes.NOT_A_DOCUMENT,
        (),
        f"this is {_kind(data)}, not an object of fields",
        value=shown(data),
        allowed="an object such as {name: digits, compute: {instance_type: ml.m5.large}}",
    )


def _kind(data: object) -> str:
    if data is None:
        return "empty"
    kinds = ((str, "text"), (bool, "a boolean"), (int, "a number"), (float, "a number"), (list, "a list"))
    return next((name for kind, name in kinds if isinstance(data, kind)), f"a {type(data).__name__}")


def _plain(data: Mapping[Any, Any], path: Path, words: Vocabulary) -> tuple[dict[str, Any], list[Problem]]:
    """A copy without what no section takes anywhere: names that are not text, and empty values."""
    kept: dict[str, Any] = {}
    found: list[Problem] = []
    for key, value in data.items():
        here = (*path, key if isinstance(key, str) else shown(key))
        if not isinstance(key, str):
            found.append(
                Problem(codes.WRONG_TYPE, here, "a name must be text", value=shown(key), remedy="put it in quotes")
            )
        elif value is None and not _unknown_here(path, key, words):
            found.append(Problem(codes.EMPTY, here, "no value is given", remedy="give a value or leave the line out"))
        elif isinstance(value, Mapping) and len(path) < _DEPTH:
            kept[key], below = _plain(value, here, words)
            found += below
        else:
            kept[key] = value
    return kept, found


def _unknown_here(path: Path, key: str, words: Vocabulary) -> bool:
    known = words.known(_section(path))
    return bool(known) and key not in known


def _section(path: Path) -> tuple[str, ...]:
    return tuple(str(part) for part in path)


def _path(detail: ErrorDetails) -> Path:
    return tuple(part for part in detail["loc"] if part not in UNION_TAGS and part != "[key]")


def _problem(detail: ErrorDetails, words: Vocabulary) -> Problem:
    path = _path(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown(path, detail["input"], words)
    value = _shown_at(path, detail["input"])
    if detail["type"].startswith("TW"):
        return Problem(detail["type"], path, value=value, **detail["ctx"])
    if detail["type"] in _TYPES:
        wanted = _TYPES[detail["type"]]
        return Problem(codes.WRONG_TYPE, path, f"this is {_kind(detail['input'])}", value=value, allowed=wanted)
    return Problem(codes.OUT_OF_RANGE, path, detail["msg"].removeprefix("Input ").lower(), value=value)


def _shown_at(path: Path, value: object) -> str:
    """The value for a message; never one of the environment's, which may be a secret, nor a whole section."""
    if _HIDDEN_SECTIONS.intersection(path):
        return f"(hidden, {len(str(value))} characters)"
    return shown(value)


def _unknown(path: Path, value: object, words: Vocabulary) -> Problem:
    section = _section(path)
    if reason := lookup(words.owned, section):
        return Problem(codes.RESERVED, path, reason, remedy="leave the line out")
    if reason := lookup(words.not_supported, section):
        problem = f"not supported yet: {reason}"
        return Problem(codes.NOT_SUPPORTED, path, problem, value=_shown_at(path, value), remedy="leave the line out")
    near = words.nearest(section[:-1], section[-1])
    return Problem(
        codes.UNKNOWN_FIELD,
        path,
        "unknown field" + (f"; did you mean {near}?" if near else ""),
        allowed=", ".join(sorted(words.known(section[:-1]))) or None,
        remedy=f"write {near}" if near else "leave the line out",
        sure=near is not None,
    )


def _prune(document: dict[str, Any], paths: Iterable[Path]) -> None:
    """Take the refused parts out, so that the rest can be read and checked too. Something always goes, so reading
    ends."""
    removed = [_remove(document, path) for path in paths]
    if not any(removed):
        document.clear()


def _remove(document: dict[str, Any], path: Path) -> bool:
    owner: Any = document
    for part in path[:-1]:
        if not isinstance(owner, dict) or part not in owner:
            return False
        parent, owner = owner, owner[part]
        if isinstance(owner, list):  # a list with one bad entry is left out whole: positions must keep their meaning
            parent.pop(part)
            return True
    if not path or not isinstance(owner, dict) or path[-1] not in owner:
        return False
    del owner[path[-1]]
    return True
