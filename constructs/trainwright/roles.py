"""A team's two roles: what its training jobs may do, and what its state machine may do.

Each statement is a function of a few names and ARNs, so that a reader sees the whole of a role in one list.
docs/security.md says why each is there and what IAM cannot fence.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from trainwright import names, registries
from trainwright.arns import Arns
from trainwright.capabilities import PULL, because, job_capabilities, job_network, key_use, start_capabilities
from trainwright.dockerfile import EcrImage
from trainwright.functions import XRAY
from trainwright.job_conditions import job_conditions
from trainwright.network import JobNetwork
from trainwright.permissions import Allow, RoleOptions, add_to_role, service_role
from trainwright.storage import TrainingStorage

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy


_DATA, _S3 = "data://", "s3://"
ONE_LOG_GROUP = "The one group of all training jobs; CloudWatch Logs spells a group's ARN with a trailing :*."


def execution_role(
    scope: Construct, *, allows: Sequence[Allow], session_tags: bool, existing: iam.IRole | None, options: RoleOptions
) -> iam.IRole:
    """The role that SageMaker takes on for a training job: what the training script can reach.

    `session_tags` is the capability: SageMaker hands on the tags of the session that creates the job, which takes
    sts:TagSession in the trust policy; an existing role's trust policy is its owner's.
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data-abac.html
    """
    if existing is not None:
        add_to_role(existing, allows)
        return existing
    return service_role(
        scope,
        "ExecutionRole",
        service="sagemaker.amazonaws.com",
        allows=allows,
        description="Training jobs of one team",
        options=options,
        session_tags=session_tags,
    )


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
    capabilities = policy.capabilities
    return [
        *_job_storage(policy, storage, partition),
        *_job_image(scope, policy, repositories),
        *_job_logs(arns, policy.team),
        *(key_use([key.key_arn]) if key is not None else ()),
        *([job_network()] if network is not None or capabilities.vpc is not None else ()),
        *job_capabilities(scope, team=policy.team, capabilities=capabilities),
    ]


def _job_storage(policy: "TeamPolicy", storage: TrainingStorage, partition: str) -> list[Allow]:
    buckets = [storage.data.bucket_arn, storage.checkpoints.bucket_arn, storage.artifacts.bucket_arn]
    runs = [storage.artifacts.arn_for_objects("runs/*"), storage.checkpoints.arn_for_objects("runs/*")]
    own = _own_data(policy.allow.data, storage)
    return [
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], buckets),
        Allow(
            ["s3:GetObject"],
            [*own, *runs],
            why="A run may read the data that the team policy allows, its source, and what the team's own runs left.",
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
        *_profiling(storage),
        *_other_data([prefix for prefix in policy.allow.data if prefix.startswith(_S3)], partition),
    ]


def _profiling(storage: TrainingStorage) -> list[Allow]:
    """What the profiler writes of a job and its rules read and leave, with the job's role: in the reports bucket, below
    folders of their own. The reports beside them no job can write, nor read.
    https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-createtrainingjob-api.html
    """
    files = storage.reports.arn_for_objects("runs/*/profiler-output/*")
    findings = storage.reports.arn_for_objects("runs/*/rule-output/*")
    below = {"s3:prefix": ["runs/*/profiler-output/*", "runs/*/rule-output/*"]}
    return [
        Allow(
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [files, findings],
            sid="WriteProfiles",
            why="Profiler files and rule reports of the team's runs, whose names are made when a run starts.",
        ),
        Allow(
            ["s3:GetObject"],
            [files],
            sid="JudgeProfiles",
            why="The profiler's rules read the files of the run that they judge.",
        ),
        Allow(["s3:ListBucket"], [storage.reports.bucket_arn], conditions={"StringLike": below}),
    ]


def _own_data(allowed: Sequence[str], storage: TrainingStorage) -> list[str]:
    """The data bucket as far as the policy opens it to runs. The source archives in it every run can read."""
    folders = [prefix.removeprefix(_DATA) for prefix in allowed if prefix.startswith(_DATA)]
    source = [] if "" in folders else [names.SOURCE]
    return [storage.data.arn_for_objects(f"{folder}*") for folder in dict.fromkeys([*folders, *source])]


def _other_data(prefixes: Sequence[str], partition: str) -> list[Allow]:
    """Buckets that are not the team's, as far as the team policy names them."""
    if not prefixes:
        return []
    places = [prefix.removeprefix(_S3) for prefix in prefixes]
    return [
        Allow(["s3:ListBucket", "s3:GetBucketLocation"], other_buckets(prefixes, partition)),
        Allow(
            ["s3:GetObject"],
            [f"arn:{partition}:s3:::{place}*" for place in places],
            why="The team policy allows runs to read below these prefixes of other buckets.",
        ),
    ]


