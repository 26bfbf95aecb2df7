"""The run record in DynamoDB, as pure data: items to put and updates to make, each safe to repeat.

One item a run (key: the run id) and one alias item an execution (key: `execution:<ARN>`), which leads to it. The
status is RUNNING until `settle` gives it its final value once; whoever comes second changes nothing.
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
        "schema": 1,
        "team": run.team,
        "name": run.name,
        "execution_arn": execution_arn,
        "status": RUNNING,
        "started_at": started_at,
        "updated_at": now,
        "ended_at": None,
        "image": None,
        "step": None,
        "problems": [],
        "warnings": [],
        "attempts": {},
        "looks": {},
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
    """What a look at an attempt found: its row, what it left, why it failed, and the status it gives the run, if it
    ends it."""

    row: Mapping[str, Any]
    model: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    diagnosis: Mapping[str, Any] | None = None
    verdict: RunStatus | None = None


def update_attempt(run: str, finding: Finding, now: str) -> Call:
    """UpdateItem with how an attempt stands; safe to repeat, the latest look counts."""
    return _set(
        run,
        {
            ("attempts", str(finding.row["number"])): dict(finding.row),
            ("model",): finding.model,
            ("metrics",): dict(finding.metrics),
            ("diagnosis",): finding.diagnosis,
            ("verdict",): finding.verdict,
            ("updated_at",): now,
        },
    )


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
    verdict: RunStatus | None = record["verdict"]
    return "REFUSED" if record["problems"] else verdict or "FAILED"


def last_attempt(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of the latest attempt, None where none was made."""
    attempts = record["attempts"]
    latest: Mapping[str, Any] | None = attempts[max(attempts, key=int)] if attempts else None
    return latest
