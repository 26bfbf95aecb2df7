"""The ends of a run other than success, on the deployed state machine: each leaves its diagnosis, record and report."""

import json

import pytest


def test_a_script_that_raises_fails_the_run_with_its_last_words(platform):
    arn = platform.start(hyperparameters={"fail": "the labels are empty"})
    execution = platform.finish(arn)
    assert execution["status"] == "FAILED"
    assert execution["error"] == "TrainingFailed"
    assert "the labels are empty" in execution["cause"]
    assert "/aws/sagemaker/TrainingJobs" in execution["cause"]
    report = platform.report(arn)
    assert report["status"] == "FAILED"
    assert report["diagnosis"]["fault"]
    assert any("RuntimeError: the labels are empty" in line for line in report["diagnosis"]["log_tail"])
    assert report["attempts"][0]["status"] == "Failed"


def test_a_failed_run_keeps_its_checkpoints_and_logs(platform):
    arn = platform.start(hyperparameters={"fail": "no"})
    platform.finish(arn)
    run = platform.run_id(arn)
    listed = platform.client("s3").list_objects_v2(Bucket=platform.team["checkpoints_bucket"], Prefix=f"runs/{run}/")
    assert f"runs/{run}/step-1.txt" in [item["Key"] for item in listed["Contents"]]
    streams = platform.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{run}-1/"
    )
    assert len(streams["logStreams"]) == 1


def test_a_stopped_execution_stops_its_job_and_still_gets_its_record_and_report(platform):
    arn = platform.start(seconds=60)
    job = platform.training(arn)
    platform.client("stepfunctions").stop_execution(executionArn=arn, error="Changed", cause="my mind")
    assert platform.finish(arn)["status"] == "ABORTED"
    stopped = platform.job(arn, "Stopped")
    assert stopped["TrainingJobStatus"] == "Stopped"
    report = platform.report(arn)
    assert report["status"] == "STOPPED"
    assert report["attempts"][0]["job_name"] == job["TrainingJobName"]
    assert report["attempts"][0]["status"] == "Stopped"


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"compute": {"instance_typ": "ml.m5.large"}}, "compute.instance_typ", "instance_type"),
        ({"compute": {"instance_type": "ml.m5.lage"}}, "compute.instance_type", "ml.m5.large"),
        ({"limits": {"max_runtime": 600}}, "limits.max_runtime", "600s"),
        ({"framework": "pytorch:2.8.0"}, "framework", "both say what runs"),
        ({"compute": {"instance_type": "ml.m5.large", "keep_alive": "2h"}}, "compute.keep_alive", "not provisioned"),
    ],
)
def test_a_request_that_cannot_work_is_refused_in_plain_words(platform, changes, path, said):
    arn = platform.start(**changes)
    execution = platform.finish(arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidRunRequest")
    assert path in execution["cause"]
    assert said in execution["cause"]
    assert jobs_of(platform, arn) == []
    assert platform.report(arn)["status"] == "REFUSED"


def test_a_refusal_lists_all_problems_at_once(platform):
    arn = platform.start(compute={"instance_type": "large", "instance_count": 0}, limits={}, colour="red")
    cause = platform.finish(arn)["cause"]
    for path in ("compute.instance_type", "compute.instance_count", "colour"):
        assert path in cause


def test_an_input_that_is_no_object_is_refused_too(platform):
    machine = platform.team["state_machine_arn"]
    arn = platform.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps([1]))[
        "executionArn"
    ]
    execution = platform.finish(arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidRunRequest")


def jobs_of(platform, arn):
    listed = platform.client("sagemaker").list_training_jobs(NameContains=platform.run_id(arn))
    return [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]]
