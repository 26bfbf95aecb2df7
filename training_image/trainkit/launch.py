"""The image's entry point: ``ENTRYPOINT ["python", "-m", "trainkit.launch", "train.py"]``.

Starts the script with SM_* variables and the hyperparameters as arguments, passes SIGTERM and SIGINT on to it, leaves
``/opt/ml/output/failure`` when it fails, and ends with its exit code: SageMaker calls a job failed when that is not 0.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from trainkit.environment import Job, read_job, sm_variables
from trainkit.paths import base_dir

FORWARDED = (signal.SIGTERM, signal.SIGINT)
# DescribeTrainingJob shows at most this many characters of the failure file (SageMaker developer guide,
# "How Amazon SageMaker AI Signals Algorithm Success and Failure").
FAILURE_LIMIT = 1024
_TAIL_LINES = 400
_TRACEBACK = "Traceback (most recent call last):"


def main(words: Sequence[str] | None = None) -> int:
    """Run the script named first in `words`, with the arguments that follow it, and answer its exit code.

    SageMaker appends the word ``train`` to an image's ENTRYPOINT (``docker run IMAGE train``); it is not passed on.
    """
    script, *extra = list(sys.argv[1:] if words is None else words) or [""]
    if not script.endswith(".py"):
        print("use: python -m trainkit.launch SCRIPT.py [ARGUMENT ...]", file=sys.stderr)  # noqa: T201
        return 2
    job = read_job(base_dir())
    arguments = job.arguments + (extra[:-1] if extra[-1:] == ["train"] else extra)
    return _run([sys.executable, "-u", script, *arguments], job)


def _run(command: list[str], job: Job) -> int:
    for folder in ("model", "output/data"):
        (job.base / folder).mkdir(parents=True, exist_ok=True)
    relay = _Relay()
    child = subprocess.Popen(command, env=os.environ | sm_variables(job), stderr=subprocess.PIPE)
    relay.attach(child)
    tail = _wait(child)
    if child.returncode:
        _leave_reason(job.failure_file, child.returncode, tail)
    return _exit_code(child.returncode)


class _Relay:
    """Passes signals on to the child, also those that arrive before there is one."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        for number in FORWARDED:
            signal.signal(number, self._receive)

    def attach(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)


def _wait(child: subprocess.Popen[bytes]) -> list[str]:
    """The last lines of the child's stderr, which is copied to ours as it comes."""
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    assert child.stderr  # noqa: S101 - asked for with PIPE
    copy = threading.Thread(target=_copy, args=(child.stderr, tail), daemon=True)
    copy.start()
    child.wait()
    # A process that the script left behind may hold the pipe open: the job is over all the same.
    copy.join(timeout=5)
    return list(tail)


def _copy(source: BinaryIO, tail: deque[str]) -> None:
    for line in source:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
        tail.append(line.decode("utf-8", "replace").rstrip("\n"))


def _exit_code(returncode: int) -> int:
    """A signal's number becomes 128 + number, as a shell would say it: exit codes cannot be negative."""
    return returncode if returncode >= 0 else 128 - returncode


def _leave_reason(path: Path, returncode: int, tail: list[str]) -> None:
    """Say why, unless the script has said it itself."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(failure_reason(returncode, tail), encoding="utf-8")


def failure_reason(returncode: int, tail: list[str]) -> str:
    """The exception's class and message first, then as many of the last traceback lines as fit in 1,024 characters."""
    if returncode < 0:
        summary = f"killed by {signal.Signals(-returncode).name}" + _signal_hint(-returncode)
        return _fit(summary, tail)
    if _TRACEBACK not in tail:
        return _fit(f"the script ended with exit code {returncode}", tail)
    start = len(tail) - 1 - tail[::-1].index(_TRACEBACK)
    frames, message = _split_traceback(tail[start + 1 :])
    return _fit(message, frames)


def _split_traceback(lines: list[str]) -> tuple[list[str], str]:
    """The indented frames, and what follows them: ``ValueError: message``, which may have more than one line."""
    first = next((index for index, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return lines[:first], "\n".join(lines[first:]) or "the script raised"


def _signal_hint(number: int) -> str:
    return " (SIGKILL nobody asked for usually means that the memory ran out)" if number == signal.SIGKILL else ""


def _fit(summary: str, lines: list[str]) -> str:
    """`summary`, then the last of `lines` that still fit."""
    text = summary[:FAILURE_LIMIT]
    kept: list[str] = []
    for line in reversed(lines):
        if len(text) + sum(len(other) + 1 for other in kept) + len(line) + 1 > FAILURE_LIMIT:
            break
        kept.insert(0, line)
    return "\n".join([text, *kept])


if __name__ == "__main__":
    sys.exit(main())
