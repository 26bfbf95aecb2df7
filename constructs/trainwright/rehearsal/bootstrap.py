"""What ``cdk bootstrap`` leaves in an account, so that ``cdk deploy`` works at once.

Names and version: the CDK CLI's bootstrap template with the default qualifier
(https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html). Unlike there, every role may do everything: what a
rehearsal is about is the permissions of what is deployed, not of those who deploy it.
"""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal import facade

QUALIFIER = "hnb659fds"
VERSION = "30"
_ROLES = ("deploy-role", "file-publishing-role", "image-publishing-role", "lookup-role", "cfn-exec-role")
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def bootstrap() -> None:
    """Make the assets' bucket and repository, the roles and the version parameter."""
    here = f"{facade.account_id()}-{facade.region()}"
    _bucket(f"cdk-{QUALIFIER}-assets-{here}")
    facade.client("ecr").create_repository(
        repositoryName=f"cdk-{QUALIFIER}-container-assets-{here}", imageTagMutability="IMMUTABLE"
    )
    for role in _ROLES:
        _role(f"cdk-{QUALIFIER}-{role}-{here}", role)
    facade.client("ssm").put_parameter(Name=f"/cdk-bootstrap/{QUALIFIER}/version", Value=VERSION, Type="String")


def _bucket(name: str) -> None:
    s3 = facade.client("s3")
    where: dict[str, Any] = {}
    if facade.region() != "us-east-1":
        where = {"CreateBucketConfiguration": {"LocationConstraint": facade.region()}}
    s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _role(name: str, kind: str) -> None:
    account = f"arn:aws:iam::{facade.account_id()}:root"
    principal = {"Service": "cloudformation.amazonaws.com"} if kind == "cfn-exec-role" else {"AWS": account}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": principal}],
    }
    iam = facade.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="default", PolicyDocument=json.dumps(_EVERYTHING))
