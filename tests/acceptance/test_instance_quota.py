"""A platform that asks for its teams' instances when it is deployed, with the CDK CLI, in an account that denies it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.tools import cdk

APP = Path(__file__).with_name("quota_app.py")
FAULTS = {
    "instance_types": {"ml.g5.xlarge": {"quota": 1, "spot_quota": 0, "warm_pool_quota": 0}},
    "quota_requests": {"decision": "denied"},
}


@dataclass
class Platform:
    """The stack `Promised` of quota_app.py, and the account that it is in."""

    account: Account
    folder: Path
    cdk: list[str]

    def deploy(self, **quotas):
        """What the CDK CLI answers; the platform's stack alone, for a team's own takes longer than all of this."""
        assembly = self.folder / "cdk.out"
        env = child_environment() | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
        subprocess.run([sys.executable, str(APP), json.dumps(quotas)], env=env, check=True)
        words = ["--app", str(assembly), "deploy", "Promised", "--method", "direct", "--require-approval", "never"]
        env = self.account.environment() | {"CDK_HOME": str(self.folder / "cdk-home")}
        return subprocess.run(
            [*self.cdk, *words, "--no-notices", "--ci"], env=env, capture_output=True, text=True, check=False
        )

    @property
    def requests(self):
        client = self.account.client("service-quotas")
        found = client.list_requested_service_quota_change_history(ServiceCode="sagemaker")["RequestedQuotas"]
        return [(each["QuotaName"], each["DesiredValue"], each["Status"]) for each in found]

    @property
    def stack(self):
        (found,) = self.account.client("cloudformation").describe_stacks(StackName="Promised")["Stacks"]
        return found

    @property
    def warnings(self):
        (output,) = self.stack["Outputs"]
        return output["OutputValue"].splitlines()


@pytest.fixture(scope="module")
def platform(tmp_path_factory, start_account):
    folder = tmp_path_factory.mktemp("account")
    with Processes() as processes:
        made = Platform(start_account(processes, folder, FAULTS), folder, cdk(processes, folder))
        done = made.deploy()
        assert done.returncode == 0, done.stdout + done.stderr
        yield made


SPOT, TRAINING, POOL = (
    f"ml.g5.xlarge for {kind} usage" for kind in ("spot training job", "training job", "training warm pool")
)


def test_promises_are_asked_for_and_what_was_denied_is_told(platform):
    assert platform.requests == [(SPOT, 2.0, "NOT_APPROVED"), (POOL, 1.0, "NOT_APPROVED")]
    spot, pool = platform.warnings
    assert spot.startswith(f"{SPOT} is 0 and should be 2")
    assert pool.startswith(f"{POOL} is 0 and should be 1")
    logs = platform.account.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    (group,) = [name for name in groups if "InstanceQuota" in name]
    assert any(spot in event["message"] for event in logs.filter_log_events(logGroupName=group)["events"])


def test_codes_are_found_in_parameter_store(platform):
    quotas = platform.account.client("service-quotas")
    for kind, name in (("spot", SPOT), ("training", TRAINING), ("warm-pool", POOL)):
        parameter = f"/trainwright/quotas/ml.g5.xlarge/{kind}"
        code = platform.account.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
        assert quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]["QuotaName"] == name


def test_another_deployment_asks_for_what_is_new_and_repeats_nothing(platform):
    before = platform.requests
    done = platform.deploy(instances={"ml.m5.large": {"training": 1}, "ml.g5.xlarge": {"training": 2}})
    assert done.returncode == 0, done.stdout + done.stderr
    assert platform.requests == [*before, (TRAINING, 3.0, "NOT_APPROVED")]
    assert len(platform.warnings) == 3


def test_fails_when_asked_to_with_the_reason_and_leaves_the_platform_as_it_was(platform):
    warnings = platform.warnings
    done = platform.deploy(fail_unless_granted=True)
    assert done.returncode != 0
    assert f"{SPOT} is 0 and should be 2" in done.stdout + done.stderr
    assert platform.stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.warnings == warnings
