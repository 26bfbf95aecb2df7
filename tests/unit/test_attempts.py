"""An attempt's row: every key always there, whatever SageMaker and the script said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trainwright_runtime.attempts import Planned, Seen, metrics, model_uri, row, waiting_seconds
from trainwright_runtime.progress import Began, Progress

PLANNED = Planned(
    1, "a-0123456789-1", "spot", {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}, "/g"
)
KEYS = {
    "number", "redrive", "rung", "job_name", "job_arn", "capacity", "launch", "status", "secondary_status", "outcome",
    "looks", "diagnosis", "decision", "instance_type", "instance_count", "volume_gb", "max_runtime_seconds",
    "max_wait_seconds", "then_wait_seconds", "interruptions", "checkpoint_step", "resumed_from_step",
    "starts", "has_checkpoints",
    "restarted_from_zero", "processes", "last_step", "total_steps", "started_at", "ended_at", "training_seconds",
    "billable_seconds", "waiting_seconds", "warm_pool", "reused_pool", "transitions", "failure_reason", "log",
}  # fmt: skip


def transition(status, second):
    return {"Status": status, "StartTime": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), "StatusMessage": "m"}


JOB = {
    "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:1:training-job/a-0123456789-1",
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    "SecondaryStatusTransitions": [
        transition(status, second) for second, status in enumerate(["Starting", "Training", "Interrupted", "Training"])
    ],
    "TrainingTimeInSeconds": 100,
    "BillableTimeInSeconds": 40,
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
    "FinalMetricDataList": [{"MetricName": "accuracy", "Value": 0.5}],
}


def test_a_job_that_ran():
    found = row(PLANNED, JOB, Seen("completed", Progress(12, 12, 5)))
    assert set(found) == KEYS
    assert (found["interruptions"], found["resumed_from_step"], found["last_step"]) == (1, 5, 12)
    assert found["transitions"][0] == {
        "status": "Starting",
        "start": "2026-01-01T00:00:00.000Z",
        "end": None,
        "message": "m",
    }
    assert found["log"] == {"group": "/g", "stream_prefix": "a-0123456789-1/"}
    assert model_uri(JOB) == "s3://b/model.tar.gz"
    assert metrics(JOB) == {"accuracy": 0.5}


def test_a_job_that_was_never_made():
    found = row(PLANNED, None, Seen("throttled", refusal="Rate exceeded"))
    assert set(found) == KEYS
    assert (found["status"], found["failure_reason"], found["instance_type"]) == (None, "Rate exceeded", "ml.m5.large")
    assert model_uri(None) is None


def test_half_a_model_is_no_model():
    assert model_uri({**JOB, "TrainingJobStatus": "Stopped"}) is None


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_file_that_an_earlier_attempt_wrote_proves_nothing_about_this_one():
    said = Progress(6, 12, None, written_at=NOON)
    found = row(PLANNED, {**JOB, "CreationTime": NOON + timedelta(minutes=1)}, Seen("failed", said, checkpoint_step=6))
    assert (found["resumed_from_step"], found["restarted_from_zero"], found["last_step"]) == (None, False, 6)


def test_an_attempt_that_began_at_nothing_beside_a_checkpoint_is_told():
    said = Progress(3, 12, None, written_at=NOON + timedelta(minutes=2))
    found = row(PLANNED, {**JOB, "CreationTime": NOON}, Seen("completed", said, checkpoint_step=6))
    assert (found["checkpoint_step"], found["restarted_from_zero"]) == (6, True)


def process(number, **times):
    return Began(number or None, number + 1, began_at=NOON.timestamp() + 60 * number, **times)


def steps(found):
    return [start["step"] for start in found["starts"]]


def test_the_processes_of_an_attempt_are_its_own():
    said = Progress(3, 12, 2, tuple(process(number) for number in range(3)), written_at=NOON)
    job = {**JOB, "CreationTime": NOON}
    assert steps(row(PLANNED, job, Seen("completed", said))) == [1, 2, 3]
    assert steps(row(PLANNED, job, Seen("completed", said, earlier_processes=2))) == [3]
    assert row(PLANNED, job, Seen("completed", said))["starts"][1] == {
        "resumed_from": 1,
        "step": 2,
        "began_at": NOON.timestamp() + 60,
        "ready_at": None,
        "saved_at": None,
        "checkpoint_seconds": None,
    }


def test_where_the_list_was_cut_the_times_tell_whose_processes_they_are():
    said = Progress(100, 120, 99, tuple(process(number) for number in range(100)), written_at=NOON + timedelta(hours=2))
    created = {**JOB, "CreationTime": NOON + timedelta(minutes=97)}
    found = row(PLANNED, created, Seen("completed", said, earlier_processes=100))
    assert steps(found) == [96, 97, 98, 99, 100], "two minutes are allowed for clocks that differ"


def test_a_row_keeps_the_last_processes_only():
    said = Progress(60, 120, 59, tuple(process(number) for number in range(60)))
    assert steps(row(PLANNED, JOB, Seen("completed", said))) == list(range(41, 61))


def test_a_file_of_an_earlier_attempt_tells_of_no_process_of_this_one():
    said = Progress(6, 12, None, (process(0),), written_at=NOON)
    found = row(PLANNED, {**JOB, "CreationTime": NOON + timedelta(minutes=1)}, Seen("failed", said))
    assert found["starts"] == []


def test_a_row_says_whether_its_job_keeps_checkpoints():
    keeps = replace(PLANNED, request={"CheckpointConfig": {"S3Uri": "s3://b/runs/x/"}})
    assert [row(each, JOB, Seen("failed"))["has_checkpoints"] for each in (PLANNED, keeps)] == [False, True]


def test_what_a_job_was_there_for_without_training_is_waiting():
    job = {**JOB, "CreationTime": NOON, "TrainingEndTime": NOON + timedelta(seconds=250)}
    assert waiting_seconds(job) == 150
    assert waiting_seconds({}) == 0


def test_the_type_that_sagemaker_chose_counts():
    chosen = {"InstancePreferences": [{"InstanceType": "ml.g5.xlarge"}], "SelectedInstanceType": "ml.g6.xlarge"}
    job = {**JOB, "ResourceConfig": {**chosen, "SelectedInstanceCount": 2}}
    found = row(PLANNED, job, Seen("completed"))
    assert (found["instance_type"], found["instance_count"]) == ("ml.g6.xlarge", 2)
