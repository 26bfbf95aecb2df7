"""Accounts as `trainwright account up` opens them, for the tests of this folder, which load this file by its path."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
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
            if "export SAGEMAKER_USER_CONFIG_OVERRIDE" in line:  # the last one
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

    def objects(self, bucket, prefix=""):
        pages = self.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.team[f"{bucket}_bucket"], Prefix=prefix)
        return {item["Key"] for page in listed for item in page.get("Contents", [])}

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


def descendants(pid):
    """Every process that `pid` has started, and what these have."""
    parents = {int(entry.name): parent_of(entry) for entry in Path("/proc").glob("[0-9]*")}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def parent_of(entry):
    """None for a process that is gone, or has ended and only waits to be asked how."""
    try:
        state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return int(parent) if state != "Z" else None


def training(job):
    """Processes that train a job: SageMaker tells them its name."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if f"TRAINING_JOB_NAME={job}\0" in environ(entry)]


def environ(entry):
    try:
        return (entry / "environ").read_text(errors="replace")
    except OSError:
        return ""


def is_running(pid):
    return parent_of(Path("/proc") / str(pid)) is not None
