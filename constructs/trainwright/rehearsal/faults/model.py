"""A whole faults file."""

from __future__ import annotations

from pydantic import Field, model_validator

from trainwright.rehearsal.faults.base import Fault, Strict
from trainwright.rehearsal.faults.calls import AccessDenied, ApiError, EventFault, FunctionFault
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
)


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
    quota: int | None = Field(default=None, ge=0, description='"for training job usage"; left out: no limit.')
    spot_quota: int | None = Field(default=None, ge=0, description='"for spot training job usage"; left out: no limit.')
    warm_pool_quota: int | None = Field(
        default=None, ge=0, description='"for training warm pool usage"; left out: no limit.'
    )


class FakeJobs(Strict):
    """Training jobs without processes: they take their time, report steps and write checkpoints, and train nothing."""

    seconds: Duration = Field(
        default=600.0, gt=0, description="How long a job trains without a fault, in account time."
    )
    steps: int = Field(default=100, ge=1, description="How many steps it has.")
    checkpoint_every: int = Field(
        default_factory=lambda said: max(1, said.get("steps", 1) // 10),
        ge=1,
        description="Steps between two checkpoints; left out: a tenth of the steps.",
    )
    stop_seconds: Duration = Field(
        default=1.0,
        ge=0,
        le=120,
        description="How long a job takes to save and end when it is stopped, in account time.",
    )
    exit_code: int = Field(default=0, ge=0, le=255, description="How it ends when its steps are done; 0 is well.")
    failure: str = Field(default="", description="What it says of itself when it fails: its failure file.")

    @model_validator(mode="after")
    def _has_a_checkpoint(self) -> FakeJobs:
        if self.checkpoint_every > self.steps:
            refuse(CONFLICT, f"a job of {self.steps} steps would write no checkpoint", at=("checkpoint_every",))
        if self.failure and not self.exit_code:
            refuse(CONFLICT, "a job that ends well says nothing of a failure; give an exit_code", at=("failure",))
        return self


class Faults(Strict):
    """All faults of one account, and what it has; the default is none, and no limit."""

    seed: int = Field(default=0, ge=0, description="What every chance is drawn from.")
    clock: Clock = Field(default_factory=Clock, description="The account's time.")
    instance_types: dict[InstanceTypeName, InstanceType] = Field(
        default_factory=dict,
        description="What the account has, by instance type; one that is not named starts in 0.2 s and has no limit.",
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
        return self

    def all(self) -> list[Fault]:
        """Every fault, in the order of the fields above."""
        return [fault for name in FAULT_LISTS for fault in getattr(self, name)]


#: The fields of `Faults` that are lists of faults.
FAULT_LISTS = tuple(name for name, field in Faults.model_fields.items() if str(field.annotation).startswith("tuple["))
