"""The statuses that a training job passes through, when it did so, and the seconds that AWS bills for them.

Pure: the clock is an argument. Names and their order are those of DescribeTrainingJob's ``SecondaryStatus`` and of the
guide on managed spot training (https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training-status.html).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

#: The share of the on-demand price that managed spot saves here. AWS promises up to 90 %, the market decides; a fixed
#: figure keeps runs comparable.
SPOT_SAVING = 0.7


class Status(StrEnum):
    """``TrainingJobStatus``."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (Status.COMPLETED, Status.FAILED, Status.STOPPED)


class Secondary(StrEnum):
    """``SecondaryStatus``, as far as AWS still uses it for container jobs."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    INTERRUPTED = "Interrupted"
    STOPPING = "Stopping"
    UPLOADING = "Uploading"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"


#: Messages that AWS shows; those of Starting, Downloading and Training change while the status lasts. Interrupted and
#: MaxWaitTimeExceeded: no recording was found, the words are ours.
MESSAGES = {
    Secondary.STARTING: "Starting the training job",
    Secondary.DOWNLOADING: "Downloading input data",
    Secondary.TRAINING: "Training image download completed. Training in progress.",
    Secondary.INTERRUPTED: "Training job interrupted",
    Secondary.STOPPING: "Stopping the training job",
    Secondary.UPLOADING: "Uploading generated training model",
    Secondary.COMPLETED: "Training job completed",
    Secondary.FAILED: "Training job failed",
    Secondary.STOPPED: "Training job stopped",
    Secondary.MAX_RUNTIME_EXCEEDED: "Training job runtime exceeded MaxRuntimeInSeconds provided",
    Secondary.MAX_WAIT_TIME_EXCEEDED: "Training job exceeded MaxWaitTimeInSeconds provided",
}
PREPARING = "Preparing the instances for training"
DOWNLOADING_IMAGE = "Downloading the training image"
#: https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints-cluster-repair.html
REPAIRING = "Repairing training cluster due to hardware failure"

_STATUS_OF = {
    Secondary.STOPPING: Status.STOPPING,
    Secondary.COMPLETED: Status.COMPLETED,
    Secondary.FAILED: Status.FAILED,
    Secondary.STOPPED: Status.STOPPED,
    Secondary.MAX_RUNTIME_EXCEEDED: Status.STOPPED,
    Secondary.MAX_WAIT_TIME_EXCEEDED: Status.STOPPED,
}
#: Statuses in which instances are held; between Interrupted and the next Downloading there are none.
_ON_INSTANCES = frozenset({Secondary.DOWNLOADING, Secondary.TRAINING, Secondary.STOPPING, Secondary.UPLOADING})


@dataclass
class Transition:
    """One entry of ``SecondaryStatusTransitions``; times in seconds since the epoch."""

    status: Secondary
    start: float
    message: str
    end: float | None = None

    def lasted(self, now: float) -> float:
        """Seconds until its end, or until now."""
        return (now if self.end is None else self.end) - self.start


@dataclass
class Timeline:
    """What a job has been through so far."""

    transitions: list[Transition] = field(default_factory=list)
    status: Status = Status.IN_PROGRESS

    @property
    def secondary(self) -> Secondary:
        """Where the job is now."""
        return self.transitions[-1].status

    def enter(self, secondary: Secondary, now: float) -> None:
        """Leave the present status for the next; a job that is stopping stays Stopping while it uploads."""
        if self.transitions:
            self.transitions[-1].end = now
        self.transitions.append(Transition(secondary, now, MESSAGES[secondary]))
        self.status = _STATUS_OF.get(secondary, self.status)
        if self.status.is_final:
            self.transitions[-1].end = now

    def say(self, message: str) -> None:
        """Change the message of the present status, as AWS does while a status lasts."""
        self.transitions[-1].message = message

    @property
    def modified(self) -> float:
        """When the job last changed its status."""
        return self.transitions[-1].start

    @property
    def started(self) -> float | None:
        """``TrainingStartTime``: when the job first had instances, which is when the download began."""
        starts = (item.start for item in self.transitions if item.status in _ON_INSTANCES)
        return next(starts, None) if self.has_run else None

    @property
    def ended(self) -> float | None:
        """``TrainingEndTime``: after the upload, or when the failure was seen."""
        return self.modified if self.has_run and self.status.is_final else None

    @property
    def has_run(self) -> bool:
        """Whether the job ever got instances: one that is stopped while Starting has no start time and no bill."""
        return any(item.status is Secondary.DOWNLOADING for item in self.transitions)

    def seconds_on_instances(self, now: float) -> float:
        """Time in Downloading, Training, Stopping and Uploading, over all the instances that the job ever had."""
        return sum(item.lasted(now) for item in self.transitions if item.status in _ON_INSTANCES) if self.has_run else 0

    def training_seconds(self, now: float) -> int:
        """``TrainingTimeInSeconds``: whole seconds on instances, begun seconds counted.

        AWS documents the interval from TrainingStartTime to TrainingEndTime, download, compression and upload included
        (API reference, DescribeTrainingJob). For an interrupted job the wait for new instances is left out here; AWS
        documents nothing for it.
        """
        return _whole(self.seconds_on_instances(now))

    def billable_seconds(self, now: float, *, spot: bool) -> int:
        """``BillableTimeInSeconds``: the same seconds, for spot reduced by `SPOT_SAVING`.

        AWS: "calculate the savings from using managed spot training using the formula
        (1 - BillableTimeInSeconds / TrainingTimeInSeconds) * 100" (API reference, DescribeTrainingJob): the price's
        reduction is in the seconds.
        """
        seconds = self.seconds_on_instances(now)
        return _whole(seconds * (1 - SPOT_SAVING) if spot else seconds)


def _whole(seconds: float) -> int:
    """Begun seconds count; a hundredth is forgiven to arithmetic with fractions."""
    return math.ceil(round(seconds, 2))
