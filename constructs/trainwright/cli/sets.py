"""`--set compute.instance_count=2`: a field of the request given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import Located
from trainwright.cli.yaml import Document


def apply(document: Document, texts: Sequence[str]) -> Document:
    """The document with every `PATH=VALUE` of `texts` put in place; BadInput for what cannot be read or placed.

    The value is YAML. Whether the field exists is for the check to say: it names `--set ...` as the place.
    """
    for text in texts:
        document = _applied(document, text)
    return document


def _applied(document: Document, text: str) -> Document:
    option = f"--set {text}"
    name, equals, value = text.partition("=")
    path = tuple(name.split("."))
    if not equals or not all(path):
        raise BadInput(f"{option}: write --set FIELD=VALUE, for example --set compute.instance_count=2")
    given = _value(value, option)
    for outer in range(1, len(path)):
        inside = _at(document.value, path[:outer])
        if inside is not None and not isinstance(inside, dict):
            raise BadInput(f"{option}: {'.'.join(path[:outer])} is no section in {document.file}; set it as a whole")
    if not isinstance(document.value, dict | None):
        return document
    document.forget(path)
    return replace(
        document,
        value=_with(document.value or {}, path, given.value),
        aside={known: said for known, said in document.aside.items() if known[: len(path)] != path} | {path: option},
        numbers=document.numbers | {(*path, *below): number for below, number in given.numbers.items()},
        dates=document.dates | {(*path, *below): date for below, date in given.dates.items()},
        problems=[*document.problems, *given.problems],
    )


def _value(text: str, option: str) -> Document:
    try:
        given = yaml.parse(text, option)
    except BadInput as error:
        raise BadInput([_aside(each, option) for each in error.problems]) from error
    return replace(given, problems=[_aside(each, option) for each in given.problems])


def _aside(problem: str | Located, option: str) -> Located:
    """A problem of the value as one of the option: it has no line of its own."""
    assert isinstance(problem, Located)  # noqa: S101 - the reader of documents raises no other
    return replace(problem, file=option, place=None)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _with(section: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    head, *rest = path
    return section | {head: _with(section.get(head) or {}, tuple(rest), value) if rest else value}
