"""Faults of training jobs and of what they run on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from trainwright.rehearsal.faults.base import JobFault, Trigger
from trainwright.rehearsal.faults.fields import CONFLICT, MISSING, Duration, HostName, refuse


class SpotInterruption(JobFault, Trigger):
    """The instances of a managed spot job are taken back while it trains; the job goes on from its checkpoints.

    AWS: status Interrupted, then Starting again, in the same job; what is not in S3 is lost.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training-status.html
    """

    mode: Literal["hard", "grace"] = Field(
        default="hard",
        description="hard: the hosts are killed at once and their files are gone. grace: SIGTERM first, and 120 s "
        "until they are killed; checkpoints are still uploaded.",
    )

    @model_validator(mode="after")
    def _is_about_spot(self) -> SpotInterruption:
        if self.market == "on_demand":
            refuse(CONFLICT, "on-demand jobs are never interrupted; leave market out", at=("market",))
        return self


class MissingCapacity(JobFault):
    """EC2 has no such instances for a while, or for ever.

    AWS: a spot job waits in status Starting, saying so, until MaxWaitTimeInSeconds is over (MaxWaitTimeExceeded); an
    on-demand job fails with CapacityError.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training-status.html,
    https://docs.aws.amazon.com/batch/latest/userguide/sm_job_stuck_in_runnable_capacity.html
    """

    from_: Duration = Field(
        default=0.0,
        alias="from",
        description="When it begins: account time after the first training job was asked for.",
    )
    seconds: Duration | None = Field(default=None, gt=0, description="For how long.")
    for_ever: bool = Field(default=False, description="There is no end.")

    @model_validator(mode="after")
    def _has_an_end(self) -> MissingCapacity:
        _one_end(self.seconds, for_ever=self.for_ever)
        return self

    def is_missing(self, now: float) -> bool:
        """Whether there is none ``now``, in account seconds after the first training job was asked for."""
        return self.from_ <= now and (self.for_ever or now < self.from_ + (self.seconds or 0))


class BusyQuota(JobFault):
    """A quota for an instance type that is zero, small, or partly used by others in the account.

    AWS: CreateTrainingJob answers ResourceLimitExceeded, with the limit, what is used and what was asked for.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#API_CreateTrainingJob_Errors
    """

    limit: int = Field(ge=0, description="The quota, in instances; 0: as in many new accounts.")
    in_use: int = Field(default=0, ge=0, description="How many instances others use.")
    seconds: Duration | None = Field(
        default=None,
        gt=0,
        description="Until when others use theirs: account time after the first training job was asked for; left out: "
        "always.",
    )

    @model_validator(mode="after")
    def _adds_up(self) -> BusyQuota:
        if self.in_use > self.limit:
            refuse(CONFLICT, f"others cannot use {self.in_use} of {self.limit} instances", at=("in_use",))
        if self.seconds is not None and not self.in_use:
            refuse(MISSING, "seconds says until when others use theirs; say how many with in_use")
        return self

    def used_by_others(self, now: float) -> int:
        """How many instances others use ``now``, in account seconds after the first training job was asked for."""
        return self.in_use if self.seconds is None or now < self.seconds else 0


class InternalError(JobFault, Trigger):
    """SageMaker itself fails.

    AWS: the job fails with InternalServerError, or, with a RetryStrategy, starts again.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryStrategy.html
    """


class LostHost(JobFault, Trigger):
    """One host of a job of several goes away while it trains.

    AWS: what the job says is not documented; here, as for any machine that SageMaker itself loses, the job fails with
    InternalServerError or, with a RetryStrategy, starts again.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints-cluster-repair.html
    """

    host: HostName = Field(default="algo-2", description="Which host.")


class FullDisk(JobFault):
    """The volume of a host is nearly full.

    AWS: writing fails with "No space left on device"; the job fails as its script does. Needs Linux namespaces here: a
    job that it is about fails at its start where there are none. A job of fake_jobs needs none: it fails when its
    checkpoints, of 1 MB each, do not fit.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """

    free_mb: int = Field(ge=0, description="How much can still be written, in MB.")
    host: HostName | None = Field(default=None, description="Which host; left out: every one.")


class OutOfMemory(JobFault, Trigger):
    """A training process needs more memory than its host has.

    AWS: the kernel kills it (SIGKILL, exit code 137); the job fails with AlgorithmError.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """

    host: HostName | None = Field(default=None, description="Which host; left out: every one.")


class StoppedJob(JobFault, Trigger):
    """A person stops the job (StopTrainingJob) while it trains.

    AWS: SIGTERM, and SIGKILL after 120 s; what the job saved is uploaded; it ends as Stopped.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
    """


class SlowStart(JobFault):
    """Instances take longer to start than their type's usual time.

    AWS: the job stays in status Starting (LaunchingMLInstances, PreparingTrainingStack) for longer; an on-demand job
    that never leaves it reaches no limit of its own (MaxRuntimeInSeconds counts from the instances).
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html
    """

    seconds: Duration = Field(gt=0, description="How much longer, in account time.")


def _one_end(seconds: float | None, *, for_ever: bool) -> None:
    if for_ever and seconds is not None:
        refuse(CONFLICT, "for_ever has no end, and seconds is one; keep one of the two", at=("for_ever",))
    if not for_ever and seconds is None:
        refuse(MISSING, "say how long: seconds: 120, or for_ever: true")
