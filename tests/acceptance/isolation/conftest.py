"""Two teams in one account, deployed by the real CDK CLI; team `b` has made a run: there is something to take."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account, StartingAccount
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.cli.rehearse.tools import cdk

HERE = Path(__file__).parent
FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
REQUEST = {
    "name": "try",
    "image": "platform",
    "compute": {"instance_type": "ml.m5.large"},
    "limits": {"max_runtime": "10m"},
    "checkpoints": True,
}


@dataclass
class Teams:
    """The account, the names of what each team has, and the ends of runs."""

    account: Account
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, service):
        return self.account.client(service)

    def of(self, team):
        """The team's parts by name, and its key."""
        if team not in self.known:
            found = self.client("ssm").get_parameter(Name=f"/trainwright/teams/{team}")
            self.known[team] = json.loads(found["Parameter"]["Value"])
            listed = self.client("cloudformation").describe_stack_resources(StackName=f"Team-{team}")
            (key,) = [part for part in listed["StackResources"] if part["ResourceType"] == "AWS::KMS::Key"]
            described = self.client("kms").describe_key(KeyId=key["PhysicalResourceId"])
            self.known[team]["key"] = described["KeyMetadata"]["Arn"]
        return self.known[team]

    def start(self, team, request):
        machine = self.of(team)["state_machine_arn"]
        begun = self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(request))
        return begun["executionArn"]

    def finish(self, arn, seconds=60.0):
        states, end = self.client("stepfunctions"), time.monotonic() + seconds
        while (found := states.describe_execution(executionArn=arn))["status"] not in FINAL:
            assert time.monotonic() < end, f"waited {seconds} s for the end of {arn}"
            time.sleep(0.05)
        return found

    def run(self, team, **changes):
        """The execution of a run, ended."""
        return self.finish(self.start(team, {**REQUEST, **changes}))

    def run_id(self, team, arn):
        key = {"run": {"S": f"execution:{arn}"}}
        found = self.client("dynamodb").get_item(TableName=self.of(team)["runs_table"], Key=key, ConsistentRead=True)
        return found["Item"]["target"]["S"]

    def history(self, arn):
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def jobs(self, prefix=""):
        """The names of every job that begin so."""
        pages = self.client("sagemaker").get_paginator("list_training_jobs").paginate()
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
        return [name for name in names if name.startswith(prefix)]


@pytest.fixture(scope="package")
def teams(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isolation")
    assembly = folder / "cdk.out"
    env = child_environment() | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
    subprocess.run([sys.executable, str(HERE / "app.py")], env=env, check=True)
    with Processes() as processes:
        starting = StartingAccount(
            processes,
            folder,
            port=0,
            region="us-east-1",
            account_id="123456789012",
            python=Path(sys.executable),
            options=AccountOptions({}),
        )
        account = starting.wait()
        env = account.environment() | {"CDK_HOME": str(folder / "cdk-home")}
        arguments = ["deploy", "**", "--app", str(assembly), "--method", "direct", "--require-approval", "never"]
        command = [*cdk(processes, folder), *arguments, "--no-notices", "--ci"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Teams(account)


@pytest.fixture(scope="package")
def theirs(teams):
    """What team `b` has: the parts of its deployment, a run with its job, model, checkpoints and report, an image."""
    parts = teams.of("b")
    teams.client("s3").put_object(Bucket=parts["data_bucket"], Key="secret/plans.csv", Body=b"1,2")
    done = teams.run("b")
    assert done["status"] == "SUCCEEDED", done["cause"]
    run = teams.run_id("b", done["executionArn"])
    ecr = teams.client("ecr")
    uri = ecr.create_repository(repositoryName="b-private")["repository"]["repositoryUri"]
    model = json.loads(done["output"])["model"]["s3_uri"]
    return {**parts, "run": run, "job": f"{run}-1", "image": f"{uri}:latest", "model": model}
