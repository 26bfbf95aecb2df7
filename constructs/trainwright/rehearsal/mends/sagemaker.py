"""Training jobs: moto completes them at once; here they run (`trainwright.rehearsal.jobs`)."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker import responses
from moto.sagemaker.exceptions import ResourceInUseException, SagemakerClientError
from moto.sagemaker.models import SageMakerModelBackend

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs import engine as jobs
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.validation import InvalidRequest
from trainwright.rehearsal.mends import Mend, find, replace

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_"
_RESPONSE = "moto.sagemaker.responses:SageMakerResponse"
_TAGGED = "moto.sagemaker.models:SageMakerModelBackend._get_resource_from_arn"
_naming = threading.Lock()

facade.on_start(jobs.prepare)


def _jobs_of(response: responses.SageMakerResponse) -> dict[str, TrainingJob]:
    jobs_by_name: Any = response.sagemaker_backend.training_jobs
    return cast("dict[str, TrainingJob]", jobs_by_name)


def _job(response: responses.SageMakerResponse) -> TrainingJob:
    name = json.loads(response.body or "{}").get("TrainingJobName")
    try:
        return _jobs_of(response)[name]
    except KeyError:
        raise SagemakerClientError("ValidationException", "Requested resource not found.") from None


def create_training_job(self: responses.SageMakerResponse) -> ActionResult:
    """CreateTrainingJob: refuse or start."""
    request = json.loads(self.body or "{}")
    name = request.get("TrainingJobName")
    arn = f"arn:{self.partition}:sagemaker:{self.region}:{self.current_account}:training-job/{name}"
    _refuse_taken(self, name, arn)
    engine = jobs.engine()
    try:
        job = engine.create(request, arn)
        with _naming:
            _refuse_taken(self, name, arn)
            engine.reserve(job)
            _jobs_of(self)[name] = job
    except InvalidRequest as refused:
        raise SagemakerClientError(refused.code, str(refused)) from refused
    engine.begin(job)
    return ActionResult({"TrainingJobArn": arn})


def _refuse_taken(response: responses.SageMakerResponse, name: str | None, arn: str) -> None:
    if name in _jobs_of(response):
        raise ResourceInUseException(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({arn})"
        )


def describe_training_job(self: responses.SageMakerResponse) -> ActionResult:
    """DescribeTrainingJob: everything that is known now."""
    return ActionResult(_job(self).describe())


def stop_training_job(self: responses.SageMakerResponse) -> EmptyResult:
    """StopTrainingJob: SIGTERM, two minutes, SIGKILL."""
    try:
        jobs.engine().stop(_job(self))
    except InvalidRequest as refused:
        raise SagemakerClientError(refused.code, str(refused)) from refused
    return EmptyResult()


def update_training_job(self: responses.SageMakerResponse) -> ActionResult:
    """UpdateTrainingJob: another keep-alive period, profiling, remote debugging."""
    job = _job(self)
    try:
        jobs.engine().update(job, json.loads(self.body or "{}"))
    except InvalidRequest as refused:
        raise SagemakerClientError(refused.code, str(refused)) from refused
    return ActionResult({"TrainingJobArn": job.arn})


def delete_training_job(self: responses.SageMakerResponse) -> EmptyResult:
    """DeleteTrainingJob: one that has ended and keeps no warm pool."""
    job = _job(self)
    try:
        jobs.engine().check_deletable(job)
    except InvalidRequest as refused:
        raise SagemakerClientError(refused.code, str(refused)) from refused
    del _jobs_of(self)[job.name]
    return EmptyResult()


# --- ListTrainingJobs ----------------------------------------------------------------------------------------------

_SORT: dict[str, Callable[[TrainingJob], Any]] = {
    "Name": lambda job: job.name,
    "CreationTime": lambda job: job.created,
    "Status": lambda job: str(job.timeline.status),
}
_FILTERS: dict[str, Callable[[TrainingJob, Any], bool]] = {
    "NameContains": lambda job, value: value in job.name,
    "StatusEquals": lambda job, value: value == job.timeline.status,
    "CreationTimeAfter": lambda job, value: job.created > value,
    "CreationTimeBefore": lambda job, value: job.created < value,
    "LastModifiedTimeAfter": lambda job, value: job.timeline.modified > value,
    "LastModifiedTimeBefore": lambda job, value: job.timeline.modified < value,
    "WarmPoolStatusEquals": lambda job, value: (job.warm_pool() or {}).get("Status") == value,
}


def list_training_jobs(self: responses.SageMakerResponse) -> ActionResult:
    """ListTrainingJobs: filtered, sorted (newest first), in pages of MaxResults (10)."""
    asked = json.loads(self.body or "{}")
    wanted = [job for job in _jobs_of(self).values() if _matches(job, asked)]
    wanted.sort(key=_SORT[asked.get("SortBy", "CreationTime")], reverse=asked.get("SortOrder") != "Ascending")
    begin, size = _begin(asked.get("NextToken")), asked.get("MaxResults", 10)
    page = {"TrainingJobSummaries": [_summary(job) for job in wanted[begin : begin + size]]}
    return ActionResult(page if begin + size >= len(wanted) else {**page, "NextToken": str(begin + size)})


def _begin(token: str | None) -> int:
    if token and not token.isdecimal():
        raise SagemakerClientError("ValidationException", "The NextToken in the request is not valid.")
    return int(token or 0)


def _matches(job: TrainingJob, asked: Mapping[str, Any]) -> bool:
    return all(passes(job, asked[name]) for name, passes in _FILTERS.items() if asked.get(name) is not None)


def _summary(job: TrainingJob) -> dict[str, Any]:
    names = (
        "TrainingJobName",
        "TrainingJobArn",
        "CreationTime",
        "TrainingEndTime",
        "LastModifiedTime",
        "TrainingJobStatus",
        "SecondaryStatus",
        "WarmPoolStatus",
    )
    described = job.describe()
    return {name: described[name] for name in names if name in described}


# --- tags ----------------------------------------------------------------------------------------------------------


_ARN = "arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+"


def tagged_resource(original: Callable[..., Any]) -> Callable[..., Any]:
    """SageMakerModelBackend._get_resource_from_arn, for ListTags, AddTags and DeleteTags.

    https://github.com/aws/amazon-sagemaker-feedback/issues/108 and, for an ARN that is none,
    https://github.com/aws-samples/mlops-sagemaker-github-actions/issues/6
    """

    def get_resource_from_arn(self: SageMakerModelBackend, arn: Any) -> Any:
        if not isinstance(arn, str) or not re.fullmatch(_ARN, arn):
            raise SagemakerClientError(
                "ValidationException",
                f"1 validation error detected: Value '{arn}' at 'resourceArn' failed to satisfy constraint: Member "
                f"must satisfy regular expression pattern: {_ARN}",
            )
        try:
            found = original(self, arn)
        except (AttributeError, KeyError, ValueError):  # a kind of resource that moto does not have
            found = None
        if found is None:
            raise SagemakerClientError("ValidationException", "Requested resource not found.")
        return found

    return get_resource_from_arn


def _check_tagged() -> None:
    replace(_TAGGED, tagged_resource(find(_TAGGED)))


def add_tags(self: SageMakerModelBackend, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """AddTags: a key that the resource has already gets the new value."""
    resource = self._get_resource_from_arn(arn)
    new = {tag["Key"] for tag in tags}
    resource.tags = [*(tag for tag in resource.tags if tag["Key"] not in new), *tags]
    kept: list[dict[str, str]] = resource.tags
    return kept


def _add_missing() -> None:
    for operation in (stop_training_job, update_training_job, delete_training_job):
        setattr(responses.SageMakerResponse, operation.__name__, operation)


def _replacing(name: str, target: str, sha256: str, operation: str, why: str, *, new: Callable[..., Any]) -> Mend:
    def apply() -> None:
        replace(target, new)

    return Mend(name, target, sha256, f"{_API}{operation}.html", why, apply)


MENDS: tuple[Mend, ...] = (
    _replacing(
        "sagemaker-create-training-job",
        f"{_RESPONSE}.create_training_job",
        "10db6d601d793e37168e22e62bfaf443acc8ef257f8d3de6d9c01ee816ddf027",
        "CreateTrainingJob",
        "moto checks nothing, drops newer fields and completes the job at once",
        new=create_training_job,
    ),
    _replacing(
        "sagemaker-describe-training-job",
        f"{_RESPONSE}.describe_training_job",
        "ac18f04f2bc6411c32e112f5e17f1c942dd062e2367e669871192dbb43522723",
        "DescribeTrainingJob",
        "moto answers a missing job in other words than AWS",
        new=describe_training_job,
    ),
    Mend(
        "sagemaker-missing-operations",
        f"{_RESPONSE}.__init__",
        "43659716d36ff04a48185d16f2735ca0dd5711dddcb5d1f51c384e30c722278b",
        f"{_API}StopTrainingJob.html",
        "moto has no StopTrainingJob, UpdateTrainingJob and DeleteTrainingJob",
        _add_missing,
    ),
    _replacing(
        "sagemaker-list-training-jobs",
        f"{_RESPONSE}.list_training_jobs",
        "bb1919f176a107bfd103a02fc5350e623e494b542a7c132ea5bbdb3571ffba7f",
        "ListTrainingJobs",
        "moto filters after it has cut the page, and sorts nothing",
        new=list_training_jobs,
    ),
    Mend(
        "sagemaker-tagged-resource",
        _TAGGED,
        "e47bd7bce3c5aa618b17e325181fb56391e87c936769b03a3ad44f1facef88fc",
        f"{_API}ListTags.html",
        "moto fails at the tags of a resource that is not there",
        _check_tagged,
    ),
    _replacing(
        "sagemaker-add-tags",
        "moto.sagemaker.models:SageMakerModelBackend.add_tags",
        "47eca4850ac7446316da20720ecdf4241d497993f28fd165951c6deb6a4fb2c6",
        "AddTags",
        "moto keeps two tags with the same key",
        new=add_tags,
    ),
)
