"""How an attempt ended and whose fault that is. Pure: Describe's answer and the state machine's texts in, an outcome
out."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal

Job = Mapping[str, Any]


class Fault(Enum):
    """Who has to act when an attempt ended like this."""

    NOBODY = "nobody"
    CODE = "code"
    DATA = "data"
    REQUEST = "request"
    PERSON = "person"
    CAPACITY = "capacity"
    ACCOUNT = "account"
    PLATFORM = "platform"
    AWS = "aws"
    UNKNOWN = "unknown"


class Outcome(Enum):
    """How one attempt ended, with whose fault it is and what people are told. docs/states.md has a row for each."""

    COMPLETED = ("completed", Fault.NOBODY, "The training job completed.")
    STILL_RUNNING = ("still_running", Fault.NOBODY, "The training job has not ended yet.")
    FOUND_RUNNING = ("found_running", Fault.NOBODY, "The training job runs already; the run waits for its end.")
    SCRIPT_FAILED = ("script_failed", Fault.CODE, "The training script failed.")
    SETUP_FAILED = ("setup_failed", Fault.REQUEST, "SageMaker could not set the job up as the request describes it.")
    NO_CAPACITY = ("no_capacity", Fault.CAPACITY, "AWS had no machines of this type free.")
    NO_MACHINES = ("no_machines", Fault.CAPACITY, "The training job got no machines in the time it could wait.")
    SERVICE_FAILED = ("service_failed", Fault.AWS, "SageMaker had an internal error.")
    FAILED = ("failed", Fault.UNKNOWN, "The training job failed for a reason that is not known.")
    OUT_OF_TIME = ("out_of_time", Fault.REQUEST, "The training job reached its max_runtime and was stopped.")
    OUT_OF_MONEY = (
        "out_of_money",
        Fault.REQUEST,
        "The training job used up what max_cost_usd had left for it and was stopped.",
    )
    NO_SPOT = ("no_spot", Fault.CAPACITY, "Spot capacity did not suffice within max_wait, and the job was stopped.")
    STOPPED_BY_PERSON = ("stopped_by_person", Fault.PERSON, "Somebody stopped the training job.")
    TIMED_OUT = (
        "timed_out",
        Fault.PLATFORM,
        "The training job did not end in the time it could have taken; it was stopped.",
    )
    THROTTLED = ("throttled", Fault.AWS, "AWS takes no more requests at this moment; no job was started.")
    SERVICE_UNAVAILABLE = (
        "service_unavailable",
        Fault.AWS,
        "SageMaker could not answer the request for a job; no job was seen to start.",
    )
    QUOTA_BUSY = (
        "quota_busy",
        Fault.ACCOUNT,
        "The account's quota for this instance type is in use by other jobs; no job was started.",
    )
    QUOTA_ZERO = (
        "quota_zero",
        Fault.ACCOUNT,
        "The account's quota for this instance type is too small for this job; no job was started.",
    )
    NAME_IN_USE = ("name_in_use", Fault.PLATFORM, "A training job of this name exists already.")
    DENIED = ("denied", Fault.PLATFORM, "AWS denied the platform what this job needs; no job was started.")
    INVALID = ("invalid", Fault.REQUEST, "SageMaker refused the job's request; no job was started.")
    NEVER_STARTED = ("never_started", Fault.UNKNOWN, "No training job was started, for a reason that is not known.")
    REDRIVEN = ("redriven", Fault.NOBODY, "The execution was redriven; the run goes on with a new training job.")

    def __init__(self, label: str, fault: Fault, sentence: str) -> None:
        self.label = label
        self.fault = fault
        self.sentence = sentence

    @property
    def alive(self) -> bool:
        """Whether the job has not ended, so that the run waits for it."""
        return self in (Outcome.STILL_RUNNING, Outcome.FOUND_RUNNING)

    @property
    def counts_looks(self) -> bool:
        """Whether the run may wait and look at the same attempt again, so that its looks are counted."""
        return self.alive or self is Outcome.SERVICE_UNAVAILABLE


RunStatus = Literal["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"]

ERRORS: Mapping[RunStatus, str] = {
    "SUCCEEDED": "",
    "FAILED": "TrainingFailed",
    "STOPPED": "TrainingStopped",
    "REFUSED": "InvalidRunRequest",
}
"""The Error that an execution ends with for each status of a run."""

# The Error of an optimised integration is `SageMaker.<Code>Exception`, or `SageMaker.AmazonSageMakerException` with
# the code in the text: "(Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException; ...)"; botocore
# puts it in brackets: "An error occurred (ThrottlingException) when calling ...".
_REFUSALS = (
    (re.compile(r"ResourceLimitExceeded|account-level service limit"), Outcome.QUOTA_BUSY),
    (re.compile(r"Throttling|TooManyRequests|Rate exceeded|RequestLimitExceeded"), Outcome.THROTTLED),
    (re.compile(r"AccessDenied|not authorized to perform|UnauthorizedOperation"), Outcome.DENIED),
    (re.compile(r"ValidationException|ValidationError|failed to satisfy constraint|InvalidParameter"), Outcome.INVALID),
    (
        re.compile(
            r"Status Code: 5\d\d|ServiceUnavailable|InternalFailure|InternalServerException|InternalServerError"
        ),
        Outcome.SERVICE_UNAVAILABLE,
    ),
)
_LIMIT = re.compile(r"is (\d+) Instances?\b(?:.*?\brequest delta of (\d+) Instances?\b)?", re.DOTALL)
"""From "The account-level service limit '...' is 0 Instances, with current utilization of 0 Instances and a request
delta of 1 Instances." """
_NAME_IN_USE = re.compile(r"ResourceInUse")
_FAILURES = (
    (re.compile(r"CapacityError|InsufficientInstanceCapacity|InsufficientCapacity"), Outcome.NO_CAPACITY),
    (re.compile(r"\s*InternalServerError"), Outcome.SERVICE_FAILED),
    (re.compile(r"\s*AlgorithmError"), Outcome.SCRIPT_FAILED),
    (re.compile(r"\s*ClientError"), Outcome.SETUP_FAILED),
)
_STOPS = {"MaxRuntimeExceeded": Outcome.OUT_OF_TIME, "MaxWaitTimeExceeded": Outcome.NO_SPOT}
_TIME_OUT = "States.Timeout"
_JOB_ENDED = "States.TaskFailed"
_TRAINED = ("Downloading", "Training", "Interrupted", "Uploading")


