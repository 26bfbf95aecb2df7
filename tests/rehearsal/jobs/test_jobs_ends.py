"""How jobs end: well, badly, stopped, out of time, interrupted; and that nothing of them is left."""

import json
import os
import signal
import time
from pathlib import Path

import pytest


def path(job):
    return [item["Status"] for item in job["SecondaryStatusTransitions"]]


def processes_with(word):
    """Processes of this machine that have the word in their command line."""
    others = [entry for entry in Path("/proc").glob("[0-9]*") if int(entry.name) != os.getpid()]
    return [entry.name for entry in others if word in words_of(entry)]


def words_of(entry):
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has just ended
        return ""


def test_a_job_passes_through_all_statuses(account):
    job = account.train("well")
    assert path(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    messages = [item["StatusMessage"] for item in job["SecondaryStatusTransitions"]]
    assert messages[0] == "Preparing the instances for training"
    assert messages[2] == "Training image download completed. Training in progress."
    assert all(item["EndTime"] >= item["StartTime"] for item in job["SecondaryStatusTransitions"])
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["TrainingTimeInSeconds"] == job["BillableTimeInSeconds"] >= 1


def test_a_failing_script_gives_its_failure_file_and_exit_code(either_account):
    code = "(ml/'output/failure').write_text('ValueError: bad data'); (ml/'model/half').write_text('1'); sys.exit(3)"
    job = either_account.train("fails", code)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "AlgorithmError: ValueError: bad data, exit code: 3"
    assert either_account.model("fails") == {"half": "1"}


def test_a_script_that_is_killed_shows_the_signal_in_its_exit_code(either_account):
    job = either_account.train("killed", "subprocess.Popen(['sh', '-c', 'kill -SEGV $$']).wait(); os._exit(139)")
    assert job["FailureReason"] == "AlgorithmError: , exit code: 139"


def test_stop_sends_sigterm_and_keeps_the_model(either_account):
    code = """
def stop(*_):
    (ml / "model" / "saved").write_text("at the last moment")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    either_account.train("stopped", code, wait=False)
    either_account.wait_for(
        lambda: either_account.describe("stopped")["SecondaryStatus"] == "Training" and either_account.log("stopped"),
        "the script",
    )
    either_account.client("sagemaker").stop_training_job(TrainingJobName="stopped")
    job = either_account.finish("stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert path(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert "FailureReason" not in job
    assert either_account.model("stopped") == {"saved": "at the last moment"}


def test_a_script_that_does_not_listen_is_killed_after_the_grace(account):
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    account.train("deaf", code, wait=False)
    account.wait_for(lambda: account.describe("deaf")["SecondaryStatus"] == "Training" and account.log("deaf"), "it")
    asked = time.monotonic()
    account.client("sagemaker").stop_training_job(TrainingJobName="deaf")
    assert account.finish("deaf")["SecondaryStatus"] == "Stopped"
    assert time.monotonic() - asked >= 1.5


def test_a_job_can_be_stopped_before_it_has_instances(account):
    account.train("early", wait=False)
    account.client("sagemaker").stop_training_job(TrainingJobName="early")
    job = account.finish("early")
    assert path(job)[-2:] == ["Stopping", "Stopped"]


def test_max_runtime_ends_the_job_and_keeps_the_model(account):
    code = "(ml/'model/m').write_text('1'); time.sleep(60)"
    job = account.train("too-long", code, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert account.model("too-long") == {"m": "1"}


def test_max_wait_ends_a_spot_job(account):
    changes = account.spot("waits") | {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}
    job = account.train("waits", "time.sleep(60)", **changes)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_a_spot_job_is_interrupted_and_resumes_from_its_checkpoint(either_account):
    job = either_account.train("interrupted", "epochs(40, 0.05)", **either_account.spot("interrupted"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    once = ["Starting", "Downloading", "Training"]
    assert path(job) == [*once, "Interrupted", *once, "Uploading", "Completed"]
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]
    started = [int(line.split()[-1]) for line in either_account.log("interrupted") if line.startswith("resumed from")]
    assert started[0] == 0
    assert 20 <= started[1] < 40
    progress = json.loads(either_account.read("checkpoints/interrupted/progress.json"))
    assert progress == {"step": 40, "total": 40, "resumed_from": started[1]}
    assert either_account.model("interrupted") == {"model.txt": f"trained {started[1]}..40"}


def test_an_on_demand_job_is_not_interrupted(account):
    checkpoints = account.spot("on-demand")["CheckpointConfig"]
    job = account.train("on-demand", "epochs(10, 0.05)", CheckpointConfig=checkpoints)
    assert "Interrupted" not in path(job)


@pytest.mark.parametrize("end", ["exit", "stop"])
def test_no_process_is_left(either_account, end):
    word = f"4{os.getpid()}{end == 'exit':d}"
    wait = "time.sleep(60)" if end == "stop" else ""
    code = f"subprocess.Popen(['setsid', 'sleep', '{word}']); print('off', flush=True); time.sleep(0.2); {wait}"
    either_account.train(f"leaves-{end}", code, wait=False)
    if end == "stop":
        either_account.wait_for(lambda: processes_with(f"sleep {word}"), "the child")
        either_account.client("sagemaker").stop_training_job(TrainingJobName=f"leaves-{end}")
    either_account.finish(f"leaves-{end}")
    assert processes_with(f"sleep {word}") == []
    assert not (either_account.root / "hosts" / f"leaves-{end}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("namespaces", ["", "1"])
def test_no_process_is_left_when_the_account_ends(tmp_path, start_account, number, namespaces):
    word = f"7{os.getpid()}{int(number)}"
    with start_account(tmp_path, TRAINWRIGHT_NO_NAMESPACES=namespaces) as account:
        code = f"subprocess.Popen(['setsid', 'sleep', '{word}']); time.sleep(60)"
        account.train("left", code, wait=False)
        account.wait_for(lambda: processes_with(f"sleep {word}"), "the child")
        account.process.send_signal(number)
        account.process.wait(timeout=10)
        account.wait_for(lambda: not processes_with(f"sleep {word}"), "its end", seconds=5)


def test_every_change_of_status_is_an_event(account):
    open_to_events = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_events]})
    queue = account.client("sqs").create_queue(QueueName="statuses", Attributes={"Policy": policy})["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:statuses"
    events = account.client("events")
    pattern = {"source": ["aws.sagemaker"], "detail": {"TrainingJobName": ["told"]}}
    events.put_rule(Name="statuses", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="statuses", Targets=[{"Id": "queue", "Arn": arn}])
    account.train("told", Tags=[{"Key": "team", "Value": "one"}])
    received = []

    def all_there():
        got = account.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(json.loads(message["Body"]) for message in got)
        return len(received) >= 5

    account.wait_for(all_there, "five events")
    assert [event["detail"]["SecondaryStatus"] for event in received] == path(account.describe("told"))
    last = received[-1]
    assert last["detail-type"] == "SageMaker Training Job State Change"
    assert last["resources"] == [last["detail"]["TrainingJobArn"]]
    assert last["detail"]["TrainingJobStatus"] == "Completed"
    assert last["detail"]["Tags"] == {"team": "one"}
    assert isinstance(last["detail"]["TrainingEndTime"], int)
