"""Assess: what became of the attempt, written down; then the next step."""

import json

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, client_error, prepare_event, state

from trainwright_runtime.facts import run_id
from trainwright_runtime.handlers import assess as module
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.outcome import MAX_LOOKS

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"


@pytest.fixture
def run(team):
    return prepare(prepare_event(), team.store, team.services, team.environment)["run"]


def assess(team, run, error=None, cause=None):
    event = {"schema": 1, "run": run, "attempt": 1, "job_name": JOB, "error": error, "cause": cause, "redrive_count": 0}
    return module.assess(event, team.store, team.services, team.environment)


def test_a_completed_job_is_recorded_and_reported(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    team.progress(RUN, step=12, total=12, resumed_from=5)
    assert assess(team, run)["next"] == "report"
    record = team.store.record(RUN)
    row = record["attempts"]["1"]
    assert (row["status"], row["training_seconds"], row["billable_seconds"]) == ("Completed", 100, 40)
    assert (row["last_step"], row["resumed_from_step"]) == (12, 5)
    assert record["model"] == "s3://the-artifacts/model.tar.gz"
    assert (record["verdict"], record["diagnosis"]) == ("SUCCEEDED", None)
    described = team.document(RUN, "attempts/1.json")
    assert described["SecondaryStatusTransitions"][0]["StartTime"] == "2026-11-21T04:23:00.000Z"


def test_a_failed_script_is_diagnosed_from_its_log(team, run):
    team.sagemaker.has(JOB, FAILED)
    lines = ["Traceback (most recent call last):", '  File "train.py", line 1, in <module>', "ValueError: bad labels"]
    team.log(JOB, *[f"step {number}" for number in range(60)], *lines)
    cause = json.dumps({"TrainingJobStatus": "Failed"})
    assert assess(team, run, "States.TaskFailed", cause)["next"] == "report"
    diagnosis = team.store.record(RUN)["diagnosis"]
    assert (diagnosis["label"], diagnosis["fault"]) == ("user_code_exception", "code")
    assert len(diagnosis["log_tail"]) == 40
    assert diagnosis["log_tail"][-1] == "ValueError: bad labels"


def test_a_missing_log_loses_nothing(team, run):
    team.sagemaker.has(JOB, FAILED)
    assess(team, run, "States.TaskFailed", "{}")
    assert team.store.record(RUN)["diagnosis"]["log_tail"] == []


def test_a_log_that_may_not_be_read_is_said_so(team, run, monkeypatch):
    team.sagemaker.has(JOB, FAILED)

    def denied(**_):
        raise client_error("AccessDeniedException", "no", "DescribeLogStreams")

    monkeypatch.setattr(team.services.logs, "describe_log_streams", denied)
    assess(team, run, "States.TaskFailed", "{}")
    assert "could not be read: AccessDenied" in team.store.record(RUN)["diagnosis"]["log_tail"][0]


def test_a_job_that_was_refused_is_told_from_the_error(team, run):
    cause = "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException)"
    assert assess(team, run, "SageMaker.AmazonSageMakerException", cause)["next"] == "report"
    record = team.store.record(RUN)
    assert record["diagnosis"]["label"] == "throttled"
    assert record["attempts"]["1"]["status"] is None
    assert "Rate exceeded" in record["attempts"]["1"]["failure_reason"]
    assert team.document(RUN, "attempts/1.json") is None


def test_a_person_who_stops_the_job_stops_the_run(team, run):
    team.sagemaker.has(JOB, state("Stopped"))
    assess(team, run, "States.TaskFailed", "{}")
    record = team.store.record(RUN)
    assert (record["verdict"], record["diagnosis"]["label"]) == ("STOPPED", "stopped_by_user")


def test_a_job_that_is_stopping_is_looked_at_again(team, run):
    team.sagemaker.has(JOB, state("Stopping"), state("Stopped"))
    step = assess(team, run, "States.Timeout")
    assert (step["next"], step["wait_seconds"], step["after_wait"]) == ("wait", 10, "assess")
    assert (step["attempt"]["number"], step["attempt"]["job_name"]) == (1, JOB)
    assert step["attempt"]["request"]["TrainingJobName"] == JOB
    assert assess(team, run, "States.Timeout")["next"] == "report"
    assert team.store.record(RUN)["diagnosis"]["label"] == "timed_out"


def test_looking_again_ends(team, run):
    team.sagemaker.has(JOB, state("InProgress", "Training"))
    steps = [assess(team, run, "States.Timeout")["next"] for _ in range(MAX_LOOKS + 1)]
    assert steps == ["wait"] * MAX_LOOKS + ["report"]
    assert team.store.record(RUN)["verdict"] == "FAILED"


def test_looking_twice_at_the_same_end_changes_nothing(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    first = assess(team, run)
    before = team.store.record(RUN)
    assert assess(team, run) == first
    after = team.store.record(RUN)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_an_answer_that_aws_refuses_is_an_error_and_no_outcome(team, run, monkeypatch):
    def denied(**_):
        raise client_error("AccessDeniedException", "no", "DescribeTrainingJob")

    monkeypatch.setattr(team.sagemaker, "describe_training_job", denied)
    with pytest.raises(Exception, match="AccessDenied"):
        assess(team, run)


def test_a_broken_progress_file_loses_nothing(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    team.services.s3.put_object(Bucket="the-checkpoints", Key=f"runs/{RUN}/progress.json", Body=b"{not json")
    assess(team, run)
    assert team.store.record(RUN)["attempts"]["1"]["last_step"] is None
