"""A resolved request and facts -> CreateTrainingJob. Pure: a frozen spec in, plain data out, a small function for
each block."""

import re
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.problems import Path
from trainwright_runtime.resolved import Channel, ResolvedRequest

Request = dict[str, Any]

_LOCAL_STORAGE = re.compile(
    r"ml\.(p4|p5|p6|g4dn|g4ad|g5|g6|gr6|g7|trn1|trn2|i3|i4|[a-z]\d+[a-z]*d[a-z]*|p3dn)[a-z0-9-]*\..+"
)
_EBS_ONLY = re.compile(r"ml\.g5g\..+")

SAMPLE_DEPLOYMENT = Deployment(
    team="sample",
    data_bucket="sample-data",
    artifacts_bucket="sample-artifacts",
    checkpoints_bucket="sample-checkpoints",
    reports_bucket="sample-reports",
    execution_role_arn="arn:aws:iam::123456789012:role/sample",
)
"""A deployment that does not exist, for looking at a request before anything is known about the real one."""

SAMPLE_FACTS = RunFacts(
    run=Run("sample-0123456789", "sample", "sample"),
    deployment=SAMPLE_DEPLOYMENT,
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/sample@sha256:" + "0" * 64,
)


@dataclass(frozen=True)
class JobSpec:
    """One training job of a run, all decided but its name and number."""

    request: ResolvedRequest
    facts: RunFacts


def render(spec: JobSpec) -> Request:
    """The CreateTrainingJob request of `spec`, without TrainingJobName: `named` adds what differs between attempts."""
    request, facts = spec.request, spec.facts
    blocks: Request = {
        "RoleArn": facts.deployment.execution_role_arn,
        "AlgorithmSpecification": _render_algorithm(facts.image_uri),
        "HyperParameters": dict(request.hyperparameters),
        "InputDataConfig": _render_inputs(spec),
        "OutputDataConfig": _render_output(spec),
        "ResourceConfig": _render_resources(spec),
        "StoppingCondition": _render_stopping(request),
        "EnableManagedSpotTraining": request.spot,
        "CheckpointConfig": _render_checkpoints(spec),
        "VpcConfig": _render_network(facts.deployment),
        "Environment": dict(request.environment),
        "Tags": _render_tags(spec),
    }
    return {name: block for name, block in blocks.items() if block is not None and block not in ({}, [])}


def named(request: Request, job_name: str, attempt: int) -> Request:
    """The request of one attempt: with its name, and tagged with its number."""
    tags = [*request["Tags"], {"Key": "trainwright:attempt", "Value": str(attempt)}]
    return {"TrainingJobName": job_name, **request, "Tags": tags}


def _render_algorithm(image_uri: str) -> Request:
    return {"TrainingImage": image_uri, "TrainingInputMode": "File"}


def _render_inputs(spec: JobSpec) -> list[Request]:
    bucket = spec.facts.deployment.data_bucket
    return [_render_channel(name, channel, bucket) for name, channel in spec.request.inputs.items()]


def _render_channel(name: str, channel: Channel, data_bucket: str) -> Request:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": s3_uri(channel.address, data_bucket),
        "S3DataDistributionType": "FullyReplicated",
    }
    block: Request = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    return block | ({"ContentType": channel.content_type} if channel.content_type is not None else {})


def _render_output(spec: JobSpec) -> Request:
    deployment = spec.facts.deployment
    block = {"S3OutputPath": f"s3://{deployment.artifacts_bucket}/{run_prefix(spec.facts.run.id)}"}
    return block | ({"KmsKeyId": deployment.kms_key_arn} if deployment.kms_key_arn else {})


def _render_resources(spec: JobSpec) -> Request:
    request, key = spec.request, spec.facts.deployment.kms_key_arn
    block: Request = {
        "InstanceType": request.instance_type,
        "InstanceCount": request.instance_count,
        "VolumeSizeInGB": request.volume_size_in_gb,
    }
    return block | ({"VolumeKmsKeyId": key} if key and not has_local_storage(request.instance_type) else {})


def _render_stopping(request: ResolvedRequest) -> Request:
    block = {"MaxRuntimeInSeconds": request.max_runtime}
    return block | ({"MaxWaitTimeInSeconds": request.max_wait} if request.max_wait is not None else {})


def _render_checkpoints(spec: JobSpec) -> Request | None:
    if spec.request.checkpoint_path is None:
        return None
    # the prefix ends in `/`: a prefix `run-1` would restore the checkpoints of `run-10` as well
    prefix = f"s3://{spec.facts.deployment.checkpoints_bucket}/{run_prefix(spec.facts.run.id)}"
    return {"S3Uri": prefix, "LocalPath": spec.request.checkpoint_path}


def _render_network(deployment: Deployment) -> Request | None:
    if not deployment.subnets:
        return None
    return {"Subnets": list(deployment.subnets), "SecurityGroupIds": list(deployment.security_groups)}


def _render_tags(spec: JobSpec) -> list[Request]:
    run = spec.facts.run
    platform = {"trainwright:team": run.team, "trainwright:run": run.id, "trainwright:name": run.name or ""}
    return [{"Key": key, "Value": value} for key, value in {**spec.request.tags, **platform}.items()]


def run_prefix(run: str) -> str:
    """Where everything of a run lives in the artifacts, checkpoints and reports buckets."""
    return f"runs/{run}/"


def s3_uri(address: str, data_bucket: str) -> str:
    """The S3 URI of an address: `data://x/` and a plain `x/` are in the team's data bucket."""
    if address.startswith("s3://"):
        return address
    return f"s3://{data_bucket}/{address.removeprefix('data://')}"


def has_local_storage(instance_type: str) -> bool:
    """Whether the type brings NVMe storage, for which SageMaker refuses a VolumeKmsKeyId (ResourceConfig, API
    reference: "You can't request a VolumeKmsKeyId when using an instance type with local storage"). Types: EC2,
    instance store volumes.
    """
    return bool(_LOCAL_STORAGE.fullmatch(instance_type)) and not _EBS_ONLY.fullmatch(instance_type)


_REQUEST_FIELDS = {
    "AlgorithmSpecification": ("image",),
    "HyperParameters": ("hyperparameters",),
    "Environment": ("environment",),
    "Tags": ("tags",),
    "CheckpointConfig": ("checkpoints",),
}
_RESOURCE_FIELDS = {
    "InstanceType": ("compute", "instance_type"),
    "InstanceCount": ("compute", "instance_count"),
    "VolumeSizeInGB": ("compute", "volume_size_in_gb"),
    "MaxRuntimeInSeconds": ("limits", "max_runtime"),
    "MaxWaitTimeInSeconds": ("limits", "max_wait"),
}


def field_of(path: Path, request: Request) -> Path:
    """The run request's field behind a path of a rendered request; the path itself where the platform set it."""
    block, *rest = path or ("",)
    if block in ("ResourceConfig", "StoppingCondition") and rest and rest[0] in _RESOURCE_FIELDS:
        return _RESOURCE_FIELDS[str(rest[0])]
    if block == "InputDataConfig" and rest:
        return ("inputs", request["InputDataConfig"][rest[0]]["ChannelName"])
    if block == "Tags" and rest:
        return ("tags", request["Tags"][rest[0]]["Key"])
    if block in ("HyperParameters", "Environment"):
        return (*_REQUEST_FIELDS[block], *rest[:1])
    return _REQUEST_FIELDS.get(str(block), path)
