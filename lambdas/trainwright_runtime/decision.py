"""What a run does after an attempt: another one, a wait, or its end. Pure, and bounded in every direction: starts,
training time, waiting, money, and events of the execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from trainwright_runtime import pauses
from trainwright_runtime.diagnosis import Retry
from trainwright_runtime.history import MAX_EVENTS, History, Start
from trainwright_runtime.limits import give, waiting_left
from trainwright_runtime.outcome import Outcome, RunStatus
from trainwright_runtime.plan import timeout_seconds
from trainwright_runtime.rungs import CutBy, Next, Plan, Rung
from trainwright_runtime.units import spell_duration

__all__ = ["MOST_STARTS", "Decision", "History", "Start", "decide", "reopen"]

MOST_STARTS = 200
"""Starts of a run over all of its redrives: each has a row of some 1.5 KB in the run's record, and a DynamoDB item
takes 400 KB."""


@dataclass(frozen=True)
class Decision:
    """What comes next: another attempt, at once or after a wait; a wait and another look; or the end, with a status.
    `reason` is for people."""

    next: Literal["train", "wait", "report"]
    reason: str
    wait_seconds: int | None = None
    after_wait: Literal["train", "assess"] | None = None
    status: RunStatus | None = None
    attempt: Next | None = None


def decide(plan: Plan, history: History, outcome: Outcome, retry: Retry) -> Decision:
    """What the run does after its last start ended like this. `retry` is what the diagnosis says of the cause; it
    counts where the outcome alone does not tell.

    Every chain of decisions ends: starts, time, waits, money and events are bounded, and a rung is never gone back to
    but after a redrive.
    """
    return _WAYS[outcome](plan, history, outcome, retry)


def reopen(plan: Plan, history: History) -> Decision:
    """How a redriven run goes on: from the first rung again, with the checkpoints, time and money that are left. Spot
    is left out where its waiting time is used up and there is something else."""
    rungs = range(len(plan.rungs))
    left = [number for number in rungs if not _waited_out(plan, history, plan.rungs[number])]
    return _start(plan, history, left or rungs, _Words(Outcome.REDRIVEN.sentence))


def _waited_out(plan: Plan, history: History, rung: Rung) -> bool:
    had = plan.bounds.waiting_seconds
    return rung.capacity == "spot" and had > 0 and waiting_left(plan, history.used) == 0


@dataclass(frozen=True)
class _Words:
    """Why, and what follows where something does: both whole sentences."""

    why: str
    then: Callable[[Next], str] | None = None

    def before(self, given: Next) -> str:
        return f"{self.why} {self.then(given)}" if self.then else self.why


def _succeeded(_plan: Plan, _history: History, outcome: Outcome, _retry: Retry) -> Decision:
    return Decision("report", outcome.sentence, status="SUCCEEDED")


def _stopped(_plan: Plan, _history: History, outcome: Outcome, _retry: Retry) -> Decision:
    return Decision("report", outcome.sentence, status="STOPPED")


def _failed(_plan: Plan, _history: History, outcome: Outcome, _retry: Retry) -> Decision:
    return _end(outcome.sentence)


def _redriven(plan: Plan, history: History, _outcome: Outcome, _retry: Retry) -> Decision:
    return reopen(plan, history)


def _ended_late(plan: Plan, history: History, outcome: Outcome, _retry: Retry) -> Decision:
    """A job that should have ended is looked at for some minutes; one that was found running, as long as it may
    take."""
    longest = _longest(plan, history) if outcome is Outcome.FOUND_RUNNING else None
    pause = pauses.until_next_look(history.looks, longest)
    if pause is None or history.events >= MAX_EVENTS:
        return _end("The training job did not end although it should have; it is being stopped.")
    return Decision("wait", outcome.sentence, wait_seconds=pause, after_wait="assess")


def _longest(plan: Plan, history: History) -> int:
    """How long the last start's job may take, by the limits that it was given."""
    bounds, rung = plan.bounds, history.last.rung
    given = give(plan, rung, history.used_before)
    full = Next(rung, bounds.runtime_seconds, bounds.runtime_seconds + bounds.waiting_seconds, None, None)
    return timeout_seconds(plan.rungs[rung].request, given if isinstance(given, Next) else full)


