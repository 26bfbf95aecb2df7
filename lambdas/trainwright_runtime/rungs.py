"""The plan of a run as data: the rungs of its ladder, what all starts together may use, and what the next start is
given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from trainwright_runtime.facts import Run
from trainwright_runtime.spec import Request

Capacity = Literal["spot", "on_demand"]
LaunchBy = Literal["sync", "callback"]
CutBy = Literal["time", "money"]

SCHEMA = 2


@dataclass(frozen=True)
class Rung:
    """One capacity and instance type of the ladder, and the request that asks for it."""

    capacity: Capacity
    instance_type: str | None
    """None where instance groups, preferences or a serverless job say."""
    launch: LaunchBy
    """How the state machine starts it: by Step Functions' own integration, or by the Launch function, which is called
    back."""
    usd_per_hour: float | None
    """On demand, all hosts together, the dearest of preferences; None where no price is known."""
    grows: bool
    """Whether VolumeSizeInGB counts for the type: it does not where it brings NVMe storage."""
    request: Request
    """CreateTrainingJob without TrainingJobName, its limits those of a first start."""

    @property
    def where(self) -> str:
        """The rung in words: `ml.g5.xlarge on spot`."""
        return f"{self.instance_type or 'these machines'} {'on spot' if self.capacity == 'spot' else 'on demand'}"

    @property
    def volume_gb(self) -> int | None:
        """The volume of each host that the run asked for; None where it asks for none."""
        size: int | None = (self.request.get("ResourceConfig") or {}).get("VolumeSizeInGB")
        return size


@dataclass(frozen=True)
class Bounds:
    """What all starts of a run together may use. Time, waiting for spot and money count over redrives; all else counts
    anew in each."""

    runtime_seconds: int
    """Training time."""
    waiting_seconds: int
    """Waiting for spot capacity, beyond the training time; 0 without spot."""
    queue_seconds: int
    """Waiting for a busy quota, or for a service that is throttled or not there."""
    cost_usd: float | None
    """At on-demand prices; None: no cap."""
    internal_errors: int
    """How often a start is repeated on its rung after a fault that is not the run's own."""
    volume_gb: int | None
    """To what a volume that is full may grow; None: not at all."""
    starts: int
    """Calls of CreateTrainingJob."""


@dataclass(frozen=True)
class Plan:
    """The rungs a run may try, in order, and its bounds."""

    run: Run
    rungs: tuple[Rung, ...]
    bounds: Bounds

    def to_dict(self) -> dict[str, Any]:
        """As it is kept in `runs/<run>/plan.json`."""
        rungs = [asdict(rung) for rung in self.rungs]
        return {"schema": SCHEMA, "run": self.run.to_dict(), "rungs": rungs, "bounds": asdict(self.bounds)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_dict`."""
        rungs = tuple(Rung(**rung) for rung in data["rungs"])
        return cls(Run.from_dict(data["run"]), rungs, Bounds(**data["bounds"]))


@dataclass(frozen=True)
class Next:
    """What one start is given: its rung (from 0), its limits in seconds, its volume."""

    rung: int
    max_runtime: int
    max_wait: int | None
    """Waiting for spot and training together; None on demand."""
    volume_gb: int | None
    """None: the volume of the rung's own request."""
    cut_by: CutBy | None
    """What left it less training time than the run asked for; None where nothing did."""
