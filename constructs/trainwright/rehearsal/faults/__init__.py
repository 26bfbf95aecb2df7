"""What is made to go wrong in the rehearsal, as plain data; docs/faults.md is the manual of the file.

The faults come with the server's configuration (key ``faults``). Nothing else of the account knows the file: engines
ask here what is to happen to what they are about to do, and say when it did.
"""

from __future__ import annotations

import threading

from trainwright.rehearsal import clock
from trainwright.rehearsal.faults.base import PROGRESS_FOLLOWS_SECONDS, Fault, JobFault, Trigger
from trainwright.rehearsal.faults.errors import FaultProblem, FaultsError, Kind
from trainwright.rehearsal.faults.fake import FakeJob, FakeJobs
from trainwright.rehearsal.faults.fields import matches
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
from trainwright.rehearsal.faults.model import Clock, Faults, InstanceType
from trainwright.rehearsal.faults.parsing import parse_faults
from trainwright.rehearsal.faults.quotas import QuotaRequests
from trainwright.rehearsal.faults.selection import JobFacts, JobFaults, fake_job, select
from trainwright.rehearsal.faults.struck import Strikes

__all__ = [
    "PROGRESS_FOLLOWS_SECONDS",
    "BusyQuota",
    "Clock",
    "FakeJob",
    "FakeJobs",
    "Fault",
    "FaultProblem",
    "Faults",
    "FaultsError",
    "FullDisk",
    "InstanceType",
    "InternalError",
    "JobFacts",
    "JobFault",
    "JobFaults",
    "Kind",
    "LostHost",
    "MissingCapacity",
    "OutOfMemory",
    "QuotaRequests",
    "SlowStart",
    "SpotInterruption",
    "StoppedJob",
    "Trigger",
    "active",
    "fake_job",
    "for_job",
    "matches",
    "note",
    "parse_faults",
    "report",
]

_lock = threading.Lock()
_parsed: tuple[object, Faults] | None = None
_strikes = Strikes()


def active() -> Faults:
    """The faults of this account, parsed once; none before the account is configured."""
    global _parsed  # noqa: PLW0603  (one account a process)
    from trainwright.rehearsal import facade  # noqa: PLC0415  (its parts ask here)

    try:
        config = facade.config()
    except facade.NotStarted:
        return Faults()
    with _lock:
        if _parsed is None or _parsed[0] is not config:
            _parsed = (config, parse_faults(config.faults))
        return _parsed[1]


def for_job(job: JobFacts) -> JobFaults:
    """The faults of this account that one training job can meet."""
    return select(active(), job)


def note(fault: Fault, struck: str) -> None:
    """Say that a fault happened, and to what (``training-job/x``); every engine does so when it lets one happen."""
    _strikes.note(fault, struck, clock.time())


def report() -> dict[str, object]:
    """What `note` was told, as ``GET /_trainwright/faults`` answers it."""
    return _strikes.report(active())
