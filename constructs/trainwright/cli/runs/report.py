"""`trainwright report`: where a run's page is, the page as a file, or a link to it that lives for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from botocore.exceptions import ClientError

from trainwright.cli import teams
from trainwright.cli.aws import Aws, code, in_words
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import printable
from trainwright.cli.runs import presigned, records
from trainwright.cli.runs.again import RUN_ID
from trainwright.cli.teams import Team
from trainwright_runtime import record as run_records
from trainwright_runtime import run_index
from trainwright_runtime.report.links import console
from trainwright_runtime.spec import run_prefix

PAGE, ALL = "report.html", "runs.html"


def show(
    named: str | None, *, team: str | None, output: Path | None = None, presign: str | None = None, browse: bool = False
) -> int:
    """The exit code, 0. BadInput where there is no such run, or it has no page yet."""
    seconds = presigned.seconds(presign) if presign is not None else None
    aws = Aws()
    with in_words():
        match = RUN_ID.fullmatch(named or "")
        chosen = teams.find(aws.client("ssm"), team or (match["team"] if match else None))
        run = named if named and match else _run(aws, chosen, named)
        key = f"{run_prefix(run)}{PAGE}"
        _check(aws, chosen, run, key)
        if seconds is not None:
            _print_link(aws, chosen, key, seconds)
            return 0
        if output is not None:
            _download(aws, chosen, key, output)
            return 0
    _print_places(chosen, run, key, browse=browse)
    return 0


def _run(aws: Aws, team: Team, named: str | None) -> str:
    """A run's id, from its execution's name or ARN, from its own name (the last one that has ended), or from nothing
    (the last of all)."""
    if named is None:
        return _last(aws, team)
    execution = named if named.startswith("arn:") else team.execution_arn(named)
    if alias := records.of_run(aws, team, run_records.alias_key(execution)):
        return str(alias["target"])
    found = records.of_run(aws, team, run_index.name_key(named)) or {}
    if ended := found.get("runs"):
        return str(ended[-1]["run"])
    raise BadInput(f"{printable(named)}: team {team.name} has no such run; `trainwright list` shows what there is")


def _last(aws: Aws, team: Team) -> str:
    for month in run_index.months(datetime.now(UTC).isoformat()):
        if lines := run_index.newest(_pages(aws, team, month)):
            return str(max(lines, key=_ended)["run"])
    raise BadInput(f"no run of team {team.name} has ended in the last {run_index.MONTHS} months")


def _ended(line: Mapping[str, Any]) -> str:
    return line["ended_at"] or ""


def _pages(aws: Aws, team: Team, month: str) -> Iterator[Mapping[str, Any]]:
    for number in range(1, run_index.PAGES + 1):
        item = records.of_run(aws, team, run_index.key(month, number))
        if item is None:
            return
        yield item
        if not run_index.is_full(item):
            return


def _check(aws: Aws, team: Team, run: str, key: str) -> None:
    try:
        aws.client("s3").head_object(Bucket=team.reports_bucket, Key=key)
    except ClientError as error:
        if code(error) in ("404", "NoSuchKey"):
            raise BadInput(
                f"{run}: there is no {PAGE} of this run; it is written when the run ends, and `trainwright list` shows "
                "what there is"
            ) from error
        raise


def _print_places(team: Team, run: str, key: str, *, browse: bool) -> None:
    address = f"s3://{team.reports_bucket}/{key}"
    known = console(team.state_machine_arn)
    link = known.s3(address) if known else None
    typer.echo(f"Run {run}")
    typer.echo(f"Page: {address}")
    if link:
        typer.echo(f"Console: {link}")
    typer.echo(f"All runs: s3://{team.reports_bucket}/{ALL}")
    if browse and link:
        typer.launch(link)


def _download(aws: Aws, team: Team, key: str, output: Path) -> None:
    content = aws.client("s3").get_object(Bucket=team.reports_bucket, Key=key)["Body"].read()
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(f"--output {output}: {error.strerror}") from error
    typer.echo(f"The page is in {output}.")


def _print_link(aws: Aws, team: Team, key: str, seconds: int) -> None:
    """The link alone on standard output, for scripts; what is to be known of it beside."""
    link = presigned.link(aws.region, team.reports_bucket, key, seconds)
    typer.echo(link.url)
    for line in link.said(seconds):
        typer.echo(line, err=True)
