"""The clock that an account is to have."""

from __future__ import annotations

import os
import sys
from typing import Any

from trainwright.rehearsal import clock
from trainwright.rehearsal.clock import chance, processes
from trainwright.rehearsal.clock.jump import JumpClock
from trainwright.rehearsal.clock.wall import FastClock


def start(*, speed: float, jump: bool, seed: int) -> None:
    """Use this clock in this process from now on; moto reads its settings when it is imported, so they are made."""
    if jump:
        jumping = JumpClock(seed)
        chance.seed(jumping)
        _use(jumping)
        jumping.watch()
    elif speed != 1:
        _use(FastClock(speed))


def _use(new: JumpClock | FastClock) -> None:
    clock.use(new)
    processes.see(new.time_ns)


def fix_hashes() -> None:
    """Begin again with Python's hashes of texts fixed, where they are not: they decide in what order sets are read."""
    if os.environ.get("PYTHONHASHSEED", "random") == "random":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606  (no shell is wanted)


def for_sandbox(timeout: float) -> dict[str, Any] | None:
    """What a process that Lambda starts must know to see the account's time; None: the wall's."""
    now = clock.current()
    if isinstance(now, FastClock):
        return {"mode": now.mode, "speed": now.speed, "origin_ns": now.origin_ns, "began_ns": now.began_ns}
    if isinstance(now, JumpClock):
        return {"mode": now.mode, "now_ns": now.time_ns(), "timeout": timeout}
    return None
