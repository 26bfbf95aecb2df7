"""A resolved request and facts -> CreateTrainingJob. Pure: a frozen spec in, plain data out, a small function for
each block."""

import json
from collections.abc import Mapping
from typing import Any

from trainwright_runtime import images, instances, observation, scripts
from trainwright_runtime.facts import RUN_TAG
from trainwright_runtime.resolved import (
    COUNT,
    GROUPS,
    ISOLATION,
    KEEP_ALIVE,
    MODE,
    PREFERENCES,
    VOLUME,
    ResolvedRequest,
)
from trainwright_runtime.sections import api_name, api_value
from trainwright_runtime.spec import (
    JobSpec,
    Request,
    present,
    run_uri,
    s3_uri,
    section_of,
)


def render(spec: JobSpec) -> Request:
    """The CreateTrainingJob request of `spec`, without TrainingJobName: `named` adds what differs between attempts."""
    request, deployment = spec.request, spec.facts.deployment
    blocks: Request = {
        "RoleArn": deployment.execution_role_arn,
        "AlgorithmSpecification": _render_algorithm(spec),
        "HyperParameters": _render_hyperparameters(spec),
        "InputDataConfig": _render_inputs(spec),
        "OutputDataConfig": _render_output(spec),
        "ResourceConfig": _render_resources(spec),
        "StoppingCondition": _render_stopping(spec),
        "EnableManagedSpotTraining": spec.spot if not spec.request.serverless else None,
        "CheckpointConfig": _render_checkpoints(spec),
        "VpcConfig": _render_network(spec),
        "EnableNetworkIsolation": request.get(*ISOLATION),
        "EnableInterContainerTrafficEncryption": request.get("networking", "enable_inter_container_traffic_encryption"),
        "DebugHookConfig": observation.render_debug_hook(spec),
        "DebugRuleConfigurations": observation.render_debug_rules(spec),
        "ProfilerConfig": observation.render_profiler(spec),
        "ProfilerRuleConfigurations": observation.render_profiler_rules(spec),
        "TensorBoardOutputConfig": observation.render_tensor_board(spec),
        "Environment": scripts.environment(request),
        **{api_name(section): section_of(request, section) for section in _AS_THEY_ARE},
        "Tags": _render_tags(spec),
    }
    made = {name: block for name, block in blocks.items() if block is not None and block not in ({}, [])}
    return merged(made, request.below("overrides"))


_AS_THEY_ARE = (
    "infra_check_config",
    "retry_strategy",
    "experiment_config",
    "mlflow_config",
    "model_package_config",
    "session_chaining_config",
    "remote_debug_config",
    "serverless_job_config",
)
"""Sections whose settings are the API's, one to one."""


def named(request: Request, job_name: str, attempt: int) -> Request:
    """The request of one attempt: with its name, and tagged with its number."""
    tags = [*request["Tags"], {"Key": "trainwright:attempt", "Value": str(attempt)}]
    answer = {"TrainingJobName": job_name, **request, "Tags": tags}
    if scripts.JOB_NAME in answer.get("HyperParameters", {}):
        answer["HyperParameters"] = answer["HyperParameters"] | {scripts.JOB_NAME: json.dumps(job_name)}
    return answer


def merged(block: Request, over: Mapping[str, Any]) -> Request:
    """`over` on top of `block`: objects are merged, all else is replaced."""
    answer = dict(block)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(answer.get(name), Mapping)
        answer[name] = merged(answer[name], value) if both else value
    return answer


