"""One attempt as people see it: DescribeTrainingJob's answer and the progress file, as a row of the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Job = Mapping[str, Any]

ALIVE = ("InProgress", "Stopping")
"""TrainingJobStatus of a job that may still cost money."""


@dataclass(frozen=True)
class Progress:
    """What the script wrote beside its last checkpoint; None for what it did not say."""

    step: int | None = None
    total: int | None = None
    resumed_from: int | None = None

    @classmethod
    def from_data(cls, data: object) -> "Progress":
        """From the parsed progress.json; a file of another form says nothing, and loses no run."""
        known = data if isinstance(data, Mapping) else {}
        return cls(*(_step(known.get(name)) for name in ("step", "total", "resumed_from")))


def _step(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class Planned:
    """What was asked for: the attempt as Prepare or Assess gave it to the state machine."""

    number: int
    job_name: str
    capacity: str | None
    request: Mapping[str, Any]
    log_group: str

    @classmethod
    def from_step(cls, attempt: Mapping[str, Any], log_group: str) -> "Planned":
        """From the `attempt` of a step."""
        return cls(
            number=int(attempt["number"]),
            job_name=attempt["job_name"],
            capacity=attempt["capacity"],
            request=attempt["request"],
            log_group=log_group,
        )


def row(planned: Planned, job: Job | None, progress: Progress, refusal: str | None = None) -> dict[str, Any]:
    """The attempt as report.json has it; every key always present. `refusal` is why no job was made, where none was."""
    job = job or {}
    resources = job.get("ResourceConfig") or planned.request.get("ResourceConfig") or {}
    return {
        "number": planned.number,
        "job_name": planned.job_name,
        "job_arn": job.get("TrainingJobArn"),
        "capacity": planned.capacity,
        "status": job.get("TrainingJobStatus"),
        "secondary_status": job.get("SecondaryStatus"),
        "instance_type": resources.get("InstanceType"),
        "instance_count": resources.get("InstanceCount"),
        "interruptions": interruptions(job),
        "resumed_from_step": progress.resumed_from,
        "last_step": progress.step,
        "total_steps": progress.total,
        "training_seconds": job.get("TrainingTimeInSeconds"),
        "billable_seconds": job.get("BillableTimeInSeconds"),
        "transitions": [_transition(each) for each in job.get("SecondaryStatusTransitions") or ()],
        "failure_reason": job.get("FailureReason") or refusal,
        "log": {"group": planned.log_group, "stream_prefix": f"{planned.job_name}/"},
    }


def interruptions(job: Job) -> int:
    """How often spot capacity was taken away: the `Interrupted` entries of SecondaryStatusTransitions."""
    return sum(each.get("Status") == "Interrupted" for each in job.get("SecondaryStatusTransitions") or ())


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
