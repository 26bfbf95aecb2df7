"""A rule's processing job as the API shows it: DescribeProcessingJob, ListProcessingJobs, its events, its status in
DescribeTrainingJob.

What AWS's events of such jobs hold is read by a sample of AWS's, sagemaker_ssh_helper/cdk/low_gpu/low_gpu_lambda.py in
aws-samples/sagemaker-ssh-helper: Completed whatever was found, ExitMessage with RuleEvaluationConditionMet when the
rule found something, AppSpecification.ImageUri, Environment.rule_to_invoke, TrainingJobArn. Name and ARN follow
recorded ones: 26 characters of the training job, 26 of the rule, 8 of a hash; the ARN is in lower case.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs.job import TrainingJob, in_milliseconds
from trainwright.rehearsal.jobs.profiler import config

EVENT = "SageMaker Processing Job State Change"
INPUT = "/opt/ml/processing/input/profiler"
#: "Defaults to /opt/ml/processing/output/rule/" (API reference, ProfilerRuleConfiguration).
OUTPUT = "/opt/ml/processing/output/rule/"
#: What a rule of AWS's runs on is AWS's; the API wants a type all the same.
_INSTANCE, _VOLUME = "ml.t3.medium", 10


class Evaluation(StrEnum):
    """``RuleEvaluationStatus``."""

    IN_PROGRESS = "InProgress"
    NO_ISSUES = "NoIssuesFound"
    ISSUES = "IssuesFound"
    ERROR = "Error"
    STOPPED = "Stopped"


#: What the processing job is when the evaluation is so.
_STATUS = {
    Evaluation.IN_PROGRESS: "InProgress",
    Evaluation.NO_ISSUES: "Completed",
    Evaluation.ISSUES: "Completed",
    Evaluation.ERROR: "Failed",
    Evaluation.STOPPED: "Stopped",
}


@dataclass
class RuleJob:
    """The processing job of one rule of one training job; times in seconds since the epoch."""

    job: TrainingJob
    rule: Mapping[str, Any]
    created: float
    status: Evaluation = Evaluation.IN_PROGRESS
    said: str = ""
    modified: float = 0.0
    tags: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.modified = self.created

    @property
    def name(self) -> str:
        """ProcessingJobName."""
        rule = str(self.rule["RuleConfigurationName"])
        digest = hashlib.sha256(f"{self.job.arn} {rule} {self.created}".encode()).hexdigest()[:8]
        return re.sub("[^a-zA-Z0-9-]", "-", f"{self.job.name[:26]}-{rule[:26]}-{digest}")

    @property
    def arn(self) -> str:
        """ProcessingJobArn."""
        return f"{self.job.arn.partition(':training-job/')[0]}:processing-job/{self.name.lower()}"

    @property
    def processing_status(self) -> str:
        """ProcessingJobStatus."""
        return _STATUS[self.status]

    @property
    def is_over(self) -> bool:
        """Whether the rule is evaluated no more."""
        return self.status is not Evaluation.IN_PROGRESS

    def end(self, status: Evaluation, now: float, said: str = "") -> None:
        """Give the result, and tell everybody; only the first one counts."""
        if not self.is_over:
            self.said, self.modified, self.status = said[:1024], now, status
            self.tell()

    def tell(self) -> None:
        """Emit the event of the present status.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        detail = in_milliseconds({"ExitMessage": "", **self.describe(), "Tags": {}})
        facade.put_event("aws.sagemaker", EVENT, detail, [self.arn])

    def evaluation(self) -> dict[str, Any]:
        """One of ProfilerRuleEvaluationStatuses."""
        return {
            "RuleConfigurationName": self.rule["RuleConfigurationName"],
            "RuleEvaluationJobArn": self.arn,
            "RuleEvaluationStatus": str(self.status),
            **({"StatusDetails": self.said} if self.said else {}),
            "LastModifiedTime": datetime.fromtimestamp(self.modified, UTC),
        }

    def summary(self) -> dict[str, Any]:
        """One of ListProcessingJobs."""
        times: dict[str, Any] = {
            "CreationTime": datetime.fromtimestamp(self.created, UTC),
            "LastModifiedTime": datetime.fromtimestamp(self.modified, UTC),
        }
        message = "FailureReason" if self.status is Evaluation.ERROR else "ExitMessage"
        return {
            "ProcessingJobName": self.name,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.processing_status,
            **times,
            **({"ProcessingEndTime": times["LastModifiedTime"]} if self.is_over else {}),
            **({message: self.said} if self.said else {}),
        }

    def describe(self) -> dict[str, Any]:
        """DescribeProcessingJob."""
        return {
            **self.summary(),
            "ProcessingStartTime": datetime.fromtimestamp(self.created, UTC),
            "AppSpecification": {"ImageUri": self.rule["RuleEvaluatorImage"]},
            "Environment": dict(self.rule.get("RuleParameters", {})),
            "ProcessingInputs": self._inputs(),
            "ProcessingOutputConfig": {"Outputs": [self._output()]},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": self.rule.get("InstanceType", _INSTANCE),
                    "VolumeSizeInGB": self.rule.get("VolumeSizeInGB") or _VOLUME,
                }
            },
            "RoleArn": self.job.role,
            "StoppingCondition": {"MaxRuntimeInSeconds": int(self.job.max_runtime)},
            "TrainingJobArn": self.job.arn,
        }

    def _inputs(self) -> list[dict[str, Any]]:
        profiling = config.profiling(self.job.request)
        if profiling is None:
            return []
        mode = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
        return [{"InputName": "profiler", "S3Input": {"S3Uri": str(profiling.target), "LocalPath": INPUT, **mode}}]

    def _output(self) -> dict[str, Any]:
        target = str(config.rule_target(self.job.request, self.rule))
        place = {"S3Uri": target, "LocalPath": self.rule.get("LocalPath", OUTPUT), "S3UploadMode": "Continuous"}
        return {"OutputName": "profiler-output", "S3Output": place}


# --- all of them ---------------------------------------------------------------------------------------------------

_jobs: dict[str, RuleJob] = {}


def register(job: RuleJob) -> None:
    """Let the API find it."""
    _jobs[job.name] = job


def find(name: str) -> RuleJob | None:
    """A rule's processing job by its name, in any case: the ARN has it in lower case."""
    wanted = name.lower()
    return next((job for job in list(_jobs.values()) if job.name.lower() == wanted), None)


def all_jobs() -> list[RuleJob]:
    """Every rule's processing job of this account."""
    return list(_jobs.values())


SORT: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "Name": lambda summary: summary["ProcessingJobName"],
    "CreationTime": lambda summary: summary["CreationTime"],
    "Status": lambda summary: summary["ProcessingJobStatus"],
}
