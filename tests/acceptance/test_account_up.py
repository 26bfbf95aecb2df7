"""`trainwright account up` as people start it: three accounts one after another, which share a folder of `--data`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from trainwright.cli.environment import child_environment

APP = Path(__file__).with_name("quick_app.py")
REQUEST = """\
name: quick
image: platform
compute: {instance_type: ml.m5.large}
checkpoints: true
limits: {max_runtime: 10m}
hyperparameters: {seconds: 0}
"""
LONG = ("--set", "hyperparameters.seconds=100")


class Up:
    """An account that the command keeps open, and what its `export` lines give another terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainwright.cli", "account", "up", *words],
            cwd=folder,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # a shell's background job ignores SIGINT, and so would we
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "AWS_MAX_ATTEMPTS" in line:
                break
        self.exports = dict(re.findall(r"^  export (\w+)=(.*)$", self.said, re.MULTILINE))

    def client(self, service):
        endpoint, region = self.exports["AWS_ENDPOINT_URL"], self.exports["AWS_REGION"]
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        style = Config(s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=endpoint, region_name=region, config=style, **keys)

    @property
    def team(self):
        return json.loads(self.client("ssm").get_parameter(Name="/trainwright/teams/default")["Parameter"]["Value"])

    def trainwright(self, *words):
        command = [sys.executable, "-m", "trainwright.cli", *words]
        env = child_environment() | self.exports
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_long(self):
        """A run that trains, by its id."""
        self.trainwright("run", "run.yaml", "--yes", "--detach", *LONG)
        run = json.loads(self.trainwright("list", "--json"))["runs"][0]["run"]
        wait(lambda: self.job_status(f"{run}-1") == "Training", "the job to train")
        return run

    def job_status(self, name):
        sagemaker = self.client("sagemaker")
        try:
            return sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"]
        except sagemaker.exceptions.ClientError:
            return None

    def record(self, run):
        found = self.client("dynamodb").get_item(TableName=self.team["runs_table"], Key={"run": {"S": run}})
        return found["Item"]

    def objects(self, bucket):
        listed = self.client("s3").list_objects_v2(Bucket=self.team[f"{bucket}_bucket"])
        return {item["Key"] for item in listed.get("Contents", [])}

    def end(self):
        """The exit code of Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode


def wait(look, what, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


def alive(folder):
    """Command lines that name the folder."""
    return [words for _, words in processes(folder)]


def processes(folder):
    entries = [(int(entry.name), words_of(entry)) for entry in Path("/proc").glob("[0-9]*")]
    return [(pid, words) for pid, words in entries if str(folder) in words]


def words_of(entry):
    try:
        return (entry / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run.yaml").write_text(REQUEST)
    return tmp_path


@pytest.fixture
def up(folder):
    """Opens accounts; whatever happens to the test, none is left."""
    opened = []

    def start(*words):
        opened.append(Up(folder, *words))
        assert opened[-1].exports, opened[-1].said
        return opened[-1]

    yield start
    for each in opened:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(60)
        each.process.stdout.close()


def test_an_empty_account_serves_until_ctrl_c_and_leaves_nothing(up, folder):
    account = up("--no-deploy")
    assert account.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert account.client("cloudformation").describe_stacks()["Stacks"] == []
    config = json.loads((folder / ".rehearsal/up/account/config.json").read_text())
    assert config["faults"] == {}, "nobody takes spot machines away"
    assert account.end() == 130, account.said
    assert alive(folder) == []
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"run.yaml", ".rehearsal/up/lock"}


def test_fails_when_the_account_dies_and_keeps_its_logs(up, folder):
    account = up("--no-deploy")
    (server,) = [pid for pid, words in processes(folder) if "trainwright.rehearsal.server" in words]
    os.kill(server, signal.SIGKILL)
    rest, _ = account.process.communicate(timeout=20)
    assert account.process.returncode == 1, rest
    assert "the embedded account ended by itself (exit code -9)" in rest
    assert "The account has ended. Logs: .rehearsal/up/last/logs" in rest
    assert (folder / ".rehearsal/up/last/logs/account.log").exists()
    assert not (folder / ".rehearsal/up/account").exists() and alive(folder) == []


def test_what_data_keeps_survives_ctrl_c_and_a_kill(up, folder):
    words = ("--app", str(APP), "--data", "kept")
    first = up(*words)
    assert "team default: arn:aws:states:us-east-1:123456789012:stateMachine:" in first.said
    assert "The run succeeded." in first.trainwright("run", "run.yaml", "--yes")
    done = json.loads(first.trainwright("list", "--json"))["runs"][0]
    bucket = first.team["data_bucket"]
    note = {"Metadata": {"by": "hand"}, "ContentType": "text/plain", "Tagging": "kind=raw"}
    first.client("s3").put_object(Bucket=bucket, Key="by hand/ä.txt", Body=b"mine", **note)
    stopped = first.start_long()
    assert first.end() == 130, first.said
    assert "Stopping 1 run" in first.said
    assert re.search(r"kept keeps \d+ objects and 4 table rows\.", first.said), first.said
    assert alive(folder) == []

    second = up(*words)
    assert second.team["data_bucket"] != bucket, "the new bucket's name is another one"
    found = second.client("s3").get_object(Bucket=second.team["data_bucket"], Key="by hand/ä.txt")
    assert (found["Body"].read(), found["Metadata"], found["ContentType"]) == (b"mine", {"by": "hand"}, "text/plain")
    assert found["TagCount"] == 1
    record = second.record(done["run"])
    assert record["status"]["S"] == "SUCCEEDED"
    model = record["model"]["S"].removeprefix(f"s3://{second.team['artifacts_bucket']}/")
    assert model in second.objects("artifacts"), "the record's address is one in the new bucket"
    record = second.record(stopped)
    assert (record["status"]["S"], record["attempts"]["M"]["1"]["M"]["status"]["S"]) == ("STOPPED", "Stopped")
    assert f"runs/{stopped}/report.html" in second.objects("reports")
    left = second.start_long()
    index = folder / "kept" / "kept.json"
    wait(lambda: f"{left}-1" in index.read_text(), "the next save")
    os.kill(second.process.pid, signal.SIGKILL)
    wait(lambda: not alive(folder), "everything to end with the command", seconds=5)

    third = up(*words)
    assert f"{left} was under way when the account ended: closed as ABORTED" in third.said
    record = third.record(left)
    assert (record["status"]["S"], record["diagnosis"]["M"]["label"]["S"]) == ("STOPPED", "stopped_by_user")
    assert f"runs/{left}/report.html" in third.objects("reports")
    assert {third.record(run)["status"]["S"] for run in (done["run"], stopped)} == {"SUCCEEDED", "STOPPED"}
    assert "by hand/ä.txt" in third.objects("data")
    assert "The run succeeded." in third.trainwright("run", "run.yaml", "--yes")
    assert third.end() == 130, third.said
    assert alive(folder) == []
