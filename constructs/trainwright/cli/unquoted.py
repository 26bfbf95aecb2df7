"""Numbers and dates without quotes where text is meant: `framework: 2.10` would ask for 2.1, and nobody would know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from trainwright.cli.yaml import Document, KeyPath
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Edit, Path, Problem
from trainwright_runtime.request import edited, json_schema
from trainwright_runtime.units import scalar_text

Check = Callable[[object], list[Problem]]

_TEXT_SECTIONS = frozenset({"environment", "tags"})
"""Sections whose values are text on their way to SageMaker although the request takes numbers there. Hyperparameters
are not: `1.10` there is the number 1.1."""

_SETTINGS = frozenset({(), ("default",), ("always",)})
"""Where settings stand: a run request is settings, a team policy holds them in two places."""

_PLAIN = re.compile(r"[-+]?[0-9_]*\.?[0-9_]*|0[xob][0-9a-fA-F_]+", re.ASCII)


def replaced(document: Document, found: Iterable[Problem], check: Check) -> list[Problem]:
    """`found`, the problems of the document's value, with those that quotes would mend said as that, and with what
    would lose its spelling without quotes. `check` answers the problems of a value.
    """
    kept = list(found)
    by_path = {problem.path: problem for problem in kept}
    for path, text in document.numbers.items():
        before = by_path.get(path)
        if before and path and _is_meant_as_text(path, before):
            kept[kept.index(before)] = _problem(document, path, text, check)
        elif not before and _is_text_to_sagemaker(path) and _loses_its_spelling(document, path, text):
            kept.append(_problem(document, path, text, check))
    dates = [path for path in document.dates if path not in by_path]
    return kept + [_problem(document, path, document.dates[path], check) for path in dates]


def _problem(document: Document, path: KeyPath, text: str, check: Check) -> Problem:
    """The fix is sure when the text in quotes is accepted there."""
    if path in document.dates:
        problem = "readers of YAML do not agree on what a date without quotes is"
    else:
        value = _at(document.value, path)
        read = scalar_text(value)
        lost = "" if read == text else f"; {text} is the same number as {read}"
        problem = f"this is a number, and text is meant{lost}"
    edit = Edit("replace", path, text)
    sure = _is_accepted(edited(document.value, edit), path, check)
    quoted = json.dumps(text, ensure_ascii=False)
    return Problem(codes.UNQUOTED, path, problem, value=text, remedy=f"write {quoted}, in quotes", sure=sure, edit=edit)


def _is_accepted(value: Any, path: Path, check: Check) -> bool:
    """Whether nothing is wrong at `path` in the value, nor in a whole request that has this one field of it: a request
    that cannot be read for other reasons does not tell.
    """
    alone = {"name": "one", "compute": {"instance_type": "ml.m5.large"}, path[0]: value[path[0]]}
    return not any(again.path[: len(path)] == path for tried in (value, alone) for again in check(tried))


def _is_meant_as_text(path: KeyPath, problem: Problem) -> bool:
    """A number that was refused where no number is taken; what misses its unit only is no text."""
    kinds = _kinds_at(_schema(), path)
    return problem.code != codes.UNIT_MISSING and "string" in kinds and kinds.isdisjoint(("number", "integer"))


def _is_text_to_sagemaker(path: KeyPath) -> bool:
    return path[:-2] in _SETTINGS and path[-2:-1] != () and path[-2] in _TEXT_SECTIONS


def _loses_its_spelling(document: Document, path: KeyPath, text: str) -> bool:
    """`1.10` and `0471` do, `1e-1` is a number and nothing else."""
    return _PLAIN.fullmatch(text) is not None and scalar_text(_at(document.value, path)) != text


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _kinds_at(schema: Mapping[str, Any], path: KeyPath) -> set[str]:
    """JSON's kinds of value that the request's schema takes at `path`; none where it does not say."""
    nodes = [schema]
    for part in path:
        nodes = [below for node in nodes for below in _below(schema, node, part)]
    return {kind for node in nodes for choice in _choices(schema, node) for kind in _kinds(choice)}


def _below(root: Mapping[str, Any], node: Mapping[str, Any], part: str | int) -> Iterator[Mapping[str, Any]]:
    for choice in _choices(root, node):
        named = choice.get("properties", {}).get(part) if isinstance(part, str) else choice.get("items")
        rest = choice.get("additionalProperties") if isinstance(part, str) else None
        if isinstance(found := named if named is not None else rest, Mapping):
            yield found


def _choices(root: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema's alternatives, references followed."""
    if reference := node.get("$ref"):
        yield from _choices(root, root["$defs"][reference.rpartition("/")[2]])
        return
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    for alternative in alternatives:
        yield from _choices(root, alternative)
    if not alternatives:
        yield node


def _kinds(choice: Mapping[str, Any]) -> list[str]:
    """A choice between words says what it takes by the words."""
    if "enum" in choice or "const" in choice:
        return ["string"]
    kinds = choice.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)
