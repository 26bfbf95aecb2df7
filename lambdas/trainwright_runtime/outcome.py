"""How an attempt ended, whose fault that is, and what the run does next. Pure: Describe and the error text in, a
decision out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from trainwright_runtime.plan import Plan


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
    SCRIPT_FAILED = ("script_failed", Fault.CODE, "The training script failed.")
    SETUP_FAILED = ("setup_failed", Fault.REQUEST, "SageMaker could not set the job up as the request describes it.")
    NO_CAPACITY = ("no_capacity", Fault.CAPACITY, "AWS had no machines of this type free.")
    SERVICE_FAILED = ("service_failed", Fault.AWS, "SageMaker had an internal error.")
    FAILED = ("failed", Fault.UNKNOWN, "The training job failed for a reason that is not known.")
    OUT_OF_TIME = ("out_of_time", Fault.REQUEST, "The training job reached its max_runtime and was stopped.")
    NO_SPOT = ("no_spot", Fault.CAPACITY, "Spot capacity did not suffice within max_wait, and the job was stopped.")
    STOPPED_BY_PERSON = ("stopped_by_person", Fault.PERSON, "Somebody stopped the training job.")
    TIMED_OUT = (
        "timed_out",
        Fault.PLATFORM,
        "The training job did not end in the time it could have taken; it was stopped.",
    )
    THROTTLED = ("throttled", Fault.AWS, "AWS takes no more requests at this moment; no job was started.")
    QUOTA = (
        "quota",
        Fault.ACCOUNT,
        "The account's quota for this instance type is used up or zero; no job was started.",
    )
    NAME_IN_USE = ("name_in_use", Fault.PLATFORM, "A training job of this name exists already.")
    DENIED = ("denied", Fault.PLATFORM, "AWS denied the platform what this job needs; no job was started.")
    INVALID = ("invalid", Fault.REQUEST, "SageMaker refused the job's request; no job was started.")
    NEVER_STARTED = ("never_started", Fault.UNKNOWN, "No training job was started, for a reason that is not known.")

    def __init__(self, label: str, fault: Fault, sentence: str) -> None:
        self.label = label
        self.fault = fault
        self.sentence = sentence


RunStatus = Literal["SUCCEEDED", "FAILED", "STOPPED", "REFUSED"]

ERRORS: Mapping[RunStatus, str] = {
    "SUCCEEDED": "",
    "FAILED": "TrainingFailed",
    "STOPPED": "TrainingStopped",
    "REFUSED": "InvalidRunRequest",
}
"""The Error of the state machine's Fail state for each status of a run."""

# The Error of an optimised integration is `SageMaker.<Code>Exception`, or `SageMaker.AmazonSageMakerException` with
# the code
# in the text: "(Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException; ...)"; botocore puts it in
# brackets: "An error occurred (ThrottlingException) when calling ...".
_REFUSALS = (
    (re.compile(r"ResourceLimitExceeded|account-level service limit"), Outcome.QUOTA),
    (re.compile(r"Throttling|TooManyRequests|Rate exceeded|RequestLimitExceeded"), Outcome.THROTTLED),
    (re.compile(r"AccessDenied|not authorized to perform|UnauthorizedOperation"), Outcome.DENIED),
    (re.compile(r"ValidationException|ValidationError|failed to satisfy constraint|InvalidParameter"), Outcome.INVALID),
)
_NAME_IN_USE = re.compile(r"ResourceInUse")
_FAILURES = (
    (re.compile(r"CapacityError|InsufficientInstanceCapacity|InsufficientCapacity"), Outcome.NO_CAPACITY),
    (re.compile(r"\s*InternalServerError"), Outcome.SERVICE_FAILED),
    (re.compile(r"\s*AlgorithmError"), Outcome.SCRIPT_FAILED),
    (re.compile(r"\s*ClientError"), Outcome.SETUP_FAILED),
)
_STOPS = {"MaxRuntimeExceeded": Outcome.OUT_OF_TIME, "MaxWaitTimeExceeded": Outcome.NO_SPOT}
_TIME_OUT = "States.Timeout"


def observe(job: Mapping[str, Any] | None, error: str | None, cause: str | None) -> Outcome:
    """The outcome of an attempt: `job` is DescribeTrainingJob's answer (None: no such job), the rest Step Functions'
    texts.

    What SageMaker says of the job counts more than how the state machine heard of it.
    """
    said = f"{error or ''} {cause or ''}"
    if error and _NAME_IN_USE.search(said):
        return Outcome.NAME_IN_USE
    if job is None:
        return _refused(error, said)
    status = job.get("TrainingJobStatus")
    if status == "Failed":
        return _failed(job.get("FailureReason") or "")
    if status == "Stopped":
        own_limit = _STOPS.get(str(job.get("SecondaryStatus")))
        return own_limit or (Outcome.TIMED_OUT if error == _TIME_OUT else Outcome.STOPPED_BY_PERSON)
    return {"Completed": Outcome.COMPLETED, "Deleting": Outcome.FAILED}.get(str(status), Outcome.STILL_RUNNING)


def _refused(error: str | None, said: str) -> Outcome:
    if error == _TIME_OUT:
        return Outcome.TIMED_OUT
    return next((outcome for pattern, outcome in _REFUSALS if pattern.search(said)), Outcome.NEVER_STARTED)


def _failed(reason: str) -> Outcome:
    """By the prefix up to the colon, except capacity, whose words also stand further in (newer texts)."""
    for pattern, outcome in _FAILURES:
        found = pattern.search(reason) if outcome is Outcome.NO_CAPACITY else pattern.match(reason)
        if found:
            return outcome
    return Outcome.FAILED


@dataclass(frozen=True)
class History:
    """What the run has done so far: attempts made, and how often this attempt was looked at while it had not ended."""

    attempts: int
    looks: int = 0


@dataclass(frozen=True)
class Decision:
    """What comes next: wait and look again, or end with a status. `reason` is a sentence for people."""

    next: Literal["wait", "report"]
    reason: str
    wait_seconds: int | None = None
    after_wait: Literal["train", "assess"] | None = None
    status: RunStatus | None = None


MAX_LOOKS = 60
"""Looks at a job that should have ended: 12 at 10 s, then 48 at 30 s, about 26 minutes in all. A stop takes 120 s for
the script (SIGTERM, then SIGKILL) and the upload of its model; a look costs about 10 of the execution's 25,000
events."""


def decide(plan: Plan, history: History, outcome: Outcome) -> Decision:
    """What the run does after an attempt ended like this. Every chain of decisions ends: looks and attempts are
    bounded."""
    if outcome is Outcome.STILL_RUNNING and history.looks < MAX_LOOKS:
        seconds = 10 if history.looks < 12 else 30
        return Decision("wait", outcome.sentence, wait_seconds=seconds, after_wait="assess")
    if outcome is Outcome.STILL_RUNNING:
        reason = "The training job did not end although it should have; it is being stopped."
        return Decision("report", reason, status="FAILED")
    left = len(plan.attempts) - history.attempts
    reason = outcome.sentence if outcome is Outcome.COMPLETED or left > 0 else f"{outcome.sentence} No attempt is left."
    return Decision("report", reason, status=status_of(outcome))


def status_of(outcome: Outcome) -> RunStatus:
    """The status of a run whose last attempt ended like this."""
    if outcome is Outcome.COMPLETED:
        return "SUCCEEDED"
    return "STOPPED" if outcome is Outcome.STOPPED_BY_PERSON else "FAILED"
