"""Which faults one training job can meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from trainwright.rehearsal.faults.base import JobFault
from trainwright.rehearsal.faults.chance import happens
from trainwright.rehearsal.faults.jobs import (
    BusyQuota,
    FullDisk,
    InternalError,
    LostHost,
    MissingCapacity,
    OutOfMemory,
    SlowStart,
    SpotInterruption,
)
from trainwright.rehearsal.faults.model import Faults

_F = TypeVar("_F", bound=JobFault)


@dataclass(frozen=True)
class JobFacts:
    """What faults are chosen by: a training job's name, instance type, market and number of hosts (algo-1, ...).

    ``further_types`` are those of a heterogeneous cluster's other groups.
    """

    name: str
    instance_type: str
    is_spot: bool
    hosts: int = 1
    further_types: tuple[str, ...] = ()

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


def select(faults: Faults, job: JobFacts) -> JobFaults:
    """The faults whose selectors and chance mean this job; the same job always gets the same."""
    names = {f"algo-{number}" for number in range(1, job.hosts + 1)}

    def meant(candidates: Iterable[_F]) -> tuple[_F, ...]:
        return tuple(fault for fault in candidates if _means(fault, job, names, faults.seed))

    return JobFaults(
        spot_interruptions=meant(faults.spot_interruptions) if job.is_spot else (),
        missing_capacity=meant(faults.missing_capacity),
        busy_quotas=meant(faults.busy_quotas),
        internal_errors=meant(faults.internal_errors),
        lost_hosts=meant(faults.lost_hosts),
        full_disks=meant(faults.full_disks),
        out_of_memory=meant(faults.out_of_memory),
        slow_starts=meant(faults.slow_starts),
    )


def _means(fault: JobFault, job: JobFacts, hosts: set[str], seed: int) -> bool:
    host = getattr(fault, "host", None)
    return (
        any(fault.selects(job.name, kind, is_spot=job.is_spot) for kind in job.instance_types)
        and (host is None or host in hosts)
        and happens(fault.chance, seed, fault.place, job.name)
    )
