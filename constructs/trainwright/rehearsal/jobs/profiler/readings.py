"""From what the processes of a host did between two looks to the utilisation of an instance.

The instance is this machine, with its cores and its memory, as if the host had it alone: what its processes ran counts,
and what they would have run had nobody else been using the cores. How the time of one process divides among cores is
not known; it is laid first onto the core that it ran on last. A process that waits uninterruptibly (for a disk, for a
file system) when it is looked at makes I/O wait of what its core has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainwright.rehearsal.jobs.profiler.processes import WAITS_FOR_INPUT, Process, Traffic


@dataclass(frozen=True)
class Reading:
    """Percent of each core, percent of the machine's memory, bytes a second."""

    cpu: Mapping[int, float]
    io_wait: Mapping[int, float]
    memory: float
    received: float
    sent: float

    @property
    def total_cpu(self) -> float:
        """ "The sum of each individual CPU core's utilization" (guide, CloudWatch metrics)."""
        return sum(self.cpu.values())


@dataclass(frozen=True)
class Look:
    """What was seen of a host at one moment; ``at`` in seconds that only grow."""

    at: float
    processes: Mapping[int, Process]
    traffic: Traffic


def between(before: Look, now: Look, cores: Sequence[int], memory: int) -> Reading:
    """The utilisation from one look to the next, which is later."""
    seconds = now.at - before.at
    cpu = spread(_worked(before, now), cores, seconds)
    waits = {process.core for process in now.processes.values() if process.state == WAITS_FOR_INPUT}
    return Reading(
        cpu=cpu,
        io_wait={core: 100.0 - cpu[core] if core in waits else 0.0 for core in cores},
        memory=min(100.0, 100.0 * sum(process.memory for process in now.processes.values()) / memory),
        received=max(0, now.traffic.received - before.traffic.received) / seconds,
        sent=max(0, now.traffic.sent - before.traffic.sent) / seconds,
    )


def _worked(before: Look, now: Look) -> list[tuple[int, float]]:
    """Core and seconds of each process. A child's time moves to its parent when it ends, and is not counted twice."""
    gone = sum(process.seconds for pid, process in before.processes.items() if pid not in now.processes)
    worked = []
    for pid, process in now.processes.items():
        earlier = before.processes.get(pid)
        seconds = process.seconds - (earlier.seconds if earlier else 0.0)
        inherited = min(gone, seconds)
        gone -= inherited
        waited = process.waited - (earlier.waited if earlier else 0.0)
        worked.append((process.core, max(0.0, seconds - inherited) + max(0.0, waited)))
    return worked


def spread(worked: Sequence[tuple[int, float]], cores: Sequence[int], seconds: float) -> dict[int, float]:
    """Percent of each core: a process fills the core that it ran on last, and then the others."""
    free = dict.fromkeys(cores, seconds)
    for core, wanted in sorted(worked, key=lambda one: -one[1]):
        left = wanted
        for one in [core, *(other for other in cores if other != core)]:
            taken = min(left, free.get(one, 0.0))
            if taken > 0:
                free[one] -= taken
                left -= taken
    return {core: 100.0 * (seconds - left) / seconds for core, left in free.items()}
