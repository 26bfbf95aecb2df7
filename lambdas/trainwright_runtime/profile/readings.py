"""A reading: what the rows of one host and one moment say together."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from trainwright_runtime.profile.lines import Row

SNAPSHOT_SECONDS = 0.02
"""Rows that are no further apart are of one moment: so AWS's rules have it (smdebug/profiler/analysis, 2020)."""
MOST_PERCENT = 105.0
"""Use is measured over time, and may come out at a little over 100."""
CPU, IO_WAIT, GPU, GPU_MEMORY = "CPUUtilization", "I/OWaitPercentage", "GPUUtilization", "GPUMemoryUtilization"
_MEMORY_NAME = "MemoryUsedPercent"
#: Of a network row's Dimension, Algorithm is the container's traffic and Platform is SageMaker's own.
_TRAFFIC, _AGENTS = "Algorithm", "Platform"
_DEVICES = 64
_NONE: Mapping[str, float] = {}


class Reading(NamedTuple):
    """Percent, and bytes a second; None for what nothing was said of."""

    at: float
    cpu: float | None = None
    """The mean of the cores; `cpu_peak` is the core used most."""
    cpu_peak: float | None = None
    io_wait: float | None = None
    """The mean of the cores; `io_peak` is the core that waits most."""
    io_peak: float | None = None
    memory: float | None = None
    gpus: Mapping[str, float] = _NONE
    gpu_memory: Mapping[str, float] = _NONE
    received: float | None = None
    sent: float | None = None


_NOTHING = Reading(0.0)[1:]


class Assembly:
    """Puts the rows of one host together, which come in the order of their time, in as many parts as they like."""

    def __init__(self) -> None:
        self.bad = 0
        """Rows of percentages that are none."""
        self.unknown = 0
        """Rows of a Dimension or Name that nothing is known of, the first of them in `unknown_name`."""
        self.unknown_name: str | None = None
        self._began, self._until = 0.0, -1.0
        self._cpu: list[float] = []
        self._io: list[float] = []
        self._others: list[Row] = []

    def take(self, rows: Iterable[Row]) -> Iterable[Reading]:
        """The readings that are complete by now."""
        done: list[Reading] = []
        began, until, cpu, io = self._began, self._until, self._cpu, self._io
        for row in rows:
            at, dimension = row[0], row[1]
            if not began <= at <= until:
                done += self.rest()
                cpu, io = self._cpu, self._io
                self._began, self._until = began, until = at, at + SNAPSHOT_SECONDS
            if dimension == CPU:
                cpu.append(row[3])
            elif dimension == IO_WAIT:
                io.append(row[3])
            else:
                self._others.append(row)
        return done

    def rest(self) -> list[Reading]:
        """The reading that was not complete, if there is one."""
        if self._until < self._began:
            return []
        reading = self._reading()
        self._cpu, self._io, self._others = [], [], []
        self._began, self._until = 0.0, -1.0
        return [reading] if reading[1:] != _NOTHING else []

    def _reading(self) -> Reading:
        cpu, io = self._percent(self._cpu), self._percent(self._io)
        memory, received, sent = None, None, None
        gpus: dict[str, float] = {}
        gpu_memory: dict[str, float] = {}
        for _, dimension, name, value, _ in self._others:
            if dimension in (GPU, GPU_MEMORY):
                self._device(gpus if dimension == GPU else gpu_memory, name, value)
            elif name == _MEMORY_NAME and value <= MOST_PERCENT:
                memory = min(value, 100.0)
            elif dimension == _TRAFFIC and (to := _direction(name)):
                received = (received or 0.0) + value if to == "received" else received
                sent = (sent or 0.0) + value if to == "sent" else sent
            elif dimension != _AGENTS:
                self._strange(dimension, name)
        return Reading(
            self._began,
            _mean(cpu),
            max(cpu, default=None),
            _mean(io),
            max(io, default=None),
            memory,
            gpus or _NONE,
            gpu_memory or _NONE,
            received,
            sent,
        )

    def _percent(self, values: list[float]) -> list[float]:
        if not values or max(values) <= 100:
            return values
        kept = [min(value, 100.0) for value in values if value <= MOST_PERCENT]
        self.bad += len(values) - len(kept)
        return kept

    def _device(self, devices: dict[str, float], name: str, value: float) -> None:
        if value > MOST_PERCENT:
            self.bad += 1
        elif not name.startswith("gpu") or len(name) > 8 or len(devices) >= _DEVICES:
            self._strange(GPU, name)
        else:
            devices[name] = min(value, 100.0)

    def _strange(self, dimension: str, name: str) -> None:
        self.unknown += 1
        self.unknown_name = self.unknown_name or f"{dimension} {name}"[:80]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


@lru_cache(maxsize=256)
def _direction(name: str) -> str | None:
    """The public sources have the readers of these rows, not their names."""
    said = name.lower()
    if any(word in said for word in ("receive", "rx", "download", "bytesin")):
        return "received"
    return "sent" if any(word in said for word in ("transmit", "sent", "send", "tx", "upload", "bytesout")) else None
