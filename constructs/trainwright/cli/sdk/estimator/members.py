"""Which of the estimator's keywords a member of the request comes from, so that a sentence can name it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trainwright_runtime.problems import Path

_KEYWORDS: Mapping[str, Path] = {
    "AlgorithmSpecification.ContainerArguments": ("kwargs", "container_arguments"),
    "AlgorithmSpecification.ContainerEntrypoint": ("kwargs", "container_entry_point"),
    "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries": ("kwargs", "enable_sagemaker_metrics"),
    "AlgorithmSpecification.MetricDefinitions": ("kwargs", "metric_definitions"),
    "AlgorithmSpecification.TrainingImage": ("kwargs", "image_uri"),
    "AlgorithmSpecification.TrainingImageConfig": ("kwargs", "training_repository_access_mode"),
    "AlgorithmSpecification.TrainingInputMode": ("kwargs", "input_mode"),
    "CheckpointConfig.LocalPath": ("kwargs", "checkpoint_local_path"),
    "CheckpointConfig.S3Uri": ("kwargs", "checkpoint_s3_uri"),
    "DebugHookConfig": ("kwargs", "debugger_hook_config"),
    "DebugRuleConfigurations": ("kwargs", "rules"),
    "EnableInterContainerTrafficEncryption": ("kwargs", "encrypt_inter_container_traffic"),
    "EnableManagedSpotTraining": ("kwargs", "use_spot_instances"),
    "EnableNetworkIsolation": ("kwargs", "enable_network_isolation"),
    "Environment": ("kwargs", "environment"),
    "ExperimentConfig": ("fit", "experiment_config"),
    "HyperParameters": ("kwargs", "hyperparameters"),
    "InfraCheckConfig": ("kwargs", "enable_infra_check"),
    "InputDataConfig": ("fit", "inputs"),
    "OutputDataConfig.KmsKeyId": ("kwargs", "output_kms_key"),
    "OutputDataConfig.S3OutputPath": ("kwargs", "output_path"),
    "ProfilerConfig": ("kwargs", "profiler_config"),
    "ProfilerRuleConfigurations": ("kwargs", "rules"),
    "RemoteDebugConfig": ("kwargs", "enable_remote_debug"),
    "ResourceConfig.InstanceCount": ("kwargs", "instance_count"),
    "ResourceConfig.InstanceGroups": ("kwargs", "instance_groups"),
    "ResourceConfig.InstancePlacementConfig": ("kwargs", "instance_placement_config"),
    "ResourceConfig.InstanceType": ("kwargs", "instance_type"),
    "ResourceConfig.KeepAlivePeriodInSeconds": ("kwargs", "keep_alive_period_in_seconds"),
    "ResourceConfig.TrainingPlanArn": ("kwargs", "training_plan"),
    "ResourceConfig.VolumeKmsKeyId": ("kwargs", "volume_kms_key"),
    "ResourceConfig.VolumeSizeInGB": ("kwargs", "volume_size"),
    "RetryStrategy": ("kwargs", "max_retry_attempts"),
    "RoleArn": ("kwargs", "role"),
    "SessionChainingConfig": ("kwargs", "enable_session_tag_chaining"),
    "StoppingCondition.MaxRuntimeInSeconds": ("kwargs", "max_run"),
    "StoppingCondition.MaxWaitTimeInSeconds": ("kwargs", "max_wait"),
    "Tags": ("kwargs", "tags"),
    "TensorBoardOutputConfig": ("kwargs", "tensorboard_output_config"),
    "TrainingJobName": ("fit", "job_name"),
    "VpcConfig.SecurityGroupIds": ("kwargs", "security_group_ids"),
    "VpcConfig.Subnets": ("kwargs", "subnets"),
}


def origin(member: Path, request: Mapping[str, Any]) -> Path:
    """The place in the document that a member of the request comes from; the whole document where none is to blame."""
    names = [part for part in member if isinstance(part, str)]
    found = next((_KEYWORDS[name] for name in (".".join(names[:2]), *names[:1]) if name in _KEYWORDS), ())
    if names[:1] == ["InputDataConfig"] and len(member) > 1 and isinstance(member[1], int):
        return (*found, str(request["InputDataConfig"][member[1]].get("ChannelName")))
    if found in (("kwargs", "hyperparameters"), ("kwargs", "environment")):
        return (*found, *member[1:])
    return found


def blamed(sentence: str, request: Mapping[str, Any]) -> Path:
    """The place that a line of botocore's report is about: `... for parameter ResourceConfig.InstanceCount, ...`."""
    match = re.search(r"(?:for parameter|parameter in) ([A-Z][^\s,:]*)", sentence)
    parts = re.findall(r"[^.\[\]]+", match[1]) if match else []
    return origin(tuple(int(part) if part.isdigit() else part for part in parts), request)
