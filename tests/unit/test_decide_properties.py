"""Whatever happens to a run, and however often it is redriven: it ends, within its plan, its time, its money and its
queue; no job name comes twice, and no checkpoint is left behind.

Each walk drives `decide` as the state machine does: train, look, wait, redrive. What happens is drawn at random: every
outcome with every diagnosis, and any use of time and money that SageMaker's limits allow.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime.decision import Decision, History, Start, decide, reopen
from trainwright_runtime.facts import Run
from trainwright_runtime.history import EVENTS_OF_A_LOOK, EVENTS_OF_A_START
from trainwright_runtime.limits import LEAST_SECONDS
from trainwright_runtime.outcome import Outcome
from trainwright_runtime.plan import Bounds, Next, Plan, Rung, first, step_attempt

KEPT = {"S3Uri": "s3://checkpoints/runs/a-0123456789/", "LocalPath": "/opt/ml/checkpoints"}
RETRIES = ("no_retry", "retry_same", "retry_other_capacity", "retry_bigger_volume")
FINAL = {
    Outcome.COMPLETED: "SUCCEEDED",
    Outcome.STOPPED_BY_PERSON: "STOPPED",
    Outcome.OUT_OF_TIME: "FAILED",
    Outcome.OUT_OF_MONEY: "FAILED",
    Outcome.TIMED_OUT: "FAILED",
    Outcome.DENIED: "FAILED",
    Outcome.INVALID: "FAILED",
}
JUDGED = {
    Outcome.SCRIPT_FAILED,
    Outcome.SETUP_FAILED,
    Outcome.SERVICE_FAILED,
    Outcome.FAILED,
    Outcome.NEVER_STARTED,
}
NO_JOB = {
    Outcome.THROTTLED,
    Outcome.SERVICE_UNAVAILABLE,
    Outcome.QUOTA_BUSY,
    Outcome.QUOTA_ZERO,
    Outcome.NAME_IN_USE,
    Outcome.DENIED,
    Outcome.INVALID,
    Outcome.NEVER_STARTED,
}
QUEUED = {Outcome.THROTTLED, Outcome.SERVICE_UNAVAILABLE, Outcome.QUOTA_BUSY}
MOST_STEPS = 4000

seconds = st.sampled_from([0, 30, 60, 3600, 5 * 86_400])


@st.composite
def plans(draw):
    spot = draw(st.integers(0, 3))
    prices = draw(st.lists(st.floats(0.01, 100), min_size=4, max_size=4))
    checkpoints = draw(st.booleans())
    rungs = [
        _rung("spot" if number < spot else "on_demand", usd, draw(st.booleans()), checkpoints)
        for number, usd in enumerate(prices[: max(1, draw(st.integers(spot, 4)))])
    ]
    bounds = Bounds(
        runtime_seconds=draw(st.sampled_from([20, 60, 600, 3600, 86_400, 28 * 86_400])),
        waiting_seconds=draw(seconds) if rungs[0].capacity == "spot" else 0,
        queue_seconds=draw(seconds),
        cost_usd=draw(st.none() | st.floats(1.8, 500)),
        internal_errors=draw(st.integers(0, 5)),
        volume_gb=draw(st.none() | st.sampled_from([30, 50, 1024])),
        starts=draw(st.sampled_from([1, 7, 100])),
    )
    return Plan(Run(f"a-{draw(st.integers(0, 99)):010}", "a", None), tuple(rungs), bounds)


def _rung(capacity, usd, grows, checkpoints):
    request = {
        "ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
        "StoppingCondition": {},
        "Tags": [],
        **({"CheckpointConfig": KEPT} if checkpoints else {}),
    }
    return Rung(capacity, "ml.m5.large", "sync", usd, grows, request)


@dataclass
class Walk:
    """A run under way, with what it was given and what became of it."""

    plan: Plan
    chance: random.Random
    habits: tuple[Outcome, ...]
    starts: list[Start] = field(default_factory=list)
    given: list[Next] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    looks: int = 0
    redrive: int = 0
    events: int = 0

    def go(self) -> Decision:
        """To the end of the execution, or of one redrive of it."""
        decision = self._begun()
        for _ in range(MOST_STEPS):
            if decision.next == "report":
                return decision
            if decision.after_wait == "assess":
                self.looks += 1
                self.events += EVENTS_OF_A_LOOK
            else:
                self._start(decision.attempt)
            decision = self._assessed()
        raise AssertionError("it does not end")

    def _begun(self) -> Decision:
        if self.redrive and self.chance.random() < 0.5:
            return reopen(self.plan, self._history())
        if self.redrive:
            return decide(self.plan, self._history(), Outcome.REDRIVEN, "no_retry")
        return Decision("train", "The run begins.", attempt=first(self.plan))

    def _start(self, given: Next) -> None:
        self.looks = 0
        self.events += EVENTS_OF_A_START
        self._check(given)
        attempt = step_attempt(self.plan, given, len(self.starts) + 1, self.redrive)
        assert attempt["request"].get("CheckpointConfig") == self.plan.rungs[given.rung].request.get("CheckpointConfig")
        self.names.append(attempt["job_name"])
        self.given.append(given)
        volume = given.volume_gb or 30
        self.starts.append(Start(len(self.starts) + 1, self.redrive, given.rung, "", volume_gb=volume))

    def _check(self, given: Next) -> None:
        rung, bounds, used = self.plan.rungs[given.rung], self.plan.bounds, self._history().used
        left = bounds.runtime_seconds - used.training_seconds
        assert min(LEAST_SECONDS, bounds.runtime_seconds) <= given.max_runtime <= left
        if bounds.cost_usd is not None:
            costs = given.max_runtime * rung.usd_per_hour / 3600
            assert used.cost_usd + costs <= bounds.cost_usd + 1e-5
        assert (given.max_wait is not None) == (rung.capacity == "spot")
        if given.max_wait is not None:
            waiting = max(0, bounds.waiting_seconds - used.waiting_seconds)
            assert given.max_runtime <= given.max_wait <= given.max_runtime + waiting
        if given.volume_gb is not None:
            assert rung.grows and 30 < given.volume_gb <= min(60, bounds.volume_gb)

    def _assessed(self) -> Decision:
        outcome = self.chance.choice(self.habits)
        retry = self.chance.choice(RETRIES)
        if self.looks and not outcome.counts_looks and self.chance.random() < 0.5:
            outcome = Outcome.STILL_RUNNING
        self.starts[-1] = self._used(self.starts[-1], outcome)
        decision = decide(self.plan, self._history(), outcome, retry)
        self._judge(outcome, retry, decision)
        waited = (decision.wait_seconds or 0) if decision.after_wait == "train" else 0
        self.starts[-1] = replace(self.starts[-1], then_wait=waited, looks=self.looks)
        return decision

    def _used(self, start: Start, outcome: Outcome) -> Start:
        """What SageMaker's limits let a job use: MaxRuntime of training, MaxWait of both together."""
        given, rung = self.given[-1], self.plan.rungs[start.rung]
        if outcome in NO_JOB:
            return replace(start, outcome=outcome.label)
        trained = 0 if outcome is Outcome.NO_MACHINES else self.chance.randint(0, given.max_runtime)
        trained = given.max_runtime if outcome in (Outcome.OUT_OF_TIME, Outcome.OUT_OF_MONEY) else trained
        waited = self.chance.randint(0, (given.max_wait or trained) - trained) if given.max_wait else 0
        billed = trained if rung.capacity == "on_demand" else self.chance.randint(0, trained)
        return replace(
            start,
            outcome=outcome.label,
            made=True,
            training_seconds=trained,
            waiting_seconds=waited,
            cost_usd=billed * rung.usd_per_hour / 3600,
        )

    def _judge(self, outcome: Outcome, retry: str, decision: Decision) -> None:
        if outcome in FINAL:
            assert (decision.next, decision.status) == ("report", FINAL[outcome])
        if outcome in JUDGED and retry == "no_retry":
            assert decision.next == "report"
        if decision.attempt is not None:
            assert decision.attempt.rung >= self.starts[-1].rung
            if retry == "retry_bigger_volume" and outcome in JUDGED:
                assert decision.attempt.volume_gb > self.starts[-1].volume_gb

    def _history(self) -> History:
        return History(tuple(self.starts), self.looks, self.redrive)

    def check_all(self) -> None:
        """What holds over the whole run, redrives included."""
        assert len(set(self.names)) == len(self.names)
        assert sum(start.training_seconds for start in self.starts) <= self.plan.bounds.runtime_seconds
        cap = self.plan.bounds.cost_usd
        assert cap is None or sum(start.cost_usd for start in self.starts) <= cap + 1e-4
        assert sum(given.volume_gb is not None for given in self.given) == 0 or self.plan.bounds.volume_gb
        assert self.events < 20_000 + EVENTS_OF_A_START
        for redrive, starts in self._redrives():
            assert len(starts) <= self.plan.bounds.starts, redrive
            queued = sum(start.then_wait for start in starts if start.outcome in {each.label for each in QUEUED})
            assert queued <= self.plan.bounds.queue_seconds, redrive
            assert self._repeats(starts) <= self.plan.bounds.internal_errors + 1, "one for a larger volume"

    def _repeats(self, starts: list[Start]) -> int:
        pairs = pairwise(starts)
        queued = {each.label for each in QUEUED}
        return sum(one.rung == other.rung and one.outcome not in queued for one, other in pairs)

    def _redrives(self) -> Iterator[tuple[int, list[Start]]]:
        for redrive in range(self.redrive + 1):
            yield redrive, [start for start in self.starts if start.redrive == redrive]


def walk(plan, seed, habits, redrives):
    run = Walk(plan, random.Random(seed), tuple(habits))
    for redrive in range(redrives + 1):
        run.redrive = redrive
        run.looks = 0
        ended = run.go()
        assert ended.status in ("SUCCEEDED", "FAILED", "STOPPED")
        if ended.status != "FAILED":
            break
    run.check_all()


ENDS = [outcome for outcome in Outcome if outcome is not Outcome.REDRIVEN]
"""How a start can end; a redrive is no end of one, and each walk has its own."""
habits = st.lists(st.sampled_from(ENDS), min_size=1, max_size=5)


@given(plans(), st.integers(0, 2**32), habits, st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_a_run_ends_within_its_plan_time_and_money_and_never_repeats_a_name(plan, seed, happens, redrives):
    walk(plan, seed, happens, redrives)


@pytest.mark.parametrize("outcome", ENDS)
@given(plans(), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_a_run_ends_though_the_same_happens_for_ever(outcome, plan, seed):
    walk(plan, seed, [outcome], 2)
