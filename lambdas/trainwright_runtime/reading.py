"""Reading a document into a pydantic model with every problem at once: nothing here raises on any JSON or YAML
value."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Edit, Path, Problem, shown
from trainwright_runtime.vocabulary import Vocabulary, lookup

M = TypeVar("M", bound=BaseModel)

READING = {"reading": True}
"""Validation context while a document is being read: whole-model checks wait, because their findings come as
problems."""

HIDDEN_SECTIONS = frozenset({"environment"})
"""Sections whose values no message shows: they may hold secrets, against all advice."""

NO_REPLACEMENT = object()
_DEPTH = 12
_MOST = 1000
_LISTED = 20
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
    code: str,
    problem: str,
    *,
    allowed: str | None = None,
    remedy: str | None = None,
    replacement: Any = NO_REPLACEMENT,
) -> PydanticCustomError:
    """What a validator raises to refuse a value; the reader turns it into a Problem at the value's path.

    With a `replacement`, the fix is sure: that value can stand in the refused one's place.
    """
    context = {"problem": problem, "allowed": allowed, "remedy": remedy, "replacement": replacement}
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
            return model.model_validate(required | document, context=READING), _not_misspelt(found)
        except ValidationError as error:
            details = error.errors(include_url=False)
            found += [_problem(detail, data, words) for detail in details[:_MOST]]
            if more := len(details[_MOST:]):
                found.append(Problem(codes.NOT_A_DOCUMENT, (), f"{more} more problems are not listed"))
            _prune(document, [_path(detail, document) for detail in details])


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
        elif value is None and not _unknown_here(path, key, words) and not _may_be_empty(path):
            remedy, edit = "give a value or leave the line out", Edit("remove", here)
            found.append(Problem(codes.EMPTY, here, "no value is given", remedy=remedy, edit=edit))
        elif isinstance(value, Mapping) and len(path) < _DEPTH:
            kept[key], below = _plain(value, here, words)
            found += below
        else:
            kept[key] = value
    return kept, found


def _may_be_empty(path: Path) -> bool:
    """A script's hyperparameters may be null, and raw fields are for AWS to judge."""
    return path[:1] in {("hyperparameters",), ("overrides",)} or path[1:2] == ("hyperparameters",)


def _unknown_here(path: Path, key: str, words: Vocabulary) -> bool:
    known = words.known(_section(path))
    return bool(known) and key not in known


def _section(path: Path) -> tuple[str, ...]:
    return tuple(str(part) for part in path)


def _path(detail: ErrorDetails, data: object) -> Path:
    return written_path(data, tuple(part for part in detail["loc"] if part != "[key]"))


def written_path(data: object, path: Path) -> Path:
    """`path` as far as its author wrote it: a short form such as `train: data://x/` ends it at `inputs.train`."""
    for length, part in enumerate(path):
        if isinstance(data, Mapping):
            if part not in data:
                return path
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return path[:length]
    return path


def _problem(detail: ErrorDetails, data: Mapping[Any, Any], words: Vocabulary) -> Problem:
    path = _path(detail, data)
    if detail["type"] == "extra_forbidden":
        return _unknown(path, detail["input"], data, words)
    value = shown_at(path, detail["input"])
    if detail["type"].startswith("TW"):
        return _refused(path, value, detail)
    if detail["type"] in _TYPES:
        return _wrong_type(path, value, detail)
    if detail["type"] == "missing":
        return Problem(codes.MISSING, path, "this is missing", remedy=f"write {path[-1]}")
    if detail["type"] == "literal_error":
        return _not_a_choice(path, value, detail)
    return Problem(codes.OUT_OF_RANGE, path, detail["msg"].removeprefix("Input ").lower(), value=value)


def _refused(path: Path, value: str, detail: ErrorDetails) -> Problem:
    context = dict(detail["ctx"])
    replacement = context.pop("replacement", NO_REPLACEMENT)
    if replacement is NO_REPLACEMENT:
        return Problem(detail["type"], path, value=value, **context)
    return Problem(detail["type"], path, value=value, **context, sure=True, edit=Edit("replace", path, replacement))


