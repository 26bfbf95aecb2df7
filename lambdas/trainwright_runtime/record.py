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
    return _update(
        run,
        "SET attempts.#number = :row, model = :model, metrics = :metrics, diagnosis = :diagnosis, "
        "verdict = :verdict, updated_at = :now",
        names={"#number": str(finding.row["number"])},
        values={
            ":row": dict(finding.row),
            ":model": finding.model,
            ":metrics": dict(finding.metrics),
            ":diagnosis": finding.diagnosis,
            ":verdict": finding.verdict,
            ":now": now,
        },
    )


def count_look(run: str, attempt: int) -> Call:
    """UpdateItem that counts one more look at an attempt that should have ended, and answers the record."""
    expression = "SET looks.#number = if_not_exists(looks.#number, :zero) + :one"
    return _update(run, expression, names={"#number": str(attempt)}, values={":zero": 0, ":one": 1})


def settle(run: str, status: RunStatus, diagnosis: Mapping[str, Any] | None, now: str) -> Call:
    """UpdateItem with the final status, once: a record that is final already refuses
    (ConditionalCheckFailedException)."""
    call = _update(
        run,
        "SET #status = :status, ended_at = :now, updated_at = :now, diagnosis = :diagnosis",
        names={"#status": "status"},
        values={":status": status, ":now": now, ":diagnosis": diagnosis, ":running": RUNNING},
    )
    call["ConditionExpression"] += " AND #status = :running"
    return call


def _update(run: str, expression: str, *, names: dict[str, str], values: dict[str, Any]) -> Call:
    return {
        "Key": {"run": run},
        "UpdateExpression": expression,
        "ConditionExpression": "attribute_exists(#run)",
        "ExpressionAttributeNames": {"#run": "run", **names},
        "ExpressionAttributeValues": values,
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
