"""One training job as the API shows it: the request, where it stands, and how it ended."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from trainwright.rehearsal.faults import JobFacts
from trainwright.rehearsal.jobs.instances import Group, HostSpec, groups_of, hosts_of
from trainwright.rehearsal.jobs.logs import Metrics
from trainwright.rehearsal.jobs.profiler import config
from trainwright.rehearsal.jobs.s3 import Uri
from trainwright.rehearsal.jobs.statuses import Secondary, Timeline

DEFAULT_MAX_RUNTIME = 86400
EVENT = "SageMaker Training Job State Change"
#: What the request does not say and DescribeTrainingJob does.
_DEFAULTS = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}
#: Members of the request that Describe does not repeat.
_NOT_SHOWN = frozenset({"Tags", "SessionChainingConfig"})


@dataclass
class TrainingJob:
    """Request and state of one job; every change happens under ``lock``.

    ``created`` and all other times are seconds since the epoch. ``tags`` is the list that ListTags and AddTags work on,
    ``warm_pool`` answers WarmPoolStatus, ``rule_statuses`` ProfilerRuleEvaluationStatuses, ``preference`` says which of
    InstancePreferences was taken.
    """

    request: Mapping[str, Any]
    arn: str
    created: float = field(default_factory=time.time)
    timeline: Timeline = field(default_factory=Timeline)
    failure_reason: str | None = None
    tags: list[dict[str, str]] = field(default_factory=list)
    warm_pool: Callable[[], dict[str, Any] | None] = lambda: None
    rule_statuses: Callable[[], list[dict[str, Any]]] = list
    preference: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.metrics = Metrics.of(self.request["AlgorithmSpecification"].get("MetricDefinitions", ()))
        self.timeline.enter(Secondary.STARTING, self.created)

    @property
    def name(self) -> str:
        """TrainingJobName."""
        return str(self.request["TrainingJobName"])

    @property
    def role(self) -> str:
        """The execution role's ARN."""
        return str(self.request["RoleArn"])

    @property
    def channels(self) -> Sequence[Mapping[str, Any]]:
        """InputDataConfig; a job need not have any."""
        found: Sequence[Mapping[str, Any]] = self.request.get("InputDataConfig", ())
        return found

    @property
    def input_mode(self) -> str:
        """TrainingInputMode, for the channels that have no InputMode of their own."""
        return str(self.request["AlgorithmSpecification"]["TrainingInputMode"])

    @property
    def is_spot(self) -> bool:
        """Whether managed spot training is on."""
        return self.request.get("EnableManagedSpotTraining") is True

    @property
    def instances(self) -> tuple[str, int]:
        """Type and count: of InstancePreferences those of the one that is taken, of InstanceGroups the first's type."""
        return self._preferred[self.preference]

    @property
    def _preferred(self) -> list[tuple[str, int]]:
        resources = self.request["ResourceConfig"]
        groups = resources.get("InstanceGroups")
        if groups:
            return [(str(groups[0]["InstanceType"]), sum(int(group["InstanceCount"]) for group in groups))]
        choices = [{**resources, **choice} for choice in resources.get("InstancePreferences") or [{}]]
        return [(str(choice["InstanceType"]), int(choice["InstanceCount"])) for choice in choices]

    @property
    def facts(self) -> list[JobFacts]:
        """What faults are chosen by, for each of InstancePreferences in turn; without them there is one."""
        further = tuple(dict.fromkeys(group.instance_type for group in self.groups[1:]))
        volume = self.request["ResourceConfig"].get("VolumeSizeInGB")
        return [JobFacts(self.name, kind, self.is_spot, count, further, volume) for kind, count in self._preferred]

    @property
    def demand(self) -> dict[str, int]:
        """Instances by type."""
        return dict(Counter(host.instance_type for host in self.hosts))

    @property
    def is_accelerated(self) -> bool:
        """Whether its instances are of "the ml.p, ml.g, and ml.trn families" (API reference, StoppingCondition)."""
        return any(host.instance_type.startswith(("ml.p", "ml.g", "ml.trn")) for host in self.hosts)

    @property
    def groups(self) -> list[Group]:
        """Its groups of instances; without InstanceGroups there is one."""
        resources = self.request["ResourceConfig"]
        if not resources.get("InstanceGroups"):
            resources = dict(zip(("InstanceType", "InstanceCount"), self.instances, strict=True))
        return groups_of(self.name, resources)

    @property
    def hosts(self) -> list[HostSpec]:
        """Its hosts, by number."""
        return hosts_of(self.groups)

    @property
    def host_names(self) -> list[str]:
        """``algo-1`` and so on."""
        return [host.name for host in self.hosts]

    @property
    def max_runtime(self) -> float:
        """MaxRuntimeInSeconds; one day where the request does not say."""
        return float(self.request["StoppingCondition"].get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME))

    @property
    def max_wait(self) -> float | None:
        """MaxWaitTimeInSeconds, counted from the job's creation; None for on-demand."""
        seconds: float | None = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return seconds

    @property
    def output(self) -> Uri:
        """``<S3OutputPath>/<job>/output``."""
        return Uri.parse(self.request["OutputDataConfig"]["S3OutputPath"]).below(self.name).below("output")

    @property
    def compresses_model(self) -> bool:
        """Whether the model becomes one archive (CompressionType, default GZIP)."""
        return bool(self.request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP")

    def describe(self) -> dict[str, Any]:
        """What DescribeTrainingJob answers, members without a value left out."""
        with self.lock:
            now = time.time()
            shown = {name: value for name, value in self.request.items() if name not in _NOT_SHOWN}
            described = {**_DEFAULTS, **shown, **self._settled(), **self._state(), **self._times(now)}
            described["StoppingCondition"] = {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME, **shown["StoppingCondition"]}
        return {name: value for name, value in described.items() if value is not None}

    def _settled(self) -> dict[str, Any]:
        """What the service adds to what was asked for: the selected instances, whether it profiles."""
        resources = dict(self.request["ResourceConfig"])
        if "InstancePreferences" in resources and self.timeline.has_run:
            resources["SelectedInstanceType"], resources["SelectedInstanceCount"] = self.instances
        status = "Enabled" if config.is_enabled(self.request) else "Disabled"
        rules = self.rule_statuses() or None
        return {"ResourceConfig": resources, "ProfilingStatus": status, "ProfilerRuleEvaluationStatuses": rules}

    def _state(self) -> dict[str, Any]:
        model = self.output.below("model.tar.gz" if self.compresses_model else "model/")
        return {
            "TrainingJobArn": self.arn,
            "ModelArtifacts": {"S3ModelArtifacts": str(model)},
            "TrainingJobStatus": str(self.timeline.status),
            "SecondaryStatus": str(self.timeline.secondary),
            "FailureReason": self.failure_reason,
            "FinalMetricDataList": self._metrics() or None,
            "WarmPoolStatus": self.warm_pool(),
        }

    def _metrics(self) -> list[dict[str, Any]]:
        return [{**metric, "Timestamp": _datetime(metric["Timestamp"])} for metric in self.metrics.describe()]

    def _times(self, now: float) -> dict[str, Any]:
        ended = self.timeline.ended
        seconds = {
            "TrainingTimeInSeconds": self.timeline.training_seconds(now),
            "BillableTimeInSeconds": self.timeline.billable_seconds(now, spot=self.is_spot),
        }
        return {
            "CreationTime": _datetime(self.created),
            "TrainingStartTime": _datetime(self.timeline.started),
            "TrainingEndTime": _datetime(ended),
            "LastModifiedTime": self._modified(),
            "SecondaryStatusTransitions": [
                _present(
                    Status=str(item.status),
                    StartTime=_datetime(item.start),
                    EndTime=_datetime(item.end),
                    StatusMessage=item.message,
                )
                for item in self.timeline.transitions
            ],
            **(seconds if ended is not None else {}),
        }

    def _modified(self) -> datetime:
        """Recorded of jobs with profiler rules: the last change of a rule's status counts too."""
        rules: list[datetime] = [rule["LastModifiedTime"] for rule in self.rule_statuses()]
        return max([datetime.fromtimestamp(self.timeline.modified, UTC), *rules])

    def event_detail(self) -> dict[str, Any]:
        """The event's ``detail``: the description with times in milliseconds, and the tags as an object.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        with self.lock:
            tags = {tag["Key"]: tag["Value"] for tag in self.tags}
            return {**in_milliseconds(self.describe()), "Tags": tags}

    # What moto's own ListTags, AddTags and Search read.

    def gen_response_object(self) -> dict[str, Any]:
        """A search's result: the description with the tags."""
        return {**self.describe(), "Tags": self.tags}

    @property
    def training_job_name(self) -> str:
        """The name, under moto's name for it."""
        return self.name

    @property
    def training_job_status(self) -> str:
        """The status, under moto's name for it."""
        return str(self.timeline.status)


def _datetime(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def in_milliseconds(value: Any) -> Any:
    """Times as the numbers that events have, at any depth."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {name: in_milliseconds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_milliseconds(item) for item in value]
    return value
