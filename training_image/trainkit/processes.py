"""Child processes that hear the container's signals and whose last words are kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

FORWARDED = (signal.SIGTERM, signal.SIGINT)
_TAIL_LINES = 400

Send = Callable[[int], object]


class Relay:
    """Passes signals on to whatever runs, also those that arrive before anything does. Make it in the main thread."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._send: Send | None = None
        for number in FORWARDED:
            signal.signal(number, self._receive)

    def attach(self, send: Send) -> None:
        """From now on signals go to `send`, and with them those that came before."""
        self._send = send
        for number in self.received:
            send(number)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if self._send is not None:
            self._send(number)


@dataclass(frozen=True)
class Ended:
    """A child that has ended: its exit code (a signal's number is negative) and the last lines of its stderr."""

    returncode: int
    tail: list[str]

    @property
    def exit_code(self) -> int:
        """A signal's number becomes 128 + number, as a shell would say it: exit codes cannot be negative."""
        return self.returncode if self.returncode >= 0 else 128 - self.returncode


def run(
    command: Sequence[str],
    relay: Relay,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    send: Callable[[subprocess.Popen[bytes]], Send] | None = None,
) -> Ended:
    """Run a command to its end; its stderr is copied to ours as it comes.

    Args:
        command: the program and its arguments.
        relay: what brings it the container's signals.
        env: its environment; by default ours.
        cwd: its working directory; by default ours.
        send: how a signal gets to what the started process runs; by default to the process itself.
    """
    child = subprocess.Popen(list(command), env=env, cwd=cwd, stderr=subprocess.PIPE)
    relay.attach(send(child) if send else child.send_signal)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    assert child.stderr  # noqa: S101 - asked for with PIPE
    copy = threading.Thread(target=_copy, args=(child.stderr, tail), daemon=True)
    copy.start()
    child.wait()
    # A process that the script left behind may hold the pipe open: the job is over all the same.
    copy.join(timeout=5)
    if not copy.is_alive():
        child.stderr.close()
    return Ended(child.returncode, list(tail))


def _copy(source: BinaryIO, tail: deque[str]) -> None:
    for line in source:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
        tail.append(line.decode("utf-8", "replace").rstrip("\n"))
