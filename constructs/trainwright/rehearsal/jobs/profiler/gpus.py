"""GPUs that are not there: what a training process says of them.

On an instance type with GPUs a process may append to /opt/ml/output/profiler/gpu.jsonl, in the folder that is the
profiler's on AWS: a line ``{"gpu": 0, "utilization": 35.0, "memory": 12.5}`` (percent) holds from when it is read until
the next one of the same GPU. It is a simulation, and only what was written is reported.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FILE = "/opt/ml/output/profiler/gpu.jsonl"
_WITH_GPUS = re.compile(r"ml\.[pg]\d")


class Use(NamedTuple):
    """Percent of a GPU's units and of its memory."""

    utilisation: float
    memory: float


def has_gpus(instance_type: str) -> bool:
    """Whether a type is of "the ml.p and ml.g families"."""
    return _WITH_GPUS.match(instance_type) is not None


class Gpus:
    """The GPUs of one host, as its processes tell of them."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._rest = path, 0, b""
        self._use: dict[int, Use] = {}

    def look(self) -> dict[int, Use]:
        """The last that was said of each GPU."""
        with suppress(OSError), self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
            self._read += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._take(line)
        return dict(self._use)

    def _take(self, line: bytes) -> None:
        """A line that cannot be read says nothing."""
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            use = Use(_percent(said["utilization"]), _percent(said.get("memory", 0)))
            self._use[int(said["gpu"])] = use


def _percent(value: object) -> float:
    return min(100.0, max(0.0, float(value)))  # type: ignore[arg-type]  # what is no number raises TypeError
