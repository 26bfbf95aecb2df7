"""The wall's time, as it is or so many times as fast."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from trainwright.rehearsal.clock.base import Event


class WallClock:
    """The wall's time."""

    mode = "wall"

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return time.time_ns()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wall(self, seconds: float) -> float:
        """The same."""
        return seconds

    def account(self, seconds: float) -> float:
        """The same."""
        return seconds

    def wait(self, event: Event, seconds: float | None) -> None:
        """Wait as threads do."""
        event.flag.wait(None if seconds is None else min(self.wall(max(0.0, seconds)), threading.TIMEOUT_MAX))

    def wake(self, event: Event) -> None:
        """Nothing more than the flag is needed."""

    def thread(self, target: Callable[..., object], name: str, *args: Any) -> threading.Thread:
        """Start a daemon thread."""
        started = threading.Thread(target=target, name=name, args=args, daemon=True)
        started.start()
        return started

    def idle(self) -> AbstractContextManager[None]:
        """Nothing counts."""
        return nullcontext()

    def away(self) -> AbstractContextManager[None]:
        """Nothing counts."""
        return nullcontext()

    def counted(self, name: str | Callable[[], str]) -> AbstractContextManager[None]:
        """Nothing counts."""
        return nullcontext()

    def random(self, *about: str) -> None:
        """Nobody cares."""

    def stop(self) -> None:
        """Whoever waits is a daemon."""


class FastClock(WallClock):
    """Time that passes so many times as fast as the wall's, from the moment of its making."""

    mode = "speed"

    def __init__(self, speed: float, origin_ns: int | None = None, began_ns: int | None = None) -> None:
        """Begin at ``origin_ns`` of the account (default: now), which was ``began_ns`` of `time.monotonic_ns`."""
        self.speed = speed
        self.origin_ns = time.time_ns() if origin_ns is None else origin_ns
        self.began_ns = time.monotonic_ns() if began_ns is None else began_ns

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self.origin_ns + round((time.monotonic_ns() - self.began_ns) * self.speed)

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.time_ns() / 1e9

    def wall(self, seconds: float) -> float:
        """So many times less."""
        return seconds / self.speed

    def account(self, seconds: float) -> float:
        """So many times more."""
        return seconds * self.speed