def _unavailable(plan: Plan, history: History, outcome: Outcome, retry: Retry) -> Decision:
    """SageMaker may have made the job before it failed to answer: a second look would find it."""
    if history.looks == 0:
        return Decision("wait", outcome.sentence, wait_seconds=pauses.SECOND_LOOK, after_wait="assess")
    return _queue(plan, history, outcome, retry)


def _queue(plan: Plan, history: History, outcome: Outcome, _retry: Retry) -> Decision:
    """What time may cure is waited for, then another rung is tried."""
    rung = history.last.rung
    pause = pauses.in_queue(plan, history.now or history.starts[-1:], outcome)
    if pause is None:
        waited = sum(start.then_wait for start in history.now[:-1] if start.rung == rung)
        return _next_rung(plan, history, f"{outcome.sentence} The run has waited {_about(waited)} for it.")
    words = _Words(outcome.sentence, lambda _: f"It is asked again in {spell_duration(pause)}.")
    return _start(plan, history, [rung], words, pause)


def _elsewhere(plan: Plan, history: History, outcome: Outcome, _retry: Retry) -> Decision:
    return _next_rung(plan, history, outcome.sentence)


def _as_diagnosed(plan: Plan, history: History, outcome: Outcome, retry: Retry) -> Decision:
    """The diagnosis says whether the cause may be gone next time."""
    if retry == "retry_bigger_volume":
        return _bigger_volume(plan, history, outcome)
    if retry == "retry_same":
        return _again(plan, history, outcome, retry)
    if retry == "retry_other_capacity":
        return _next_rung(plan, history, outcome.sentence)
    return _end(outcome.sentence)


def _again(plan: Plan, history: History, outcome: Outcome, _retry: Retry) -> Decision:
    """The same rung, a bounded number of times."""
    done, most = _repeats(history), plan.bounds.internal_errors
    if done >= most:
        tries = f"It was tried again {done} time{'' if done == 1 else 's'}." if done else "It is not tried again."
        return _end(f"{outcome.sentence} {tries}")
    last = history.last
    pause = 0 if outcome is Outcome.NAME_IN_USE else pauses.after_fault(plan, last.number, done)
    words = _Words(
        outcome.sentence,
        lambda given: (
            f"It is tried again{_from_checkpoint(plan, history, given)}, for the {_ordinal(done + 1)} of {most} times."
        ),
    )
    return _start(plan, history, [last.rung], words, pause)


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number in (11, 12, 13) else ends.get(number % 10, 'th')}"


def _repeats(history: History) -> int:
    """How often this redrive has repeated a start on its rung for another reason than a queue or a full disk."""
    pairs = pairwise(history.now)
    return sum(
        one.rung == other.rung and one.outcome not in pauses.QUEUED and _volume(one) >= _volume(other)
        for one, other in pairs
    )


def _volume(start: Start) -> int:
    return start.volume_gb or 0


def _bigger_volume(plan: Plan, history: History, outcome: Outcome) -> Decision:
    """A full disk: once, with twice the volume, where the policy allows and the type has one."""
    rung, most = plan.rungs[history.last.rung], plan.bounds.volume_gb
    asked = rung.volume_gb or 0
    if most is None:
        return _end(f"{outcome.sentence} The team's policy does not let its volume grow.")
    if not rung.grows or not asked:
        return _end(f"{outcome.sentence} {rung.instance_type or 'Its type'} has storage of its own, which cannot grow.")
    wanted = min(2 * asked, most)
    if _grown(plan, history) is not None or wanted <= asked:
        return _end(f"{outcome.sentence} Its volume of {max(asked, _volume(history.last))} GB does not grow further.")
    words = _Words(
        f"The volume of {asked} GB was full.",
        lambda given: f"It is tried again{_from_checkpoint(plan, history, given)}, with {wanted} GB.",
    )
    return _start(plan, history, [history.last.rung], words, volume_gb=wanted)


def _grown(plan: Plan, history: History) -> int | None:
    """The volume that an earlier start was given beyond what the run asked for; None where none was."""
    larger = [_volume(start) for start in history.starts if _has_grown(plan.rungs[start.rung], start)]
    return max(larger, default=None)


def _has_grown(rung: Rung, start: Start) -> bool:
    return rung.grows and _volume(start) > (rung.volume_gb or 0)


