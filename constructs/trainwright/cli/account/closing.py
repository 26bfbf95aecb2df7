"""Runs and the end of an account: stopped before it, or closed by the platform's own handler after the next start."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from trainwright.cli.errors import StepFailed
from trainwright.cli.rehearse import runs
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.outcome import count
from trainwright.cli.teams import Team

STATUS_CHANGE = "Step Functions Execution Status Change"
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2
RUNNING = "RUNNING"
_AT_ONCE = 8

Item = dict[str, Any]


def stop_running(account: Account, teams: list[Team], say: Callable[[str], None]) -> bool:
    """Stop every execution of the teams, and wait until the platform has settled their runs; False if it did not."""
    states = account.client("stepfunctions")
    executions = [(team, arn) for team in teams for arn in _running(states, team)]
    if not executions:
        return True
    say(f"Stopping {count(len(executions), 'run')}; Ctrl-C again does not wait for that.")
    for _, arn in executions:
        states.stop_execution(executionArn=arn, error="AccountEnded", cause="The embedded account was ended.")
    end = time.monotonic() + STOP_SECONDS
    while (waiting := not all(_settled(account, *each) for each in executions)) and time.monotonic() < end:
        account.check_alive()
        time.sleep(POLL_SECONDS)
    return not waiting


def _running(states: Any, team: Team) -> Iterator[str]:
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=team.state_machine_arn, statusFilter=RUNNING
    )
    for page in pages:
        yield from (execution["executionArn"] for execution in page["executions"])


def _settled(account: Account, team: Team, execution: str) -> bool:
    """Where Prepare never came to write a record, the handler `close` writes one; the report is the last it writes."""
    run = runs.find_run(account, team, execution)
    key = {"run": {"S": run}}
    found = account.client("dynamodb").get_item(TableName=team.runs_table, Key=key, ConsistentRead=True) if run else {}
    return "Item" in found and found["Item"]["status"] != {"S": RUNNING} and _is_reported(account, team, str(run))


def _is_reported(account: Account, team: Team, run: str) -> bool:
    last = f"runs/{run}/{runs.REPORT_FILES[0]}"
    listed = account.client("s3").list_objects_v2(Bucket=team.reports_bucket, Prefix=last)
    return any(each["Key"] == last for each in listed.get("Contents", []))


def left_running(account: Account, team: Team) -> list[Item]:
    """The team's run records that say RUNNING."""
    pages = account.client("dynamodb").get_paginator("scan").paginate(TableName=team.runs_table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    return [item for item in items if item.get("status") == {"S": RUNNING} and "execution_arn" in item]


def close_left_running(account: Account, teams: list[Team]) -> list[str]:
    """Tell the platform that what its records call RUNNING is ABORTED: its execution went with the account that had it.

    EventBridge lets nobody send an event in the name of Step Functions, so the functions behind the team's rules get it
    directly. Answers the runs; StepFailed when one is not settled then.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [run for team in teams for run in _close(account, team, pool)]


def _close(account: Account, team: Team, pool: ThreadPoolExecutor) -> list[str]:
    records = left_running(account, team)
    if not records:
        return []
    client, functions = account.client("lambda"), _closers(account, team)
    events = [_aborted(record["execution_arn"]["S"], record, account) for record in records]
    list(pool.map(lambda call: _invoke(client, *call), [(name, event) for name in functions for event in events]))
    if still := left_running(account, team):
        names = ", ".join(_run(record) for record in still)
        raise StepFailed(f"team {team.name}: the platform did not close {names}, which ended with the last account")
    return [_run(record) for record in records]


def _run(record: Item) -> str:
    return str(record["run"]["S"])


def _closers(account: Account, team: Team) -> list[str]:
    """The functions that the team's rules start, with the event as it is, when an execution of the team is aborted."""
    client = account.client("events")
    rules = [rule for page in client.get_paginator("list_rules").paginate() for rule in page["Rules"]]
    names = [rule["Name"] for rule in rules if _hears(json.loads(rule.get("EventPattern") or "{}"), team)]
    targets = [each for name in names for each in client.list_targets_by_rule(Rule=name)["Targets"]]
    changed = ("Input", "InputPath", "InputTransformer")
    return [each["Arn"] for each in targets if ":function:" in each["Arn"] and not any(map(each.get, changed))]


def _hears(pattern: Item, team: Team) -> bool:
    detail = pattern.get("detail", {})
    return (
        STATUS_CHANGE in pattern.get("detail-type", [])
        and team.state_machine_arn in detail.get("stateMachineArn", [])
        and "ABORTED" in detail.get("status", [])
    )


def _aborted(execution: str, record: Item, account: Account) -> Item:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
    now = datetime.now(UTC)
    machine, _, name = execution.replace(":execution:", ":stateMachine:").rpartition(":")
    started = record.get("started_at", {}).get("S")
    nothing = ("input", "inputDetails", "output", "outputDetails", "error", "cause")
    detail = {
        "executionArn": execution,
        "stateMachineArn": machine,
        "name": name,
        "status": "ABORTED",
        "startDate": _milliseconds(datetime.fromisoformat(started) if started else now),
        "stopDate": _milliseconds(now),
        **dict.fromkeys(nothing),
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": STATUS_CHANGE,
        "source": "aws.states",
        "account": account.account_id,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "region": account.region,
        "resources": [execution],
        "detail": detail,
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _invoke(client: Any, function: str, event: Item) -> None:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    if answer.get("FunctionError"):
        raise StepFailed(f"{function} failed on the end of {event['resources'][0]}", details=_said(answer))


def _said(answer: Item) -> list[str]:
    return str(answer["Payload"].read().decode(errors="replace")).splitlines()[-5:]
