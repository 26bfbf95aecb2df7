"""Work that is done later by a few threads, in the order in which it was given, and counted."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger("trainwright.rehearsal")


class Lane:
    """As a thread pool without results; a thread lives as long as there is work for it."""

    def __init__(self, name: str, width: int = 1) -> None:
        self._name, self._width = name, width
        self._work: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._threads = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., object], *args: Any) -> None:
        """Have ``work`` called; what it raises goes to the log."""
        from trainwright.rehearsal import clock  # noqa: PLC0415  (it offers this class)

        with self._lock:
            self._work.append((work, args))
            if self._threads == self._width:
                return
            self._threads += 1
        clock.thread(self._drain, self._name)

    def _drain(self) -> None:
        while (next_ := self._take()) is not None:
            work, args = next_
            try:
                work(*args)
            except Exception:
                log.exception("a piece of work of %s failed", self._name)

    def _take(self) -> tuple[Callable[..., object], tuple[Any, ...]] | None:
        with self._lock:
            if self._work:
                return self._work.popleft()
            self._threads -= 1
            return None
