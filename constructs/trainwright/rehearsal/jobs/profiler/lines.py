"""The profiler's files of system metrics: lines, their minutes, and where they lie below profiler-output.

Shape of a line and of the key: tests/profiler/resources of awslabs/sagemaker-debugger and listings of real buckets. The
network's names and the memory's dimension are ours: the public sources show only what their readers filter by.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from trainwright.rehearsal.jobs.profiler.gpus import Use
from trainwright.rehearsal.jobs.profiler.readings import Reading
from trainwright.rehearsal.jobs.profiler.rules import Row

INCREMENTAL = "system/incremental/"
END = "system/training_job_end.ts"
Upload = Callable[[str, bytes], object]


def rows(reading: Reading, gpus: Mapping[int, Use], node: str, when: float) -> Iterator[Row]:
    """What one reading says, as the files have it."""
    for core, value in reading.cpu.items():
        yield Row("cpu", f"cpu{core}", "CPUUtilization", value, node, when)
    for core, value in reading.io_wait.items():
        yield Row("cpu", f"cpu{core}", "I/OWaitPercentage", value, node, when)
    yield Row("memory", "MemoryUsedPercent", "Memory", reading.memory, node, when)
    yield Row("network", "ReceiveBytesPerSecond", "Algorithm", reading.received, node, when)
    yield Row("network", "TransmitBytesPerSecond", "Algorithm", reading.sent, node, when)
    for gpu, use in gpus.items():
        yield Row("gpu", f"gpu{gpu}", "GPUUtilization", use.utilisation, node, when)
        yield Row("gpu", f"gpu{gpu}", "GPUMemoryUtilization", use.memory, node, when)


def write(row: Row) -> str:
    """One line."""
    kind, name, dimension, value, node, when = row
    said = {"Type": kind, "Name": name, "Dimension": dimension, "Value": round(value, 2), "NodeId": node}
    return json.dumps({**said, "Timestamp": when}, separators=(",", ":")) + "\n"


def read(content: bytes) -> Iterator[Row]:
    """The rows of a file; what cannot be read, as a last line that was cut, is left out."""
    for line in content.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            place = (said["Type"], said["Name"], said["Dimension"], float(said["Value"]))
            yield Row(*place, said["NodeId"], float(said["Timestamp"]))


def key(minute: int, node: str) -> str:
    """Where the file of a minute (epoch seconds) lies below profiler-output."""
    return f"{INCREMENTAL}{datetime.fromtimestamp(minute, UTC):%Y%m%d%H}/{minute}.{node}.json"


class Files:
    """The lines of one job that are not in S3 yet, by minute and host."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[int, str], list[str]] = {}
        self._changed: set[tuple[int, str]] = set()
        self._lock, self._uploading = threading.Lock(), threading.Lock()

    def add(self, found: Iterable[Row]) -> None:
        """Take rows."""
        with self._lock:
            for row in found:
                place = (int(row.timestamp // 60) * 60, row.node)
                self._minutes.setdefault(place, []).append(write(row))
                self._changed.add(place)

    def flush(self, now: float, upload: Upload, *, all_of_them: bool) -> None:
        """Give the minutes that are over to ``upload``, or all; a minute that goes on later is given again, whole."""
        with self._uploading:
            for minute, node in sorted(self._due(now, all_of_them=all_of_them)):
                with self._lock:
                    content = "".join(self._minutes[minute, node])
                    self._changed.discard((minute, node))
                    if minute + 60 <= now:
                        del self._minutes[minute, node]
                upload(key(minute, node), content.encode())

    def _due(self, now: float, *, all_of_them: bool) -> list[tuple[int, str]]:
        with self._lock:
            return [place for place in self._changed if all_of_them or place[0] + 60 <= now]
