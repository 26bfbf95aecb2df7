"""GiveUp: the last state of a run that failed. It fails the execution with the report's words; a redrive comes back
here, and goes on with the run's next attempt.

A Fail state is entered again by a redrive and fails again, so the end of a failed run is a Task.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.decision import Decision, History
from trainwright_runtime.decision import reopen as decide_again
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import tokens
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.reopening import nothing_left, reopen
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.plan import Plan
from trainwright_runtime.steps import Step, report_step, train_step
from trainwright_runtime.underway import Underway

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function; see docs/states.md for what comes in."""
    environment = environments.read()
    give_up(event, Store(services, environment), services, environment)


def give_up(event: Event, store: Store, clients: Services, environment: environments.Environment) -> None:
    """Answer the state's task token: with the run's failure, or, in a redrive, with the step to go on with."""
    run = Run.from_dict(event["run"])
    logger.append_keys(run=run.id)
    if event["redrive_count"] <= event["reported_redrive"]:
        tokens.fail(clients, event["token"], event["error"], event["cause"])
        return
    step = _again(run, int(event["redrive_count"]), store, environment)
    tokens.succeed(clients, event["token"], step)


def _again(run: Run, redrive: int, store: Store, environment: environments.Environment) -> Step:
    plan = store.plan(run.id)
    record = reopen(store.existing(run.id), redrive, store, plan, environment)
    if records.is_final(record):
        return report_step(run)
    if (current := Underway.from_dict(record["current"])).redrive == redrive:
        return train_step(run, current.attempt(plan))  # answered before: Lambda may call twice
    rows = records.rows(record)
    decision = decide_again(plan, History.of(rows, 0, redrive))
    return _step(run, plan, record, decision, redrive, store)


def _step(run: Run, plan: Plan, record: records.Item, decision: Decision, redrive: int, store: Store) -> Step:
    if decision.attempt is None:
        why = nothing_left(decision.reason)
        store.update(records.settle(run.id, decision.status or "FAILED", why, now()))
        return report_step(run)
    last = records.last_attempt(record)
    following = Underway((last["number"] if last else 0) + 1, redrive, decision.attempt)
    store.update(records.put_current(run.id, following.to_dict(plan)))
    return train_step(run, following.attempt(plan), decision.reason)
