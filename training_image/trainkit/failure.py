"""Why a job failed, in the file that becomes DescribeTrainingJob's FailureReason."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from pathlib import Path

# DescribeTrainingJob shows at most this many characters of the failure file (SageMaker developer guide,
# "How Amazon SageMaker AI Signals Algorithm Success and Failure").
FAILURE_LIMIT = 1024
_TRACEBACK = "Traceback (most recent call last):"
# torch.distributed puts it before each line of an exception.
_OF_TORCH = re.compile(r"^\[rank\d+\]: ?")


class LaunchError(Exception):
    """The script cannot be started; the message is the job's reason of failure."""


def leave_reason(path: Path, reason: str) -> None:
    """Write the reason, unless there is one: the script's own, or that of the process that failed before this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(reason[:FAILURE_LIMIT])
    except FileExistsError:
        return


def failure_reason(returncode: int, tail: Sequence[str], where: str = "") -> str:
    """The exception's class and message first, then as many of the last traceback lines as fit in 1,024 characters.

    Args:
        returncode: as `subprocess.Popen` has it: a signal's number is negative.
        tail: the last lines that the process wrote to stderr.
        where: which process it was, where there are several: ``rank 1 on algo-2``.
    """
    place = f" ({where})" if where else ""
    tail = [_OF_TORCH.sub("", line) for line in tail]
    if returncode < 0:
        return _fit(f"killed by {signal.Signals(-returncode).name}{_signal_hint(-returncode)}{place}", tail)
    if _TRACEBACK not in tail:
        return _fit(f"the script ended with exit code {returncode}{place}", tail)
    start = len(tail) - 1 - tail[::-1].index(_TRACEBACK)
    frames, message = _split_traceback(tail[start + 1 :])
    return _fit(message + place, frames)


def _split_traceback(lines: Sequence[str]) -> tuple[Sequence[str], str]:
    """The indented frames, and what follows them: ``ValueError: message``, which may have more than one line."""
    first = next((index for index, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return lines[:first], "\n".join(lines[first:]) or "the script raised"


def _signal_hint(number: int) -> str:
    return " (SIGKILL nobody asked for usually means that the memory ran out)" if number == signal.SIGKILL else ""


def _fit(summary: str, lines: Sequence[str]) -> str:
    """`summary`, then the last of `lines` that still fit."""
    text = summary[:FAILURE_LIMIT]
    kept: list[str] = []
    for line in reversed(lines):
        if len(text) + sum(len(other) + 1 for other in kept) + len(line) + 1 > FAILURE_LIMIT:
            break
        kept.insert(0, line)
    return "\n".join([text, *kept])
