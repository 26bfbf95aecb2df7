"""What the models of all faults have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from trainwright.rehearsal.faults.fields import (
    CONFLICT,
    MISSING,
    Chance,
    Duration,
    Globs,
    InstanceTypes,
    matches,
    refuse,
)

Market = Literal["spot", "on_demand"]

# A script writes progress.json after the checkpoint it is about; one that has not by then writes none.
PROGRESS_FOLLOWS_SECONDS = 1.0


class Strict(BaseModel):
    """Nothing is guessed: no other names, no text for numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Fault(Strict):
    """Something that can go wrong."""

    chance: Chance = Field(default=1.0, description="How likely it is, for each thing that it is about.")
    _place: str = PrivateAttr(default="")

    @property
    def place(self) -> str:
        """Where it stands in the file, as ``spot_interruptions[0]``; empty for one that is in no file."""
        return self._place


class JobFault(Fault):
    """Something that can go wrong with training jobs."""

    jobs: Globs = Field(default=(), description="Globs on the job's name; left out: every job.")
    instance_types: InstanceTypes = Field(
        default=(), description="Globs on the job's instance type; left out: every type."
    )
    market: Market | None = Field(default=None, description="Only spot, or only on-demand jobs; left out: both.")
    volume_below: int | None = Field(
        default=None,
        ge=1,
        description="Only jobs whose VolumeSizeInGB is smaller; left out: any size, and jobs without one too.",
    )

    def selects(self, name: str, instance_type: str, *, is_spot: bool, volume_gb: int | None = None) -> bool:
        """Whether a job is meant, chance apart."""
        market = "spot" if is_spot else "on_demand"
        return (
            self.market in (None, market)
            and matches(self.jobs, name)
            and matches(self.instance_types, instance_type)
            and (self.volume_below is None or (volume_gb is not None and volume_gb < self.volume_below))
        )


class Trigger(Strict):
    """When, while a job trains."""

    after: Literal["checkpoint", "seconds", "step"] = Field(
        description="checkpoint: a checkpoint is in S3 and, where the script writes a progress.json with a total, "
        "that much of the work (fraction) is in S3 too; a script without one is struck a second after its first "
        "checkpoint. seconds: so long in status Training. step: progress.json in S3 has reached that step."
    )
    seconds: Duration | None = Field(
        default=None, gt=0, description="How long in status Training, with after: seconds."
    )
    step: int | None = Field(default=None, ge=0, description="The step to reach, with after: step.")
    fraction: float | None = Field(
        default=None, ge=0, le=1, description="The part of the work to reach, with after: checkpoint; left out: 0.5."
    )
    times: int = Field(default=1, ge=1, description="How often each job meets it.")

    @model_validator(mode="after")
    def _has_what_it_waits_for(self) -> Trigger:
        wanted = {"seconds": "seconds", "step": "step", "checkpoint": "fraction"}[self.after]
        if wanted != "fraction" and getattr(self, wanted) is None:
            example = {"seconds": "seconds: 5", "step": "step: 10"}[wanted]
            refuse(MISSING, f"with after: {self.after} the field {wanted} is needed; write for example {example}")
        for other in ("seconds", "step", "fraction"):
            if other != wanted and getattr(self, other) is not None:
                refuse(CONFLICT, f"with after: {self.after} nothing reads {other}; leave it out", at=(other,))
        return self

    def is_due(
        self, *, training_seconds: float, checkpoint_seconds: float | None, step: int | None, total: int | None
    ) -> bool:
        """Whether it happens now. ``step`` and ``total`` are what S3 has, not what the host has;
        ``checkpoint_seconds`` is for how long it has had a checkpoint (None: it has none).
        """
        if self.after == "seconds":
            return training_seconds >= (self.seconds or 0)
        if self.after == "step":
            return step is not None and step >= (self.step or 0)
        if checkpoint_seconds is None:
            return False
        if total is None:
            return checkpoint_seconds >= PROGRESS_FOLLOWS_SECONDS
        return step is not None and step >= (0.5 if self.fraction is None else self.fraction) * total
