"""Training jobs without processes: how long they take, what they leave, how they end."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError, model_validator

from trainwright.rehearsal.faults.base import JobFault, Strict
from trainwright.rehearsal.faults.fields import CONFLICT, Duration, refuse


class FakeJob(Strict):
    """One such job, as it goes."""

    seconds: Duration = Field(
        default=600.0, gt=0, description="How long a job trains without a fault, in account time."
    )
    steps: int = Field(default=100, ge=1, description="How many steps it has.")
    checkpoint_every: int = Field(
        default_factory=lambda said: max(1, said.get("steps", 1) // 10),
        ge=1,
        description="Steps between two checkpoints; left out: a tenth of the steps.",
    )
    resume: bool = Field(
        default=True, description="false: it does not look for checkpoints and always begins at step 0."
    )
    stop_seconds: Duration = Field(
        default=1.0,
        ge=0,
        le=120,
        description="How long a job takes to save and end when it is stopped, in account time.",
    )
    exit_code: int = Field(default=0, ge=0, le=255, description="How it ends when its steps are done; 0 is well.")
    exit_step: int | None = Field(
        default=None, ge=0, description="The step at which it ends with exit_code; left out: the last."
    )
    failure: str = Field(default="", description="What it says of itself when it fails: its failure file.")
    failure_reason: str = Field(
        default="",
        description='The whole FailureReason in SageMaker\'s words, as "ClientError: Data download failed: ...", for a '
        "job that does not fail by its script.",
    )
    log: tuple[str, ...] = Field(default=(), description="Lines that it writes before it ends.")

    @model_validator(mode="after")
    def _makes_sense(self) -> FakeJob:
        if self.checkpoint_every > self.steps:
            refuse(CONFLICT, f"a job of {self.steps} steps would write no checkpoint", at=("checkpoint_every",))
        if self.exit_step is not None and self.exit_step > self.steps:
            refuse(CONFLICT, f"a job of {self.steps} steps never reaches step {self.exit_step}", at=("exit_step",))
        self._says_why()
        return self

    def _says_why(self) -> None:
        for name in ("failure", "failure_reason"):
            if getattr(self, name) and not self.exit_code:
                refuse(CONFLICT, "a job that ends well says nothing of a failure; give an exit_code", at=(name,))
        if self.failure and self.failure_reason:
            refuse(CONFLICT, "failure_reason is all that is said; leave failure out", at=("failure",))


class OtherJobs(JobFault):
    """Jobs that differ from the rest: which ones, and what is different; a field left out is as for all jobs."""

    seconds: Duration | None = Field(default=None, gt=0, description="As above.")
    steps: int | None = Field(default=None, ge=1, description="As above.")
    checkpoint_every: int | None = Field(default=None, ge=1, description="As above.")
    resume: bool | None = Field(default=None, description="As above.")
    stop_seconds: Duration | None = Field(default=None, ge=0, le=120, description="As above.")
    exit_code: int | None = Field(
        default=None, ge=0, le=255, description="As above. Who says this, or a failure, says the whole end."
    )
    exit_step: int | None = Field(default=None, ge=0, description="As above.")
    failure: str | None = Field(default=None, description="As above.")
    failure_reason: str | None = Field(default=None, description="As above.")
    log: tuple[str, ...] | None = Field(default=None, description="As above.")

    def changes(self) -> dict[str, Any]:
        """The fields that are said."""
        said = {name: getattr(self, name) for name in FakeJob.model_fields if name in self.model_fields_set}
        return {name: value for name, value in said.items() if value is not None}


class FakeJobs(FakeJob):
    """Training jobs without processes: they take their time, report steps and write checkpoints, and train nothing."""

    others: tuple[OtherJobs, ...] = Field(
        default=(),
        description="Jobs that differ: the selectors of a fault about training jobs, and any of the fields above. The "
        "first entry that means a job counts.",
    )

    @model_validator(mode="after")
    def _others_make_sense(self) -> FakeJobs:
        for index, other in enumerate(self.others):
            try:
                self.like(other)
            except ValueError as error:
                refuse(CONFLICT, f"with what is said for all jobs: {_first(error)}", at=("others", index))
        return self

    def like(self, other: OtherJobs | None) -> FakeJob:
        """A job as all are, or as ``other`` says."""
        said = {name: getattr(self, name) for name in FakeJob.model_fields if name in self.model_fields_set}
        changes = other.changes() if other else {}
        for name in _taken_back(changes):
            said.pop(name, None)
        return FakeJob.model_validate({**said, **changes})


def _taken_back(changes: dict[str, Any]) -> set[str]:
    """What is said for all jobs and cannot stand beside what is said for these."""
    of_the_end = {"exit_code", "exit_step", "failure", "failure_reason", "log"}
    ends_otherwise = {"exit_code", "failure", "failure_reason"} & set(changes)
    return (of_the_end if ends_otherwise else set()) | ({"checkpoint_every"} if "steps" in changes else set())


def _first(error: ValueError) -> str:
    return str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
