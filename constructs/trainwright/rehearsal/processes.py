"""Children of the server: each in a process group of its own, and none outlives the server."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

# The kernel sends the parent-death signal when the *thread* that forked ends, so that every child is forked by one
# thread that lives as long as the process (prctl(2), PR_SET_PDEATHSIG).
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_children: dict[int, subprocess.Popen[bytes]] = {}
_lock = threading.Lock()
_closed = threading.Event()


class Stopping(RuntimeError):
    """The account is going down and starts nothing more."""


def spawn(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    pass_fds: Sequence[int] = (),
    preexec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child with exactly ``env``; see ``facade.spawn``."""

    def start() -> subprocess.Popen[bytes]:
        if _closed.is_set():
            raise Stopping("the account is going down")
        child = subprocess.Popen(
            [str(arg) for arg in args],
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            preexec_fn=_before_exec(preexec),  # noqa: PLW1509  (it only calls prctl and what the caller asks for)
        )
        _remember(child)
        return child

    return _spawner.submit(start).result()


def _before_exec(preexec: Callable[[], None] | None) -> Callable[[], None] | None:
    if _libc is None:
        return preexec
    libc, server = _libc, os.getpid()

    def run() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:  # it died between fork and prctl
            os._exit(1)
        if preexec is not None:
            preexec()

    return run


def _remember(child: subprocess.Popen[bytes]) -> None:
    with _lock:
        for pid in [pid for pid, other in _children.items() if other.returncode is not None]:
            del _children[pid]
        _children[child.pid] = child


def kill_group(child: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """Send a signal to a child and to everything that it started in its group."""
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_all() -> None:
    """Kill every child that was ever started here and what is left of its group; nothing can be started afterwards."""
    _closed.set()
    with _lock:
        children = list(_children.values())
    for child in children:
        kill_group(child)
    for child in children:
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            continue
