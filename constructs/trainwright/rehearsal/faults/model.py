"""A whole faults file."""

from __future__ import annotations

from pydantic import Field, model_validator

from trainwright.rehearsal.faults.base import Fault, Strict
from trainwright.rehearsal.faults.calls import AccessDenied, ApiError, EventFault, FunctionFault
from trainwright.rehearsal.faults.fake import FakeJobs
from trainwright.rehearsal.faults.fields import CONFLICT, Duration, InstanceTypeName, refuse
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
from trainwright.rehearsal.faults.quotas import QuotaRequests


class Clock(Strict):
    """How fast the account's time goes."""

    speed: float = Field(default=1.0, ge=1, le=100_000, description="Account seconds in a second of the wall's clock.")
    jump: bool = Field(
        default=False, description="Nothing is waited for: time jumps to what comes next. Only with fake_jobs."
    )

    @model_validator(mode="after")
    def _goes_one_way(self) -> Clock:
        if self.jump and "speed" in self.model_fields_set:
            refuse(CONFLICT, "a clock that jumps has no speed; keep one of the two", at=("speed",))
        return self


class InstanceType(Strict):
    """What the account has of an instance type."""

    start: Duration = Field(default=0.2, description="How long instances take to start, in account time.")
    price: float | None = Field(default=None, ge=0, description="USD an hour and instance, on demand.")
    quota: int | None = Field(default=None, ge=0, description='"for training job usage"; left out: 10,000.')
    spot_quota: int | None = Field(default=None, ge=0, description='"for spot training job usage"; left out: 10,000.')
    warm_pool_quota: int | None = Field(
        default=None, ge=0, description='"for training warm pool usage"; left out: 10,000.'
    )


class Faults(Strict):
    """All faults of one account, and what it has; the default is none, and no limit."""

    seed: int = Field(default=0, ge=0, description="What every chance is drawn from.")
    clock: Clock = Field(default_factory=Clock, description="The account's time.")
    instance_types: dict[InstanceTypeName, InstanceType] = Field(
        default_factory=dict,
        description="What the account has, by instance type; one that is not named starts in 0.2 s and has quotas of "
        "10,000.",
    )
    quota_requests: QuotaRequests = Field(
        default_factory=QuotaRequests, description="What becomes of requests to raise a quota."
    )
    fake_jobs: FakeJobs | None = Field(
        default=None, description="Training jobs without processes; left out: training scripts run."
    )
    spot_interruptions: tuple[SpotInterruption, ...] = Field(default=(), description="Spot instances taken back.")
    missing_capacity: tuple[MissingCapacity, ...] = Field(default=(), description="No instances to be had.")
    busy_quotas: tuple[BusyQuota, ...] = Field(default=(), description="Quotas that are zero or used by others.")
    api_errors: tuple[ApiError, ...] = Field(default=(), description="Calls that AWS answers with an error.")
    internal_errors: tuple[InternalError, ...] = Field(default=(), description="Jobs that SageMaker itself breaks.")
    lost_hosts: tuple[LostHost, ...] = Field(default=(), description="Hosts of distributed jobs that go away.")
    full_disks: tuple[FullDisk, ...] = Field(default=(), description="Volumes that are nearly full.")
    out_of_memory: tuple[OutOfMemory, ...] = Field(default=(), description="Training processes that the kernel kills.")
    stopped_jobs: tuple[StoppedJob, ...] = Field(default=(), description="Jobs that a person stops.")
    access_denied: tuple[AccessDenied, ...] = Field(default=(), description="Roles that are refused something.")
    slow_starts: tuple[SlowStart, ...] = Field(default=(), description="Instances that start slowly.")
    functions: tuple[FunctionFault, ...] = Field(default=(), description="Lambda functions that fail.")
    events: tuple[EventFault, ...] = Field(default=(), description="Events that are lost, late or doubled.")

    @model_validator(mode="after")
    def _jumps_over_no_process(self) -> Faults:
        if self.clock.jump and self.fake_jobs is None:
            problem = "time cannot jump while training scripts run; give fake_jobs, or a speed in place of jump"
            refuse(CONFLICT, problem, at=("clock", "jump"))
        return self

    @model_validator(mode="after")
    def _know_their_place(self) -> Faults:
        for name in FAULT_LISTS:
            for index, fault in enumerate(getattr(self, name)):
                fault._place = f"{name}[{index}]"
        for index, other in enumerate(self.fake_jobs.others if self.fake_jobs else ()):
            other._place = f"fake_jobs.others[{index}]"
        return self

    def all(self) -> list[Fault]:
        """Every fault, in the order of the fields above."""
        return [fault for name in FAULT_LISTS for fault in getattr(self, name)]


#: The fields of `Faults` that are lists of faults.
FAULT_LISTS = tuple(name for name, field in Faults.model_fields.items() if str(field.annotation).startswith("tuple["))
