"""What an attempt's end means: SageMaker's word on the job above what the state machine heard."""

from datetime import UTC, datetime, timedelta

import pytest

from trainwright_runtime.outcome import Fault, Outcome, observe

CREATED = datetime(2026, 11, 21, tzinfo=UTC)
TIMEOUT = "States.Timeout"
FAILED = "States.TaskFailed"
AMAZON = "SageMaker.AmazonSageMakerException"


def job(status, secondary=None, reason=None, *, trained=True, lived=3600, pending=None):
    return {
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary or status,
        "FailureReason": reason,
        "CreationTime": CREATED,
        "LastModifiedTime": CREATED + timedelta(seconds=lived),
        "StoppingCondition": {"MaxPendingTimeInSeconds": pending} if pending else {},
        **({"TrainingStartTime": CREATED + timedelta(minutes=3)} if trained else {}),
    }


def quota(limit, wanted, used=0):
    return (
        f"The account-level service limit 'ml.g5.xlarge for training job usage' is {limit} Instances, with current "
        f"utilization of {used} Instances and a request delta of {wanted} Instances. Please contact AWS support."
    )


@pytest.mark.parametrize(
    ("described", "error", "cause", "outcome"),
    [
        (job("Completed"), None, None, Outcome.COMPLETED),
        (job("Completed"), TIMEOUT, None, Outcome.COMPLETED),
        (job("InProgress", "Training"), TIMEOUT, None, Outcome.STILL_RUNNING),
        (job("Stopping"), TIMEOUT, None, Outcome.STILL_RUNNING),
        (job("Stopping"), None, None, Outcome.STILL_RUNNING),
        (job("Failed", reason="AlgorithmError: ExecuteUserScriptError"), FAILED, "{}", Outcome.SCRIPT_FAILED),
        (job("Failed", reason="ClientError: Data download failed"), FAILED, "{}", Outcome.SETUP_FAILED),
        (job("Failed", reason="InternalServerError: We encountered"), None, None, Outcome.SERVICE_FAILED),
        (job("Failed", reason="InternalServerError: We encountered"), TIMEOUT, None, Outcome.SERVICE_FAILED),
        (job("Failed", reason="CapacityError: Unable to provision"), None, None, Outcome.NO_CAPACITY),
        (job("Failed", reason="due to InsufficientInstanceCapacity error"), None, None, Outcome.NO_CAPACITY),
        (job("Failed"), None, None, Outcome.FAILED),
        (job("Stopped", "MaxRuntimeExceeded"), FAILED, "{}", Outcome.OUT_OF_TIME),
        (job("Stopped", "MaxRuntimeExceeded"), TIMEOUT, None, Outcome.OUT_OF_TIME),
        (job("Stopped", "MaxWaitTimeExceeded", trained=False), FAILED, "{}", Outcome.NO_SPOT),
        (job("Stopped"), FAILED, "{}", Outcome.STOPPED_BY_PERSON),
        (job("Stopped", trained=False), FAILED, "{}", Outcome.STOPPED_BY_PERSON),
        (job("Stopped"), TIMEOUT, None, Outcome.TIMED_OUT),
        (job("Stopped", trained=False), TIMEOUT, None, Outcome.NO_MACHINES),
        (job("Stopped", trained=False, pending=1800, lived=1805), FAILED, "{}", Outcome.NO_MACHINES),
        (job("Stopped", trained=False, pending=7200, lived=1805), FAILED, "{}", Outcome.STOPPED_BY_PERSON),
        (job("Deleting"), None, None, Outcome.FAILED),
        (None, "SageMaker.ResourceLimitExceededException", quota(0, 1), Outcome.QUOTA_ZERO),
        (None, "SageMaker.ResourceLimitExceededException", quota(2, 4), Outcome.QUOTA_ZERO),
        (None, "SageMaker.ResourceLimitExceededException", quota(4, 4, used=1), Outcome.QUOTA_BUSY),
        (None, "SageMaker.ResourceLimitExceededException", "no numbers in it", Outcome.QUOTA_BUSY),
        (None, AMAZON, "Rate exceeded (Status Code: 400; Error Code: ThrottlingException)", Outcome.THROTTLED),
        (None, AMAZON, "1 validation error detected (Error Code: ValidationException)", Outcome.INVALID),
        (None, AMAZON, "User: x is not authorized to perform (Error Code: AccessDeniedException)", Outcome.DENIED),
        (None, AMAZON, "(Service: AmazonSageMaker; Status Code: 503; Error Code: x)", Outcome.SERVICE_UNAVAILABLE),
        (None, AMAZON, "An error occurred (InternalFailure) when calling", Outcome.SERVICE_UNAVAILABLE),
        (None, "SageMaker.ServiceUnavailableException", "An error occurred", Outcome.SERVICE_UNAVAILABLE),
        (None, "SageMaker.ResourceInUseException", "Training job names must be unique", Outcome.NAME_IN_USE),
        (None, TIMEOUT, None, Outcome.TIMED_OUT),
        (None, FAILED, "what is this", Outcome.NEVER_STARTED),
        (None, None, None, Outcome.NEVER_STARTED),
    ],
)
def test_each_end_has_its_outcome(described, error, cause, outcome):
    assert observe(described, error, cause) is outcome


@pytest.mark.parametrize("error", ["SageMaker.ResourceInUseException", AMAZON, "Lambda.Unknown"])
def test_a_job_that_a_refused_call_had_made_is_the_runs_own(error):
    assert observe(job("InProgress"), error, "text") is Outcome.FOUND_RUNNING
    assert observe(job("Stopping"), error, "text") is Outcome.FOUND_RUNNING
    assert observe(job("Completed"), error, "text") is Outcome.COMPLETED
    assert observe(job("Failed", reason="AlgorithmError: x"), error, "text") is Outcome.SCRIPT_FAILED


def test_a_job_from_before_a_redrive_is_waited_for_or_replaced():
    assert observe(job("Completed"), None, None, redriven=True) is Outcome.COMPLETED
    assert observe(job("InProgress"), None, None, redriven=True) is Outcome.FOUND_RUNNING
    for gone in (
        None,
        job("Stopped"),
        job("Failed", reason="AlgorithmError: x"),
        job("Stopped", "MaxWaitTimeExceeded"),
    ):
        assert observe(gone, "SageMaker.ResourceInUseException", "text", redriven=True) is Outcome.REDRIVEN


def test_a_runtime_that_money_had_cut_is_the_moneys_end():
    ended = job("Stopped", "MaxRuntimeExceeded")
    assert observe(ended, FAILED, "{}", cut_by="money") is Outcome.OUT_OF_MONEY
    assert observe(ended, FAILED, "{}", cut_by="time") is Outcome.OUT_OF_TIME


def test_a_stop_before_the_time_out_was_a_persons_though_nobody_told_of_it():
    early, late = job("Stopped", lived=600), job("Stopped", lived=7300)
    assert observe(early, TIMEOUT, None, timeout_seconds=7200) is Outcome.STOPPED_BY_PERSON
    assert observe(late, TIMEOUT, None, timeout_seconds=7200) is Outcome.TIMED_OUT


def test_every_outcome_says_whose_fault_it_is():
    assert all(isinstance(outcome.fault, Fault) and outcome.sentence.endswith(".") for outcome in Outcome)