def _next_rung(plan: Plan, history: History, why: str) -> Decision:
    tried = plan.rungs[history.last.rung]
    later = range(history.last.rung + 1, len(plan.rungs))
    if not later:
        return _end(f"{why} Nothing else is left to try.")
    words = _Words(
        f"{why} Tried {tried.where}{_for_time(history.last)}.",
        lambda given: f"Going on with {plan.rungs[given.rung].where}{_from_checkpoint(plan, history, given)}.",
    )
    return _start(plan, history, later, words)


def _for_time(start: Start) -> str:
    spent = start.training_seconds + start.waiting_seconds
    return f" for {_about(spent)}" if spent else ""


def _about(seconds: int) -> str:
    """In whole minutes, beyond the first few."""
    return spell_duration(seconds if seconds < 300 else round(seconds / 60) * 60)


def _start(
    plan: Plan, history: History, rungs: Sequence[int], words: _Words, pause: int = 0, volume_gb: int | None = None
) -> Decision:
    """A start on the first of these rungs that time and money allow; else the end."""
    if len(history.now) >= plan.bounds.starts:
        return _end(f"{words.why} The run has asked for {len(history.now)} jobs, and asks for no more.")
    if len(history.starts) >= MOST_STARTS:
        return _end(f"{words.why} The run has asked for {len(history.starts)} jobs in all; its record is full.")
    if history.events >= MAX_EVENTS:
        return _end(f"{words.why} The execution's history is nearly full, so the run ends.")
    volume_gb = volume_gb or _grown(plan, history)
    short: CutBy = "time"
    for rung in rungs:
        given = give(plan, rung, history.used, volume_gb if plan.rungs[rung].grows else None)
        if isinstance(given, Next):
            return _train(given, words.before(given), pause)
        short = given
    return _end(f"{words.why} {_nothing_left(plan, history, short)}")


def _train(given: Next, reason: str, pause: int) -> Decision:
    if pause:
        return Decision("wait", reason, wait_seconds=pause, after_wait="train", attempt=given)
    return Decision("train", reason, attempt=given)


def _from_checkpoint(plan: Plan, history: History, given: Next) -> str:
    """A run that has not trained yet has none."""
    kept = plan.rungs[given.rung].request.get("CheckpointConfig") and history.used.training_seconds
    return " from the checkpoint" if kept else ""


def _nothing_left(plan: Plan, history: History, short: CutBy) -> str:
    used, bounds = history.used, plan.bounds
    if short == "money":
        return f"Of max_cost_usd, {used.cost_usd:.2f} of {bounds.cost_usd or 0:.2f} USD are used: too little is left."
    spent, had = _about(used.training_seconds), spell_duration(bounds.runtime_seconds)
    return f"Of max_runtime, {spent} of {had} are used: too little is left."


def _end(reason: str) -> Decision:
    return Decision("report", reason, status="FAILED")


_WAYS: Mapping[Outcome, Callable[[Plan, History, Outcome, Retry], Decision]] = {
    Outcome.COMPLETED: _succeeded,
    Outcome.STOPPED_BY_PERSON: _stopped,
    Outcome.STILL_RUNNING: _ended_late,
    Outcome.FOUND_RUNNING: _ended_late,
    Outcome.REDRIVEN: _redriven,
    Outcome.THROTTLED: _queue,
    Outcome.QUOTA_BUSY: _queue,
    Outcome.SERVICE_UNAVAILABLE: _unavailable,
    Outcome.QUOTA_ZERO: _elsewhere,
    Outcome.NO_CAPACITY: _elsewhere,
    Outcome.NO_SPOT: _elsewhere,
    Outcome.NO_MACHINES: _elsewhere,
    Outcome.NAME_IN_USE: _again,
    Outcome.SCRIPT_FAILED: _as_diagnosed,
    Outcome.SETUP_FAILED: _as_diagnosed,
    Outcome.SERVICE_FAILED: _as_diagnosed,
    Outcome.FAILED: _as_diagnosed,
    Outcome.NEVER_STARTED: _as_diagnosed,
    Outcome.OUT_OF_TIME: _failed,
    Outcome.OUT_OF_MONEY: _failed,
    Outcome.TIMED_OUT: _failed,
    Outcome.DENIED: _failed,
    Outcome.INVALID: _failed,
}