def other_buckets(allowed: Sequence[str], partition: str) -> list[str]:
    """The ARNs of the buckets that are not the team's and that the team policy's `allow.data` names."""
    places = [prefix.removeprefix(_S3) for prefix in allowed if prefix.startswith(_S3)]
    return sorted({f"arn:{partition}:s3:::{place.partition('/')[0]}" for place in places})


def _job_image(scope: Construct, policy: "TeamPolicy", repositories: Sequence[str]) -> list[Allow]:
    """Pulling: what a run may name, and AWS's own registries where the policy lets runs name a framework."""
    images = policy.allow.images
    token = Allow(
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why="ECR's sign-in names no repository; pulling is allowed by repository below.",
    )
    allows = [token, *image_repositories(scope, policy, repositories, actions=PULL, verb="Pull")]
    if "uri" in images:  # AWS's own among them
        return allows
    return [*allows, *registries.pulls(scope, [kind for kind in registries.KINDS if kind in images])]


def image_repositories(
    scope: Construct, policy: "TeamPolicy", repositories: Sequence[str], *, actions: Sequence[str], verb: str
) -> list[Allow]:
    """Actions on the repositories that a run may name: the platform's, and those that the team policy lets through,
    each in its own account."""
    partition, images = cdk.Stack.of(scope).partition, policy.allow.images
    allows = [Allow(actions, repositories, sid=f"{verb}PlatformImages")]
    if "uri" in images:
        why = "The team policy lets runs name any image by URI; another account's repository must agree to it too."
        return [*allows, Allow(actions, [f"arn:{partition}:ecr:*:*:repository/*"], sid=f"{verb}AnyImage", why=why)]
    named = sorted({image.arn(partition) for word in images if (image := EcrImage.of(word))})
    if named:
        why = "The team policy allows these images by pattern; the account that owns them is fixed."
        allows.append(Allow(actions, named, sid=f"{verb}AllowedImages", why=because(named, why)))
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


def creating_jobs(
    scope: Construct,
    *,
    policy: "TeamPolicy",
    execution_role_arn: str,
    key: kms.IKey | None,
    network: JobNetwork | None,
) -> list[Allow]:
    """Starting the team's jobs, as far as its policy lets through: the same fence for both ways of starting one.

    Jobs carry tags, and without AddTags a job with tags is refused; ListTags tells whose a job is.
    """
    jobs, why = [Arns(scope).jobs(policy.team)], own_jobs(policy.team)
    return [
        Allow(
            ["sagemaker:CreateTrainingJob"],
            jobs,
            conditions=job_conditions(policy, key=key, network=network),
            why=why,
        ),
        *start_capabilities(scope, capabilities=policy.capabilities),
        Allow(["sagemaker:AddTags", "sagemaker:ListTags"], jobs, why=why),
        Allow(
            ["iam:PassRole"],
            [execution_role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    ]


def own_jobs(team: str) -> str:
    """Why a statement names a team's jobs by the beginning of their names."""
    return f"The jobs of team {team}, whose names are made when a run starts and begin with the team's."


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
    jobs = ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"]
    return [
        *creating_jobs(scope, policy=policy, execution_role_arn=execution_role_arn, key=key, network=network),
        Allow(jobs, [arns.jobs(policy.team)], why=own_jobs(policy.team)),
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
