"""Assess: an attempt is over, or should be. Look at it, record it, and say what comes next."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.attempts import Planned
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.look import keep, look, why
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.outcome import History, Outcome, decide
from trainwright_runtime.plan import Plan, step_attempt
from trainwright_runtime.steps import report_step, wait_step

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    environment = environments.read()
    return assess(event, Store(services, environment), services, environment)


def assess(event: Event, store: Store, clients: Services, environment: environments.Environment) -> Event:
    """The next step. Safe to repeat: the record takes the latest look, and a run that is settled stays settled."""
    run = Run.from_dict(event["run"])
    plan = _plan(store, run)
    attempt = step_attempt(plan, event["attempt"], event["redrive_count"]) | {"job_name": event["job_name"]}
    planned = Planned.from_step(attempt, environment.deployment.log_group)
    seen = look(clients, planned, event["error"], event["cause"])
    decision = decide(plan, _history(event, seen.outcome, store), seen.outcome)
    diagnosis = why(seen, clients) if decision.status not in (None, "SUCCEEDED") else None
    keep(seen, store, run.id, verdict=decision.status, diagnosis=diagnosis)
    logger.info("assessed", extra={"run": run.id, "outcome": seen.outcome.label, "next": decision.next})
    return wait_step(run, attempt, decision) if decision.next == "wait" else report_step(run)


def _plan(store: Store, run: Run) -> Plan:
    document = store.document(run.id, "plan.json")
    if document is None:
        raise LookupError(f"runs/{run.id}/plan.json is not in the reports bucket: Prepare writes it before any attempt")
    return Plan.from_dict(document)


def _history(event: Event, outcome: Outcome, store: Store) -> History:
    attempt = event["attempt"]
    if outcome is not Outcome.STILL_RUNNING:
        return History(attempts=attempt)
    record = store.update(records.count_look(event["run"]["id"], attempt))
    looks = record["looks"][str(attempt)] - 1 if record else 0
    return History(attempts=attempt, looks=looks)