def _wrong_type(path: Path, value: str, detail: ErrorDetails) -> Problem:
    wanted, given = _TYPES[detail["type"]], detail["input"]
    problem = Problem(codes.WRONG_TYPE, path, f"this is {_kind(given)}", value=value, allowed=wanted)
    meant = _converted(detail["type"], given)
    if meant is None:
        return problem
    return replace(problem, remedy=f"write {shown(meant)}", sure=True, edit=Edit("replace", path, meant))


def _converted(kind: str, given: object) -> Any:
    """The value that was surely meant by one of the wrong type: "2" for a whole number is 2, one name for a list of
    names is a list of it."""
    if kind in ("int_type", "int_from_float"):
        return _whole(given)
    if kind == "list_type" and isinstance(given, str) and given:
        return [given]
    if kind == "string_type" and isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    return None


def _whole(given: object) -> int | None:
    if isinstance(given, str) and re.fullmatch(r"\s*\d{1,9}\s*", given, re.ASCII):
        return int(given)
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return None


def _not_a_choice(path: Path, value: str, detail: ErrorDetails) -> Problem:
    allowed = [choice.strip().strip("'") for choice in re.split(r", | or ", detail["ctx"]["expected"])]
    problem = Problem(codes.OUT_OF_RANGE, path, "this is none of the choices", value=value, allowed=", ".join(allowed))
    near = nearest_choice(str(detail["input"]), allowed)
    if near is None:
        return problem
    return replace(problem, remedy=f"write {near}", sure=True, edit=Edit("replace", path, near))


def nearest_choice(given: str, choices: Iterable[str]) -> str | None:
    """The one choice that was surely meant: the same letters in another case or with other separators, else one near
    spelling."""
    choices = list(choices)
    plain = {_letters(choice): choice for choice in choices}
    if _letters(given) in plain:
        return plain[_letters(given)]
    near = difflib.get_close_matches(_letters(given[:80]), list(plain), n=2, cutoff=0.75)
    return plain[near[0]] if len(near) == 1 else None


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def shown_at(path: Path, value: object) -> str:
    """The value for a message; never one of the environment's, which may be a secret, nor a whole section."""
    if HIDDEN_SECTIONS.intersection(path):
        return f"(hidden, {len(str(value))} characters)"
    return shown(value)


def _unknown(path: Path, value: object, data: Mapping[Any, Any], words: Vocabulary) -> Problem:
    section = _section(path)
    if reason := lookup(words.owned, section):
        return Problem(codes.RESERVED, path, reason, remedy="leave the line out", sure=True, edit=Edit("remove", path))
    if reason := lookup(words.not_supported, section):
        problem = f"not supported yet: {reason}"
        value_shown = shown_at(path, value)
        fix = "leave the line out"
        return Problem(codes.NOT_SUPPORTED, path, problem, value_shown, None, fix, sure=True, edit=Edit("remove", path))
    near = words.nearest(section[:-1], section[-1])
    if near is None:
        known = sorted(words.known(section[:-1]))
        allowed = ", ".join(known) if 0 < len(known) <= _LISTED else None
        fix = "leave the line out" + ("" if allowed or not known else "; docs/run-request.schema.json has every name")
        return Problem(codes.UNKNOWN_FIELD, path, "unknown field", None, allowed, fix, edit=Edit("remove", path))
    said = near[-1] if near[:-1] == section[:-1] else ".".join(near)
    problem = f"unknown field; did you mean {said}?"
    return Problem(
        codes.UNKNOWN_FIELD,
        path,
        problem,
        remedy=f"write {said}",
        sure=not is_there(data, near),
        edit=Edit("rename", path, near),
    )


def is_there(data: object, path: Path) -> bool:
    """Whether a document has something at this path."""
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return False
        data = data[part]
    return True


def _not_misspelt(found: list[Problem]) -> list[Problem]:
    """Without what is missing only because it is misspelt, which is said already."""
    meant = {problem.edit.value for problem in found if problem.edit and problem.edit.op == "rename"}
    return [problem for problem in found if problem.code != codes.MISSING or problem.path not in meant]


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
