"""Profiled jobs that were never run: their files, written as SageMaker's profiler writes them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from trainwright_runtime.profile import DEFAULTS, Digest, Instance, Settings, document

START = 1_700_000_040
PREFIX = "runs/digits-1/team-0123456789-1/profiler-output/system/incremental"
Row = tuple[str, str, str, float]
Machine = Callable[[int, str], Mapping[str, Any]]


def key(minute: int, host: str = "algo-1") -> str:
    """Of the `minute`-th minute."""
    at = START + 60 * minute
    return f"{PREFIX}/{datetime.fromtimestamp(at, UTC):%Y%m%d%H}/{at}.{host}.json"


def line(kind: str, name: str, dimension: str, value: float, at: float, host: str = "algo-1") -> bytes:
    said = {"Type": kind, "Name": name, "Dimension": dimension, "Value": value, "NodeId": host, "Timestamp": at}
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def rows(machine: Mapping[str, Any]) -> Iterator[Row]:
    """What one reading says: cpu, io, gpu, gpu_memory are lists, memory, received and sent are numbers."""
    for name, kind, dimension in (
        ("cpu", "cpu", "CPUUtilization"),
        ("io", "cpu", "I/OWaitPercentage"),
        ("gpu", "gpu", "GPUUtilization"),
        ("gpu_memory", "gpu", "GPUMemoryUtilization"),
    ):
        for number, value in enumerate(machine.get(name, ())):
            yield kind, f"{kind}{number}", dimension, value
    if "memory" in machine:
        yield "memory", "MemoryUsedPercent", "Memory", machine["memory"]
    for name, said in (("received", "ReceiveBytesPerSecond"), ("sent", "TransmitBytesPerSecond")):
        if name in machine:
            yield "network", said, "Algorithm", machine[name]


@dataclass(frozen=True)
class Job:
    """`machine` says what a host does at its n-th reading."""

    machine: Machine
    readings: int = 1400
    hosts: Sequence[str] = ("algo-1",)
    interval: float = 0.5
    training: Sequence[tuple[float, float]] = ()
    steps: Sequence[tuple[int, float]] = ()
    settings: Settings = DEFAULTS
    instance: Instance | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)
    chunk: int = 2**22

    def files(self) -> dict[str, bytes]:
        found: dict[str, list[bytes]] = {}
        for number in range(self.readings):
            at = START + 0.25 + number * self.interval
            for host in self.hosts:
                said = [line(*row, at, host) for row in rows(self.machine(number, host))]
                found.setdefault(key(int(at - START) // 60, host), []).extend(said)
        return {name: b"".join(lines) for name, lines in found.items()}

    def digest(self) -> Digest:
        files = self.files()
        digest = Digest(
            [(name, len(content)) for name, content in files.items()],
            settings=self.settings,
            instance=self.instance,
            training=self.training,
            chunk=self.chunk,
        )
        for name in digest.plan():
            digest.read(name, files[name])
        return digest

    def document(self) -> dict[str, Any]:
        given = {"digest": self.digest(), "rules": [], "rule_reports": {}, "host_metrics": None}
        given |= {"steps": self.steps, "training": self.training, **self.rest}
        return document(attempt=1, job_name="team-0123456789-1", **given)

    def found(self) -> list[str]:
        return [finding["rule"] for finding in self.document()["findings"]]


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """What a test can ask for."""
    return SimpleNamespace(job=Job, start=START, key=key, line=line)
