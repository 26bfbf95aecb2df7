"""Prepare: the execution's input in, the first step out. A request with problems is refused as data, not as an
error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run, name_in, run_id
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import ledger, notify
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.judging import Judge, Judged, NotDeployedError, parameter
from trainwright_runtime.handlers.reopening import reopen
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.plan import first
from trainwright_runtime.policy import PolicyError, TeamPolicy
from trainwright_runtime.problems import Problem, kept
from trainwright_runtime.steps import Step, report_step, train_step
from trainwright_runtime.underway import Underway

Event = dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """What a run begins with: problems, or its first attempt and the money that was set aside for it."""

    judged: Judged
    problems: tuple[Problem, ...]
    money: Mapping[str, Any] | None = None
    current: Underway | None = None


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    environment = environments.read()
    return prepare(event, Store(services, environment), services, environment)


def prepare(event: Event, store: Store, clients: Services, environment: environments.Environment) -> Event:
    """Check, plan, set money aside, record, answer the first step. A second call for the same execution answers what
    is written."""
    execution = event["execution"]
    team, redrive = environment.deployment.team, int(execution["redrive_count"])
    run = Run(run_id(execution["arn"], execution["started"], team), team, name_in(event["request"]))
    logger.append_keys(run=run.id)
    written = store.record(run.id)
    if written and (written["current"] or written["problems"]):
        return _again(run, written, redrive, store, environment)
    policy = _policy(clients, environment)
    judged = Judge(policy, clients, environment).judge(event["request"], run)
    logger.info("prepared", extra={"problems": len(judged.problems), "warnings": len(judged.warnings)})
    begun = _begun(judged, run, execution, policy, store)
    step = _write(event, run, policy, begun, store)
    notify.tell_month(policy, begun.money, store, clients, environment)
    return step


def _again(run: Run, written: records.Item, redrive: int, store: Store, environment: environments.Environment) -> Step:
    """The first step as it was answered before; a redrive goes on with it."""
    if written["problems"]:
        return report_step(run)
    plan = store.plan(run.id)
    record = reopen(written, redrive, store, plan, environment)
    return train_step(run, Underway.from_dict(record["current"]).attempt(plan))


def _policy(clients: Services, environment: environments.Environment) -> TeamPolicy:
    name = environment.policy_parameter
    text = parameter(clients, name)
    if text is None:
        raise NotDeployedError(f"The parameter {name}, the team's policy, does not exist. Deploy the team again.")
    try:
        return TeamPolicy.from_data(json.loads(text), name)
    except (ValueError, PolicyError) as error:
        raise NotDeployedError(f"The parameter {name} holds no policy this version reads: {error}") from error


def _begun(judged: Judged, run: Run, execution: Event, policy: TeamPolicy, store: Store) -> Begun:
    """Money comes last: it is set aside for a run that starts, and for no other."""
    if judged.problems or judged.plan is None:
        return Begun(judged, judged.problems)
    started, source = execution["started"], judged.price_source
    money = ledger.reserve(judged.plan, policy, started, store, price_source=source, prices=judged.prices)
    if isinstance(money, Problem):
        return Begun(judged, (money,))
    redrive = int(execution["redrive_count"])
    return Begun(judged, (), money, Underway(1, redrive, first(judged.plan)))


def _write(event: Event, run: Run, policy: TeamPolicy, begun: Begun, store: Store) -> Step:
    """Documents first, then the record: a record that exists says that all of it does."""
    execution, plan = event["execution"], begun.judged.plan
    step = train_step(run, begun.current.attempt(plan)) if begun.current and plan else report_step(run)
    store.put_document(run.id, "request.json", event["request"])
    store.put_document(run.id, "policy.json", policy.model_dump(mode="json"))
    if begun.judged.prepared:
        store.put_document(run.id, "prepared.json", begun.judged.prepared)
    if begun.current and plan:
        store.put_document(run.id, "plan.json", plan.to_dict())
    item = records.new(run, execution["arn"], execution["started"], now()) | {
        "image": begun.judged.image,
        "redrive": int(execution["redrive_count"]),
        "current": begun.current.to_dict(plan) if begun.current and plan else None,
        "problems": kept(list(begun.problems)),
        "warnings": list(begun.judged.warnings),
        "money": begun.money,
    }
    store.put(records.put_alias(execution["arn"], run.id))
    return step if store.put(records.put_new(item)) else _overtaken(item, step, store)


def _overtaken(item: records.Item, step: Step, store: Store) -> Step:
    """A record is there already: of a second call at the same moment, whose answer counts then; of the end of an
    execution whose Prepare had failed before it was redriven; or of one that was ended while this was under way, for
    which nothing stays set aside."""
    found = store.existing(item["run"])
    if found["current"]:
        attempt = Underway.from_dict(found["current"]).attempt(store.plan(item["run"]))
        return train_step(records.run_of(found), attempt)
    if not found["problems"] and item["redrive"] > found["redrive"]:
        store.put({"Item": item})
        return step
    ledger.settle(found, store)
    return report_step(records.run_of(found))
