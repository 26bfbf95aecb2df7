"""A team's two roles: what its training jobs may do, and what its state machine may do.

Each statement is a function of a few names and ARNs, so that a reader sees the whole of a role in one list.
docs/security.md says why each is there and what IAM cannot fence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from trainwright import names
from trainwright.dockerfile import EcrImage
from trainwright.functions import XRAY
from trainwright.network import JobNetwork
from trainwright.permissions import Allow, RoleOptions, add_to_role, service_role
from trainwright.storage import TrainingStorage

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy


_DATA, _S3 = "data://", "s3://"
ONE_LOG_GROUP = "The one group of all training jobs; CloudWatch Logs spells a group's ARN with a trailing :*."
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")


@dataclass(frozen=True)
class Arns:
    """ARNs of things in this stack's account and region, in its partition."""

    scope: Construct

    def of(self, service: str, resource: str, name: str) -> str:
        return cdk.Stack.of(self.scope).format_arn(service=service, resource=resource, resource_name=name)

    def jobs(self, team: str) -> str:
        return self.of("sagemaker", "training-job", f"{team}-*")

    def log_group(self, name: str) -> str:
        return self._colons("logs", "log-group", name)

    def training_log_group(self) -> list[str]:
        """CloudWatch Logs spells a group's ARN with a trailing `:*` in some actions and without it in others."""
        group = self.log_group(names.TRAINING_LOG_GROUP)
        return [group, f"{group}:*"]

    def training_log_streams(self, team: str) -> str:
        return self.log_group(f"{names.TRAINING_LOG_GROUP}:log-stream:{team}-*")

    def executions(self, state_machine_name: str) -> str:
        return self._colons("states", "execution", f"{state_machine_name}:*")

    def parameter(self, name: str) -> str:
        return self.of("ssm", "parameter", name.removeprefix("/"))

    def _colons(self, service: str, resource: str, name: str) -> str:
        colons = cdk.ArnFormat.COLON_RESOURCE_NAME
        stack = cdk.Stack.of(self.scope)
        return stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=colons)


def execution_role(
    scope: Construct, *, allows: Sequence[Allow], existing: iam.IRole | None, options: RoleOptions
) -> iam.IRole:
    """The role that SageMaker takes on for a training job: what the training script can reach."""
    if existing is not None:
        add_to_role(existing, allows)
        return existing
    service = "sagemaker.amazonaws.com"
    text = "Training jobs of one team"
    return service_role(scope, "ExecutionRole", service=service, allows=allows, description=text, options=options)


def workflow_role(
    scope: Construct, *, allows: Sequence[Allow], existing: iam.IRole | None, options: RoleOptions
) -> iam.IRole:
    """The role of the state machine: it starts and stops the team's jobs and calls the team's functions."""
    if existing is not None:
        add_to_role(existing, allows)
        return existing
    service = "states.amazonaws.com"
    text = "State machine of one team"
    return service_role(scope, "WorkflowRole", service=service, allows=allows, description=text, options=options)


def job_permissions(
    scope: Construct,
    *,
    policy: "TeamPolicy",
    storage: TrainingStorage,
    repositories: Sequence[str],
    key: kms.IKey | None,
    network: JobNetwork | None,
) -> list[Allow]:
    """All that a training job may do. https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"""
    arns = Arns(scope)
    partition = cdk.Stack.of(scope).partition
    allows = [
        *_job_storage(policy, storage, partition),
        *_job_image(policy, repositories, partition),
        *_job_logs(arns, policy.team),
    ]
    if key is not None:
        allows += _job_key(key)
    if network is not None:
        allows += _job_network()
    return allows


def _job_storage(policy: "TeamPolicy", storage: TrainingStorage, partition: str) -> list[Allow]:
    buckets = [storage.data.bucket_arn, storage.checkpoints.bucket_arn, storage.artifacts.bucket_arn]
    runs = [storage.artifacts.arn_for_objects("runs/*"), storage.checkpoints.arn_for_objects("runs/*")]
    own = [_own_data(storage, prefix) for prefix in policy.allow.data if prefix.startswith(_DATA)]
    return [
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], buckets),
        Allow(
            ["s3:GetObject"],
            [*own, *runs],
            why="A run may read the data that the team policy allows, and what the team's own runs left.",
        ),
        Allow(
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            runs,
            why="Models and checkpoints of the team's runs, whose names are made when a run starts.",
        ),
        Allow(
            ["s3:DeleteObject"],
            [storage.checkpoints.arn_for_objects("runs/*")],
            why="A training script that keeps its last few checkpoints removes the older ones; SageMaker mirrors that.",
        ),
        *_other_data([prefix for prefix in policy.allow.data if prefix.startswith(_S3)], partition),
    ]


def _own_data(storage: TrainingStorage, prefix: str) -> str:
    return storage.data.arn_for_objects(f"{prefix.removeprefix(_DATA)}*")


def _other_data(prefixes: Sequence[str], partition: str) -> list[Allow]:
    """Buckets that are not the team's, as far as the team policy names them."""
    if not prefixes:
        return []
    places = [prefix.removeprefix(_S3) for prefix in prefixes]
    buckets = sorted({f"arn:{partition}:s3:::{place.partition('/')[0]}" for place in places})
    return [
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], buckets),
        Allow(
            ["s3:GetObject"],
            [f"arn:{partition}:s3:::{place}*" for place in places],
            why="The team policy allows runs to read below these prefixes of other buckets.",
        ),
    ]


