"""What every clock can do, and the event that all of them know."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Clock(Protocol):
    """A way in which the account's time passes."""

    mode: str

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def wall(self, seconds: float) -> float:
        """The seconds of the wall that so many of the account take."""

    def account(self, seconds: float) -> float:
        """The seconds of the account that so many of the wall take."""

    def wait(self, event: Event, seconds: float | None) -> None:
        """Return when the event is set or the seconds have passed."""

    def wake(self, event: Event) -> None:
        """The event was set."""

    def thread(self, target: Callable[..., object], name: str, *args: Any) -> threading.Thread:
        """Start a counted daemon thread."""

    def idle(self) -> AbstractContextManager[None]:
        """See `trainwright.rehearsal.clock.idle`."""

    def away(self) -> AbstractContextManager[None]:
        """See `trainwright.rehearsal.clock.away`."""

    def counted(self, name: str | Callable[[], str]) -> AbstractContextManager[None]:
        """See `trainwright.rehearsal.clock.counted`."""

    def random(self, *about: str) -> random.Random | None:
        """The random numbers of the task that asks, or for a purpose; None: nobody cares which."""

    def stop(self) -> None:
        """The account goes down: nobody waits for long any more."""


class Event:
    """As `threading.Event`, in the account's time.

    Args:
        weak: no clock jumps for the sake of who waits for it, so many seconds; for schedules without an end.
    """

    def __init__(self, *, weak: bool = False) -> None:
        self.flag, self.weak = threading.Event(), weak
        self.waiters: list[Any] = []  # a clock's own notes on who waits

    def is_set(self) -> bool:
        """Whether it was set and not cleared since."""
        return self.flag.is_set()

    def set(self) -> None:
        """Wake everybody who waits, and let nobody wait until it is cleared."""
        self.flag.set()
        _clock().wake(self)

    def clear(self) -> None:
        """Let whoever comes now wait."""
        self.flag.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most so many seconds; whether it is set."""
        _clock().wait(self, timeout)
        return self.flag.is_set()


def _clock() -> Clock:
    from trainwright.rehearsal import clock  # noqa: PLC0415  (the clock of the process is there, and needs this module)

    return clock.current()