def observe(
    job: Job | None,
    error: str | None,
    cause: str | None,
    *,
    redriven: bool = False,
    cut_by: str | None = None,
    timeout_seconds: int | None = None,
) -> Outcome:
    """The outcome of an attempt: `job` is DescribeTrainingJob's answer (None: no such job), `error` and `cause` the
    state machine's texts.

    What SageMaker says of the job counts more than how the state machine heard of it. `redriven`: the attempt belongs
    to the time before a redrive. `cut_by`: what left the attempt less training time than asked for ("money", "time").
    `timeout_seconds`: when the state machine gave up on it, which tells a stop at that moment from an earlier one.
    """
    if job is None:
        return Outcome.REDRIVEN if redriven else _refused(error, f"{error or ''} {cause or ''}")
    status = str(job.get("TrainingJobStatus"))
    if status not in ("Completed", "Failed", "Stopped", "Deleting"):
        return Outcome.FOUND_RUNNING if redriven or _begun_otherwise(error) else Outcome.STILL_RUNNING
    if status == "Completed":
        return Outcome.COMPLETED
    if redriven:
        return Outcome.REDRIVEN
    if status == "Stopped":
        return _stopped(job, error, cut_by, timeout_seconds)
    return _failed(str(job.get("FailureReason") or ""))


def _begun_otherwise(error: str | None) -> bool:
    """Whether the state machine was refused a job that exists all the same: an earlier call of its had made it."""
    return error is not None and error not in (_TIME_OUT, _JOB_ENDED)


def _refused(error: str | None, said: str) -> Outcome:
    if error == _TIME_OUT:
        return Outcome.TIMED_OUT
    if _NAME_IN_USE.search(said):
        return Outcome.NAME_IN_USE
    found = next((outcome for pattern, outcome in _REFUSALS if pattern.search(said)), Outcome.NEVER_STARTED)
    return Outcome.QUOTA_ZERO if found is Outcome.QUOTA_BUSY and _never_fits(said) else found


def _never_fits(said: str) -> bool:
    """Whether the quota is below what the job asks for, so that no waiting helps."""
    limit = _LIMIT.search(said)
    return limit is not None and int(limit[1]) < int(limit[2] or 1)


def _failed(reason: str) -> Outcome:
    """By the prefix up to the colon, except capacity, whose words also stand further in (newer texts)."""
    for pattern, outcome in _FAILURES:
        found = pattern.search(reason) if outcome is Outcome.NO_CAPACITY else pattern.match(reason)
        if found:
            return outcome
    return Outcome.FAILED


def _stopped(job: Job, error: str | None, cut_by: str | None, timeout_seconds: int | None) -> Outcome:
    own_limit = _STOPS.get(str(job.get("SecondaryStatus")))
    if own_limit is Outcome.OUT_OF_TIME and cut_by == "money":
        return Outcome.OUT_OF_MONEY
    if own_limit is not None:
        return own_limit
    if _out_of_pending(job):
        return Outcome.NO_MACHINES
    if error != _TIME_OUT or _ended_before(job, timeout_seconds):
        return Outcome.STOPPED_BY_PERSON
    return Outcome.TIMED_OUT if _trained(job) else Outcome.NO_MACHINES


def _trained(job: Job) -> bool:
    passed = {each.get("Status") for each in job.get("SecondaryStatusTransitions") or ()}
    return job.get("TrainingStartTime") is not None or bool(passed.intersection(_TRAINED))


def _out_of_pending(job: Job) -> bool:
    """Whether SageMaker stopped it at its own MaxPendingTimeInSeconds, for which there is no status of its own
    (StoppingCondition, DescribeTrainingJob, API reference)."""
    longest = int((job.get("StoppingCondition") or {}).get("MaxPendingTimeInSeconds") or 0)
    lived = _lived(job)
    return longest > 0 and not _trained(job) and lived is not None and lived >= timedelta(seconds=longest)


def _ended_before(job: Job, timeout_seconds: int | None) -> bool:
    lived = _lived(job)
    return timeout_seconds is not None and lived is not None and lived < timedelta(seconds=timeout_seconds)


def _lived(job: Job) -> timedelta | None:
    """From the job's creation to its end; None where Describe does not say."""
    begun, ended = job.get("CreationTime"), job.get("TrainingEndTime") or job.get("LastModifiedTime")
    return ended - begun if isinstance(begun, datetime) and isinstance(ended, datetime) else None
