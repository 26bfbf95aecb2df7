"""What an attempt's end means, and what a run does then."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.facts import Run
from trainwright_runtime.outcome import ERRORS, MAX_LOOKS, Fault, History, Outcome, decide, observe
from trainwright_runtime.plan import Attempt, Plan

ONE_ATTEMPT = Plan(Run("a-0123456789", "a", "n"), (Attempt("spot", 100, {}),))
STATES = Path(__file__).parents[2] / "docs" / "states.md"


def job(status, secondary=None, reason=None):
    return {"TrainingJobStatus": status, "SecondaryStatus": secondary or status, "FailureReason": reason}


@pytest.mark.parametrize(
    ("described", "error", "cause", "outcome"),
    [
        (job("Completed"), None, None, Outcome.COMPLETED),
        (job("InProgress", "Training"), "States.Timeout", None, Outcome.STILL_RUNNING),
        (job("Stopping"), "States.Timeout", None, Outcome.STILL_RUNNING),
        (
            job("Failed", reason="AlgorithmError: ExecuteUserScriptError"),
            "States.TaskFailed",
            "{}",
            Outcome.SCRIPT_FAILED,
        ),
        (job("Failed", reason="ClientError: Data download failed"), "States.TaskFailed", "{}", Outcome.SETUP_FAILED),
        (job("Failed", reason="InternalServerError: We encountered"), None, None, Outcome.SERVICE_FAILED),
        (job("Failed", reason="CapacityError: Unable to provision"), None, None, Outcome.NO_CAPACITY),
        (job("Failed", reason="due to InsufficientInstanceCapacity error"), None, None, Outcome.NO_CAPACITY),
        (job("Failed"), None, None, Outcome.FAILED),
        (job("Stopped", "MaxRuntimeExceeded"), "States.TaskFailed", "{}", Outcome.OUT_OF_TIME),
        (job("Stopped", "MaxWaitTimeExceeded"), "States.TaskFailed", "{}", Outcome.NO_SPOT),
        (job("Stopped"), "States.TaskFailed", "{}", Outcome.STOPPED_BY_PERSON),
        (job("Stopped"), "States.Timeout", None, Outcome.TIMED_OUT),
        (
            None,
            "SageMaker.ResourceLimitExceededException",
            "The account-level service limit 'ml.g5.xlarge for training job usage' is 0 Instances",
            Outcome.QUOTA,
        ),
        (
            None,
            "SageMaker.AmazonSageMakerException",
            "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException)",
            Outcome.THROTTLED,
        ),
        (
            None,
            "SageMaker.AmazonSageMakerException",
            "1 validation error detected (Service: AmazonSageMaker; Error Code: ValidationException)",
            Outcome.INVALID,
        ),
        (
            None,
            "SageMaker.AmazonSageMakerException",
            "User: x is not authorized to perform: sagemaker:CreateTrainingJob (Error Code: AccessDeniedException)",
            Outcome.DENIED,
        ),
        (
            job("InProgress"),
            "SageMaker.ResourceInUseException",
            "Training job names must be unique",
            Outcome.NAME_IN_USE,
        ),
        (None, "States.Timeout", None, Outcome.TIMED_OUT),
        (None, "States.TaskFailed", "what is this", Outcome.NEVER_STARTED),
        (None, None, None, Outcome.NEVER_STARTED),
    ],
)
def test_each_end_has_its_outcome(described, error, cause, outcome):
    assert observe(described, error, cause) is outcome


@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        (Outcome.COMPLETED, "SUCCEEDED", ""),
        (Outcome.SCRIPT_FAILED, "FAILED", "TrainingFailed"),
        (Outcome.STOPPED_BY_PERSON, "STOPPED", "TrainingStopped"),
        (Outcome.NO_SPOT, "FAILED", "TrainingFailed"),
    ],
)
def test_an_end_gives_the_run_its_status(outcome, status, error):
    decision = decide(ONE_ATTEMPT, History(attempts=1), outcome)
    assert (decision.next, decision.status) == ("report", status)
    assert ERRORS[decision.status] == error


def test_a_job_that_is_stopping_is_waited_for_and_looked_at_again():
    decision = decide(ONE_ATTEMPT, History(attempts=1, looks=0), Outcome.STILL_RUNNING)
    assert (decision.next, decision.wait_seconds, decision.after_wait) == ("wait", 10, "assess")


def test_waiting_ends_after_a_bounded_time_and_number_of_events():
    waited, looks = 0, 0
    while (decision := decide(ONE_ATTEMPT, History(1, looks), Outcome.STILL_RUNNING)).next == "wait":
        waited, looks = waited + decision.wait_seconds, looks + 1
    assert decision.status == "FAILED"
    assert looks == MAX_LOOKS
    assert 20 * 60 < waited < 60 * 60
    assert looks * 10 < 20_000


@given(st.sampled_from(Outcome), st.integers(1, 50), st.integers(0, 10**6), st.lists(st.sampled_from(Outcome)))
def test_every_chain_of_decisions_ends(first, attempts, looks, later):
    for number, outcome in enumerate([first, *later]):
        decision = decide(ONE_ATTEMPT, History(attempts, looks + number), outcome)
        if decision.next == "report":
            assert decision.status in ERRORS
            return
        assert decision.wait_seconds > 0
    assert all(outcome is Outcome.STILL_RUNNING for outcome in [first, *later])
    assert looks < MAX_LOOKS


def test_every_outcome_says_whose_fault_it_is():
    assert all(isinstance(outcome.fault, Fault) and outcome.sentence.endswith(".") for outcome in Outcome)


def test_the_document_has_a_row_for_each_outcome():
    rows = {
        line.split("|")[1].strip().strip("`"): line
        for line in STATES.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    }
    for outcome in Outcome:
        assert f"| {outcome.fault.value} |" in rows[outcome.label], outcome
        assert outcome.sentence in rows[outcome.label], outcome
