"""`trainwright list`: a team's runs, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainwright.cli import teams
from trainwright.cli.aws import Aws, in_words, is_denied
from trainwright.cli.problems import printable
from trainwright.cli.rendering import to_json
from trainwright.cli.runs import records
from trainwright.cli.teams import Team
from trainwright_runtime.facts import run_id

Row = dict[str, Any]


def show(*, team: str | None, most: int, as_json: bool) -> int:
    """Print them; the exit code is 0."""
    aws = Aws()
    with in_words():
        chosen = teams.find(aws.client("ssm"), team)
        found = rows(aws, chosen, most)
    if as_json:
        typer.echo(to_json({"team": chosen.name, "runs": found}))
    elif not found:
        typer.echo(f"Team {chosen.name} has no runs yet.")
    else:
        Console(highlight=False).print(_table(found))
    return 0


def rows(aws: Aws, team: Team, most: int) -> list[Row]:
    """An entry for each execution, with what the run record adds; every key always there."""
    listed = aws.client("stepfunctions").list_executions(stateMachineArn=team.state_machine_arn, maxResults=most)
    found = []
    readable = True
    for execution in listed["executions"]:
        record = None
        if readable:
            try:
                record = records.of_execution(aws, team, execution)
            except ClientError as error:
                if not is_denied(error):
                    raise
                readable = False
        found.append(_row(team, execution, record or {}))
    return found


def _row(team: Team, execution: dict[str, Any], record: records.Record) -> Row:
    started, ended = execution["startDate"], execution.get("stopDate")
    attempts = (record.get("attempts") or {}).values()
    billed = [each["billable_seconds"] for each in attempts if each.get("billable_seconds") is not None]
    settled = record.get("status") not in (None, "RUNNING")
    return {
        "run": run_id(execution["executionArn"], started, team.name),
        "name": record.get("name"),
        "execution": execution["executionArn"],
        "status": record["status"] if settled else execution["status"],
        "started_at": _iso(started),
        "ended_at": _iso(ended) if ended else None,
        "attempts": len(attempts),
        "billable_seconds": sum(billed) if billed else None,
        "model": record.get("model"),
    }


def _table(found: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("RUN", "EXECUTION", "STATUS", "STARTED", "TOOK", "BILLED"):
        table.add_column(column, no_wrap=column != "EXECUTION", overflow="fold")
    for row in found:
        billed = f"{row['billable_seconds']} s" if row["billable_seconds"] is not None else ""
        cells = [row["run"], row["execution"].rpartition(":")[2], row["status"]]
        cells += [row["started_at"][:16].replace("T", " "), _took(row), billed]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _took(row: Row) -> str:
    """Hours and minutes between start and end, or until now."""
    end = datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else datetime.now(UTC)
    seconds = max(0, int((end - datetime.fromisoformat(row["started_at"])).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
