"""The run record in DynamoDB, as pure data: items to put and updates to make, each safe to repeat.

One item a run (key: the run id) and one alias item an execution (key: `execution:<ARN>`), which leads to it; keys with
a colon are no runs. The status is RUNNING until `settle` gives it its final value once; whoever comes second changes
nothing. Only a redrive opens a settled run again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainwright_runtime.facts import Run
from trainwright_runtime.outcome import RunStatus

Item = dict[str, Any]
Call = dict[str, Any]

RUNNING = "RUNNING"
_NOT_THERE = {"ConditionExpression": "attribute_not_exists(#run)", "ExpressionAttributeNames": {"#run": "run"}}


def new(run: Run, execution_arn: str, started_at: str | None, now: str) -> Item:
    """The record of a run that has just begun."""
    return {
        "run": run.id,
        "schema": 2,
        "team": run.team,
        "name": run.name,
        "execution_arn": execution_arn,
        "status": RUNNING,
        "started_at": started_at,
        "updated_at": now,
        "ended_at": None,
        "image": None,
        "redrive": 0,
        "current": None,
        "problems": [],
        "warnings": [],
        "attempts": {},
        "looks": {},
        "tokens": {},
        "money": None,
        "model": None,
        "metrics": {},
        "diagnosis": None,
        "verdict": None,
    }


def run_of(record: Mapping[str, Any]) -> Run:
    """The identity of the run that a record is about."""
    return Run(record["run"], record["team"], record["name"])


def is_final(record: Mapping[str, Any]) -> bool:
    """Whether the run has its final status."""
    return bool(record["status"] != RUNNING)


def alias_key(execution_arn: str) -> str:
    """The key under which an execution leads to its run."""
    return f"execution:{execution_arn}"


def put_new(item: Item) -> Call:
    """PutItem that never overwrites: the first writer wins, the second gets ConditionalCheckFailedException."""
    return {"Item": item, **_NOT_THERE}


def put_alias(execution_arn: str, run: str) -> Call:
    """PutItem of the alias, as often as one likes: it always says the same."""
    return {"Item": {"run": alias_key(execution_arn), "target": run}}


@dataclass(frozen=True)
class Finding:
    """What a look at an attempt found: its row, what it left, why it failed, the status it gives the run, if it ends
    it, and the attempt that comes next, if one does."""

    row: Mapping[str, Any]
    model: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    diagnosis: Mapping[str, Any] | None = None
    verdict: RunStatus | None = None
    current: Mapping[str, Any] | None = None


def update_attempt(run: str, finding: Finding, now: str) -> Call:
    """UpdateItem with how an attempt stands; safe to repeat, the latest look counts."""
    values: dict[tuple[str, ...], Any] = {
        ("attempts", str(finding.row["number"])): dict(finding.row),
        ("model",): finding.model,
        ("metrics",): dict(finding.metrics),
        ("diagnosis",): finding.diagnosis,
        ("verdict",): finding.verdict,
        ("updated_at",): now,
    }
    if finding.current is not None:
        values[("current",)] = dict(finding.current)
    return _set(run, values)


def amend_row(run: str, number: int, row: Mapping[str, Any], now: str) -> Call:
    """UpdateItem with a row that says more than it did, such as what a warm pool cost; the run's end stays."""
    return _set(run, {("attempts", str(number)): dict(row), ("updated_at",): now})


def put_token(run: str, attempt: int, token: str) -> Call:
    """UpdateItem that keeps the task token of an attempt, for the event that will answer it, in the place of the one
    before: earlier attempts have ended."""
    return _set(run, {("tokens",): {str(attempt): token}})


def token_of(record: Mapping[str, Any], attempt: int) -> str | None:
    """The task token of an attempt; None for one that waits for none."""
    token: str | None = record.get("tokens", {}).get(str(attempt))
    return token


def put_current(run: str, current: Mapping[str, Any]) -> Call:
    """UpdateItem with the attempt that the run makes next."""
    return _set(run, {("current",): dict(current)})


