"""Which faults struck, what, and when: a fault that silently does not happen proves nothing."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

from trainwright.rehearsal.faults.base import Fault
from trainwright.rehearsal.faults.model import Faults

# One line for each strike; a chaos of thousands of calls must not fill the memory.
MOST_STRIKES = 10_000


@dataclass(frozen=True)
class Strike:
    """A fault that happened: its place in the file, what it struck, and the account's time, in seconds since 1970."""

    fault: str
    struck: str
    time: float


class Strikes:
    """The strikes of one account, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Strike] = []
        self._counts: dict[str, int] = {}

    def note(self, fault: Fault, struck: str, time: float) -> None:
        """A fault happened to ``struck``."""
        with self._lock:
            self._counts[fault.place] = self._counts.get(fault.place, 0) + 1
            if len(self._kept) < MOST_STRIKES:
                self._kept.append(Strike(fault.place, struck, time))

    def report(self, faults: Faults) -> dict[str, Any]:
        """The strikes in order, how often each fault of the file struck, and those that never did."""
        with self._lock:
            counts = {fault.place: self._counts.get(fault.place, 0) for fault in faults.all()}
            return {
                "struck": [asdict(strike) for strike in self._kept],
                "counts": counts,
                "never": [place for place, count in counts.items() if not count],
            }
