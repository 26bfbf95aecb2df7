"""Jobs without processes that differ from the rest: the first attempt fails, the next one goes on."""

import json

import pytest

FAULTS = {
    "fake_jobs": {
        "seconds": 1,
        "steps": 10,
        "checkpoint_every": 2,
        "stop_seconds": 0.1,
        "others": [
            {"jobs": "fails-1", "exit_step": 5, "exit_code": 1, "failure": "ValueError: no", "log": ["row 17", "no"]},
            {"jobs": "no-data", "exit_step": 0, "exit_code": 1, "failure_reason": "ClientError: Data download failed"},
            {"jobs": "forgets-2", "resume": False},
            {"jobs": "forgets-1", "exit_step": 4},
            {"jobs": "endless", "seconds": "30d"},
            {"jobs": "stopped", "seconds": 20},
        ],
    },
    "full_disks": [{"free_mb": 2, "jobs": "full-*", "volume_below": 60}],
    "stopped_jobs": [{"after": "step", "step": 2, "jobs": "stopped"}],
}


@pytest.fixture(scope="module")
def others(start_account, tmp_path_factory):
    with start_account(tmp_path_factory.mktemp("others"), FAULTS) as started:
        yield started


def train(account, name, **more):
    return account.train(name, **{**account.spot(name.rpartition("-")[0] or name), **more})


def progress(account, prefix):
    return json.loads(account.read(f"checkpoints/{prefix}/progress.json"))


def steps(said):
    """Where each process of a run began, and how far it came."""
    return [(start["resumed_from"], start["step"]) for start in said["starts"]]


def volume(size):
    return {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": size}}


def test_the_first_fails_in_the_middle_and_the_second_goes_on(others):
    first, second = train(others, "fails-1"), train(others, "fails-2")
    assert first["FailureReason"] == "AlgorithmError: ValueError: no, exit code: 1"
    assert others.log("fails-1")[-3:] == ["row 17", "no", "ends at step 5"]
    assert second["TrainingJobStatus"] == "Completed"
    said = progress(others, "fails")
    assert (said["step"], said["total"], said["resumed_from"]) == (10, 10, 4)
    assert steps(said) == [(None, 4), (4, 10)]
    for start in said["starts"]:
        assert start["began_at"] <= start["ready_at"] <= start["saved_at"]


def test_a_job_that_forgets_its_checkpoint_begins_at_0(others):
    train(others, "forgets-1"), train(others, "forgets-2")
    assert steps(progress(others, "forgets")) == [(None, 4), (None, 10)]


def test_a_reason_in_sagemakers_words_is_the_whole_reason(others):
    assert train(others, "no-data")["FailureReason"] == "ClientError: Data download failed"


def test_a_job_that_never_ends_meets_its_limit(others):
    assert train(others, "endless", **limit(1))["SecondaryStatus"] == "MaxRuntimeExceeded"


def limit(seconds):
    return {"StoppingCondition": {"MaxRuntimeInSeconds": seconds, "MaxWaitTimeInSeconds": 60}}


def test_a_person_stops_a_job_at_its_step(others):
    job = train(others, "stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert progress(others, "stopped")["step"] == 2


def test_a_full_disk_takes_so_many_checkpoints_and_a_larger_volume_all(others):
    small, large = train(others, "full-1", **volume(5)), train(others, "full-2", **volume(60))
    assert "No space left on device" in small["FailureReason"]
    assert large["TrainingJobStatus"] == "Completed"
    assert progress(others, "full")["resumed_from"] == 4
    assert not others.ready["lost_guarantees"] or not any(
        "full_disks" in said for said in others.ready["lost_guarantees"]
    )
