"""One attempt as people see it: DescribeTrainingJob's answer and the progress file, as a row of the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from trainwright_runtime.progress import Progress

Job = Mapping[str, Any]

ALIVE = ("InProgress", "Stopping")
"""TrainingJobStatus of a job that may still cost money."""

POOL_OPEN = ("Available", "InUse")
"""WarmPoolStatus.Status of machines that are kept still, and billed, and may be reused (DescribeTrainingJob, API
reference)."""

SHORT_REFUSAL, LONG_REFUSAL = 300, 2000
"""Characters of a refusal that are kept: of one that the run waited out, and of the one that ended it."""

KEPT_STARTS = 20
"""Processes of an attempt that its row tells of, the last ones."""


@dataclass(frozen=True)
class Planned:
    """What was asked for: the attempt as Prepare or Assess gave it to the state machine."""

    number: int
    job_name: str
    capacity: str | None
    request: Mapping[str, Any]
    log_group: str
    redrive: int = 0
    rung: int = 0
    launch: str = "sync"
    cut_by: str | None = None
    usd_per_hour: float | None = None
    timeout_seconds: int | None = None

    @property
    def has_checkpoints(self) -> bool:
        """Whether the job keeps checkpoints in S3."""
        return bool(self.request.get("CheckpointConfig"))


@dataclass(frozen=True)
class Seen:
    """What became of an attempt, beside the job's own description."""

    outcome: str
    progress: Progress = field(default_factory=Progress)
    refusal: str | None = None
    checkpoint_step: int | None = None
    """The last step that earlier attempts left a checkpoint of; None where there was none, or none that is known."""
    earlier_processes: int = 0
    """How many processes had trained in earlier attempts."""
    looks: int = 0
    """How often the attempt was looked at before it had ended."""


def row(planned: Planned, job: Job | None, seen: Seen) -> dict[str, Any]:
    """The attempt as report.json has it; every key always present. Money is added by `money.with_cost`."""
    job = job or {}
    resources = {**(planned.request.get("ResourceConfig") or {}), **(job.get("ResourceConfig") or {})}
    stopping = planned.request.get("StoppingCondition") or {}
    progress = seen.progress
    wrote = bool(job) and progress.written_since(job.get("CreationTime"))
    return {
        "number": planned.number,
        "redrive": planned.redrive,
        "rung": planned.rung,
        "job_name": planned.job_name,
        "job_arn": job.get("TrainingJobArn"),
        "capacity": planned.capacity,
        "launch": planned.launch,
        "status": job.get("TrainingJobStatus"),
        "secondary_status": job.get("SecondaryStatus"),
        "outcome": seen.outcome,
        "looks": seen.looks,
        "diagnosis": None,
        "decision": None,
        "instance_type": resources.get("SelectedInstanceType") or resources.get("InstanceType"),
        "instance_count": resources.get("SelectedInstanceCount") or resources.get("InstanceCount"),
        "volume_gb": resources.get("VolumeSizeInGB"),
        "max_runtime_seconds": stopping.get("MaxRuntimeInSeconds"),
        "max_wait_seconds": stopping.get("MaxWaitTimeInSeconds"),
        "then_wait_seconds": 0,
        "interruptions": interruptions(job),
        "checkpoint_step": seen.checkpoint_step,
        "resumed_from_step": progress.resumed_from if wrote else None,
        "restarted_from_zero": wrote and progress.restarted_from_zero(seen.checkpoint_step, seen.earlier_processes),
        "processes": len(progress.starts),
        "starts": [
            each.to_dict() for each in progress.own(seen.earlier_processes, job.get("CreationTime"))[-KEPT_STARTS:]
        ]
        if wrote
        else [],
        "has_checkpoints": planned.has_checkpoints,
        "last_step": progress.step,
        "total_steps": progress.total,
        "started_at": iso(job.get("CreationTime")),
        "ended_at": iso(job.get("TrainingEndTime") or (job.get("LastModifiedTime") if _is_over(job) else None)),
        "training_seconds": job.get("TrainingTimeInSeconds"),
        "billable_seconds": job.get("BillableTimeInSeconds"),
        "waiting_seconds": waiting_seconds(job),
        "warm_pool": None,
        "reused_pool": None,
        "transitions": [_transition(each) for each in job.get("SecondaryStatusTransitions") or ()],
        "failure_reason": job.get("FailureReason") or (seen.refusal or "")[:LONG_REFUSAL] or None,
        "log": {"group": planned.log_group, "stream_prefix": f"{planned.job_name}/"},
    }


def interruptions(job: Job) -> int:
    """How often spot capacity was taken away: the `Interrupted` entries of SecondaryStatusTransitions."""
    return sum(each.get("Status") == "Interrupted" for each in job.get("SecondaryStatusTransitions") or ())


def waiting_seconds(job: Job) -> int:
    """How long a job was there without training: for capacity, its start, its downloads, its upload."""
    began, ended = job.get("CreationTime"), job.get("TrainingEndTime") or job.get("LastModifiedTime")
    if not isinstance(began, datetime) or not isinstance(ended, datetime):
        return 0
    return max(int((ended - began).total_seconds()) - int(job.get("TrainingTimeInSeconds") or 0), 0)


def _is_over(job: Job) -> bool:
    return job.get("TrainingJobStatus") in ("Completed", "Failed", "Stopped")


def _transition(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": each.get("Status"),
        "start": iso(each.get("StartTime")),
        "end": iso(each.get("EndTime")),
        "message": each.get("StatusMessage"),
    }


def iso(moment: object) -> str | None:
    """A datetime as ISO text in UTC; None stays None, text stays as it is."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return None if moment is None else str(moment)


def model_uri(job: Job | None) -> str | None:
    """Where a completed job left its model; None for any other, whose output may be half a model."""
    if not job or job.get("TrainingJobStatus") != "Completed":
        return None
    uri: str | None = (job.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    return uri


def metrics(job: Job | None) -> dict[str, float]:
    """The last value of each metric that SageMaker read from the log (FinalMetricDataList)."""
    found = (job or {}).get("FinalMetricDataList") or ()
    return {each["MetricName"]: float(each["Value"]) for each in found if "MetricName" in each and "Value" in each}
