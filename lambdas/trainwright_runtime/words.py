"""The words of a run's settings: what is known, what is not supported yet, what belongs to the platform, other
names."""

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from trainwright_runtime.settings import Settings
from trainwright_runtime.vocabulary import ANY, HERE, Section, Vocabulary

_OUTPUT = "the platform decides where outputs go: the team's artifacts bucket"
_CHECKPOINTS = "the platform decides where checkpoints go: the team's checkpoints bucket"
_REPORTS = "the platform decides where this goes: the run's own prefix"
_NAME = "the platform names the jobs"
_ROLE = "the platform sets the execution role"


def names_of(model: type[BaseModel], path: Section = ()) -> dict[Section, tuple[str, ...]]:
    """The names that stand in each section below a model, lists and maps as `*`."""
    found = {path: tuple(model.model_fields)}
    for name, field in model.model_fields.items():
        for inner, below in _models_in(field.annotation, (*path, name)):
            found |= names_of(inner, below)
    return found


def _models_in(annotation: Any, path: Section) -> list[tuple[type[BaseModel], Section]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models_in(get_args(annotation)[0], path)
    if origin in (Union, types.UnionType):
        return [found for choice in get_args(annotation) for found in _models_in(choice, path)]
    if origin in (list, dict):
        return _models_in(get_args(annotation)[-1], (*path, ANY))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, path)]
    return []


SETTINGS_WORDS = Vocabulary(
    names=names_of(Settings),
    not_supported={
        ("limits", "deadline"): "deadlines",
        ("deadline",): "deadlines",
        ("accept",): "acceptance of models",
        ("register",): "registering accepted models; model_package registers every model",
        ("tuner",): "tuning",
        ("sweep",): "sweeps",
        ("schedule",): "schedules",
        ("notify",): "notifications",
        ("inputs", ANY, "newer_than"): "a check of the data's age",
        ("inputs", ANY, "optional"): "optional channels",
    },
    owned={
        ("role",): _ROLE,
        ("role_arn",): _ROLE,
        ("training_job_name",): _NAME,
        ("sagemaker_session",): "the platform has its own session",
        ("output_path",): _OUTPUT,
        ("output_data_config", "s3_output_path"): _OUTPUT,
        ("code_location",): "the platform decides where source goes: the team's data bucket",
        ("checkpoints", "s3_uri"): f"{_CHECKPOINTS}; checkpoint_config takes a prefix of one's own",
        ("checkpoint_s3_uri",): f"{_CHECKPOINTS}; checkpoint_config takes a prefix of one's own",
        ("debug_hook_config", "s3_output_path"): _REPORTS,
        ("profiler_config", "s3_output_path"): _REPORTS,
        ("tensor_board_output_config", "s3_output_path"): _REPORTS,
        ("debug_rule_configurations", ANY, "s3_output_path"): _REPORTS,
        ("profiler_rule_configurations", ANY, "s3_output_path"): _REPORTS,
    },
    # SDK v2's and the API's names for what this request calls otherwise (SageMaker SDK v2 EstimatorBase, API reference)
    other_names={
        "use_spot_instances": ("compute", "spot"),
        "EnableManagedSpotTraining": ("compute", "spot"),
        "managed_spot": ("compute", "spot"),
        "max_run": ("limits", "max_runtime"),
        "MaxRuntimeInSeconds": ("stopping_condition", "max_runtime_in_seconds"),
        "MaxWaitTimeInSeconds": ("stopping_condition", "max_wait_time_in_seconds"),
        "volume_size": ("compute", "volume_size_in_gb"),
        "VolumeSizeInGB": ("compute", "volume_size_in_gb"),
        "train_volume_size": ("compute", "volume_size_in_gb"),
        "volume_kms_key": ("compute", "volume_kms_key_id"),
        "train_instance_type": ("compute", "instance_type"),
        "train_instance_count": ("compute", "instance_count"),
        "InstanceType": ("compute", "instance_type"),
        "InstanceCount": ("compute", "instance_count"),
        "checkpoint_local_path": ("checkpoints", "local_path"),
        "checkpoint": ("checkpoints",),
        "image_uri": ("image",),
        "TrainingImage": ("image",),
        "input_data_config": ("inputs",),
        "InputDataConfig": ("inputs",),
        "channels": ("inputs",),
        "data": ("inputs",),
        "env": ("environment",),
        "Environment": ("environment",),
        "hyper_parameters": ("hyperparameters",),
        "HyperParameters": ("hyperparameters",),
        "params": ("hyperparameters",),
        "base_job_name": ("name",),
        "job_name": ("name",),
        "resources": ("compute",),
        "resource_config": ("compute",),
        "entry_point": ("source_code", "entry_script"),
        "entry_script": ("source_code", "entry_script"),
        "source_dir": ("source_code", "source_dir"),
        "framework_version": ("framework", "version"),
        "distribution": ("distributed",),
        "subnets": ("network", "subnets"),
        "security_group_ids": ("network", "security_group_ids"),
        "enable_network_isolation": ("network", "enable_network_isolation"),
        "encrypt_inter_container_traffic": ("network", "enable_inter_container_traffic_encryption"),
        "vpc_config": ("network",),
        "output_kms_key": ("output_data_config", "kms_key_id"),
        "max_retry_attempts": ("health", "retries"),
        "enable_infra_check": ("health", "infra_check"),
        "enable_remote_debug": ("remote_debug",),
        "enable_session_tag_chaining": ("session_tags",),
        "debugger_hook_config": ("debug_hook_config",),
        "rules": ("profiler", "rules"),
        "system_monitor_interval_millis": ("profiler", "interval"),
        "compiler_config": ("compilation",),
        "content_type": (HERE, "content_type"),
        "s3_data": (HERE, "s3_uri"),
        "data_source": (HERE, "s3_uri"),
        "distribution_type": (HERE, "s3_data_distribution_type"),
        "compression": (HERE, "compression_type"),
        "record_wrapping": (HERE, "record_wrapper_type"),
    },
)
"""Of a run's settings. A run request adds `name` and `score`; a policy holds them under `default` and `always`."""
