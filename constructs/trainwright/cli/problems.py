"""How every command says what is wrong: a line each on standard error, or one JSON object on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from trainwright.cli.errors import AwsFailed, BadInput

if TYPE_CHECKING:
    from trainwright_runtime.problems import Problem


@dataclass(frozen=True)
class Located:
    """A problem and where it stands; `place` is line and column from 1, None for what no file holds (an option)."""

    problem: Problem
    file: str
    place: tuple[int, int] | None = (1, 1)

    def __str__(self) -> str:
        """``run.yaml:17:3 TW102 compute.instace_type: unknown field; did you mean compute.instance_type?``"""
        where = f"{self.file}:{self.place[0]}:{self.place[1]}" if self.place else self.file
        return f"{where} {self.problem.sentence()}"

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it; every key always there."""
        problem = self.problem
        line, column = self.place or (None, None)
        said = [problem.problem]
        said += [f"given: {problem.value}"] if problem.value is not None else []
        said += [f"allowed: {problem.allowed}"] if problem.allowed else []
        return {
            "code": problem.code,
            "line": line,
            "column": column,
            "field": problem.field,
            "problem": "; ".join(said),
            "fix": problem.remedy,
            "sure": problem.sure,
            "edit": problem.edit.to_dict() if problem.edit else None,
        }


def in_order(found: Iterable[Located]) -> list[Located]:
    """By file and place, what stands nowhere last; each once."""
    return sorted(dict.fromkeys(found), key=lambda each: (each.place is None, each.file, each.place or (0, 0)))


@contextmanager
def exit_codes(*, as_json: bool = False, consequence: str = "") -> Iterator[None]:
    """Turn what ends a command into words and its exit code: 2 for bad input, 1 for AWS.

    `consequence` follows the number of problems, for commands that would have started something.
    """
    try:
        yield
    except BadInput as error:
        show(error.problems, as_json=as_json, consequence=consequence)
        raise typer.Exit(error.exit_code) from error
    except AwsFailed as error:
        typer.echo(printable(str(error)), err=True)
        raise typer.Exit(error.exit_code) from error


def show(problems: list[str | Located], *, as_json: bool = False, consequence: str = "") -> None:
    """Print every problem and how many there are; with `as_json` an object on standard output and nothing else."""
    if as_json:
        typer.echo(json.dumps({"problems": [_entry(each) for each in problems]}, indent=2))
        return
    for each in problems:
        typer.echo(printable(str(each)), err=True)
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}."
    typer.echo(f"{count} {consequence}".rstrip(), err=True)


def printable(text: str) -> str:
    """`text` on one line, its control characters (those that move a terminal's cursor or turn the direction of writing)
    spelled out: what users and logs say must not draw on the terminal.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _entry(problem: str | Located) -> dict[str, Any]:
    if isinstance(problem, Located):
        return problem.to_dict()
    empty = dict.fromkeys(("code", "line", "column", "field"))
    return {**empty, "problem": problem, "fix": None, "sure": False, "edit": None}