def image_of(request: ResolvedRequest, instance_type: str | None, region: str) -> str | None:
    """The URI of AWS's own container that a request names; None where it names an image or an algorithm resource.

    Raises images.ImageError for a framework, version or region that AWS has no container for.
    """
    kind = instance_type or next(iter(request.all_instance_types), "ml.m5.large")
    if name := request.get("algorithm", "name"):
        return images.algorithm_image(name, request.get("algorithm", "version"), region=region, instance_type=kind)
    if (name := request.get("framework", "name")) is None:
        return None
    version, python = request.get("framework", "version"), request.get("framework", "py_version")
    base = request.get("framework", "base_framework_version")
    compilation, distribution = request.get("compilation"), request.get("distributed", "launcher")
    compiled = compilation is not None and compilation.training_compiler is not None
    if compiled and name != "tensorflow":  # TensorFlow's ordinary containers have the compiler in them
        return images.training_compiler_image(
            name, version, region=region, base_framework_version=base, py_version=python
        )
    if distribution == "smp" and name == "pytorch":
        return images.smp_image(version, region=region, instance_type=kind)
    return images.framework_image(
        name,
        version,
        region=region,
        instance_type=kind,
        py_version=python,
        base_framework_version=base,
        smdistributed=distribution in ("smddp", "smp_v1"),
    )


def _render_algorithm(spec: JobSpec) -> Request | None:
    request = spec.request
    if request.serverless:
        return None
    entrypoint, arguments = scripts.entrypoint(request)
    own = request.get("algorithm_name")
    uri = None if own else image_of(request, spec.instance_type, spec.facts.deployment.region) or spec.facts.image_uri
    return present(
        {
            "TrainingImage": uri,
            "AlgorithmName": own,
            "TrainingInputMode": request.get(*MODE),
            "MetricDefinitions": _metrics(request),
            "EnableSageMakerMetricsTimeSeries": request.get("enable_sage_maker_metrics_time_series"),
            "ContainerEntrypoint": entrypoint,
            "ContainerArguments": arguments,
            "TrainingImageConfig": section_of(request, "training_image_config") or None,
        }
    )


def _metrics(request: ResolvedRequest) -> list[Request] | None:
    listed = api_value(request.get("metric_definitions") or [])
    return [*listed, *({"Name": name, "Regex": regex} for name, regex in request.below("metrics").items())] or None


def _render_hyperparameters(spec: JobSpec) -> dict[str, str]:
    return scripts.hyperparameters(
        spec.request,
        instance_type=spec.instance_type,
        region=spec.facts.deployment.region,
        source=_source_uri(spec),
    )


def _source_uri(spec: JobSpec) -> str:
    return s3_uri(spec.request.get("source_code", "source_dir") or "", spec.facts.deployment.data_bucket)


def _render_inputs(spec: JobSpec) -> list[Request]:
    channels = [_render_channel(spec, name) for name in spec.request.channels]
    if scripts.needs_code_channel(spec.request):
        source = {"S3DataType": "S3Prefix", "S3Uri": _source_uri(spec), "S3DataDistributionType": "FullyReplicated"}
        code = {"ChannelName": scripts.CODE_CHANNEL, "DataSource": {"S3DataSource": source}}
        channels.append(code if spec.request.get(*MODE) == "File" else code | {"InputMode": "File"})
    return channels


def _render_channel(spec: JobSpec, name: str) -> Request:
    channel = spec.request.below("inputs", name)
    seed = spec.request.get("inputs", name, "shuffle_config", "seed")
    return present(
        {
            "ChannelName": name,
            "DataSource": _render_source(spec, name, channel),
            "ContentType": channel.get("content_type"),
            "CompressionType": channel.get("compression_type"),
            "RecordWrapperType": channel.get("record_wrapper_type"),
            "InputMode": channel.get("input_mode"),
            "ShuffleConfig": None if seed is None else {"Seed": seed},
        }
    )


def _render_source(spec: JobSpec, name: str, channel: Mapping[str, Any]) -> Request:
    if "dataset_arn" in channel:
        return {"DatasetSource": {"DatasetArn": channel["dataset_arn"]}}
    if "file_system_id" in channel:
        return {"FileSystemDataSource": _render_file_system(channel)}
    eula = spec.request.get("inputs", name, "model_access_config", "accept_eula")
    hub = spec.request.get("inputs", name, "hub_access_config", "hub_content_arn")
    source = {
        "S3DataType": channel.get("s3_data_type", "S3Prefix"),
        "S3Uri": s3_uri(channel["s3_uri"], spec.facts.deployment.data_bucket),
        "S3DataDistributionType": channel.get("s3_data_distribution_type", "FullyReplicated"),
        "AttributeNames": channel.get("attribute_names"),
        "InstanceGroupNames": channel.get("instance_group_names"),
        "ModelAccessConfig": None if eula is None else {"AcceptEula": eula},
        "HubAccessConfig": None if hub is None else {"HubContentArn": hub},
    }
    return {"S3DataSource": present(source)}


