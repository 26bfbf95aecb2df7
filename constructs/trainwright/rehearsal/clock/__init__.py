"""The account's time: the wall's, one that runs faster, or one that jumps from each event to the next.

Everything in the account that waits does so here, so that a rehearsal can pass an hour in a moment. There is one clock
a process; it is the wall's until `use` is called. Times are seconds since the epoch, waits are seconds of the account.

`time.time()` and `datetime.now()` agree with the clock in the whole process; `time.monotonic()` stays the wall's and is
for what really takes time: a process that starts, a connection.
"""

from __future__ import annotations

import random as _random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from trainwright.rehearsal.clock.base import Clock, Event
from trainwright.rehearsal.clock.lanes import Lane
from trainwright.rehearsal.clock.slots import Slots
from trainwright.rehearsal.clock.wall import WallClock

__all__ = [
    "Event",
    "Lane",
    "Slots",
    "Timer",
    "account",
    "away",
    "counted",
    "current",
    "idle",
    "random",
    "sleep",
    "thread",
    "time",
    "use",
    "wall",
]

_clock: Clock = WallClock()


def current() -> Clock:
    """The clock of this process."""
    return _clock


def use(clock: Clock) -> None:
    """Make ``clock`` the clock of this process; before anybody waits."""
    global _clock  # noqa: PLW0603  (one account a process)
    _clock = clock


def time() -> float:
    """The account's time."""
    return _clock.time()


def sleep(seconds: float) -> None:
    """Wait."""
    Event().wait(max(0.0, seconds))


def wall(seconds: float) -> float:
    """How many seconds of the wall pass while so many of the account do: for ``select`` and the like."""
    return _clock.wall(seconds)


def account(seconds: float) -> float:
    """How many seconds of the account pass while so many of the wall do: for what really takes time."""
    return _clock.account(seconds)


def thread(target: Callable[..., object], name: str, *args: Any) -> threading.Thread:
    """Start a daemon thread that is counted: while it works, a clock that jumps stands still."""
    return _clock.thread(target, name, *args)


def idle() -> AbstractContextManager[None]:
    """While a counted thread waits for something that is counted itself and is not an `Event` of this module."""
    return _clock.idle()


def counted(name: str | Callable[[], str] = "outside") -> AbstractContextManager[None]:
    """While a thread that is not counted works for the account; ``name`` says at what, the same in every run."""
    return _clock.counted(name)


def away() -> AbstractContextManager[None]:
    """While a counted thread waits for a process outside, whose requests to the account are part of its work."""
    return _clock.away()


def random(*about: str) -> _random.Random:
    """Random numbers: with a clock that jumps, those of the task that asks, the same in every run with one seed.

    With ``about``, what they are for, they do not depend on the task: the next for this purpose.
    """
    return _clock.random(*about) or _random.SystemRandom()


class Timer:
    """Calls ``action`` after so many seconds, unless `cancel` comes first."""

    def __init__(self, seconds: float, action: Callable[[], object], name: str) -> None:
        self._cancelled = Event()
        self._seconds, self._action, self._name = seconds, action, name

    def start(self) -> None:
        """Begin to count."""
        thread(self._run, self._name)

    def cancel(self) -> None:
        """Forget it."""
        self._cancelled.set()

    def _run(self) -> None:
        if not self._cancelled.wait(self._seconds):
            self._action()
