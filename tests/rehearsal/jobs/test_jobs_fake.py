"""Jobs without processes take their time, save, resume, stop and fail as jobs with processes do."""

import json

import pytest

FAKE = {"seconds": 2, "steps": 10, "checkpoint_every": 2, "stop_seconds": 0.1}
FAULTS = {"fake_jobs": FAKE, "spot_interruptions": [{"after": "step", "step": 4, "jobs": "resumes"}]}


@pytest.fixture(scope="module")
def fake(start_account, tmp_path_factory):
    with start_account(tmp_path_factory.mktemp("fake"), FAULTS) as started:
        yield started


def path(job):
    return [item["Status"] for item in job["SecondaryStatusTransitions"]]


def test_it_takes_its_time_and_leaves_a_model(fake):
    job = fake.train("well", **fake.spot("well"))
    assert path(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["TrainingTimeInSeconds"] >= 2
    assert "10 of 10 steps" in fake.model("well")["model.txt"]
    only = {"resumed_from": None, "step": 10}
    said = json.loads(fake.read("checkpoints/well/progress.json"))
    (start,) = said.pop("starts")
    assert said == {**only, "total": 10}
    assert {name: start.pop(name) for name in only} == only
    assert start.pop("checkpoint_seconds") == 0
    training = job["SecondaryStatusTransitions"][2]
    began, ended = (training[name].timestamp() for name in ("StartTime", "EndTime"))
    assert began - 0.001 <= start["began_at"] == start["ready_at"] < start["saved_at"] <= ended + 0.001


def test_it_resumes_after_an_interruption(fake):
    job = fake.train("resumes", **fake.spot("resumes"))
    assert path(job).count("Interrupted") == 1
    assert json.loads(fake.read("checkpoints/resumes/progress.json"))["resumed_from"] == 4


def test_it_saves_when_it_is_stopped(fake):
    fake.train("stopped", wait=False, **fake.spot("stopped"))
    fake.wait_for(lambda: "checkpoints/stopped/progress.json" in fake.objects("checkpoints/stopped/"), "a checkpoint")
    fake.client("sagemaker").stop_training_job(TrainingJobName="stopped")
    job = fake.finish("stopped")
    assert path(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert json.loads(fake.read("checkpoints/stopped/progress.json"))["step"] >= 2


def test_its_time_limit_holds(fake):
    job = fake.train("late", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_an_image_that_is_not_there_fails_it(fake):
    image = {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/nothing:1", "TrainingInputMode": "File"}
    assert "Cannot pull algorithm container" in fake.train("no-image", AlgorithmSpecification=image)["FailureReason"]


def test_it_fails_when_it_is_told_to(start_account, tmp_path):
    told = {"fake_jobs": {**FAKE, "exit_code": 3, "failure": "ValueError: told so"}}
    with start_account(tmp_path / "told", told) as account:
        assert account.train("fails")["FailureReason"] == "AlgorithmError: ValueError: told so, exit code: 3"
