"""A number of places, of which each can be taken by one at a time, in the order of asking."""

from __future__ import annotations

import threading
from collections import deque

from trainwright.rehearsal.clock.base import Event


class Slots:
    """As `threading.Semaphore`, in the account's time: who waits gives up the turn, and who waits longest is first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[Event] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = Event()
            self._waiting.append(mine)
        while not mine.is_set():
            mine.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            following = self._waiting.popleft()
        following.set()
