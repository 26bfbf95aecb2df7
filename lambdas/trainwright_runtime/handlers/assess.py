"""Assess: an attempt is over, or should be. Look at it, record it, and say what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.decision import Decision, History, decide
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import measures, orphans
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.look import Look, Verdict, keep, look, rowed, why
from trainwright_runtime.handlers.reopening import reopen
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.outcome import Outcome
from trainwright_runtime.plan import Plan
from trainwright_runtime.steps import Step, report_step, train_step, wait_step
from trainwright_runtime.underway import Underway

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    environment = environments.read()
    return assess(event, Store(services, environment), services, environment)


def assess(event: Event, store: Store, clients: Services, environment: environments.Environment) -> Event:
    """The next step. Safe to repeat: the record takes the latest look, and what follows depends on it alone."""
    run, redrive = Run.from_dict(event["run"]), int(event["redrive_count"])
    logger.append_keys(run=run.id)
    plan = store.plan(run.id)
    record = reopen(store.existing(run.id), redrive, store, plan, environment)
    if records.is_final(record):
        return report_step(run)  # ended from outside while this was on its way, or no money is left to go on with
    underway = Underway.from_dict(record["current"])
    if underway.number > event["attempt"]:
        return _begun(run, plan, record, underway)
    planned = underway.planned(plan, environment.deployment.log_group)
    seen = look(clients, planned, event["error"], event["cause"], redriven=redrive > underway.redrive)
    return _Assessed(run, plan, record, underway, seen, redrive).decided(store, clients)


@dataclass(frozen=True)
class _Assessed:
    """An attempt that was looked at, and the run that it belongs to."""

    run: Run
    plan: Plan
    record: records.Item
    underway: Underway
    seen: Look
    redrive: int

    def decided(self, store: Store, clients: Services) -> Step:
        """Decide, write down, and answer the step."""
        number = self.underway.number
        earlier = records.rows_before(self.record, number)
        orphans.sweep(clients, earlier)
        row = rowed(self.seen, self.record, store)
        ended = self.seen.outcome not in _WITHOUT_DIAGNOSIS
        diagnosis, tail = why(self.seen, clients) if ended else (None, [])
        history = History.of([*earlier, row], self._looks(store), self.redrive)
        decision = decide(self.plan, history, self.seen.outcome, diagnosis.retry if diagnosis else "no_retry")
        following = Underway(number + 1, self.redrive, decision.attempt) if decision.attempt else None
        verdict = Verdict(
            diagnosis=diagnosis.to_dict(tail) if diagnosis else None,
            decision=decision.reason,
            then_wait=decision.wait_seconds or 0 if following else 0,
            status=decision.status,
            current=following.to_dict(self.plan) if following else None,
        )
        keep(self.seen, row, store, self.run.id, verdict)
        self._tell(row, decision)
        return self._step(decision, following)

    def _looks(self, store: Store) -> int:
        """How often the attempt was looked at before, while it should have ended."""
        if not self.seen.outcome.counts_looks:
            return 0
        record = store.update(records.count_look(self.run.id, self.underway.number))
        return record["looks"][str(self.underway.number)] - 1 if record else 0

    def _tell(self, row: Mapping[str, Any], decision: Decision) -> None:
        outcome = self.seen.outcome.label
        logger.info("assessed", extra={"outcome": outcome, "next": decision.next, "why": decision.reason})
        if row["restarted_from_zero"] and not self.seen.outcome.alive:
            logger.warning("began at step 0 although a checkpoint existed", extra={"job": row["job_name"]})
            measures.restarted_from_zero(self.run.team)

    def _step(self, decision: Decision, following: Underway | None) -> Step:
        if decision.next == "report":
            return report_step(self.run, decision.reason)
        attempt = (following or self.underway).attempt(self.plan)
        if decision.next == "train":
            return train_step(self.run, attempt, decision.reason)
        seconds, then = decision.wait_seconds or 0, decision.after_wait or "assess"
        return wait_step(self.run, attempt, seconds, then, decision.reason)


_WITHOUT_DIAGNOSIS = (Outcome.COMPLETED, Outcome.STILL_RUNNING, Outcome.FOUND_RUNNING, Outcome.REDRIVEN)


def _begun(run: Run, plan: Plan, record: Mapping[str, Any], underway: Underway) -> Step:
    """The step that was answered when this attempt was assessed before: Lambda may call twice."""
    before = record["attempts"][str(underway.number - 1)]
    attempt, seconds, reason = underway.attempt(plan), before["then_wait_seconds"], before["decision"]
    return wait_step(run, attempt, seconds, "train", reason) if seconds else train_step(run, attempt, reason)
