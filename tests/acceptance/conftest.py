"""A platform that the real CDK CLI deployed in the embedded account, once a session; its image answers at once."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account, StartingAccount
from trainwright.cli.rehearse.options import ONE_SPOT_INTERRUPTION, AccountOptions
from trainwright.cli.rehearse.tools import cdk

HERE = Path(__file__).parent
FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
REQUEST = {
    "name": "quick",
    "image": "platform",
    "hyperparameters": {"seconds": 0},
    "compute": {"instance_type": "ml.m5.large"},
    "checkpoints": True,
    "limits": {"max_runtime": "10m"},
}


@dataclass
class Deployed:
    """The deployed platform, as its users see it: AWS clients and the names in Parameter Store."""

    account: Account
    folder: Path
    cdk: list[str]

    def client(self, service):
        return self.account.client(service)

    @property
    def team(self):
        return json.loads(self.client("ssm").get_parameter(Name="/trainwright/teams/default")["Parameter"]["Value"])

    def start(self, *, seconds=0, **changes):
        request = REQUEST | {"hyperparameters": {"seconds": seconds}} | changes
        machine = self.team["state_machine_arn"]
        started = self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(request))
        return started["executionArn"]

    def execution(self, arn):
        return self.client("stepfunctions").describe_execution(executionArn=arn)

    def finish(self, arn, seconds=60):
        return wait_for(lambda: self._final(arn), f"the end of {arn}", seconds)

    def _final(self, arn):
        found = self.execution(arn)
        return found if found["status"] in FINAL else None

    def history(self, arn):
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def run_id(self, arn):
        key = {"run": {"S": f"execution:{arn}"}}
        item = self.client("dynamodb").get_item(TableName=self.team["runs_table"], Key=key, ConsistentRead=True)
        return item["Item"]["target"]["S"]

    def job(self, arn, status="Training", seconds=30):
        """The run's first job, once its secondary status is `status`."""
        name = f"{wait_for(lambda: self._maybe_run_id(arn), 'the run record', seconds)}-1"

        def look():
            found = self._maybe_job(name)
            return found if found and found["SecondaryStatus"] == status else None

        return wait_for(look, f"{name} to be {status}", seconds)

    def training(self, arn):
        """The run's first job once its script has begun: process 1 is deaf to SIGTERM until it has a handler."""
        job = self.job(arn)
        wait_for(lambda: "started" in self.log(job["TrainingJobName"]), "the script's first line")
        return job

    def log(self, job_name):
        logs, group = self.client("logs"), "/aws/sagemaker/TrainingJobs"
        found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job_name}/")["logStreams"]
        pages = [logs.get_log_events(logGroupName=group, logStreamName=each["logStreamName"]) for each in found]
        return [event["message"] for page in pages for event in page["events"]]

    def _maybe_run_id(self, arn):
        try:
            return self.run_id(arn)
        except KeyError:
            return None

    def _maybe_job(self, name):
        sagemaker = self.client("sagemaker")
        try:
            return sagemaker.describe_training_job(TrainingJobName=name)
        except sagemaker.exceptions.ClientError:
            return None

    def report(self, arn, seconds=30):
        key = f"runs/{self.run_id(arn)}/report.json"
        s3 = self.client("s3")

        def look():
            try:
                return json.load(s3.get_object(Bucket=self.team["reports_bucket"], Key=key)["Body"])
            except s3.exceptions.NoSuchKey:
                return None

        return wait_for(look, f"the report {key}", seconds)

    def deploy(self, *, python_path="", app="quick_app.py"):
        """Synthesise and deploy with the CDK CLI; `python_path` goes before what is installed."""
        assembly = self.folder / "cdk.out"
        env = child_environment() | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
        env |= {"PYTHONPATH": python_path} if python_path else {}
        subprocess.run([sys.executable, str(HERE / app)], env=env, check=True)
        env = self.account.environment() | {"CDK_HOME": str(self.folder / "cdk-home")}
        arguments = ["--app", str(assembly), "deploy", "**", "--method", "direct", "--require-approval", "never"]
        done = subprocess.run(
            [*self.cdk, *arguments, "--no-notices", "--ci"], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def wait():
    return wait_for


def wait_for(look, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


@pytest.fixture(scope="session")
def start_account():
    """Starts an embedded account with these faults, in a folder, below these processes."""
    return started


def started(processes, folder, faults):
    starting = StartingAccount(
        processes,
        folder,
        port=0,
        region="us-east-1",
        account_id="123456789012",
        python=Path(sys.executable),
        options=AccountOptions(faults),
    )
    return starting.wait()


@pytest.fixture(scope="session")
def deployed():
    """Starts an account with these faults, in a folder, below these processes, and deploys an app of this folder."""

    def made(processes, folder, faults, app):
        found = Deployed(started(processes, folder, faults), folder, cdk(processes, folder))
        found.deploy(app=app)
        return found

    return made


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("account")
    with Processes() as processes:
        account = started(processes, folder, ONE_SPOT_INTERRUPTION)
        deployed = Deployed(account, folder, cdk(processes, folder))
        deployed.deploy()
        yield deployed
