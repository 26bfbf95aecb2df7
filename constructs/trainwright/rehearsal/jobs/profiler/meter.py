"""The one thread that looks at the processes of all jobs: one walk through /proc serves everybody who is due."""

from __future__ import annotations

import functools
import logging
import threading
import time
from typing import Protocol

from trainwright.rehearsal.jobs.profiler import processes

#: Who is due within this is looked at together.
_TOGETHER = 0.05
_log = logging.getLogger(__name__)


class Watched(Protocol):
    """What a meter looks after."""

    due: float

    @property
    def pids(self) -> list[int]:
        """Where the processes of its hosts begin."""

    def measure(self, families: dict[int, list[processes.Process]]) -> None:
        """Look at the hosts and say, in ``due``, when to look again (`time.monotonic`)."""


class Meter:
    """Works while there is somebody to watch."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []
        self._changed = threading.Condition()
        self._runs = False

    def add(self, watched: Watched) -> None:
        """Watch from now on."""
        with self._changed:
            self._watched.append(watched)
            self._changed.notify()
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="meter", daemon=True).start()

    def remove(self, watched: Watched) -> None:
        """Watch no more."""
        with self._changed:
            self._watched.remove(watched)

    def _run(self) -> None:
        while (due := self._wait()) is not None:
            families = processes.families(processes.table(), [pid for watched in due for pid in watched.pids])
            for watched in due:
                try:
                    watched.measure(families)
                except Exception:  # noqa: BLE001 - one job's trouble must not be the others'
                    _log.exception("a job's instances could not be measured")
                    watched.due = time.monotonic() + 1.0

    def _wait(self) -> list[Watched] | None:
        """Whoever is due next, when it is; None: nobody is left."""
        with self._changed:
            while self._watched:
                left = min(watched.due for watched in self._watched) - time.monotonic()
                if left <= 0:
                    soon = time.monotonic() + _TOGETHER
                    return [watched for watched in self._watched if watched.due <= soon]
                self._changed.wait(left)
            self._runs = False
            return None


@functools.cache
def meter() -> Meter:
    """The one of this account."""
    return Meter()
