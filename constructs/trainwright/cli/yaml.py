"""YAML 1.2 with the place of every value, so that a mistake can be pointed at.

PyYAML reads YAML 1.1, in which `3e-4` is text, `4:30` is 270 and `no` is false; and it forgets where things stood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import ScalarNode

from trainwright.cli.errors import BadInput
from trainwright_runtime.problems import dotted

Place = tuple[int, int]
KeyPath = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file as plain data.

    Args:
        file: its name as the user gave it.
        value: dicts, lists, text, numbers, booleans and None.
        places: line and column, counted from 1, of every value, by its path.
    """

    file: str
    value: Any
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Where the value at `path` stands, or the nearest thing around it that is there."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def where(self, path: KeyPath) -> str:
        """The same as text: ``run.yaml:7:3``."""
        line, column = self.place(path)
        return f"{self.file}:{line}:{column}"


class _Constructor(RoundTripConstructor):
    """Dates stay the text they are: JSON has no dates, and YAML 1.2's core schema has none either."""


def _as_text(_constructor: RoundTripConstructor, node: ScalarNode) -> str:
    return str(node.value)


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def read(file: Path) -> Document:
    """Read one YAML document; raises BadInput with line and column where it is not one that JSON can say."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, str(file))


def parse(text: str, file: str) -> Document:
    """As `read`, for text that is already here."""
    reader = YAML(typ="rt", pure=True)
    reader.Constructor = _Constructor
    try:
        loaded = reader.load(text)
    except MarkedYAMLError as error:
        raise BadInput(_syntax(file, error)) from error
    document = Document(file, None, {(): (1, 1)})
    problems: list[str] = []
    document.value = _plain(loaded, (), document, problems)
    if problems:
        raise BadInput(problems)
    return document


def _syntax(file: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    problem = " ".join((error.problem or error.context or "not YAML").split())
    return f"{place} is not valid YAML: {problem}"


def _plain(value: Any, path: KeyPath, document: Document, problems: list[str]) -> Any:
    if isinstance(value, CommentedMap):
        return _plain_map(value, path, document, problems)
    if isinstance(value, CommentedSeq):
        return _plain_list(value, path, document, problems)
    return _plain_scalar(value, path, document, problems)


def _plain_map(value: CommentedMap, path: KeyPath, document: Document, problems: list[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for key, item in value.items():
        name = _text(str(key))
        inner = (*path, name)
        if key in value.lc.data:
            line, column = value.lc.key(key)
            document.places[inner] = (line + 1, column + 1)
        if not isinstance(key, str):
            problems.append(f'{document.where(inner)} {key}: a key must be text; write "{key}"')
        answer[name] = _plain(item, inner, document, problems)
    return answer


def _plain_list(value: CommentedSeq, path: KeyPath, document: Document, problems: list[str]) -> list[Any]:
    for index in range(len(value)):
        line, column = value.lc.item(index)
        document.places[(*path, index)] = (line + 1, column + 1)
    return [_plain(item, (*path, index), document, problems) for index, item in enumerate(value)]


def _text(value: str) -> str:
    """JSON, which YAML includes, may write one character as two escapes; YAML readers leave them two."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain_scalar(value: Any, path: KeyPath, document: Document, problems: list[str]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _text(value)
    shown = f"the tag {value.tag}" if isinstance(value, TaggedScalar) else f"{value}"
    problems.append(
        f"{document.where(path)} {dotted(path)}: {shown} cannot be said in JSON; write plain text or a number"
    )
    return None
