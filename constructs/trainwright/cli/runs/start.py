"""`trainwright run`: check, show, ask, upload, start, watch, and end with the run's own verdict."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from trainwright.cli import planning, requests, teams
from trainwright.cli.aws import Aws, in_words
from trainwright.cli.errors import BadInput
from trainwright.cli.problems import printable
from trainwright.cli.rendering import to_json
from trainwright.cli.requests import RunRequest
from trainwright.cli.runs import again, overview, records
from trainwright.cli.runs.again import Again
from trainwright.cli.runs.watching import Watch
from trainwright.cli.teams import Team
from trainwright_runtime.outcome import ERRORS
from trainwright_runtime.problems import Problem
from trainwright_runtime.site import Site
from trainwright_runtime.spec import run_prefix

INTERRUPTED = 130
REFUSED = ERRORS["REFUSED"]
_NAME_LENGTH = 80
"""Of an execution (StartExecution, API reference)."""


def run(
    wanted: Path | Again, *, settings: Sequence[str], team: str | None, yes: bool, detach: bool, as_json: bool
) -> int:
    """The exit code: 0 succeeded (or started, with `detach`), 1 failed, 130 interrupted. BadInput for what is
    refused, AwsFailed for what AWS says no to. `wanted` is the request's file, or the run whose request it is.
    """
    console = Console(stderr=as_json, highlight=False)
    aws = Aws()
    with in_words("Nothing was started."):
        ssm = aws.client("ssm")
        chosen = teams.find(ssm, team or (wanted.team if isinstance(wanted, Again) else None))
        policy = teams.policy(ssm, chosen)
    site = Site.of(chosen.deployment)
    if isinstance(wanted, Again):
        request = requests.read_sent(again.document(aws, chosen, wanted), policy, settings, site)
    else:
        request = requests.read(wanted, policy, settings, site=site)
    planned = planning.plan_in(request, chosen.deployment, policy)
    if not yes and not can_ask():
        raise BadInput(
            "nobody can be asked, because this is no terminal: add --yes to start the run without a question"
        )
    overview.show(console, request, planned, chosen)
    if not yes and not typer.confirm("Start this run?", default=True, err=as_json):
        console.print("Nothing was started.")
        return 1
    _upload(aws, chosen, request, console)
    arn = _start(aws, chosen, request)
    name = arn.rpartition(":")[2]
    console.print(f"Started {name}.", soft_wrap=True)
    if detach:
        console.print(_how_to_go_on(name, chosen), soft_wrap=True)
        if as_json:
            typer.echo(to_json({"name": name, "execution": arn, "status": "RUNNING"}))
        return 0
    return _follow(Watch(aws, chosen, arn, console), request, as_json=as_json)


def _upload(aws: Aws, team: Team, request: RunRequest, console: Console) -> None:
    if not request.source:
        return
    with in_words("Nothing was started."):
        uploaded = request.source.upload(aws.client("s3"), team.data_bucket)
    said = "was uploaded" if uploaded else "is there already"
    console.print(f"The source {said}: s3://{team.data_bucket}/{request.source.key}", soft_wrap=True)


def _start(aws: Aws, team: Team, request: RunRequest) -> str:
    with in_words("Nothing was started."):
        answer = aws.client("stepfunctions").start_execution(
            stateMachineArn=team.state_machine_arn,
            name=execution_name(str(request.value["name"]), datetime.now(UTC)),
            input=json.dumps(request.value),
        )
    return str(answer["executionArn"])


def can_ask() -> bool:
    """Whether somebody sits at the other end."""
    return sys.stdin.isatty()


def execution_name(run: str, now: datetime) -> str:
    """`digits-20261121-061545-3f2a`: readable, in order of time, and no two alike."""
    ending = f"-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return re.sub(r"[^A-Za-z0-9._-]", "-", run)[: _NAME_LENGTH - len(ending)] + ending


def _follow(watch: Watch, request: RunRequest, *, as_json: bool) -> int:
    name = watch.execution_arn.rpartition(":")[2]
    try:
        with in_words(f"The run goes on. {_how_to_go_on(name, watch.team)}"):
            execution = watch.until_it_ends()
            record = records.of_execution(watch.aws, watch.team, execution)
    except KeyboardInterrupt:
        watch.console.print(f"\nThe run goes on. {_how_to_go_on(name, watch.team)}", soft_wrap=True)
        return INTERRUPTED
    if execution.get("error") == REFUSED and record:
        found = [Problem.from_dict(problem) for problem in record["problems"]]
        raise BadInput(requests.in_document(request.document, found))
    _tell_the_end(watch, execution, record)
    if as_json:
        typer.echo(to_json(summary(watch.team, execution, record)))
    return 0 if execution["status"] == "SUCCEEDED" else 1


def _tell_the_end(watch: Watch, execution: dict[str, Any], record: records.Record | None) -> None:
    """The report's verdict: for a run that failed the whole diagnosis, which the execution's Cause holds."""
    status = execution["status"]
    if status == "SUCCEEDED":
        lines = ["The run succeeded.", *_results(summary(watch.team, execution, record))]
    else:
        lines = (execution.get("cause") or f"The execution ended {status}.").splitlines()
    for line in lines:
        watch.console.print(printable(line), markup=False, soft_wrap=True)


def _results(ended: dict[str, Any]) -> list[str]:
    lines = [f"{name}: {value:.4g}" for name, value in sorted((ended["metrics"] or {}).items())]
    billed = [each["billable_seconds"] for each in ended["attempts"] if each["billable_seconds"] is not None]
    lines += [f"Billed: {sum(billed)} s"] if billed else []
    lines += [f"Model: {ended['model']}"] if ended["model"] else []
    return [*lines, f"Report: {ended['report']}"]


def summary(team: Team, execution: dict[str, Any], record: records.Record | None) -> dict[str, Any]:
    """The end of a run as `--json` prints it; every key always there."""
    known = record or {}
    run = known.get("run")
    attempts = known.get("attempts") or {}
    return {
        "name": execution["name"],
        "execution": execution["executionArn"],
        "run": run,
        "status": execution["status"] if known.get("status") in (None, "RUNNING") else known["status"],
        "attempts": [attempts[number] for number in sorted(attempts, key=int)],
        "metrics": known.get("metrics"),
        "model": known.get("model"),
        "report": f"s3://{team.reports_bucket}/{run_prefix(run)}report.html" if run else None,
        "diagnosis": known.get("diagnosis"),
    }


def _how_to_go_on(name: str, team: Team) -> str:
    return f"See it: trainwright list --team {team.name}. Stop it: trainwright stop {name} --team {team.name}"
