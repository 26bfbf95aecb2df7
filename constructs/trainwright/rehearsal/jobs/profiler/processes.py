"""What Linux tells of the processes of this machine, in /proc; elsewhere there is nothing to read.

Read directly: one look at every process serves all hosts of all jobs, where a library would walk the same tree once a
host.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
#: In uninterruptible sleep: waiting for a disk, or for a file system that reads from S3.
WAITS_FOR_INPUT = "D"


class Process(NamedTuple):
    """One process: seconds of processor time of itself and of its children that have ended, the core it ran on last,
    the bytes of memory that are its, and for how many seconds its threads were ready and found every core taken."""

    pid: int
    parent: int
    state: str
    seconds: float
    core: int
    memory: int
    waited: float = 0.0


def parse(text: str) -> Process:
    """Read ``/proc/<pid>/stat``: proc(5); the name in parentheses may hold anything."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    return Process(int(pid), int(fields[1]), fields[0], ticks / TICKS, int(fields[36]), int(fields[21]) * PAGE)


def table(proc: Path = PROC) -> dict[int, Process]:
    """Every process of this machine by its number."""
    found = {}
    try:
        names = [name for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 - ten times a second
    except OSError:
        return {}
    for name in names:
        text = _text(f"{proc}/{name}/stat")
        if text:
            process = parse(text)
            found[process.pid] = process
    return found


def _text(path: str) -> str:
    """A small file; empty when its process has ended meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 65536).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def waited(pid: int, proc: Path = PROC) -> float:
    """Seconds for which the threads of a process were ready to run and did not: ``task/<tid>/schedstat``.

    https://docs.kernel.org/scheduler/sched-stats.html; a kernel without these says nothing, which is 0.
    """
    try:
        threads = os.listdir(f"{proc}/{pid}/task")  # noqa: PTH208 - several times a second
    except OSError:
        return 0.0
    fields = [_text(f"{proc}/{pid}/task/{thread}/schedstat").split() for thread in threads]
    return sum(int(found[1]) for found in fields if len(found) > 1) / 1e9


def families(processes: Mapping[int, Process], roots: Iterable[int]) -> dict[int, list[Process]]:
    """The processes below each root, itself included."""
    wanted: dict[int, list[Process]] = {root: [] for root in roots}
    of: dict[int, int | None] = {0: None}
    for pid in processes:
        root = _root(pid, processes, wanted, of)
        if root is not None:
            wanted[root].append(processes[pid])
    return wanted


def _root(
    pid: int, processes: Mapping[int, Process], roots: Mapping[int, object], of: dict[int, int | None]
) -> int | None:
    path = []
    while pid not in of and pid not in roots and pid in processes:
        path.append(pid)
        of[pid] = None  # whatever happens, no circle
        pid = processes[pid].parent
    found = pid if pid in roots else of.get(pid)
    of.update(dict.fromkeys(path, found))
    return found


class Traffic(NamedTuple):
    """Bytes that a process's network has received and sent, its loopback left out."""

    received: int
    sent: int


def traffic(pid: int, proc: Path = PROC) -> Traffic:
    """Of the network that the process is in: a host's own, or this machine's."""
    received = sent = 0
    for line in _text(f"{proc}/{pid}/net/dev").splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            received += int(numbers.split()[0])
            sent += int(numbers.split()[8])
    return Traffic(received, sent)


def memory_bytes(proc: Path = PROC) -> int:
    """What this machine has; 1 where it does not say."""
    first = _text(f"{proc}/meminfo").partition("\n")[0].split()
    return int(first[1]) * 1024 if len(first) > 1 else 1


def cores() -> list[int]:
    """The processor cores that this account may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
