"""A team's month: a hundred runs at once against money for ten start exactly ten; what they did not use comes back."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.tools import cdk

FAULTS = {
    "instance_types": {"ml.m5.xlarge": {"price": 0.2}},
    "fake_jobs": {"seconds": 600, "steps": 10},  # longer than the test: no run gives money back meanwhile
}
REQUEST = {
    "name": "thrifty",
    "image": "platform",
    "compute": {"instance_type": "ml.m5.xlarge"},
    "checkpoints": True,
    "limits": {"max_runtime": "1h"},
}
RUNS, AFFORDABLE = 100, 10


class Thrifty:
    """The team `thrifty` as deployed."""

    def __init__(self, account):
        self.states, self._dynamodb = account.client("stepfunctions"), account.client("dynamodb")
        text = account.client("ssm").get_parameter(Name="/trainwright/teams/thrifty")["Parameter"]["Value"]
        self.team = json.loads(text)

    def start(self, number):
        machine = self.team["state_machine_arn"]
        name = f"run-{number}"
        return self.states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(REQUEST))[
            "executionArn"
        ]

    def items(self):
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self.team["runs_table"], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    @property
    def statuses(self):
        return Counter(item["status"]["S"] for item in self.items() if "status" in item)

    @property
    def committed(self):
        (month,) = [item for item in self.items() if item["run"]["S"].startswith("money:")]
        return Decimal(month["committed"]["N"]) / 1_000_000


@pytest.fixture(scope="module")
def thrifty(tmp_path_factory, start_account):
    folder = tmp_path_factory.mktemp("account")
    with Processes() as processes:
        account, assembly = start_account(processes, folder, FAULTS), folder / "cdk.out"
        env = child_environment() | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
        subprocess.run([sys.executable, str(Path(__file__).with_name("budget_app.py"))], env=env, check=True)
        words = ["--app", str(assembly), "deploy", "**", "--method", "direct", "--require-approval", "never", "--ci"]
        env = account.environment() | {"CDK_HOME": str(folder / "cdk-home")}
        command = [*cdk(processes, folder), *words, "--no-notices"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Thrifty(account)


def test_a_hundred_starts_against_money_for_ten_start_exactly_ten(thrifty, wait):
    with ThreadPoolExecutor(16) as pool:
        arns = list(pool.map(thrifty.start, range(RUNS)))
    settled = {"RUNNING": AFFORDABLE, "REFUSED": RUNS - AFFORDABLE}
    wait(lambda: sum(thrifty.statuses.values()) == RUNS and thrifty.statuses == settled, f"{settled}", 150)
    assert thrifty.committed == 2
    ended = [thrifty.states.describe_execution(executionArn=arn) for arn in arns]
    refused = next(each for each in ended if each["status"] == "FAILED")
    assert refused["error"] == "InvalidRunRequest"
    assert "has 0.00 USD left of 2.00, and this run could cost 0.20 USD" in refused["cause"]

    for each in ended:  # what the ten did not use comes back when they are stopped
        if each["status"] == "RUNNING":
            thrifty.states.stop_execution(executionArn=each["executionArn"])
    wait(lambda: thrifty.statuses["STOPPED"] == AFFORDABLE and thrifty.committed < 1, "the money to come back", 90)
    spent = [item for item in thrifty.items() if item.get("status", {}).get("S") == "STOPPED"]
    costs = [Decimal(item["money"]["M"]["settled_usd"]["N"]) for item in spent]
    assert thrifty.committed == sum(costs)
