"""An attempt's row: every key always there, whatever SageMaker and the script said."""

from datetime import UTC, datetime

import pytest

from trainwright_runtime.attempts import Planned, Progress, metrics, model_uri, row

PLANNED = Planned(
    1, "a-0123456789-1", "spot", {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}, "/g"
)
KEYS = {
    "number", "job_name", "job_arn", "capacity", "status", "secondary_status", "instance_type", "instance_count",
    "interruptions", "resumed_from_step", "last_step", "total_steps", "training_seconds", "billable_seconds",
    "transitions", "failure_reason", "log",
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
    found = row(PLANNED, JOB, Progress(12, 12, 5))
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
    found = row(PLANNED, None, Progress(), "Rate exceeded")
    assert set(found) == KEYS
    assert (found["status"], found["failure_reason"], found["instance_type"]) == (None, "Rate exceeded", "ml.m5.large")
    assert model_uri(None) is None


def test_half_a_model_is_no_model():
    assert model_uri({**JOB, "TrainingJobStatus": "Stopped"}) is None


@pytest.mark.parametrize("data", [None, [], "x", {"step": "3", "total": True, "resumed_from": 1.5}])
def test_a_progress_file_of_another_form_says_nothing(data):
    assert Progress.from_data(data) == Progress()
