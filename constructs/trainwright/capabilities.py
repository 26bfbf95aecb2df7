"""What a team policy's `capabilities` add to a team's roles: each one named grant, absent without it.

Prepare refuses a run that asks for what its team was not given; these grants are what makes it work for a team that
was. Actions and the resources that they take: the services' pages in
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from constructs import Construct

from trainwright.arns import Arns
from trainwright.permissions import Allow

if TYPE_CHECKING:
    from trainwright_runtime.policy import Capabilities

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
KEY_USE = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
FOR_AWS_SERVICES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
_S3 = "s3://"

# Writing what a run is and how it went, and reading it back. Deleting, and the registry of models, are left out.
_MLFLOW = (
    *("CreateExperiment", "GetExperiment", "GetExperimentByName", "SearchExperiments", "SetExperimentTag"),
    *("CreateRun", "GetRun", "UpdateRun", "SearchRuns", "SetTag", "GetMetricHistory", "ListArtifacts"),
    *("LogBatch", "LogMetric", "LogParam", "LogInputs", "LogOutputs", "LogModel"),
    *("GetLoggedModel", "SetLoggedModelTags", "LogLoggedModelParams", "FinalizeLoggedModel"),
)
_MLFLOW_APP = ("sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp")
_MLFLOW_SERVER = ("sagemaker:DescribeMlflowTrackingServer",)


def job_capabilities(scope: Construct, *, team: str, capabilities: "Capabilities") -> list[Allow]:
    """What the capabilities add to the execution role, in the order of the policy's fields."""
    arns = Arns(scope)
    return [
        *_efs(arns, capabilities.efs),
        *_fsx(capabilities.fsx),
        *_mlflow(capabilities.mlflow),
        *_model_packages(capabilities.model_package),
        *(_remote_debug() if capabilities.remote_debug else ()),
        *(_experiments(arns, team) if capabilities.experiments else ()),
        *named_repositories(capabilities.repositories, actions=PULL, verb="Pull"),
        *_secrets(capabilities.secrets),
        *_keys(capabilities.keys),
        *_write(capabilities.write, cdk.Stack.of(scope).partition),
    ]


def start_capabilities(scope: Construct, *, capabilities: "Capabilities") -> list[Allow]:
    """What the capabilities add to the role that creates jobs."""
    return list(_training_plans(Arns(scope), capabilities.training_plans))


def job_network() -> Allow:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html"""
    actions = [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ]
    why = (
        "SageMaker's documented list for jobs in a VPC; it makes the interfaces itself, and Describe names no resource."
    )
    return Allow(actions, ["*"], why=why, sid="JoinVpc")


def key_use(keys: Sequence[str], sid: str | None = None) -> list[Allow]:
    """CreateGrant lets SageMaker attach encrypted volumes, and only an AWS service may be the grant's user.
    https://docs.aws.amazon.com/sagemaker/latest/dg/key-management.html"""
    why = because(keys, "The team policy names these keys by pattern; a key's own policy must agree too.")
    volumes = f"{sid}ForVolumes" if sid else None
    return [
        Allow(KEY_USE, keys, sid=sid, why=why),
        Allow(["kms:CreateGrant"], keys, conditions=FOR_AWS_SERVICES, sid=volumes, why=why),
    ]


def because(resources: Sequence[str], reason: str) -> str | None:
    """A statement's reason, where its resources hold a wildcard: the policy's author may write one or none."""
    return reason if any("*" in resource for resource in resources) else None


def _efs(arns: Arns, file_systems: Sequence[str]) -> Iterator[Allow]:
    """Mounting works without them unless the file system's own policy asks for IAM: then Client* are what it asks for
    (Amazon EFS, "Using IAM to control file system data access"). Root stays squashed. The descriptions are in
    AmazonSageMakerFullAccess."""
    if file_systems:
        actions = ["ClientMount", "ClientWrite", "DescribeFileSystems", "DescribeMountTargets"]
        yield Allow(
            [f"elasticfilesystem:{action}" for action in actions],
            [arns.of("elasticfilesystem", "file-system", name) for name in file_systems],
            sid="MountEfs",
        )


def _fsx(file_systems: Sequence[str]) -> Iterator[Allow]:
    """FSx for Lustre mounts by network alone; the description is in AmazonSageMakerFullAccess."""
    if file_systems:
        why = "DescribeFileSystems has no resource to name and reads no data; security groups decide who can mount."
        yield Allow(["fsx:DescribeFileSystems"], ["*"], sid="DescribeFsx", why=why)