def _job_image(policy: "TeamPolicy", repositories: Sequence[str], partition: str) -> list[Allow]:
    """Pulling: the platform's repositories, and those that the team policy lets through, each in its own account."""
    token = Allow(
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why="ECR's sign-in names no repository; pulling is allowed by repository below.",
    )
    allows = [token, Allow(_PULL, repositories, sid="PullPlatformImages")]
    if "uri" in policy.allow.images:
        why = "The team policy lets runs name any image by URI; another account's repository must agree to it too."
        return [*allows, Allow(_PULL, [f"arn:{partition}:ecr:*:*:repository/*"], sid="PullAnyImage", why=why)]
    named = sorted({image.arn(partition) for word in policy.allow.images if (image := EcrImage.of(word))})
    if named:
        patterns = any("*" in arn for arn in named)
        reason = "The team policy allows these images by pattern; the account that owns them is fixed."
        allows.append(Allow(_PULL, named, sid="PullAllowedImages", why=reason if patterns else None))
    return allows


def _job_logs(arns: Arns, team: str) -> list[Allow]:
    return [
        Allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams"],
            arns.training_log_group(),
            why=ONE_LOG_GROUP,
        ),
        Allow(
            ["logs:PutLogEvents"],
            [arns.training_log_streams(team)],
            why=f"The streams of team {team}'s own jobs: SageMaker begins a stream's name with the job's.",
        ),
        Allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
            why="PutMetricData has no resource to name; the condition holds it to SageMaker's own namespaces.",
        ),
    ]


def _job_key(key: kms.IKey) -> list[Allow]:
    """CreateGrant lets SageMaker attach encrypted volumes, and only an AWS service may be the grant's user.
    https://docs.aws.amazon.com/sagemaker/latest/dg/key-management.html"""
    use = [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:DescribeKey",
    ]
    for_services = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [Allow(use, [key.key_arn]), Allow(["kms:CreateGrant"], [key.key_arn], conditions=for_services)]


def _job_network() -> list[Allow]:
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
    return [Allow(actions, ["*"], why=why)]


def workflow_permissions(
    scope: Construct,
    *,
    policy: "TeamPolicy",
    execution_role_arn: str,
    function_arns: Sequence[str],
    key: kms.IKey | None,
    network: JobNetwork | None,
) -> list[Allow]:
    """All that the state machine may do. https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html"""
    arns = Arns(scope)
    team = policy.team
    own_jobs = f"The jobs of team {team}, whose names are made when a run starts and begin with the team's."
    return [
        Allow(
            ["sagemaker:CreateTrainingJob"],
            [arns.jobs(team)],
            conditions=job_conditions(policy, key=key, network=network),
            why=own_jobs,
        ),
        Allow(["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"], [arns.jobs(team)], why=own_jobs),
        # Step Functions tags the job it starts; without AddTags the job is refused.
        Allow(["sagemaker:AddTags", "sagemaker:ListTags"], [arns.jobs(team)], why=own_jobs),
        Allow(
            ["iam:PassRole"],
            [execution_role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        Allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [arns.of("events", "rule", "StepFunctionsGetEventsForSageMakerTrainingJobsRule")],
        ),
        Allow(
            ["lambda:InvokeFunction"],
            [f"{arn}:*" for arn in function_arns],
            why="Any published version of the team's own functions: a run under way stays on the one it began with.",
        ),
        XRAY_SAMPLED,
        LOG_DELIVERY,
    ]


def job_conditions(
    policy: "TeamPolicy", *, key: kms.IKey | None, network: JobNetwork | None
) -> dict[str, dict[str, Any]]:
    """The team policy as conditions on CreateTrainingJob, for everything that SageMaker has a condition key for.

    ForAllValues is true of a key that is absent, so each such list comes with a Null test that wants the key there.
    Keys: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    """
    conditions: dict[str, dict[str, Any]] = {
        "ForAllValues:StringLike": {"sagemaker:InstanceTypes": list(policy.allow.instance_types)},
        "Null": {"sagemaker:InstanceTypes": "false", "sagemaker:FileSystemId": "true"},
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": str(int(policy.allow.max_runtime.total_seconds()))},
        "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": "0"},
        "BoolIfExists": {"sagemaker:EnableRemoteDebug": "false"},
    }
    if key is not None:
        # Types with NVMe storage refuse a volume key, so the volume key may be absent but never be another.
        conditions["ArnEquals"] = {"sagemaker:OutputKmsKey": key.key_arn}
        conditions["ArnEqualsIfExists"] = {"sagemaker:VolumeKmsKey": key.key_arn}
    if network is not None:
        conditions["ForAllValues:StringEquals"] = {
            "sagemaker:VpcSubnets": network.subnet_ids,
            "sagemaker:VpcSecurityGroupIds": network.security_group_ids,
        }
        conditions["Null"] |= {"sagemaker:VpcSubnets": "false", "sagemaker:VpcSecurityGroupIds": "false"}
    return conditions


XRAY_SAMPLED = Allow(
    actions=[*XRAY.actions, "xray:GetSamplingRules", "xray:GetSamplingTargets"], resources=["*"], why=XRAY.why
)
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = Allow(
    actions=[
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ],
    resources=["*"],
    why="The list that Step Functions documents for writing its logs; log deliveries have no ARN to name.",
)


def runtime_key_permissions(key: kms.IKey | None) -> list[Allow]:
    """What a function needs to read and write encrypted objects and the encrypted table."""
    return [] if key is None else [Allow(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], [key.key_arn])]
