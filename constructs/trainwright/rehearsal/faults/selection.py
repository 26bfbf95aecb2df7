"""Which faults one training job can meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from trainwright.rehearsal.faults.base import JobFault
from trainwright.rehearsal.faults.chance import happens
from trainwright.rehearsal.faults.fake import FakeJob
from trainwright.rehearsal.faults.jobs import (
    BusyQuota,
    FullDisk,
    InternalError,
    LostHost,
    MissingCapacity,
    OutOfMemory,
    SlowStart,
    SpotInterruption,
    StoppedJob,
)
from trainwright.rehearsal.faults.model import Faults

_F = TypeVar("_F", bound=JobFault)


@dataclass(frozen=True)
class JobFacts:
    """What faults are chosen by: a training job's name, instance type, market and number of hosts (algo-1, ...).

    ``further_types`` are those of a heterogeneous cluster's other groups, ``volume_gb`` is VolumeSizeInGB.
    """

    name: str
    instance_type: str
    is_spot: bool
    hosts: int = 1
    further_types: tuple[str, ...] = ()
    volume_gb: int | None = None

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Every type that it has."""
        return (self.instance_type, *self.further_types)


@dataclass(frozen=True)
class JobFaults:
    """The faults that one job can meet, in the order of the file."""

    spot_interruptions: tuple[SpotInterruption, ...] = ()
    missing_capacity: tuple[MissingCapacity, ...] = ()
    busy_quotas: tuple[BusyQuota, ...] = ()
    internal_errors: tuple[InternalError, ...] = ()
    lost_hosts: tuple[LostHost, ...] = ()
    full_disks: tuple[FullDisk, ...] = ()
    out_of_memory: tuple[OutOfMemory, ...] = ()
    slow_starts: tuple[SlowStart, ...] = ()
    stopped_jobs: tuple[StoppedJob, ...] = ()


def select(faults: Faults, job: JobFacts) -> JobFaults:
    """The faults whose selectors and chance mean this job; the same job always gets the same."""

    def meant(candidates: Iterable[_F]) -> tuple[_F, ...]:
        return tuple(fault for fault in candidates if _means(fault, job, faults.seed))

    return JobFaults(
        spot_interruptions=meant(faults.spot_interruptions) if job.is_spot else (),
        missing_capacity=meant(faults.missing_capacity),
        busy_quotas=meant(faults.busy_quotas),
        internal_errors=meant(faults.internal_errors),
        lost_hosts=meant(faults.lost_hosts),
        full_disks=meant(faults.full_disks),
        out_of_memory=meant(faults.out_of_memory),
        slow_starts=meant(faults.slow_starts),
        stopped_jobs=meant(faults.stopped_jobs),
    )


def fake_job(faults: Faults, job: JobFacts) -> FakeJob | None:
    """How this job goes without processes; None: it has processes."""
    if faults.fake_jobs is None:
        return None
    others = (other for other in faults.fake_jobs.others if _means(other, job, faults.seed))
    return faults.fake_jobs.like(next(others, None))


def _means(fault: JobFault, job: JobFacts, seed: int) -> bool:
    host = getattr(fault, "host", None)
    types, market = job.instance_types, job.is_spot
    return (
        any(fault.selects(job.name, kind, is_spot=market, volume_gb=job.volume_gb) for kind in types)
        and (host is None or int(host.removeprefix("algo-")) <= job.hosts)
        and happens(fault.chance, seed, fault.place, job.name)
    )
