"""Every process a command starts, so that none outlives it.

Each gets a process group of its own: Ctrl-C in the terminal reaches the command alone, which then ends them in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

GRACE_SECONDS = 10.0


class Processes:
    """Use as a context manager: at its end everything that still runs is asked to stop, then killed."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> subprocess.Popen[str]:
        """Start `command` with nothing on its stdin, unless that is asked for."""
        process = subprocess.Popen(
            [str(word) for word in command],
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def stop(self, process: subprocess.Popen[str], grace: float = GRACE_SECONDS) -> None:
        """SIGTERM to the whole group, SIGKILL after `grace` seconds; returns when it is gone."""
        if process.poll() is None:
            _signal_group(process, signal.SIGTERM)
            try:
                process.wait(grace)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        _signal_group(process, signal.SIGKILL)

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut this short
        try:
            self._end_all()
        finally:
            signal.signal(signal.SIGINT, before)

    def _end_all(self) -> None:
        for process in reversed(self._running):
            self.stop(process)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()


def _signal_group(process: subprocess.Popen[str], number: int) -> None:
    """The group may live on after its first process has gone: a build left behind by a shell, for example."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return
