"""What ``cdk bootstrap`` leaves in an account, so that ``cdk deploy`` works at once.

Stack, logical ids, names and version: the CDK CLI's bootstrap template with the default qualifier
(https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html), so that a real ``cdk bootstrap`` finds the stack and
updates it. Unlike there, every role may do everything: what a rehearsal is about is the permissions of what is
deployed, not of those who deploy it.
"""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.stacks import engine, store
from trainwright.rehearsal.stacks.model import Stack, Wish

STACK = "CDKToolkit"
QUALIFIER = "hnb659fds"
VERSION = "30"
_ROLES = {
    "DeploymentActionRole": "deploy-role",
    "FilePublishingRole": "file-publishing-role",
    "ImagePublishingRole": "image-publishing-role",
    "LookupRole": "lookup-role",
    "CloudFormationExecutionRole": "cfn-exec-role",
}
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def bootstrap() -> None:
    """Make the stack: the assets' bucket and repository, the roles and the version parameter."""
    template = _template(f"{facade.account_id()}-{facade.region()}")
    stack = Stack(STACK, store.new_id("stack", STACK), {}, "", capabilities=["CAPABILITY_NAMED_IAM"])
    stack.idle.set()
    store.stacks[stack.id] = stack
    stack.tell("CREATE_IN_PROGRESS", "User Initiated")
    engine.create(stack, Wish(template, json.dumps(template), {}, {}, capabilities=("CAPABILITY_NAMED_IAM",)))
    if stack.status != "CREATE_COMPLETE":
        raise RuntimeError(f"the account could not be bootstrapped: {[event.reason for event in stack.events]}")


def _template(here: str) -> dict[str, Any]:
    bucket, repository = f"cdk-{QUALIFIER}-assets-{here}", f"cdk-{QUALIFIER}-container-assets-{here}"
    return {
        "Description": "This stack includes resources needed to deploy AWS CDK apps into this environment",
        "Resources": {
            "StagingBucket": _kept("AWS::S3::Bucket", BucketName=bucket, VersioningConfiguration={"Status": "Enabled"}),
            "ContainerAssetsRepository": _resource(
                "AWS::ECR::Repository", RepositoryName=repository, ImageTagMutability="IMMUTABLE"
            ),
            **{logical_id: _role(f"cdk-{QUALIFIER}-{role}-{here}", role) for logical_id, role in _ROLES.items()},
            "CdkBootstrapVersion": _resource(
                "AWS::SSM::Parameter", Type="String", Name=f"/cdk-bootstrap/{QUALIFIER}/version", Value=VERSION
            ),
        },
        "Outputs": {
            "BucketName": {"Value": {"Ref": "StagingBucket"}},
            "BucketDomainName": {"Value": {"Fn::GetAtt": ["StagingBucket", "RegionalDomainName"]}},
            "ImageRepositoryName": {"Value": {"Ref": "ContainerAssetsRepository"}},
            "BootstrapVersion": {"Value": VERSION},
        },
    }


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _kept(kind: str, **properties: Any) -> dict[str, Any]:
    return {**_resource(kind, **properties), "UpdateReplacePolicy": "Retain", "DeletionPolicy": "Retain"}


def _role(name: str, kind: str) -> dict[str, Any]:
    account = f"arn:aws:iam::{facade.account_id()}:root"
    principal = {"Service": "cloudformation.amazonaws.com"} if kind == "cfn-exec-role" else {"AWS": account}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": principal}],
    }
    everything = [{"PolicyName": "default", "PolicyDocument": _EVERYTHING}]
    return _resource("AWS::IAM::Role", RoleName=name, AssumeRolePolicyDocument=trust, Policies=everything)
