"""How long a run waits: for a busy quota, a throttled service, after a fault of AWS's, and between looks at a job.

Waits grow, and differ from run to run so that runs which wait for the same thing do not ask at the same moment. A
run's own waits are always the same: they are drawn from its id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from trainwright_runtime.history import Start
from trainwright_runtime.outcome import Outcome
from trainwright_runtime.rungs import Plan

_FIRST_AND_LONGEST = {
    Outcome.THROTTLED: (5, 300),
    Outcome.SERVICE_UNAVAILABLE: (30, 300),
    Outcome.QUOTA_BUSY: (60, 900),
}
QUEUED = frozenset(outcome.label for outcome in _FIRST_AND_LONGEST)
"""Labels of the outcomes that time may cure: the run waits for them, within queue_seconds."""
SECOND_LOOK = 30
"""Seconds until the second look for a job that an unanswered call may have made."""
MAX_LOOKS = 60
"""Looks at a job that should have ended: 12 at 10 s, then 48 at 30 s, about 26 minutes in all. A stop takes 120 s for
the script (SIGTERM, then SIGKILL) and the upload of its model."""
_FAULT = (30, 600)
_LEAST = 5
_WAITS = 80
"""About how many waits a long queue is cut into, so that it ends before the starts of a run do."""
_LOOKS = 1000
"""About how many looks a job gets that is waited for, so that its execution's history is not filled by them."""


def in_queue(plan: Plan, starts: Sequence[Start], outcome: Outcome) -> int | None:
    """Seconds until the next try on the same rung; None where the rung's share of queue_seconds is used up. `starts`
    are those of this redrive, the last is the one that was refused."""
    last = starts[-1]
    share = _share(plan, starts)
    left = share - sum(start.then_wait for start in starts[:-1] if start.rung == last.rung and start.outcome in QUEUED)
    if left < _LEAST:
        return None
    first, longest = _FIRST_AND_LONGEST[outcome]
    pause = _growing(first, max(longest, share // _WAITS), _in_a_row(starts, outcome))
    return min(left, max(_LEAST, _drawn(plan, last.number, pause)))


def after_fault(plan: Plan, number: int, repeats: int) -> int:
    """Seconds before a start is repeated after a fault of AWS's."""
    return _drawn(plan, number, _growing(*_FAULT, repeats))


def until_next_look(looks: int, longest: int | None) -> int | None:
    """Seconds before a job is looked at again; None where it was looked at long enough.

    A job that should have ended gets `MAX_LOOKS`. One that was found running and may take
    `longest` seconds is looked at until then, at first each 30 s, then each 5 minutes, or rarer where that would be
    more than a thousand looks.
    """
    if longest is None:
        return (10 if looks < 12 else 30) if looks < MAX_LOOKS else None
    most = max(300, longest // _LOOKS)
    waited = sum(_growing(30, most, each) for each in range(min(looks, 16))) + max(0, looks - 16) * most
    return _growing(30, most, looks) if waited < longest else None


def _share(plan: Plan, starts: Sequence[Start]) -> int:
    """Of queue_seconds, what earlier rungs left, shared by the rungs from this one on."""
    rung = starts[-1].rung
    before = sum(start.then_wait for start in starts if start.rung != rung and start.outcome in QUEUED)
    return max(0, plan.bounds.queue_seconds - before) // (len(plan.rungs) - rung)


def _in_a_row(starts: Sequence[Start], outcome: Outcome) -> int:
    """How often the same was waited for just before."""
    count = 0
    for start in reversed(starts[:-1]):
        if start.outcome != outcome.label or start.rung != starts[-1].rung:
            break
        count += 1
    return count


def _growing(first: int, longest: int, times: int) -> int:
    return int(min(longest, first * 2 ** min(times, 20)))


def _drawn(plan: Plan, number: int, pause: int) -> int:
    """Between half of a pause and the whole, the same each time it is asked for."""
    digest = hashlib.sha256(f"{plan.run.id}:{number}".encode()).digest()
    part = int.from_bytes(digest[:4], "big") / 2**32
    return max(1, round(pause * (0.5 + part / 2)))
