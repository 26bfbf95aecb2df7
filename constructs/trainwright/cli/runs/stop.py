"""`trainwright stop`: end a run's execution; the platform then stops its job and writes its record and report."""

from __future__ import annotations

import re

import typer

from trainwright.cli import teams
from trainwright.cli.aws import Aws, in_words
from trainwright.cli.errors import BadInput
from trainwright.cli.runs import records
from trainwright.cli.runs.again import RUN_ID
from trainwright.cli.runs.start import can_ask
from trainwright.cli.teams import Team

_EXECUTION = re.compile(r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:execution:[^:]+:[^:]+", re.ASCII)


def stop(named: str, *, team: str | None, yes: bool) -> int:
    """The exit code, 0. BadInput where nothing is to be stopped."""
    aws = Aws()
    with in_words("Nothing was stopped."):
        execution = _execution(aws, named, team)
        status = _status(aws, execution)
    name = execution.rpartition(":")[2]
    if status is None:
        raise BadInput(f"{named}: there is no such run in {aws.region}; `trainwright list` shows what there is")
    if status != "RUNNING":
        typer.echo(f"{name} has ended already: {status}.")
        return 0
    if not yes and not can_ask():
        raise BadInput("nobody can be asked, because this is no terminal: add --yes to stop the run without a question")
    if not yes and not typer.confirm(f"Stop {name}?", default=False):
        typer.echo("Nothing was stopped.")
        return 1
    with in_words("The run goes on."):
        aws.client("stepfunctions").stop_execution(
            executionArn=execution, error="StoppedByUser", cause="Somebody stopped this run with `trainwright stop`."
        )
    typer.echo(f"{name} is being stopped: its job gets SIGTERM and 120 seconds; record and report follow.")
    return 0


def _execution(aws: Aws, named: str, team: str | None) -> str:
    """The ARN of what is named: an execution's ARN, a run's id, or an execution's name."""
    if _EXECUTION.fullmatch(named):
        return named
    if match := RUN_ID.fullmatch(named):
        chosen = teams.find(aws.client("ssm"), team or match["team"])
        if record := records.of_run(aws, chosen, named):
            return str(record["execution_arn"])
        raise BadInput(f"{named}: team {chosen.name} has no such run; `trainwright list` shows what there is")
    return _team(aws, team).execution_arn(named)


def _team(aws: Aws, wanted: str | None) -> Team:
    return teams.find(aws.client("ssm"), wanted)


def _status(aws: Aws, execution: str) -> str | None:
    """None where there is no such execution."""
    client = aws.client("stepfunctions")
    try:
        return str(client.describe_execution(executionArn=execution)["status"])
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
        return None
