"""`trainwright diagnose`: why a training job failed, from texts that somebody has. Offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainwright.cli.errors import BadInput
from trainwright.cli.problems import printable
from trainwright_runtime.diagnosis import Diagnosis, Texts, diagnose
from trainwright_runtime.outcome import Outcome

WIDTH = 100
BAD_LINES = 2
EXAMPLE = '{"id": "1", "text": "ClientError: ...", "surface": "FailureReason"}'


@dataclass(frozen=True)
class Case:
    """A text to diagnose: `id` as it was given (None: none), `surface` where it was seen."""

    id: Any
    text: str
    surface: str = ""


@dataclass(frozen=True)
class BadLine:
    """A line that is no case, by its number from 1."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.why}"


def command(file: Path | None, *, as_json: bool) -> int:
    """Print the diagnosis of each case of `file` (None: standard input); the exit code, 2 where a line was no case.

    Raises:
        BadInput: the file cannot be read.
    """
    content = _content(file)
    if not as_json and not content.strip():
        raise BadInput("there is no text to diagnose")
    found = list(lines(content)) if as_json or _has_cases(content) else [Case(None, content)]
    diagnosed = [(each, diagnosis_of(each)) for each in found if isinstance(each, Case)]
    if as_json:
        for case, diagnosis in diagnosed:
            typer.echo(json.dumps(as_object(case, diagnosis)))
    else:
        _show(diagnosed)
    bad = [each for each in found if isinstance(each, BadLine)]
    for each in bad:
        typer.echo(printable(str(each)), err=True)
    return BAD_LINES if bad else 0


def lines(content: str) -> Iterator[Case | BadLine]:
    """The cases of JSON lines, and the lines that are none."""
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield _case(line, number)


def diagnosis_of(case: Case) -> Diagnosis:
    """What the platform would say of such a text: what it knows of a job besides its texts is not there."""
    refused = case.surface.casefold().startswith("api exception (create")
    return diagnose(texts_of(case), Outcome.INVALID if refused else Outcome.FAILED)


def texts_of(case: Case) -> Texts:
    """The text in the place that its surface names: a log is read line by line; the rest is what AWS said, be it a
    reason, an answer of the API or a cause of Step Functions."""
    surface = case.surface.casefold()
    said = ("reason", "api", "sdk", "step functions", "describe")
    if "log" in surface and not any(word in surface for word in said):
        return Texts(log_tail=tuple(case.text.split("\n")))
    return Texts(failure_reason=case.text)


def as_object(case: Case, diagnosis: Diagnosis) -> dict[str, Any]:
    """As ``--json`` prints it."""
    return {"id": case.id, "label": diagnosis.label, "retry": diagnosis.retry, "remedy": diagnosis.remedy}


def _has_cases(content: str) -> bool:
    return any(isinstance(each, Case) for each in lines(content))


def _content(file: Path | None) -> str:
    try:
        if file is None or str(file) == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace")
        return file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error


def _case(line: str, number: int) -> Case | BadLine:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"no JSON: {error}")
    if not isinstance(given, Mapping):
        return BadLine(number, f"not an object such as {EXAMPLE}")
    text, surface = given.get("text"), given.get("surface")
    if not isinstance(text, str):
        return BadLine(number, '"text" is missing or no string')
    return Case(given.get("id"), text, surface if isinstance(surface, str) else "")


def _show(diagnosed: list[tuple[Case, Diagnosis]]) -> None:
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    if len(diagnosed) == 1:
        console.print(_one(*diagnosed[0]))
    elif diagnosed:
        console.print(_table(diagnosed))


def _one(case: Case, diagnosis: Diagnosis) -> Table:
    rows = {
        "Id": None if case.id is None else str(case.id),
        "Cause": f"{diagnosis.label}: {diagnosis.summary}",
        "Whose fault": diagnosis.fault.value,
        "Retry": diagnosis.retry,
        "What to do": diagnosis.remedy,
        "Evidence": diagnosis.evidence,
    }
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, _plain(value))
    return table


def _table(diagnosed: list[tuple[Case, Diagnosis]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Id", "Label", "Retry"):
        table.add_column(heading, overflow="fold")
    table.add_column("What to do", overflow="fold", ratio=1)
    for case, diagnosis in diagnosed:
        shown = "" if case.id is None else str(case.id)
        table.add_row(_plain(shown), _plain(diagnosis.label), _plain(diagnosis.retry), _plain(diagnosis.remedy))
    return table


def _plain(text: str) -> Text:
    """Without markup and without what would draw on a terminal."""
    return Text(printable(text))
