"""One stretch of a job's training as its profiler sees it: the hosts, looked at again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trainwright.rehearsal import clock
from trainwright.rehearsal.jobs.host import Host
from trainwright.rehearsal.jobs.instances import HostSpec
from trainwright.rehearsal.jobs.profiler import gpus, lines, processes
from trainwright.rehearsal.jobs.profiler.gpus import Gpus
from trainwright.rehearsal.jobs.profiler.profile import Profile
from trainwright.rehearsal.jobs.profiler.readings import Look, Reading, between

#: How often instances are looked at when nobody profiles: sooner in the beginning, for short jobs; seconds of the wall.
_FIRST, _LATER = 0.2, 2.0
#: A look in less than this says little: Linux counts processor time in hundredths of a second.
_LEAST = 0.1
_GIB = 1024**3


@dataclass
class _Seen:
    """A host, and the last look at it."""

    host: Host
    gpus: Gpus | None
    last: Look | None = None

    @property
    def pid(self) -> int:
        """The process that all others of the host are below; 0 before it starts."""
        return self.host.process.pid if self.host.process else 0

    def inside(self, family: Sequence[processes.Process]) -> int:
        """A process that is in the host's network, if it has one: the entry point."""
        return next((process.pid for process in family if process.parent == self.pid), self.pid)


class Watch:
    """Made when the hosts have started; the meter calls `measure` when it is `due`."""

    def __init__(self, profile: Profile, hosts: Sequence[tuple[Host, HostSpec]], volume_gb: int | None) -> None:
        self._profile, self._volume = profile, volume_gb
        self._hosts = [_Seen(host, _gpus(host, spec)) for host, spec in hosts]
        self._cores, self._memory = processes.cores(), processes.memory_bytes()
        self._pause = _FIRST
        self._ticked = clock.time()
        self._has_stopped = False
        self.due = time.monotonic()

    @property
    def pids(self) -> list[int]:
        """Where the processes of its hosts begin."""
        return [seen.pid for seen in self._hosts if seen.pid]

    def measure(self, families: Mapping[int, list[processes.Process]]) -> None:
        """Look at every host; what the interval since the last look shows is kept for each tick in it."""
        if self._has_stopped:
            return
        at, now = time.monotonic(), clock.time()
        ticks = list(self._ticks(now))
        for seen in self._hosts:
            reading = self._look(seen, families.get(seen.pid, []), at)
            if reading is not None:
                use = seen.gpus.look() if seen.gpus else {}
                self._profile.metrics.read(seen.host.name, reading, use)
                for tick in ticks:
                    self._profile.files.add(lines.rows(reading, use, seen.host.name, tick))
        self.due = at + self._next()
        self._profile.publish_if_due(now, self.disk)

    def _look(self, seen: _Seen, family: Sequence[processes.Process], at: float) -> Reading | None:
        if not family:
            return None
        with_waits = {one.pid: one._replace(waited=processes.waited(one.pid)) for one in family}
        look = Look(at, with_waits, processes.traffic(seen.inside(family)))
        before, seen.last = seen.last, look
        return between(before, look, self._cores, self._memory) if before and at > before.at else None

    def _ticks(self, now: float) -> Iterator[float]:
        """The moments, an interval of the account's time apart, that have passed since the last look."""
        profiling = self._profile.profiling
        if profiling is None:
            self._ticked = now
            return
        while self._ticked + profiling.interval <= now:
            self._ticked += profiling.interval
            yield self._ticked

    def _next(self) -> float:
        profiling = self._profile.profiling
        if profiling is not None:
            return max(_LEAST, clock.wall(profiling.interval))
        pause, self._pause = self._pause, min(_LATER, self._pause * 2)
        return pause

    def stop(self, *, publish: bool) -> None:
        """The hosts have ended; their folders are still there."""
        if publish:
            self._profile.publish(clock.time(), self.disk, everything=True)
        self._has_stopped = True

    def disk(self, name: str) -> float | None:
        """Percent of the volume that the files of a host take; None: its size is not known here."""
        seen = next((seen for seen in self._hosts if seen.host.name == name), None)
        if seen is None or not self._volume or self._has_stopped:
            return None
        return min(100.0, 100.0 * _bytes_in(str(seen.host.ml)) / (self._volume * _GIB))


def _gpus(host: Host, spec: HostSpec) -> Gpus | None:
    return Gpus(host.path(gpus.FILE)) if gpus.has_gpus(spec.instance_type) else None


def _bytes_in(folder: str) -> int:
    """What the files below a folder take on a disk."""
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_blocks * 512  # noqa: PTH118 - many files
            except OSError:
                continue
    return total