def _render_file_system(channel: Mapping[str, Any]) -> Request:
    return {
        "FileSystemId": channel["file_system_id"],
        "FileSystemType": channel["file_system_type"],
        "DirectoryPath": channel["directory_path"],
        "FileSystemAccessMode": channel.get("file_system_access_mode", "ro"),
    }


def _render_output(spec: JobSpec) -> Request:
    deployment, asked = spec.facts.deployment, spec.request.below("output_data_config")
    return present(
        {
            "S3OutputPath": run_uri(spec, deployment.artifacts_bucket),
            "KmsKeyId": asked.get("kms_key_id") or deployment.kms_key_arn,
            "CompressionType": asked.get("compression_type"),
        }
    )


def _render_resources(spec: JobSpec) -> Request | None:
    request = spec.request
    if request.serverless:
        return None
    groups = request.get(*GROUPS)
    return present(
        {
            "InstanceType": spec.instance_type,
            "InstanceCount": request.get(*COUNT),
            "InstanceGroups": None if groups is None else api_value(groups),
            "InstancePreferences": _preferences(spec),
            "InstancePlacementConfig": section_of(request, "compute", "instance_placement_config") or None,
            "VolumeSizeInGB": request.get(*VOLUME),
            "VolumeKmsKeyId": _volume_key(spec),
            # SageMaker keeps no machines of a spot job: the fallback's attempts keep theirs
            "KeepAlivePeriodInSeconds": None if spec.spot else request.get(*KEEP_ALIVE),
            "TrainingPlanArn": request.get("compute", "training_plan_arn"),
        }
    )


def _preferences(spec: JobSpec) -> list[Request] | None:
    """The run's own, else the wanted types, each without a count: InstanceCount says that for all (ResourceConfig, API
    reference)."""
    if spec.preferences:
        return [{"InstanceType": name} for name in spec.preferences]
    own = spec.request.get(*PREFERENCES)
    return None if own is None else [api_value(entry) for entry in own]


def _volume_key(spec: JobSpec) -> str | None:
    asked = spec.request.get("compute", "volume_kms_key_id")
    if any(map(instances.has_local_storage, spec.request.all_instance_types)) and not asked:
        return None
    return asked or spec.facts.deployment.kms_key_arn


def _render_stopping(spec: JobSpec) -> Request:
    request = spec.request
    return present(
        {
            "MaxRuntimeInSeconds": request.max_runtime,
            "MaxWaitTimeInSeconds": request.max_wait if spec.spot else None,
            "MaxPendingTimeInSeconds": request.get("stopping_condition", "max_pending_time_in_seconds"),
        }
    )


def _render_checkpoints(spec: JobSpec) -> Request | None:
    request = spec.request
    if (own := request.get("checkpoint_config", "s3_uri")) is not None:
        return present({"S3Uri": own, "LocalPath": request.get("checkpoint_config", "local_path")})
    if request.checkpoint_path is None:
        return None
    # the prefix ends in `/`: a prefix `run-1` would restore the checkpoints of `run-10` as well
    prefix = run_uri(spec, spec.facts.deployment.checkpoints_bucket)
    return {"S3Uri": prefix, "LocalPath": request.checkpoint_path}


def _render_network(spec: JobSpec) -> Request | None:
    deployment, asked = spec.facts.deployment, spec.request.below("networking")
    subnets = asked.get("subnets") or list(deployment.subnets)
    if not subnets:
        return None
    return {
        "SecurityGroupIds": asked.get("security_group_ids") or list(deployment.security_groups),
        "Subnets": subnets,
    }


def _render_tags(spec: JobSpec) -> list[Request]:
    run = spec.facts.run
    platform = {"trainwright:team": run.team, RUN_TAG: run.id, "trainwright:name": run.name or ""}
    return [{"Key": key, "Value": value} for key, value in {**spec.request.below("tags"), **platform}.items()]
