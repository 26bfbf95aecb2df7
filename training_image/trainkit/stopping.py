"""A stop that is asked for, so that the script ends where it likes.

SageMaker sends SIGTERM when a job is stopped, times out or loses its spot instance, and SIGKILL 120 seconds later.
"""

from __future__ import annotations

import signal
from types import FrameType


class StopSignal:
    """Catches SIGTERM from its creation on; `requested` turns true when it arrives. Make it in the main thread."""

    def __init__(self) -> None:
        self.requested = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
