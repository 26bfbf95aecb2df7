"""What the SDK v2's estimators and their helper objects take: names, kinds, defaults, in the SDK's order.

Source: sagemaker SDK v2, the `__init__` of each class (estimator, pytorch.estimator, tensorflow.estimator,
huggingface.estimator, xgboost.estimator, sklearn.estimator, mxnet.estimator, inputs, debugger, instance_group,
amazon.amazon_estimator) and smdebug_rulesconfig 1.0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


class Required:
    """Stands where an argument has no default."""


REQUIRED: Final = Required()

TEXT, WHOLE, FLAG, MAP, LIST, TAGS, ANY, OBJECT = "text", "whole", "flag", "map", "list", "tags", "any", "object"

KINDS: Mapping[str, tuple[type, ...]] = {
    TEXT: (str,),
    WHOLE: (int,),
    FLAG: (bool,),
    MAP: (dict,),
    LIST: (list,),
    TAGS: (list, dict),
}
SPOKEN: Mapping[str, str] = {
    TEXT: "text",
    WHOLE: "a whole number",
    FLAG: "true or false",
    MAP: "an object with names and values",
    LIST: "a list",
    TAGS: "a list of Key and Value, or an object",
}


_COLLECTIONS = ("CollectionConfig",)
_RANGES = "ProfilingConfig"

HOLDERS: Mapping[str, tuple[str, ...]] = {
    "base_config": (),
    "actions": ("StopTraining", "Email", "SMS", "ActionList"),
    "shuffle_config": ("ShuffleConfig",),
    "collection_configs": _COLLECTIONS,
    "collections_to_save": _COLLECTIONS,
    "profile_params": ("Profiler",),
    "framework_profile_params": ("FrameworkProfile",),
    "detailed_profiling_config": (f"Detailed{_RANGES}",),
    "dataloader_profiling_config": (f"Dataloader{_RANGES}",),
    "python_profiling_config": (f"Python{_RANGES}",),
    "horovod_profiling_config": (f"Horovod{_RANGES}",),
    "smdataparallel_profiling_config": (f"SMDataParallel{_RANGES}",),
    "python_profiler": ("PythonProfiler",),
    "cprofile_timer": ("cProfileTimer",),
}
"""Arguments of the helper objects that hold an object themselves, or a list of them; which ones, where it matters."""

HOLDING_KEYWORDS = (
    "rules",
    "debugger_hook_config",
    "tensorboard_output_config",
    "profiler_config",
    "instance_groups",
    "compiler_config",
    "distribution",
    "image_uri",
)
"""Keywords of the estimators in which objects may stand."""

CLASSES: Mapping[str, str] = {
    "profiler_config": "ProfilerConfig",
    "tensorboard_output_config": "TensorBoardOutputConfig",
}
"""Keywords that take an object of one class only."""

LISTS = (
    "collection_configs",
    "collections_to_save",
    "other_trials_s3_input_paths",
    "attribute_names",
)
MAPS = ("hook_parameters", "rule_parameters", "parameters", "hub_access_config", "model_access_config")


@dataclass(frozen=True)
class Argument:
    """One keyword of an estimator: what kind of value it takes and what it is when left out."""

    kind: str
    default: Any = None


_BASE: dict[str, Argument] = {
    "role": Argument(TEXT),
    "instance_count": Argument(WHOLE),
    "instance_type": Argument(TEXT),
    "keep_alive_period_in_seconds": Argument(WHOLE),
    "volume_size": Argument(WHOLE, 30),
    "volume_kms_key": Argument(TEXT),
    "max_run": Argument(WHOLE, 24 * 60 * 60),
    "input_mode": Argument(TEXT, "File"),
    "output_path": Argument(TEXT),
    "output_kms_key": Argument(TEXT),
    "base_job_name": Argument(TEXT),
    "sagemaker_session": Argument(ANY),
    "tags": Argument(TAGS),
    "subnets": Argument(LIST),
    "security_group_ids": Argument(LIST),
    "model_uri": Argument(TEXT),
    "model_channel_name": Argument(TEXT, "model"),
    "metric_definitions": Argument(LIST),
    "encrypt_inter_container_traffic": Argument(FLAG),
    "use_spot_instances": Argument(FLAG, False),
    "max_wait": Argument(WHOLE),
    "checkpoint_s3_uri": Argument(TEXT),
    "checkpoint_local_path": Argument(TEXT),
    "rules": Argument(LIST),
    "debugger_hook_config": Argument(ANY),
    "tensorboard_output_config": Argument(OBJECT),
    "enable_sagemaker_metrics": Argument(FLAG),
    "enable_network_isolation": Argument(FLAG),
    "profiler_config": Argument(OBJECT),
    "disable_profiler": Argument(FLAG),
    "environment": Argument(MAP),
    "max_retry_attempts": Argument(WHOLE),
    "source_dir": Argument(TEXT),
    "git_config": Argument(MAP),
    "hyperparameters": Argument(MAP),
    "container_log_level": Argument(ANY, 20),
    "code_location": Argument(TEXT),
    "entry_point": Argument(TEXT),
    "dependencies": Argument(LIST),
    "instance_groups": Argument(LIST),
    "training_repository_access_mode": Argument(TEXT),
    "training_repository_credentials_provider_arn": Argument(TEXT),
    "enable_infra_check": Argument(FLAG),
    "container_entry_point": Argument(LIST),
    "container_arguments": Argument(LIST),
    "disable_output_compression": Argument(FLAG, False),
    "enable_remote_debug": Argument(FLAG),
    "enable_session_tag_chaining": Argument(FLAG),
    "training_plan": Argument(TEXT),
    "instance_placement_config": Argument(MAP),
}
_FRAMEWORK = _BASE | {
    "image_uri": Argument(TEXT),
    "framework_version": Argument(TEXT),
    "py_version": Argument(TEXT),
}
_DISTRIBUTED = _FRAMEWORK | {"distribution": Argument(MAP)}
_COMPILED = _DISTRIBUTED | {"compiler_config": Argument(ANY)}
_ONE_PYTHON = _FRAMEWORK | {"py_version": Argument(TEXT, "py3"), "image_uri_region": Argument(TEXT)}
_HUGGING_FACE = {name: argument for name, argument in _COMPILED.items() if name != "framework_version"}

ESTIMATORS: Mapping[str, Mapping[str, Argument]] = {
    "Estimator": _BASE | {"image_uri": Argument(TEXT)},
    "PyTorch": _COMPILED | {"training_recipe": Argument(TEXT), "recipe_overrides": Argument(MAP)},
    "TensorFlow": _COMPILED | {"model_dir": Argument(ANY)},
    "HuggingFace": _HUGGING_FACE
    | {
        "transformers_version": Argument(TEXT),
        "tensorflow_version": Argument(TEXT),
        "pytorch_version": Argument(TEXT),
    },
    "XGBoost": _ONE_PYTHON,
    "SKLearn": _ONE_PYTHON | {"instance_count": Argument(WHOLE, 1)},
    "MXNet": _DISTRIBUTED,
}

FRAMEWORK_NAMES: Mapping[str, str | None] = {
    "Estimator": None,
    "PyTorch": "pytorch",
    "TensorFlow": "tensorflow",
    "HuggingFace": "huggingface",
    "XGBoost": "xgboost",
    "SKLearn": "sklearn",
    "MXNet": "mxnet",
}

# sagemaker SDK v2: deprecations.renamed_kwargs, as estimator, tensorflow.estimator and mxnet.estimator call it
_RENAMED: Mapping[str, str] = {
    "train_instance_count": "instance_count",
    "train_instance_type": "instance_type",
    "train_max_run": "max_run",
    "train_use_spot_instances": "use_spot_instances",
    "train_max_wait": "max_wait",
    "train_volume_size": "volume_size",
    "train_volume_kms_key": "volume_kms_key",
}


def renamed(estimator: str) -> Mapping[str, str]:
    """The keywords of the SDK v1 that an estimator still understands, with what they are called today."""
    image = {} if estimator == "Estimator" else {"image_name": "image_uri"}
    distribution = {"distributions": "distribution"} if estimator in ("TensorFlow", "MXNet") else {}
    return {**_RENAMED, **image, **distribution}


FIT = ("inputs", "wait", "logs", "job_name", "experiment_config")

_RANGE: Mapping[str, Any] = {
    "start_step": None,
    "num_steps": None,
    "start_unix_time": None,
    "duration": None,
    "profile_default_steps": False,
}
_RULE: Mapping[str, Any] = {"name": REQUIRED, "image_uri": REQUIRED, "instance_type": REQUIRED}
_MINUTE = 60 * 1000 * 1000

PROFILER_RULES: Mapping[str, Mapping[str, Any]] = {
    "BatchSize": {
        "cpu_threshold_p95": 70,
        "gpu_threshold_p95": 70,
        "gpu_memory_threshold_p95": 70,
        "patience": 1000,
        "window": 500,
        "scan_interval_us": _MINUTE,
    },
    "CPUBottleneck": {
        "threshold": 50,
        "gpu_threshold": 10,
        "cpu_threshold": 90,
        "patience": 1000,
        "scan_interval_us": _MINUTE,
    },
    "Dataloader": {"min_threshold": 70, "max_threshold": 200, "scan_interval_us": _MINUTE},
    "GPUMemoryIncrease": {"increase": 5, "patience": 1000, "window": 10, "scan_interval_us": _MINUTE},
    "IOBottleneck": {
        "threshold": 50,
        "gpu_threshold": 10,
        "io_threshold": 50,
        "patience": 1000,
        "scan_interval_us": _MINUTE,
    },
    "LoadBalancing": {"threshold": 0.5, "patience": 1000, "scan_interval_us": _MINUTE},
    "LowGPUUtilization": {
        "threshold_p95": 70,
        "threshold_p5": 10,
        "window": 500,
        "patience": 1000,
        "scan_interval_us": _MINUTE,
    },
    "MaxInitializationTime": {"threshold": 20, "scan_interval_us": _MINUTE},
    "OverallSystemUsage": {"scan_interval_us": _MINUTE},
    "StepOutlier": {"stddev": 3, "mode": None, "n_outliers": 10, "scan_interval_us": _MINUTE},
}

# smdebug_rulesconfig 1.0.1, debugger_rules.builtin_rules: its functions, and the rules they stand for
DEBUGGER_RULES: Mapping[str, str] = {
    "all_zero": "AllZero",
    "check_input_images": "CheckInputImages",
    "class_imbalance": "ClassImbalance",
    "confusion": "Confusion",
    "create_xgboost_report": "CreateXgboostReport",
    "dead_relu": "DeadRelu",
    "exploding_tensor": "ExplodingTensor",
    "feature_importance_overweight": "FeatureImportanceOverweight",
    "loss_not_decreasing": "LossNotDecreasing",
    "nlp_sequence_ratio": "NLPSequenceRatio",
    "overfit": "Overfit",
    "overtraining": "Overtraining",
    "poor_weight_initialization": "PoorWeightInitialization",
    "saturated_activation": "SaturatedActivation",
    "similar_across_runs": "SimilarAcrossRuns",
    "stalled_training_rule": "StalledTrainingRule",
    "tensor_variance": "TensorVariance",
    "tree_depth": "TreeDepth",
    "unchanged_tensor": "UnchangedTensor",
    "vanishing_gradient": "VanishingGradient",
    "weight_update_ratio": "WeightUpdateRatio",
}

OBJECTS: Mapping[str, Mapping[str, Any]] = {
    "TrainingInput": {
        "s3_data": REQUIRED,
        "distribution": None,
        "compression": None,
        "content_type": None,
        "record_wrapping": None,
        "s3_data_type": "S3Prefix",
        "instance_groups": None,
        "input_mode": None,
        "attribute_names": None,
        "target_attribute_name": None,
        "shuffle_config": None,
        "hub_access_config": None,
        "model_access_config": None,
    },
    "ShuffleConfig": {"seed": REQUIRED},
    "FileSystemInput": {
        "file_system_id": REQUIRED,
        "file_system_type": REQUIRED,
        "directory_path": REQUIRED,
        "file_system_access_mode": "ro",
        "content_type": None,
    },
    "RecordSet": {
        "s3_data": REQUIRED,
        "num_records": REQUIRED,
        "feature_dim": REQUIRED,
        "s3_data_type": "ManifestFile",
        "channel": "train",
        "distribution": "ShardedByS3Key",
    },
    "FileSystemRecordSet": {
        "file_system_id": REQUIRED,
        "file_system_type": REQUIRED,
        "directory_path": REQUIRED,
        "num_records": REQUIRED,
        "feature_dim": REQUIRED,
        "file_system_access_mode": "ro",
        "channel": "train",
    },
    "InstanceGroup": {"instance_group_name": None, "instance_type": None, "instance_count": None},
    "TrainingCompilerConfig": {"enabled": True, "debug": False},
    "DebuggerHookConfig": {
        "s3_output_path": None,
        "container_local_output_path": None,
        "hook_parameters": None,
        "collection_configs": None,
    },
    "CollectionConfig": {"name": REQUIRED, "parameters": None},
    "TensorBoardOutputConfig": {"s3_output_path": REQUIRED, "container_local_output_path": None},
    "ProfilerConfig": {
        "s3_output_path": None,
        "system_monitor_interval_millis": None,
        "framework_profile_params": None,
        "profile_params": None,
        "disable_profiler": False,
    },
    "Profiler": {"cpu_profiling_duration": "3600", "file_rotation_interval": "600"},
    "FrameworkProfile": {
        "local_path": "/opt/ml/output/profiler",
        "file_max_size": 10485760,
        "file_close_interval": 60,
        "file_open_fail_threshold": 50,
        "detailed_profiling_config": None,
        "dataloader_profiling_config": None,
        "python_profiling_config": None,
        "horovod_profiling_config": None,
        "smdataparallel_profiling_config": None,
        "start_step": None,
        "num_steps": None,
        "start_unix_time": None,
        "duration": None,
    },
    "DetailedProfilingConfig": _RANGE,
    "DataloaderProfilingConfig": {**_RANGE, "metrics_regex": ".*"},
    "PythonProfilingConfig": {**_RANGE, "python_profiler": "cprofile", "cprofile_timer": "total_time"},
    "HorovodProfilingConfig": _RANGE,
    "SMDataParallelProfilingConfig": _RANGE,
    "PythonProfiler": {"value": REQUIRED},
    "cProfileTimer": {"value": REQUIRED},
    "Rule.sagemaker": {
        "base_config": REQUIRED,
        "name": None,
        "container_local_output_path": None,
        "s3_output_path": None,
        "other_trials_s3_input_paths": None,
        "rule_parameters": None,
        "collections_to_save": None,
        "actions": None,
    },
    "Rule.custom": {
        **_RULE,
        "volume_size_in_gb": REQUIRED,
        "source": None,
        "rule_to_invoke": None,
        "container_local_output_path": None,
        "s3_output_path": None,
        "other_trials_s3_input_paths": None,
        "rule_parameters": None,
        "collections_to_save": None,
        "actions": None,
    },
    "ProfilerRule.sagemaker": {
        "base_config": REQUIRED,
        "name": None,
        "container_local_output_path": None,
        "s3_output_path": None,
        "instance_type": None,
        "volume_size_in_gb": None,
    },
    "ProfilerRule.custom": {
        **_RULE,
        "volume_size_in_gb": REQUIRED,
        "source": None,
        "rule_to_invoke": None,
        "container_local_output_path": None,
        "s3_output_path": None,
        "rule_parameters": None,
    },
    "StopTraining": {"training_job_prefix": None},
    "Email": {"email_address": REQUIRED},
    "SMS": {"phone_number": REQUIRED},
    **PROFILER_RULES,
    **{name: {} for name in DEBUGGER_RULES},
}
