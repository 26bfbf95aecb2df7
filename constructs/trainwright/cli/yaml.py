"""YAML 1.2, of which JSON is a part, with the place of every value, so that a mistake can be pointed at.

PyYAML reads YAML 1.1, in which `3e-4` is text, `4:30` is 270 and `no` is false; it forgets where things stood, and of
two keys of one name it silently drops the first.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Problem, shown

Place = tuple[int, int]
KeyPath = tuple[str | int, ...]

STDIN = "<stdin>"
MOST_VALUES = 100_000
"""A run request may be 256 KiB (StartExecution, API reference); aliases make more values of less text."""

_TAG = "tag:yaml.org,2002:"
_TEXT, _NULL, _DATE, _MERGE = f"{_TAG}str", f"{_TAG}null", f"{_TAG}timestamp", f"{_TAG}merge"
_NUMBERS = (f"{_TAG}int", f"{_TAG}float")
_SCALARS = (*_NUMBERS, f"{_TAG}bool")


@dataclass
class Document:
    """A YAML or JSON file as plain data.

    Args:
        file: its name as the user gave it.
        value: dicts, lists, text, numbers, booleans and None.
        places: line and column, counted from 1, of every value, by its path.
        numbers: the text of every number that is written without quotes, by its path.
        dates: the same of every date or time.
        problems: what cannot be meant, although the rest could be read.
        aside: what did not come from the file, by its path, and how it was given: `--set compute.spot=true`.
    """

    file: str
    value: Any = None
    places: dict[KeyPath, Place] = field(default_factory=lambda: {(): (1, 1)})
    numbers: dict[KeyPath, str] = field(default_factory=dict)
    dates: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Located] = field(default_factory=list)
    aside: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Where the value at `path` stands, or the nearest thing around it that is there."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def located(self, problem: Problem) -> Located:
        """The problem with its place: in the file, or in what was given beside it."""
        for length in range(len(problem.path), 0, -1):
            if given := self.aside.get(problem.path[:length]):
                return Located(problem, given, None)
            if problem.path[:length] in self.places:
                break
        return Located(problem, self.file, self.place(problem.path))

    def where(self, path: KeyPath) -> str:
        """The place as text: ``run.yaml:7:3``."""
        line, column = self.place(path)
        return f"{self.file}:{line}:{column}"

    def forget(self, path: KeyPath) -> None:
        """Forget what was read at `path` and below it."""
        for table in (self.places, self.numbers, self.dates):
            for known in [known for known in table if known[: len(path)] == path]:
                del table[known]


def read(file: Path) -> Document:
    """Read one document, `-` from standard input; BadInput with line and column where it is not YAML or JSON."""
    name = STDIN if str(file) == "-" else str(file)
    try:
        content = sys.stdin.buffer.read() if name == STDIN else file.read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise _not_well_formed(name, (line, column), "this is not UTF-8 text") from error
    return parse(_json_text(text, name) if file.suffix == ".json" else text, name)


def parse(text: str, file: str) -> Document:
    """As `read`, for text that is already here."""
    reader = YAML(typ="safe", pure=True)
    document = Document(file)
    try:
        node = reader.compose(text)
        document.value = None if node is None else _Reading(document, reader.constructor).value(node, ())
    except YAMLError as error:
        raise _syntax(file, text, error) from error
    except RecursionError as error:
        raise _not_well_formed(file, (1, 1), "this is nested too deeply") from error
    return document


def _json_text(text: str, file: str) -> str:
    """Refuse what is not JSON in a file that says it is; YAML takes no tabs between values, JSON has them nowhere
    else.
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise _not_well_formed(file, (error.lineno, error.colno), f"this is not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise _not_well_formed(file, (1, 1), "this is nested too deeply") from error
    return text.replace("\t", " ")


def _syntax(file: str, text: str, error: YAMLError) -> BadInput:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        return _not_well_formed(file, place, f"this is not valid YAML: {error.reason}")
    problem, place = str(error), (1, 1)
    if isinstance(error, MarkedYAMLError):
        problem = error.problem or error.context or "it cannot be read"
        if mark := error.problem_mark or error.context_mark:
            place = (mark.line + 1, mark.column + 1)
    return _not_well_formed(file, place, f"this is not valid YAML: {' '.join(problem.split())}")


def _not_well_formed(file: str, place: Place, problem: str) -> BadInput:
    return BadInput([Located(Problem(codes.NOT_WELL_FORMED, (), problem), file, place)])


class _Reading:
    """Turns YAML's nodes into plain data, noting places and what cannot be meant."""

    def __init__(self, document: Document, constructor: Any) -> None:
        self._document = document
        self._constructor = constructor
        self._open: list[Node] = []
        self._count = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _not_well_formed(self._document.file, self._document.place(path), f"over {MOST_VALUES:,} values")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if any(node is outer for outer in self._open):
            return self._complain(path, node, codes.NOT_WELL_FORMED, "an alias of what it stands in has no end")
        self._open.append(node)
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self._open.pop()

    def _sequence(self, node: Node, path: KeyPath) -> list[Any]:
        for index, item in enumerate(node.value):
            self._document.places[*path, index] = _place(item)
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: Node, path: KeyPath) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        first: dict[str, Place] = {}
        for key, item in self._merged(node, path):
            inner = (*path, self._key(key))
            answer[str(inner[-1])] = self._entry(key, item, inner)
        for key, item in node.value:
            if key.tag == _MERGE:
                continue
            name = self._key(key)
            inner = (*path, name)
            if name in first:
                self._duplicate(inner, first[name], _place(key))
            first.setdefault(name, _place(key))
            if name in answer:
                self._document.forget(inner)
            answer[name] = self._entry(key, item, inner)
        return answer

    def _merged(self, node: Node, path: KeyPath) -> Iterator[tuple[Node, Node]]:
        """The entries of what `<<` merges into a mapping, those of the first mapping named last: they win."""
        for key, item in node.value:
            if key.tag != _MERGE:
                continue
            sources = item.value if isinstance(item, SequenceNode) else [item]
            if not all(isinstance(source, MappingNode) for source in sources):
                self._complain(path, key, codes.WRONG_TYPE, "<< takes a section, or a list of sections")
                continue
            for source in reversed(sources):
                yield from (entry for entry in source.value if entry[0].tag != _MERGE)

    def _entry(self, key: Node, item: Node, path: KeyPath) -> Any:
        self._document.places[path] = _place(key)
        if not isinstance(key, ScalarNode):
            self._complain(path, key, codes.WRONG_TYPE, "a name must be text")
        elif key.tag not in (_TEXT, _DATE) and not key.style:
            self._unquoted_name(path, key)
        return self.value(item, path)

    def _key(self, key: Node) -> str:
        return _sound(key.value) if isinstance(key, ScalarNode) else "?"

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        if node.tag == _NULL:
            return None
        if node.tag in (_TEXT, _DATE, _MERGE):
            if node.tag == _DATE and not node.style:
                self._document.dates[path] = node.value
            return _sound(node.value)
        if node.tag not in _SCALARS:
            tag = str(node.tag).removeprefix(_TAG)
            return self._complain(path, node, codes.WRONG_TYPE, f"the tag {tag} cannot be said in JSON")
        return self._number(node, path)

    def _number(self, node: ScalarNode, path: KeyPath) -> Any:
        try:
            value = self._constructor.construct_object(node)
        except ValueError:  # Python reads no whole numbers of over 4,300 digits
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            return self._complain(path, node, codes.WRONG_TYPE, "this number cannot be said in JSON")
        if node.tag in _NUMBERS and not node.style:
            self._document.numbers[path] = node.value
        return value

    def _duplicate(self, path: KeyPath, first: Place, second: Place) -> None:
        problem = f"this stands here twice; the first is in line {first[0]}"
        self._note(Problem(codes.DUPLICATE_KEY, path, problem, remedy="keep one of the two"), second)

    def _unquoted_name(self, path: KeyPath, key: ScalarNode) -> None:
        quoted = json.dumps(_sound(key.value), ensure_ascii=False)
        problem = Problem(
            codes.WRONG_TYPE, path, "a name must be text", value=key.value, remedy=f"write {quoted}", sure=True
        )
        self._note(problem, _place(key))

    def _complain(self, path: KeyPath, node: Node, code: str, problem: str) -> None:
        value = shown(_sound(node.value)) if isinstance(node, ScalarNode) else None
        self._note(Problem(code, path, problem, value=value, allowed="what JSON can say"), _place(node))

    def _note(self, problem: Problem, place: Place) -> None:
        self._document.problems.append(Located(problem, self._document.file, place))


def _place(node: Node) -> Place:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _sound(text: str) -> str:
    """JSON may write one character as two escapes; YAML readers leave them two."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