def put_money(run: str, money: Mapping[str, Any]) -> Call:
    """UpdateItem with what the run may cost, and what is set aside for it."""
    return _set(run, {("money",): dict(money)})


def put_measured(run: str, measured: Mapping[str, Any]) -> Call:
    """UpdateItem that remembers what the run has said as metrics; refused where somebody said more meanwhile, which
    its `version` tells."""
    call = _set(run, {("measured",): dict(measured)})
    before = measured["version"] - 1
    if not before:
        call["ConditionExpression"] += " AND attribute_not_exists(#measured)"
        return call
    call["ConditionExpression"] += " AND #measured.#version = :before"
    call["ExpressionAttributeNames"]["#version"] = "version"
    call["ExpressionAttributeValues"][":before"] = before
    return call


def reopen(run: str, redrive: int, now: str) -> Call:
    """UpdateItem that lets a settled run go on after a redrive, once for each redrive."""
    values: dict[tuple[str, ...], Any] = {("status",): RUNNING, ("ended_at",): None, ("diagnosis",): None}
    call = _set(run, {**values, ("redrive",): redrive, ("updated_at",): now})
    call["ConditionExpression"] += " AND #redrive < :redrive"
    call["ExpressionAttributeValues"][":redrive"] = redrive
    return call


def count_look(run: str, attempt: int) -> Call:
    """UpdateItem that counts one more look at an attempt that should have ended, and answers the record."""
    call = _set(run, {("looks", str(attempt)): 1})
    call["UpdateExpression"] = "SET #looks.#p0 = if_not_exists(#looks.#p0, :zero) + :v0"
    call["ExpressionAttributeValues"][":zero"] = 0
    return call


def settle(run: str, status: RunStatus, diagnosis: Mapping[str, Any] | None, now: str) -> Call:
    """UpdateItem with the final status, once: a record that is final already refuses
    (ConditionalCheckFailedException)."""
    call = _set(run, {("status",): status, ("ended_at",): now, ("updated_at",): now, ("diagnosis",): diagnosis})
    call["ConditionExpression"] += " AND #status = :running"
    call["ExpressionAttributeValues"][":running"] = RUNNING
    return call


def _set(run: str, values: Mapping[tuple[str, ...], Any]) -> Call:
    """UpdateItem that sets attributes, or entries of maps, of a record that exists, and answers the record as it is
    then.

    Every name is a placeholder: DynamoDB reserves 573 words, `status` and `metrics` among them.
    """
    names, settings = {"#run": "run"}, []
    for number, (attribute, *entry) in enumerate(values):
        names[f"#{attribute}"] = attribute
        names |= {f"#p{number}": entry[0]} if entry else {}
        settings.append(f"#{attribute}{f'.#p{number}' if entry else ''} = :v{number}")
    return {
        "Key": {"run": run},
        "UpdateExpression": f"SET {', '.join(settings)}",
        "ConditionExpression": "attribute_exists(#run)",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":v{number}": value for number, value in enumerate(values.values())},
        "ReturnValues": "ALL_NEW",
    }


def final_status(record: Mapping[str, Any]) -> RunStatus:
    """The status that a run's own record gives it when the run reports: refused, or what its last attempt decided."""
    if record["problems"]:
        return "REFUSED"
    last = last_attempt(record)
    if last is not None and last["status"] == "Completed":
        return "SUCCEEDED"
    verdict: RunStatus | None = record["verdict"]
    return verdict or "FAILED"


def rows(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of the run's attempts, in their order."""
    attempts = record["attempts"]
    return [attempts[number] for number in sorted(attempts, key=int)]


def rows_before(record: Mapping[str, Any], number: int) -> list[Mapping[str, Any]]:
    """The rows of the attempts before this one."""
    return [row for row in rows(record) if row["number"] < number]


def last_attempt(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of the latest attempt, None where none was made."""
    found = rows(record)
    return found[-1] if found else None
