"""What DescribeTrainingJob and DescribeProcessingJob say of a job's profiler: where its files and findings are, when it
trained, and whether more is to come.

Sources: ProfilerConfig, ProfilerRuleEvaluationStatus, SecondaryStatusTransition, ProcessingOutputConfig (SageMaker API
reference); the layout below S3OutputPath as real buckets have it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Job = Mapping[str, Any]
Document = dict[str, Any]

PATIENCE = timedelta(hours=48)
"""How long after a job's end its rules are waited for."""
LATE_FILES = timedelta(hours=1)
"""How long after a job's end its files may still come, where the profiler did not say that it is done."""

END_MARKER = "system/training_job_end.ts"
"""What the profiler writes last, below profiler-output."""
LIMIT = 4 << 20
"""Bytes of a profile that are read: 720 buckets of eight metrics on eight hosts are one MiB."""

ENDED = ("Completed", "Failed", "Stopped")
_UNDER_WAY = ("InProgress", "Stopping")
_REPORT = re.compile(r"(?:^|/)profiler-reports/(?P<name>[A-Za-z]+\.json)$", re.ASCII)
_DOCUMENT = re.compile(r"/profile/(?P<number>[0-9]+)\.json$", re.ASCII)
_PAGE = re.compile(r"(?:^|/)profiler-report\.html$", re.ASCII)


@dataclass(frozen=True)
class Place:
    """A bucket and the beginning of keys in it."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: object) -> "Place | None":
        """The place that an S3 URI names, its prefix ending in a slash or empty; None for anything else."""
        scheme, _, path = str(uri).partition("://")
        bucket, _, prefix = path.partition("/")
        prefix = prefix.strip("/")
        return cls(bucket, f"{prefix}/" if prefix else "") if scheme == "s3" and bucket else None

    def below(self, folder: str) -> "Place":
        """A folder in this place."""
        return Place(self.bucket, f"{self.prefix}{folder}/")


@dataclass(frozen=True)
class Found:
    """An object that a listing names."""

    key: str
    size: int
    etag: str


def document_name(number: int) -> str:
    """Where the profile of an attempt is, below its run's prefix."""
    return f"profile/{number}.json"


def attempt_in(key: str) -> int | None:
    """The attempt whose profile has this key (`document_name`), None for any other key."""
    found = _DOCUMENT.search(key)
    return int(found["number"]) if found else None


def is_over(job: Job) -> bool:
    """Whether the job has ended."""
    return job.get("TrainingJobStatus") in ENDED


def is_profiled(job: Job) -> bool:
    """Whether the profiler was on at the end; UpdateTrainingJob can switch it off."""
    config = job.get("ProfilerConfig") or {}
    return bool(config) and not config.get("DisableProfiler")


def files(job: Job) -> Place | None:
    """Where the profiler's files are, None where the job has none. SageMaker adds the job's name and `profiler-output`;
    without an S3OutputPath of its own it takes the job's."""
    config = job.get("ProfilerConfig")
    if not config:
        return None
    place = Place.of(config.get("S3OutputPath") or _output(job))
    return place and place.below(job["TrainingJobName"]).below("profiler-output")


def _output(job: Job) -> object:
    return (job.get("OutputDataConfig") or {}).get("S3OutputPath")


def rules(job: Job) -> Sequence[Mapping[str, Any]]:
    """How the job's rules stand; empty where it has none."""
    return job.get("ProfilerRuleEvaluationStatuses") or ()


def processing_job(rule: Mapping[str, Any]) -> str | None:
    """The name of the processing job that evaluates a rule, from its ARN."""
    name: str = str(rule.get("RuleEvaluationJobArn") or "").rpartition(":processing-job/")[2]
    return name or None


def training_job(processing: Mapping[str, Any]) -> str | None:
    """The name of the training job that a processing job works for, None for any other processing job."""
    name: str = str(processing.get("TrainingJobArn") or "").rpartition(":training-job/")[2]
    return name or None


def findings(job: Job, rule: str, processing: Mapping[str, Any] | None) -> list[Place]:
    """Where a rule's findings may be: where its processing job says, then where the guide says
    (`<output>/<job>/rule-output/<rule>`), in the job's output path and beside the profiler's files."""
    outputs = ((processing or {}).get("ProcessingOutputConfig") or {}).get("Outputs") or ()
    named = [Place.of((each.get("S3Output") or {}).get("S3Uri")) for each in outputs]
    roots = [Place.of(_output(job)), Place.of((job.get("ProfilerConfig") or {}).get("S3OutputPath"))]
    guessed = [root.below(job["TrainingJobName"]).below("rule-output").below(rule) for root in roots if root]
    return list(dict.fromkeys(place for place in (*named, *guessed) if place))


def report_name(key: str) -> str | None:
    """The name of a rule's JSON report (`LowGPUUtilization.json`), None for any other key."""
    found = _REPORT.search(key)
    return found["name"] if found else None


def is_page(key: str) -> bool:
    """Whether a key is the page that ProfilerReport leaves."""
    return _PAGE.search(key) is not None


def training(job: Job) -> list[tuple[float, float]]:
    """The stretches in which the job trained, as epoch seconds; an interrupted job has several."""
    ended = _ended(job)
    found = [
        (each["StartTime"], each.get("EndTime") or ended)
        for each in job.get("SecondaryStatusTransitions") or ()
        if each.get("Status") == "Training" and isinstance(each.get("StartTime"), datetime)
    ]
    return [(start.timestamp(), end.timestamp()) for start, end in found if end is not None and end >= start]


def _ended(job: Job) -> datetime | None:
    ended = job.get("TrainingEndTime") or job.get("LastModifiedTime")
    return ended if isinstance(ended, datetime) else None


def has_given_up(job: Job, now: datetime) -> bool:
    """Whether the job ended so long ago that nothing more is waited for."""
    ended = job.get("TrainingEndTime")
    return isinstance(ended, datetime) and now - ended > PATIENCE


def files_may_come(job: Job, found: Iterable[Found], now: datetime) -> bool:
    """Whether the profiler may still be writing: it has not said that it is done, and the job ended just now."""
    ended = job.get("TrainingEndTime")
    if not is_profiled(job) or not isinstance(ended, datetime) or now - ended > LATE_FILES:
        return False
    return not any(each.key.endswith(END_MARKER) for each in found)


def stamp(job: Job, found: Iterable[Found], *marks: object) -> str:
    """A text that changes when there is more to know about a job: its files, how its rules stand, and `marks`."""
    digest = hashlib.sha256()
    for each in found:
        digest.update(f"{each.key} {each.etag}\n".encode())
    standing = [[rule.get("RuleConfigurationName"), rule.get("RuleEvaluationStatus")] for rule in rules(job)]
    digest.update(json.dumps([job.get("TrainingJobStatus"), is_profiled(job), standing, *marks]).encode())
    return digest.hexdigest()


def given_up(document: Document) -> Document:
    """A profile whose pending parts are not waited for any more."""
    if document["status"] != "pending":
        return document
    hours = int(PATIENCE.total_seconds() // 3600)
    waited = [
        f"{sentence.rstrip('.')}: not waited for any longer, {hours} hours after the job's end"
        for sentence in document["pending"]
    ]
    return {**document, "status": "partial", "pending": [], "missing": [*document["missing"], *waited]}


def is_under_way(rule: Mapping[str, Any]) -> bool:
    """Whether a rule is still being evaluated."""
    return rule.get("RuleEvaluationStatus") in _UNDER_WAY
