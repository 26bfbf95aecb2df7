"""The CDK CLI without a flag that a user would not type: bootstrap, deploy, diff, change, destroy, and a failure."""

import os
import re
import shutil
from pathlib import Path

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import tools

pytestmark = [pytest.mark.more, pytest.mark.timeout(600)]

APP = """
import aws_cdk as cdk
from aws_cdk import aws_s3, aws_sns
from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

app = cdk.App()
stack = cdk.Stack(app, "Training")
TrainingPlatform(stack, "Platform", image=TrainingImage.from_directory("training_image"))
small = cdk.Stack(app, "Small")
aws_sns.Topic(small, "Topic", display_name="{name}")
aws_s3.Bucket(small, "Kept")
{more}
app.synth()
"""
FAILS = """
aws_sns.Topic(small, "Second")
cdk.CfnResource(small, "Bad", type="AWS::S3::Bucket", properties={"BucketName": "NOT A BUCKET"})
"""


class Cdk:
    """A user's app in a folder of its own, and `cdk` in it."""

    def __init__(self, words, folder, account):
        self.words, self.folder, self.account = words, folder, account
        (folder / "cdk.json").write_text('{"app": "python app.py"}')
        self.write("before")
        self.environment = {
            **child_environment(),
            **account.exports,
            "HOME": str(folder),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),  # pip's wheels
            "CI": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def write(self, name, more=""):
        (self.folder / "app.py").write_text(APP.replace("{name}", name).replace("{more}", more))

    def run(self, *words):
        """`cdk WORDS`; returns exit code and all that it said."""
        with Processes() as processes, (self.folder / "said").open("w+") as said:
            command = [*self.words, "--no-notices", *words]
            process = processes.start(command, env=self.environment, cwd=self.folder, stdout=said, stderr=said)
            code = process.wait(240)
            said.seek(0)
            return code, re.sub(r"\x1b\[[0-9;]*m", "", said.read())

    def well(self, *words):
        code, said = self.run(*words)
        assert code == 0, said
        return said

    def stack(self, name):
        client = self.account.client("cloudformation")
        return {one["StackName"]: one for one in client.describe_stacks()["Stacks"]}.get(name, {})


@pytest.fixture(scope="module")
def cdk(account, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cdk")
    with Processes() as processes:
        words = tools.cdk(processes, folder)
    image = Path(__file__).parents[3] / "training_image"
    shutil.copytree(image, folder / "training_image", ignore=shutil.ignore_patterns("__pycache__"))
    return Cdk(words, folder, account)


def test_bootstrap_updates_what_the_account_came_with(cdk):
    assert cdk.stack("CDKToolkit")["StackStatus"] == "CREATE_COMPLETE"
    assert "bootstrapped" in cdk.well("bootstrap")
    assert cdk.stack("CDKToolkit")["StackStatus"] == "UPDATE_COMPLETE"
    assert "bootstrapped (no changes)" in cdk.well("bootstrap")


def test_from_the_first_deploy_to_the_last_destroy(cdk):
    cdk.well("deploy", "--all", "--require-approval", "never")
    assert cdk.stack("Training")["StackStatus"] == cdk.stack("Small")["StackStatus"] == "CREATE_COMPLETE"
    assert "Number of stacks with differences: 0" in cdk.well("diff", "--fail")
    assert "Small (no changes)" in cdk.well("deploy", "--all", "--require-approval", "never")
    cdk.write("after")
    code, said = cdk.run("diff", "--fail")
    assert code == 1 and "[-] before" in said and "[+] after" in said, said
    cdk.well("deploy", "Small", "--require-approval", "never")
    assert cdk.stack("Small")["StackStatus"] == "UPDATE_COMPLETE"
    sns = cdk.account.client("sns")
    (topic,) = [one["TopicArn"] for one in sns.list_topics()["Topics"] if ":Small-" in one["TopicArn"]]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "after"
    buckets = {bucket["Name"] for bucket in cdk.account.client("s3").list_buckets()["Buckets"]}
    cdk.well("destroy", "--all", "--force")
    assert cdk.stack("Small") == cdk.stack("Training") == {}
    assert not [one for one in sns.list_topics()["Topics"] if one["TopicArn"] == topic]
    left = {bucket["Name"] for bucket in cdk.account.client("s3").list_buckets()["Buckets"]}
    assert left == buckets and any(name.startswith("small-kept") for name in left), "buckets are retained"


def test_a_resource_that_fails_takes_the_update_back_and_says_why(cdk):
    cdk.write("good")
    cdk.well("deploy", "Small", "--require-approval", "never")
    cdk.write("worse", FAILS)
    code, said = cdk.run("deploy", "Small", "--require-approval", "never")
    assert code == 1 and "CREATE_FAILED" in said and "Invalid bucket name" in said, said
    assert cdk.stack("Small")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    resources = cdk.account.client("cloudformation").describe_stack_resources(StackName="Small")["StackResources"]
    kinds = sorted(one["ResourceType"] for one in resources if one["ResourceType"] != "AWS::CDK::Metadata")
    assert kinds == ["AWS::S3::Bucket", "AWS::SNS::Topic"]
    cdk.write("good")
    assert "no changes" in cdk.well("deploy", "Small", "--require-approval", "never")
    cdk.well("destroy", "Small", "--force")
