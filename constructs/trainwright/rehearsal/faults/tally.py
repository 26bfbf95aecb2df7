"""Counts what a fault is about, so that chance, ``after`` and ``times`` can be held to."""

from __future__ import annotations

import threading
from collections import Counter

from trainwright.rehearsal.faults.base import Fault
from trainwright.rehearsal.faults.chance import happens


class Tally:
    """The counts of one account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._repeats: Counter[tuple[str, ...]] = Counter()
        self._meant: Counter[str] = Counter()

    def strikes(self, fault: Fault, seed: int, *about: str, after: int = 0, times: int | None = None) -> bool:
        """Whether the fault strikes what it is about now.

        The lot is drawn for the thing and how often the same thing was there before: a call that is tried again draws
        anew, and no other thread's calls change what it draws. ``after`` and ``times`` count whatever came first.
        """
        with self._lock:
            if fault.chance < 1:
                self._repeats[fault.place, *about] += 1
            if not happens(fault.chance, seed, fault.place, *about, self._repeats[fault.place, *about]):
                return False
            self._meant[fault.place] += 1
            return after < self._meant[fault.place] <= after + (times or self._meant[fault.place])

    def count(self, *about: str) -> int:
        """How often this was asked for these, now included."""
        with self._lock:
            self._repeats[about] += 1
            return self._repeats[about]
