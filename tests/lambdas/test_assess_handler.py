"""Assess: what became of the attempt, written down; then the next step."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, REQUEST, NoMetrics, assess_event, client_error, prepare_event, state

from trainwright_runtime import record as records
from trainwright_runtime.facts import run_id
from trainwright_runtime.handlers import assess as module
from trainwright_runtime.handlers.host_metrics import peaks
from trainwright_runtime.handlers.prepare import prepare

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"
LOOKS = 60  # at a job that should have ended: 12 at 10 s, then 48 at 30 s


@pytest.fixture
def run(team):
    return prepare(prepare_event(), team.store, team.services, team.environment)["run"]


def assess(team, run, error=None, cause=None, **more):
    event = assess_event(run, error=error, cause=cause, **more)
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


def test_instances_that_were_full_explain_what_the_log_does_not(team, run):
    began = datetime(2026, 11, 21, 4, 23, tzinfo=UTC)
    times = {"TrainingStartTime": began, "TrainingEndTime": began + timedelta(hours=1), "TrainingJobName": JOB}
    team.sagemaker.has(JOB, {**FAILED, **times})
    metrics = team.services.__dict__["cloudwatch"] = NoMetrics(MemoryUtilization=[40.0, 99.7], DiskUtilization=[3.0])
    assess(team, run, "States.TaskFailed", "{}")
    diagnosis = team.store.record(RUN)["diagnosis"]
    assert (diagnosis["label"], diagnosis["evidence"]) == ("host_out_of_memory", "MemoryUtilization 100 %")
    assert {each["Id"] for each in metrics.asked} == {"m0_1", "m1_1", "m2_1"}


def test_gpu_memory_is_judged_by_gpu():
    job = {
        "TrainingJobName": JOB,
        "TrainingStartTime": datetime(2026, 11, 21, 4, tzinfo=UTC),
        "TrainingEndTime": datetime(2026, 11, 21, 5, tzinfo=UTC),
        "ResourceConfig": {"InstanceType": "ml.g5.12xlarge", "InstanceCount": 2},
    }
    services = SimpleNamespace(cloudwatch=NoMetrics(GPUMemoryUtilization=[200.0, 396.0]))
    assert peaks(services, job) == {"GPUMemoryUtilization": 99.0}
    assert len(services.cloudwatch.asked) == 6


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


def test_a_job_that_was_refused_is_asked_for_again_under_a_name_of_its_own(team, run):
    cause = "Rate exceeded (Service: AmazonSageMaker; Status Code: 400; Error Code: ThrottlingException)" + "x" * 900
    step = assess(team, run, "SageMaker.AmazonSageMakerException", cause)
    assert (step["next"], step["after_wait"], step["attempt"]["job_name"]) == ("wait", "train", f"{RUN}-2")
    assert "again in" in step["reason"]
    record = team.store.record(RUN)
    row = record["attempts"]["1"]
    assert (record["verdict"], record["diagnosis"], row["diagnosis"]["label"]) == (None, None, "throttled")
    assert (row["status"], row["outcome"], row["then_wait_seconds"]) == (None, "throttled", step["wait_seconds"])
    assert "Rate exceeded" in row["failure_reason"]
    assert len(row["failure_reason"]) == 300
    assert team.document(RUN, "attempts/1.json") is None
    assert assess(team, run, "SageMaker.AmazonSageMakerException", cause) == step


def test_a_refusal_that_never_clears_ends_the_run(team, run):
    cause = "no (Service: AmazonSageMaker; Status Code: 400; Error Code: AccessDeniedException)"
    assert assess(team, run, "SageMaker.AmazonSageMakerException", cause)["next"] == "report"
    record = team.store.record(RUN)
    assert (record["verdict"], record["diagnosis"]["label"]) == ("FAILED", "permission_denied_role")


def test_spot_that_did_not_come_falls_back_with_the_same_checkpoints(team):
    request = {**REQUEST, "compute": {**REQUEST["compute"], "fallback": "on_demand"}}
    run = prepare(prepare_event(request), team.store, team.services, team.environment)["run"]
    team.sagemaker.has(JOB, state("Stopped", "MaxWaitTimeExceeded", TrainingTimeInSeconds=600))
    team.progress(RUN, step=6, total=12, resumed_from=None)
    attempt = assess(team, run, "States.TaskFailed", "{}")["attempt"]
    assert (attempt["number"], attempt["rung"], attempt["capacity"]) == (2, 1, "on_demand")
    assert attempt["request"]["CheckpointConfig"]["S3Uri"] == f"s3://the-checkpoints/runs/{RUN}/"
    assert attempt["request"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 1200}
    assert team.store.record(RUN)["attempts"]["1"]["last_step"] == 6


def test_a_job_that_was_left_behind_is_stopped_before_the_run_goes_on(team, run):
    fault = "(Service: AmazonSageMaker; Status Code: 503; Error Code: ServiceUnavailable)"
    looked = assess(team, run, "SageMaker.AmazonSageMakerException", fault)
    assert (looked["next"], looked["after_wait"]) == ("wait", "assess")
    assert assess(team, run, "SageMaker.AmazonSageMakerException", fault)["attempt"]["number"] == 2
    team.sagemaker.has(JOB, state("InProgress"))  # it was made after all
    team.sagemaker.has(f"{RUN}-2", COMPLETED)
    assert assess(team, run, attempt=2)["next"] == "report"
    assert team.sagemaker.stopped == [JOB]


def test_a_start_from_zero_beside_a_checkpoint_is_told(team, run):
    team.progress(RUN, step=12, total=12, starts=[{"resumed_from": None, "step": 6}, {"resumed_from": 0, "step": 12}])
    team.sagemaker.has(JOB, COMPLETED)
    assess(team, run)
    assert team.store.record(RUN)["attempts"]["1"]["restarted_from_zero"] is True


def test_a_job_of_somebody_else_under_the_name_is_not_taken_for_the_runs_own(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    step = assess(team, run, "SageMaker.ResourceInUseException", "Training job names must be unique")
    assert (step["next"], step["attempt"]["number"]) == ("train", 2)
    assert team.store.record(RUN)["attempts"]["1"]["outcome"] == "name_in_use"


def test_a_job_that_an_earlier_call_made_is_the_runs_own(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    team.sagemaker.tags = [{"Key": "trainwright:run", "Value": RUN}]
    assert assess(team, run, "SageMaker.ResourceInUseException", "the name is taken")["next"] == "report"
    assert team.store.record(RUN)["verdict"] == "SUCCEEDED"


@pytest.mark.parametrize("ended", [state("Stopped"), FAILED])
def test_a_redriven_run_goes_on_with_a_new_job(team, run, ended):
    team.sagemaker.has(JOB, ended)
    team.store.update(records.settle(RUN, "FAILED", None, "2026-11-21T05:00:00.000Z"))
    said = ("SageMaker.ResourceInUseException", "the name is taken")
    step = assess(team, run, *said, redrives=1)
    assert (step["next"], step["attempt"]["job_name"], step["attempt"]["redrive"]) == ("train", f"{RUN}-2r1", 1)
    record = team.store.record(RUN)
    assert (record["status"], record["redrive"], record["ended_at"]) == ("RUNNING", 1, None)


def test_a_redriven_run_whose_job_completed_has_succeeded(team, run):
    team.sagemaker.has(JOB, COMPLETED)
    team.store.update(records.settle(RUN, "FAILED", None, "2026-11-21T05:00:00.000Z"))
    assert assess(team, run, redrives=1)["next"] == "report"
    assert team.store.record(RUN)["verdict"] == "SUCCEEDED"


def test_a_run_that_was_ended_from_outside_goes_to_its_report(team, run):
    team.store.update(records.settle(RUN, "STOPPED", None, "2026-11-21T05:00:00.000Z"))
    assert assess(team, run)["next"] == "report"
    assert team.store.record(RUN)["attempts"] == {}


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
    steps = [assess(team, run, "States.Timeout")["next"] for _ in range(LOOKS + 1)]
    assert steps == ["wait"] * LOOKS + ["report"]
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
