"""A redriven execution goes on: the record that its end had settled is opened again, and money is set aside again."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.handlers import ledger
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.outcome import Fault
from trainwright_runtime.plan import Plan


def reopen(record: records.Item, redrive: int, store: Store, plan: Plan, environment: Environment) -> records.Item:
    """The record as it is to be gone on with. One of this redrive stays as it is; where the team's month has no money
    left for the rest of the run, it is settled again, and says so."""
    if redrive <= record["redrive"]:
        return record
    opened = store.update(records.reopen(record["run"], redrive, now())) or store.existing(record["run"])
    logger.info("redriven", extra={"redrive": redrive})
    problem = ledger.reserve_again(opened, plan, store)
    if problem is None:
        return opened
    why = nothing_left(problem.problem, problem.remedy, label="no_money")
    return store.update(records.settle(opened["run"], "FAILED", why, now())) or opened


def nothing_left(summary: str, remedy: str | None = None, *, label: str = "nothing_left") -> dict[str, Any]:
    """The diagnosis of a redriven run that has no time, money or attempt to go on with."""
    return {
        "label": label,
        "fault": Fault.REQUEST.value,
        "retry": "no_retry",
        "summary": summary,
        "remedy": remedy or "Start a new run with larger limits; the checkpoints of this one are kept.",
        "evidence": None,
        "log_tail": [],
    }
