"""Processing jobs: those of profiler rules run here (`trainwright.rehearsal.jobs.profiler`); others stay moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker import responses
from moto.sagemaker.exceptions import SagemakerClientError

from trainwright.rehearsal import clock
from trainwright.rehearsal.jobs.profiler import processing
from trainwright.rehearsal.jobs.profiler.processing import Evaluation, RuleJob
from trainwright.rehearsal.mends import Mend, find, replace

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_"
_RESPONSE = "moto.sagemaker.responses:SageMakerResponse"
_PAGE = 10

Summary = Mapping[str, Any]
Call = Callable[[responses.SageMakerResponse], Any]


def _asked(response: responses.SageMakerResponse) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(response.body or "{}")
    return asked


def _rule_job(response: responses.SageMakerResponse) -> RuleJob | None:
    return processing.find(str(_asked(response).get("ProcessingJobName", "")))


def describe_processing_job(self: responses.SageMakerResponse, otherwise: Call) -> Any:
    """DescribeProcessingJob: a rule's, or moto's."""
    job = _rule_job(self)
    return ActionResult(job.describe()) if job else otherwise(self)


def stop_processing_job(self: responses.SageMakerResponse, otherwise: Call) -> Any:
    """StopProcessingJob: the rule is evaluated no more; one that is over stays as it is."""
    job = _rule_job(self)
    if job is None:
        return otherwise(self)
    job.end(Evaluation.STOPPED, clock.time())
    return ActionResult({})


_FILTERS: Mapping[str, Callable[[Summary, Any], bool]] = {
    "NameContains": lambda job, value: value in job["ProcessingJobName"],
    "StatusEquals": lambda job, value: value == job["ProcessingJobStatus"],
    "CreationTimeAfter": lambda job, value: job["CreationTime"].timestamp() > value,
    "CreationTimeBefore": lambda job, value: job["CreationTime"].timestamp() < value,
    "LastModifiedTimeAfter": lambda job, value: job["LastModifiedTime"].timestamp() > value,
    "LastModifiedTimeBefore": lambda job, value: job["LastModifiedTime"].timestamp() < value,
}


def list_processing_jobs(self: responses.SageMakerResponse) -> ActionResult:
    """ListProcessingJobs: filtered, sorted ("The default is Ascending", by CreationTime), in pages of MaxResults."""
    asked = _asked(self)
    others = [_summary(job) for job in self.sagemaker_backend.processing_jobs.values()]
    jobs = [*others, *(job.summary() for job in processing.all_jobs())]
    wanted = [
        job for job in jobs if all(passes(job, asked[name]) for name, passes in _FILTERS.items() if name in asked)
    ]
    wanted.sort(
        key=processing.SORT[asked.get("SortBy", "CreationTime")], reverse=asked.get("SortOrder") == "Descending"
    )
    begin, size = _begin(asked.get("NextToken")), asked.get("MaxResults", _PAGE)
    page: dict[str, Any] = {"ProcessingJobSummaries": wanted[begin : begin + size]}
    return ActionResult(page if begin + size >= len(wanted) else {**page, "NextToken": str(begin + size)})


def _begin(token: str | None) -> int:
    if token and not token.isdecimal():
        raise SagemakerClientError("ValidationException", "The NextToken in the request is not valid.")
    return int(token or 0)


def _summary(job: Any) -> Summary:
    """Of a job of moto's, whose times have no zone."""
    return {
        "ProcessingJobName": job.processing_job_name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.processing_job_status,
        "CreationTime": job.creation_time.replace(tzinfo=UTC),
        "LastModifiedTime": job.last_modified_time.replace(tzinfo=UTC),
        "ProcessingEndTime": job.processing_end_time.replace(tzinfo=UTC),
    }


def _wrap(operation: str, new: Callable[[responses.SageMakerResponse, Call], Any]) -> Callable[[], None]:
    def apply() -> None:
        before: Call = find(f"{_RESPONSE}.{operation}")
        replace(f"{_RESPONSE}.{operation}", lambda self: new(self, before))

    return apply


def _apply_list() -> None:
    replace(f"{_RESPONSE}.list_processing_jobs", list_processing_jobs)


MENDS: tuple[Mend, ...] = (
    Mend(
        "sagemaker-describe-processing-job",
        f"{_RESPONSE}.describe_processing_job",
        "f71a2d96f5f700fa2c055d30fe7ee4419ab674464f2fe1945f28f83ca73024cc",
        f"{_API}DescribeProcessingJob.html",
        "moto has no processing jobs of profiler rules",
        _wrap("describe_processing_job", describe_processing_job),
    ),
    Mend(
        "sagemaker-stop-processing-job",
        f"{_RESPONSE}.stop_processing_job",
        "c8c7de5f181e5dffa217a3ca45bf872d89a19020f55ed5968332bd0ea9738e3f",
        f"{_API}StopProcessingJob.html",
        "moto has no processing jobs of profiler rules",
        _wrap("stop_processing_job", stop_processing_job),
    ),
    Mend(
        "sagemaker-list-processing-jobs",
        f"{_RESPONSE}.list_processing_jobs",
        "8af663b3cb2aa46bc4a3af572dce2cf952f103e7aa5ab209ff1ac8ed5c613b3a",
        f"{_API}ListProcessingJobs.html",
        "moto filters after it has cut the page, sorts nothing, and has no processing jobs of profiler rules",
        _apply_list,
    ),
)