def _mlflow(resources: Sequence[str]) -> Iterator[Allow]:
    """An app is guarded by one action for its whole API, a tracking server by an action for each call; the descriptions
    turn the ARN into an address (sagemaker SDK v3, sagemaker.core.helper.iam_policies)."""
    if not resources:
        return
    apps = [arn for arn in resources if ":mlflow-app/" in arn]
    servers = [arn for arn in resources if arn not in apps]
    why = "The team policy names these MLflow resources by pattern."
    actions = [f"sagemaker-mlflow:{action}" for action in _MLFLOW]
    yield Allow(actions, resources, sid="TrackInMlflow", why=because(resources, why))
    if apps:
        yield Allow(_MLFLOW_APP, apps, sid="CallMlflowApp", why=because(apps, why))
    if servers:
        yield Allow(_MLFLOW_SERVER, servers, sid="FindMlflowServer", why=because(servers, why))


def _model_packages(groups: Sequence[str]) -> Iterator[Allow]:
    """A new version of the group, and no say in its approval: UpdateModelPackage is left out."""
    if not groups:
        return
    versions = [f"{group.replace(':model-package-group/', ':model-package/')}/*" for group in groups]
    yield Allow(
        ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackageGroup"],
        groups,
        sid="RegisterInGroup",
        why=because(groups, "The team policy names these model package groups by pattern."),
    )
    yield Allow(
        ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:AddTags"],
        versions,
        sid="RegisterModel",
        why="The versions of the groups that the team policy names: SageMaker numbers a version when it is made.",
    )


def _remote_debug() -> Iterator[Allow]:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/train-remote-debugging.html"""
    actions = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"]
    why = "AWS's documented policy for the agent in the container; these actions have no resource to name."
    yield Allow([f"ssmmessages:{action}" for action in actions], ["*"], sid="RemoteDebug", why=why)


def _experiments(arns: Arns, team: str) -> Iterator[Allow]:
    """A run in an experiment that exists: its trial, and the trial component of the job itself."""
    trials = arns.of("sagemaker", "experiment-trial", "*")
    yield Allow(
        [
            *("sagemaker:DescribeExperiment", "sagemaker:CreateTrial", "sagemaker:DescribeTrial"),
            "sagemaker:AssociateTrialComponent",
        ],
        [arns.of("sagemaker", "experiment", "*"), trials],
        sid="JoinExperiment",
        why="A run names its experiment and trial, and the policy lets the team name any; nothing can be deleted.",
    )
    actions = ["CreateTrialComponent", "DescribeTrialComponent", "UpdateTrialComponent", "AssociateTrialComponent"]
    yield Allow(
        [*(f"sagemaker:{action}" for action in actions), "sagemaker:BatchPutMetrics"],
        [arns.of("sagemaker", "experiment-trial-component", f"{team}-*")],
        sid="RecordTrial",
        why="The components of the team's own jobs: SageMaker begins a component's name with the job's.",
    )


def named_repositories(repositories: Sequence[str], *, actions: Sequence[str], verb: str) -> Iterator[Allow]:
    """The capability `repositories`, for pulling or for looking at images."""
    if repositories:
        why = "The team policy names these repositories by pattern; the account that owns one must agree to it too."
        yield Allow(actions, repositories, sid=f"{verb}NamedRepositories", why=because(repositories, why))


def _secrets(secrets: Sequence[str]) -> Iterator[Allow]:
    if secrets:
        why = "Secrets Manager ends a secret's ARN in six characters of its own, which the team policy leaves open."
        yield Allow(["secretsmanager:GetSecretValue"], secrets, sid="ReadSecrets", why=because(secrets, why))


def _keys(keys: Sequence[str]) -> Iterator[Allow]:
    if keys:
        yield from key_use(keys, sid="UseNamedKeys")


def _write(prefixes: Sequence[str], partition: str) -> Iterator[Allow]:
    """Reading back is part of it: a job resumes from the checkpoints that it wrote."""
    if not prefixes:
        return
    places = [prefix.removeprefix(_S3) for prefix in prefixes]
    yield Allow(
        ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"],
        [f"arn:{partition}:s3:::{place}*" for place in places],
        sid="WriteElsewhere",
        why="The team policy lets runs write below these prefixes, and read back what they wrote; not delete.",
    )
    buckets = sorted({f"arn:{partition}:s3:::{place.partition('/')[0]}" for place in places})
    yield Allow(["s3:ListBucket", "s3:GetBucketLocation"], buckets, sid="ListElsewhere")


def _training_plans(arns: Arns, plans: Sequence[str]) -> Iterator[Allow]:
    """CreateTrainingJob asks for the plan and for its capacity beside the job, whose statement holds every condition.
    https://docs.aws.amazon.com/sagemaker/latest/dg/training-plan-iam-permissions.html"""
    if plans:
        why = (
            "A plan's reserved capacities are made with the plan and named by SageMaker. No job starts by this "
            "statement alone: the same call needs the job's own, with the team policy as conditions."
        )
        resources = [*plans, arns.of("sagemaker", "reserved-capacity", "*")]
        yield Allow(["sagemaker:CreateTrainingJob"], resources, sid="UseTrainingPlans", why=why)
