"""A whole process that sees the account's time: `time.time`, `datetime.now` and the like, in C and in Python."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def see(time_ns: Callable[[], int]) -> None:
    """Have everything in this process that asks for the time get ``time_ns()``; `time.monotonic` stays the wall's."""
    import time_machine  # noqa: PLC0415  (nobody needs it with the wall's clock)

    traveller = time_machine.travel(0, tick=False).start()
    vars(traveller)["time_ns"] = time_ns  # in the place of its method; a test holds time-machine to it


def wall_time() -> float:
    """The wall's time, whatever this process sees."""
    library = sys.modules.get("time_machine")
    if library is None or not library.escape_hatch.is_travelling():
        return time.time()
    return float(library.escape_hatch.time.time())
