"""The second way to start a job, on the deployed state machine: by the Launch function, with a task token that the
event of the job's end answers. A request with a field that `.sync` is not known to take goes that way by itself.
"""

import json
import urllib.request

import pytest

ENCRYPTED = {"networking": {"enable_inter_container_traffic_encryption": True}}


@pytest.fixture
def denials(platform):
    """How often IAM said no since the test began."""

    def denied():
        with urllib.request.urlopen(f"{platform.account.endpoint}/_trainwright/permissions") as answer:
            return json.load(answer)["denied"]

    before = len(denied())
    return lambda: denied()[before:]


def entered(platform, arn):
    return [event["stateEnteredEventDetails"]["name"] for event in platform.history(arn) if _enters(event)]


def _enters(event):
    return "stateEnteredEventDetails" in event


def test_a_run_is_launched_and_its_jobs_event_ends_the_state(platform, denials):
    arn = platform.start(**ENCRYPTED)
    assert platform.finish(arn)["status"] == "SUCCEEDED"
    states = entered(platform, arn)
    assert "Launch" in states and "Train" not in states
    job = platform.job(arn, "Completed")
    assert job["EnableInterContainerTrafficEncryption"] is True
    tags = platform.client("sagemaker").list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {"Key": "trainwright:execution", "Value": platform.run_id(arn)} in tags
    assert denials() == [], "the roles of Launch and Answer hold what the two need"


def test_a_launched_script_that_raises_fails_the_run_with_its_last_words(platform):
    arn = platform.start(hyperparameters={"fail": "the labels are empty"}, **ENCRYPTED)
    execution = platform.finish(arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "TrainingFailed")
    assert "the labels are empty" in execution["cause"]
    assert entered(platform, arn)[-2:] == ["How did it end?", "Give up"]


def test_a_stopped_execution_leaves_no_launched_job(platform):
    arn = platform.start(seconds=60, **ENCRYPTED)
    platform.training(arn)
    platform.client("stepfunctions").stop_execution(executionArn=arn)
    assert platform.finish(arn)["status"] == "ABORTED"
    assert platform.job(arn, "Stopped")["TrainingJobStatus"] == "Stopped"
    assert platform.report(arn)["status"] == "STOPPED"
