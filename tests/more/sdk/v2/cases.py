"""Estimators to compare with the SDK: cases by name, and as many more as wanted, drawn from a seed."""

import random
from collections.abc import Iterator

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
INPUTS = {"train": "s3://bucket/train/", "validation": "s3://bucket/validation/"}


def new(callable_: str, *positional, **keywords) -> dict:
    """An object of the SDK's, as documents write it."""
    return {"$": callable_, **({"*": list(positional)} if positional else {}), **keywords}


def document(estimator: str, fit: dict | None = None, region: str = "us-west-2", **kwargs) -> dict:
    fit = {"inputs": INPUTS} if fit is None else fit
    return {"estimator": estimator, "region": region, "kwargs": {"role": ROLE, **kwargs}, "fit": fit}


ONE = {"instance_count": 1, "instance_type": "ml.m5.xlarge"}
GPU = {"instance_count": 1, "instance_type": "ml.g5.2xlarge"}
P4D = {"instance_count": 2, "instance_type": "ml.p4d.24xlarge"}
P3 = {"instance_count": 2, "instance_type": "ml.p3.16xlarge"}
SCRIPT = {"entry_point": "train.py", "source_dir": "src"}
PT = {**SCRIPT, "framework_version": "2.1.0", "py_version": "py310"}
PT112 = {**SCRIPT, "framework_version": "1.12.1", "py_version": "py38"}
TF = {**SCRIPT, "framework_version": "2.11.0", "py_version": "py39"}
HF = {**SCRIPT, "transformers_version": "4.28.1", "pytorch_version": "2.0.0", "py_version": "py310"}
HF_TF = {**SCRIPT, "transformers_version": "4.17.0", "tensorflow_version": "2.6.3", "py_version": "py38"}
MX = {**SCRIPT, "framework_version": "1.8.0", "py_version": "py37"}
OWN = {"image_uri": "123456789012.dkr.ecr.us-west-2.amazonaws.com/x:1"}
TYPES = {"s": "adam", "i": 3, "f": 1e-05, "b": True, "n": None, "l": [1, "a"], "d": {"k": 0.5}, "u": "é", "e": ""}

SMDDP = {"smdistributed": {"dataparallel": {"enabled": True}}}
TORCH = {"torch_distributed": {"enabled": True}}
MPI = {"mpi": {"enabled": True, "processes_per_host": 8, "custom_mpi_options": "-x NCCL_DEBUG=INFO"}}
SMP = {"enabled": True, "parameters": {"partitions": 2, "microbatches": 4, "ddp": True}}
SMP2 = {**TORCH, "smdistributed": {"modelparallel": {"enabled": True, "parameters": {"hybrid_shard_degree": 8}}}}

TRAINING_INPUT = "sagemaker.inputs:TrainingInput"
DEBUGGER = "sagemaker.debugger:"
RULES = "smdebug_rulesconfig:"


def group(name: str, kind: str, count: int) -> dict:
    return new("sagemaker.instance_group:InstanceGroup", name, kind, count)


def profiler_rule(kind: str, *positional, **keywords) -> dict:
    return new(DEBUGGER + "ProfilerRule.sagemaker", new(RULES + kind, *positional, **keywords))


def rule(function: str, **keywords) -> dict:
    return new(DEBUGGER + "Rule.sagemaker", new(RULES + function), **keywords)


def collection(name: str, parameters: dict | None = None) -> dict:
    return new(DEBUGGER + "CollectionConfig", name, **({"parameters": parameters} if parameters else {}))


def hook(**keywords) -> dict:
    return new(DEBUGGER + "DebuggerHookConfig", **keywords)


def profiler(**keywords) -> dict:
    return new(DEBUGGER + "ProfilerConfig", **keywords)


GROUPS = [group("gpus", "ml.p4d.24xlarge", 2), group("cpus", "ml.c5.18xlarge", 1)]


def named() -> dict[str, dict]:
    """Every case by its name."""
    return {
        **_estimators(),
        **_distributions(),
        **_inputs(),
        **_script(),
        **_debugger(),
        **_machines(),
        **_rest(),
        **_refused(),
    }


def _estimators() -> dict[str, dict]:
    return {
        "tensorflow": document("TensorFlow", **TF, **GPU),
        "tensorflow_cpu_alias": document("TensorFlow", **{**TF, "framework_version": "2.11"}, **ONE),
        "tensorflow_old": document(
            "TensorFlow", **{**SCRIPT, "framework_version": "1.14.0", "py_version": "py3"}, **ONE
        ),
        "tensorflow_p4d_suffix": document(
            "TensorFlow", **{**TF, "framework_version": "2.3.1", "py_version": "py37"}, **P4D
        ),
        "tensorflow_model_dir": document("TensorFlow", **TF, **GPU, model_dir="s3://bucket/model"),
        "tensorflow_no_model_dir": document("TensorFlow", **TF, **GPU, model_dir=False),
        "tensorflow_model_dir_mpi": document("TensorFlow", **TF, **P3, distribution=MPI, model_dir="/opt/x"),
        "huggingface_pytorch": document("HuggingFace", **HF, **GPU, hyperparameters=TYPES),
        "huggingface_tensorflow": document("HuggingFace", **HF_TF, **GPU),
        "refused_huggingface_cpu": document("HuggingFace", **HF, **ONE),
        "huggingface_alias": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.28", "pytorch_version": "2.0", "py_version": "py310"},
            **GPU,
        ),
        "huggingface_old": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.6.1", "pytorch_version": "1.7.1", "py_version": "py36"},
            **GPU,
        ),
        "huggingface_first": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.4.2", "pytorch_version": "1.6.0", "py_version": "py36"},
            **P4D,
        ),
        "huggingface_new": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.56.2", "pytorch_version": "2.8.0", "py_version": "py312"},
            **GPU,
        ),
        "huggingface_image": document("HuggingFace", **{**SCRIPT, "py_version": "py310"}, **OWN, **GPU),
        "mxnet": document("MXNet", **MX, **GPU),
        "mxnet_parameter_server": document("MXNet", **MX, **P3, distribution={"parameter_server": {"enabled": True}}),
        "mxnet_mpi": document("MXNet", **MX, **P3, distribution=MPI),
        "mxnet_mpi_without_processes": document(
            "MXNet", **MX, **P3, distribution={"mpi": {"enabled": True, "custom_mpi_options": "-x A=1"}}
        ),
        "mxnet_old": document("MXNet", **{**SCRIPT, "framework_version": "1.4.1", "py_version": "py3"}, **ONE),
        "mxnet_checkpoint_one_host": document(
            "MXNet", **MX, **GPU, checkpoint_s3_uri="s3://b/c", checkpoint_local_path="/opt/ml/checkpoints"
        ),
        "mxnet_checkpoint_two_hosts": document(
            "MXNet", **MX, **P3, checkpoint_s3_uri="s3://b/c", checkpoint_local_path="/opt/ml/checkpoints"
        ),
        "sklearn": document("SKLearn", **SCRIPT, framework_version="1.2-1", **ONE, hyperparameters={"depth": 3}),
        "sklearn_without_count": document(
            "SKLearn", **SCRIPT, framework_version="0.23-1", instance_type="ml.m5.xlarge"
        ),
        "sklearn_image_region": document(
            "SKLearn", **SCRIPT, framework_version="1.2-1", **ONE, image_uri_region="eu-west-1"
        ),
        "xgboost": document("XGBoost", **SCRIPT, framework_version="1.5-1", **ONE, hyperparameters=TYPES),
        "xgboost_gpu": document("XGBoost", **SCRIPT, framework_version="1.7-1", **GPU),
        "xgboost_swallowed_distribution": document(
            "XGBoost", **SCRIPT, framework_version="1.7-1", **ONE, distribution=MPI
        ),
        "xgboost_image": document("XGBoost", **SCRIPT, framework_version="1.7-1", **OWN, **ONE),
        "pytorch_old": document("PyTorch", **{**SCRIPT, "framework_version": "1.2.0", "py_version": "py3"}, **GPU),
        "pytorch_alias": document("PyTorch", **{**PT, "framework_version": "2.1"}, **GPU),
        "pytorch_new": document("PyTorch", **{**PT, "framework_version": "2.8.0", "py_version": "py312"}, **GPU),
        "pytorch_p4d_suffix": document(
            "PyTorch", **{**SCRIPT, "framework_version": "1.6.0", "py_version": "py36"}, **P4D
        ),
        "pytorch_image": document("PyTorch", **SCRIPT, **OWN, **GPU),
        "pytorch_image_and_version": document("PyTorch", **PT, **OWN, **GPU),
        "pytorch_no_metrics": document("PyTorch", **PT, **GPU, enable_sagemaker_metrics=False),
        "pytorch_null_metrics": document("PyTorch", **PT, **GPU, enable_sagemaker_metrics=None),
        "builtin_kmeans": document("Estimator", image_uri='<retrieve:{"framework": "kmeans"}>', **ONE),
        "builtin_blazingtext": document("Estimator", image_uri='<retrieve:{"framework": "blazingtext"}>', **GPU),
        "renamed_keywords": document(
            "PyTorch",
            **SCRIPT,
            framework_version="2.1.0",
            py_version="py310",
            image_name="1.dkr.ecr.us-west-2.amazonaws.com/y:2",
            train_instance_count=2,
            train_instance_type="ml.g5.2xlarge",
            train_max_run=60,
            train_volume_size=44,
        ),
        "tensorflow_distributions": document("TensorFlow", **TF, **P3, distributions=MPI),
    }


def _distributions() -> dict[str, dict]:
    smp = {"smdistributed": {"modelparallel": SMP}}
    return {
        "smddp_options": document(
            "PyTorch",
            **PT112,
            **P3,
            distribution={"smdistributed": {"dataparallel": {"enabled": True, "custom_mpi_options": "-verbose"}}},
        ),
        "smddp_off": document(
            "PyTorch", **PT112, **P3, distribution={"smdistributed": {"dataparallel": {"enabled": False}}}
        ),
        "smddp_wrong_type_is_sent": document("PyTorch", **PT112, **GPU, distribution=SMDDP),
        "smddp_own_image": document("PyTorch", **SCRIPT, **OWN, **P3, distribution=SMDDP),
        "smddp_tensorflow": document("TensorFlow", **TF, **P3, distribution=SMDDP),
        "smddp_tensorflow_suffix": document(
            "TensorFlow", **{**TF, "framework_version": "2.3.2", "py_version": "py37"}, **P3, distribution=SMDDP
        ),
        "smddp_huggingface": document("HuggingFace", **HF, **P3, distribution=SMDDP),
        "smddp_huggingface_tensorflow": document("HuggingFace", **HF_TF, **P3, distribution=SMDDP),
        "pytorchddp": document("PyTorch", **PT112, **P3, distribution={"pytorchddp": {"enabled": True}}),
        "pytorchddp_options": document(
            "PyTorch", **PT112, **P3, distribution={"pytorchddp": {"enabled": True, "custom_mpi_options": "-v"}}
        ),
        "pytorchddp_huggingface": document("HuggingFace", **HF, **P3, distribution={"pytorchddp": {"enabled": True}}),
        "pytorchddp_huggingface_off": document(
            "HuggingFace", **HF, **P3, distribution={"pytorchddp": {"enabled": False}, **MPI}
        ),
        "smp_v1_tensorflow": document(
            "TensorFlow",
            **{**TF, "framework_version": "2.6.3", "py_version": "py38"},
            **P3,
            distribution={**smp, **MPI},
        ),
        "smp_v1_huggingface": document("HuggingFace", **HF, **P3, distribution={**smp, **MPI}),
        "smp_v1_off": document(
            "PyTorch", **PT112, **P3, distribution={"smdistributed": {"modelparallel": {**SMP, "enabled": False}}}
        ),
        "smp_v1_all_parameters": document(
            "PyTorch",
            **PT112,
            **P3,
            distribution={
                **MPI,
                "smdistributed": {
                    "modelparallel": {
                        "enabled": True,
                        "parameters": {
                            "partitions": 4,
                            "auto_partition": False,
                            "default_partition": 0,
                            "memory_weight": 0.2,
                            "ddp": True,
                            "ddp_port": 1234,
                            "horovod": False,
                            "pipeline": "simple",
                            "optimize": "memory",
                            "extra": {"a": [1]},
                        },
                    }
                },
            },
        ),
        "smp_v2": document("PyTorch", **{**PT, "framework_version": "2.2.0"}, **P4D, distribution=SMP2),
        "refused_smp_v2_version": document("PyTorch", **PT, **P4D, distribution=SMP2),
        "refused_smp_v2_short_version": document(
            "PyTorch", **{**PT, "framework_version": "2.1"}, **P4D, distribution=SMP2
        ),
        "smp_v2_p5": document(
            "PyTorch",
            **{**PT, "framework_version": "2.0.1"},
            instance_count=2,
            instance_type="ml.p5.48xlarge",
            distribution=SMP2,
        ),
        "smp_v2_alias": document(
            "PyTorch", **{**PT, "framework_version": "2.5.1", "py_version": "py311"}, **P4D, distribution=SMP2
        ),
        "smp_v2_off": document(
            "PyTorch",
            **PT,
            **P4D,
            distribution={**TORCH, "smdistributed": {"modelparallel": {"enabled": False}}},
        ),
        "torch_and_smddp": document("PyTorch", **PT, **P4D, distribution={**TORCH, **SMDDP}),
        "torch_and_mpi": document("PyTorch", **PT, **P4D, distribution={**TORCH, **MPI}),
        "torch_off": document("PyTorch", **PT, **P4D, distribution={"torch_distributed": {"enabled": False}, **MPI}),
        "torch_huggingface": document("HuggingFace", **HF, **P4D, distribution=TORCH),
        "torch_own_image": document("PyTorch", **SCRIPT, **OWN, **ONE, distribution=TORCH),
        "torch_trainium": document(
            "PyTorch",
            **{**SCRIPT, "framework_version": "1.11.0", "py_version": "py38"},
            instance_count=2,
            instance_type="ml.trn1.32xlarge",
            distribution=TORCH,
        ),
        "trainium_alone": document(
            "PyTorch",
            **{**SCRIPT, "framework_version": "1.11", "py_version": "py38"},
            instance_count=1,
            instance_type="ml.trn1.2xlarge",
        ),
        "mpi_empty_options": document(
            "TensorFlow", **TF, **P3, distribution={"mpi": {"enabled": True, "processes_per_host": 1}}
        ),
        "mpi_off": document("TensorFlow", **TF, **P3, distribution={"mpi": {"enabled": False}}),
        "mpi_huggingface": document("HuggingFace", **HF, **P3, distribution=MPI),
        "parameter_server_tensorflow": document(
            "TensorFlow", **TF, **P3, distribution={"parameter_server": {"enabled": True}}
        ),
        "parameter_server_off": document(
            "TensorFlow", **TF, **P3, distribution={"parameter_server": {"enabled": False}}
        ),
        "parameter_server_drops_rules": document(
            "TensorFlow",
            **TF,
            **P3,
            distribution={"parameter_server": {"enabled": True}},
            rules=[rule("loss_not_decreasing"), profiler_rule("IOBottleneck")],
        ),
        "parameter_server_pytorch": document(
            "PyTorch", **PT, **P4D, distribution={"parameter_server": {"enabled": True}}
        ),
        "mirrored_off": document(
            "TensorFlow", **TF, **P3, distribution={"multi_worker_mirrored_strategy": {"enabled": False}}
        ),
        "unknown_key": document("PyTorch", **PT, **P4D, distribution={"deepspeed": {"enabled": True}}),
        "empty_distribution": document("PyTorch", **PT, **P4D, distribution={}),
        "tensorflow_ignores_torch": document("TensorFlow", **TF, **P3, distribution=TORCH),
        "generic_swallows_distribution": document("Estimator", **OWN, **ONE, distribution=MPI),
        "xla": document(
            "PyTorch",
            **{**SCRIPT, "framework_version": "1.13.1", "py_version": "py39"},
            **{**GPU, "instance_count": 2},
            compiler_config=new("sagemaker.pytorch:TrainingCompilerConfig"),
            distribution={"pytorchxla": {"enabled": True}},
        ),
        "compiler_off_still_trcomp": document(
            "PyTorch",
            **{**SCRIPT, "framework_version": "1.12.0", "py_version": "py38"},
            **GPU,
            compiler_config=new("sagemaker.pytorch:TrainingCompilerConfig", False),
        ),
        "compiler_tensorflow": document(
            "TensorFlow", **TF, **GPU, compiler_config=new("sagemaker.tensorflow:TrainingCompilerConfig", debug=True)
        ),
        "compiler_huggingface": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.17.0", "pytorch_version": "1.10.2", "py_version": "py38"},
            **GPU,
            compiler_config=new("sagemaker.huggingface:TrainingCompilerConfig"),
        ),
        "compiler_huggingface_alias": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.17", "tensorflow_version": "2.6", "py_version": "py38"},
            **GPU,
            compiler_config=new("sagemaker.huggingface:TrainingCompilerConfig"),
        ),
        "compiler_huggingface_xla": document(
            "HuggingFace",
            **{**SCRIPT, "transformers_version": "4.21.1", "pytorch_version": "1.11.0", "py_version": "py38"},
            **P4D,
            compiler_config=new("sagemaker.huggingface:TrainingCompilerConfig", enabled=True, debug=False),
            distribution={"pytorchxla": {"enabled": True}},
        ),
    }


def _inputs() -> dict[str, dict]:
    def given(inputs, **kwargs):
        return document("Estimator", {"inputs": inputs}, **OWN, **ONE, **kwargs)

    efs = new("sagemaker.inputs:FileSystemInput", "fs-01234567", "EFS", "/data")
    fsx = new(
        "sagemaker.inputs:FileSystemInput",
        file_system_id="fs-0123456789abcdef0",
        file_system_type="FSxLustre",
        directory_path="/fsx/x",
        file_system_access_mode="rw",
        content_type="text/csv",
    )
    return {
        "inputs_text": given("s3://bucket/data"),
        "inputs_none": document("Estimator", {}, **OWN, **ONE),
        "inputs_null": given(None),
        "inputs_training_input": given(new(TRAINING_INPUT, "s3://bucket/data", input_mode="Pipe")),
        "inputs_training_input_file": given(new(TRAINING_INPUT, "s3://b/d"), input_mode="FastFile"),
        "inputs_mode_of_the_job": given(INPUTS, input_mode="Pipe"),
        "inputs_positional": given(
            {"a": new(TRAINING_INPUT, "s3://b/a", "ShardedByS3Key", "Gzip", "text/csv", "RecordIO", "ManifestFile")}
        ),
        "inputs_groups": given({"a": new(TRAINING_INPUT, "s3://b/a", instance_groups=["g1", "g2"])}),
        "inputs_access": given(
            {
                "a": new(
                    TRAINING_INPUT,
                    "s3://b/a",
                    model_access_config={"AcceptEula": True},
                    hub_access_config={"HubContentArn": "arn:aws:sagemaker:us-west-2:123456789012:hub-content/h"},
                )
            }
        ),
        "refused_inputs_target_attribute": given({"a": new(TRAINING_INPUT, "s3://b/a", target_attribute_name="y")}),
        "inputs_efs": given(efs, subnets=["subnet-1"], security_group_ids=["sg-1"]),
        "inputs_mixed": given({"e": efs, "f": fsx, "s": "s3://b/s", "t": new(TRAINING_INPUT, "s3://b/t")}),
        "inputs_records": given(
            [
                new("sagemaker.amazon.amazon_estimator:RecordSet", "s3://b/m", 10, 3),
                new(
                    "sagemaker.amazon.amazon_estimator:FileSystemRecordSet",
                    "fs-01234567",
                    "EFS",
                    "/d",
                    10,
                    3,
                    channel="test",
                ),
            ]
        ),
        "inputs_record": given(
            new("sagemaker.amazon.amazon_estimator:RecordSet", "s3://b/m", 10, 3, s3_data_type="S3Prefix")
        ),
        "inputs_shuffle": given(
            {"a": new(TRAINING_INPUT, "s3://b/a", shuffle_config=new("sagemaker.inputs:ShuffleConfig", seed=7))}
        ),
        "model_channel": given(INPUTS, model_uri="s3://b/m.tar.gz", model_channel_name="pretrained"),
        "model_alone": document("Estimator", {}, **OWN, **ONE, model_uri="s3://b/m.tar.gz"),
    }


def _script() -> dict[str, dict]:
    return {
        "generic_types_as_text": document("Estimator", **OWN, **ONE, hyperparameters=TYPES),
        "generic_source_dir": document("Estimator", **OWN, **ONE, **SCRIPT, hyperparameters=TYPES),
        "generic_entry_point_mixed": document(
            "Estimator", **OWN, **ONE, entry_point="src/train.py", hyperparameters=TYPES
        ),
        "generic_dependencies": document("Estimator", **OWN, **ONE, entry_point="train.py", dependencies=["lib"]),
        "generic_isolated": document("Estimator", **OWN, **ONE, enable_network_isolation=True),
        "generic_isolated_script": document("Estimator", **OWN, **ONE, **SCRIPT, enable_network_isolation=True),
        "generic_s3_source": document("Estimator", **OWN, **ONE, source_dir="s3://b/x/sourcedir.tar.gz"),
        "pytorch_isolated": document("PyTorch", **PT, **GPU, enable_network_isolation=True),
        "pytorch_isolated_without_inputs": document("PyTorch", {}, **PT, **GPU, enable_network_isolation=True),
        "refused_s3_source_in_capitals": document(
            "PyTorch", **{**PT, "source_dir": "S3://b/x.tar.gz"}, **GPU, enable_network_isolation=True
        ),
        "pytorch_s3_source_in_capitals": document("PyTorch", **{**PT, "source_dir": "S3://b/x.tar.gz"}, **GPU),
        "pytorch_s3_source": document("PyTorch", **{**PT, "source_dir": "s3://b/x/sourcedir.tar.gz"}, **GPU),
        "pytorch_s3_source_isolated": document(
            "PyTorch", **{**PT, "source_dir": "s3://b/x.tar.gz"}, **GPU, enable_network_isolation=True
        ),
        "pytorch_entry_point_only": document(
            "PyTorch", entry_point="src/train.py", framework_version="2.1.0", py_version="py310", **GPU
        ),
        "code_location": document("PyTorch", **PT, **GPU, code_location="s3://bucket/some/code/"),
        "code_location_bucket": document("PyTorch", **PT, **GPU, code_location="s3://bucket"),
        "output_path_with_prefix": document("PyTorch", **PT, **GPU, output_path="s3://bucket/out/here"),
        "tensorflow_output_path": document("TensorFlow", **TF, **GPU, output_path="s3://bucket//out/"),
        "reserved_names_are_overwritten": document(
            "PyTorch", **PT, **GPU, hyperparameters={"sagemaker_program": "mine.py", "sagemaker_region": "x", "a": 1}
        ),
        "log_level": document("PyTorch", **PT, **GPU, container_log_level=10),
        "job_name_given": document("PyTorch", {"inputs": INPUTS, "job_name": "my-own-name"}, **PT, **GPU),
        "entrypoint_and_arguments": document(
            "Estimator",
            **OWN,
            **ONE,
            container_entry_point=["/bin/bash", "-c"],
            container_arguments=["echo hello"],
        ),
        "hyperparameters_empty": document("PyTorch", **PT, **GPU, hyperparameters={}),
        "hyperparameters_numbers": document(
            "PyTorch", **PT, **GPU, hyperparameters={"a": 1e300, "b": 10**20, "c": -0.0, "d": 1.0, "e": "1", "f": 1e-7}
        ),
        "hyperparameters_numbers_as_text": document(
            "Estimator", **OWN, **ONE, hyperparameters={"a": 1e300, "b": 10**20, "c": -0.0, "d": 1.0, "f": 1e-7}
        ),
    }


def _debugger() -> dict[str, dict]:
    both = {"checkpoint_s3_uri": "s3://b/c", "checkpoint_local_path": "/opt/ml/checkpoints"}
    detailed = new(DEBUGGER + "Profiler", 600, "60")
    framework = DEBUGGER + "FrameworkProfile"
    return {
        "hook_true": document("PyTorch", **PT, **GPU, debugger_hook_config=True),
        "hook_false_generic": document("Estimator", **OWN, **ONE, debugger_hook_config=False),
        "hook_full": document(
            "PyTorch",
            **PT,
            **GPU,
            debugger_hook_config=hook(
                s3_output_path="s3://b/debug",
                container_local_output_path="/opt/ml/d",
                hook_parameters={"save_interval": "10"},
                collection_configs=[collection("weights", {"save_interval": "5"}), collection("losses")],
            ),
        ),
        "hook_without_path": document(
            "PyTorch", **PT, **GPU, output_path="s3://b/o", debugger_hook_config=hook(hook_parameters={"a": "b"})
        ),
        "hook_dropped_tensorflow": document("TensorFlow", **TF, **GPU, **both, debugger_hook_config=hook()),
        "hook_kept_huggingface": document("HuggingFace", **HF, **GPU, **both),
        "hook_kept_with_one_of_both": document("PyTorch", **PT, **GPU, checkpoint_s3_uri="s3://b/c"),
        "checkpoint_path_alone": document("PyTorch", **PT, **GPU, checkpoint_local_path="/opt/ml/x"),
        "rules_of_the_debugger": document(
            "PyTorch",
            **PT,
            **GPU,
            rules=[
                rule("vanishing_gradient"),
                rule("overfit", rule_parameters={"patience": "3"}),
                rule("create_xgboost_report"),
                rule("dead_relu", name="mine", s3_output_path="s3://b/r", container_local_output_path="/x"),
                rule("similar_across_runs", other_trials_s3_input_paths=["s3://b/1", "s3://b/2"]),
                rule("loss_not_decreasing", collections_to_save=[collection("losses", {"save_interval": "50"})]),
            ],
        ),
        "rules_and_hook": document(
            "TensorFlow",
            **TF,
            **GPU,
            rules=[rule("vanishing_gradient"), rule("weight_update_ratio")],
            debugger_hook_config=hook(
                s3_output_path="s3://b/d", collection_configs=[collection("gradients", {"save_interval": "500"})]
            ),
        ),
        "rules_without_hook": document("PyTorch", **PT, **GPU, rules=[rule("all_zero")], debugger_hook_config=False),
        "rule_actions": document(
            "PyTorch",
            {"inputs": INPUTS, "job_name": "acting"},
            **PT,
            **GPU,
            rules=[
                rule("all_zero", actions=new(RULES + "StopTraining")),
                rule("overfit", actions=new(RULES + "StopTraining", "prefix")),
                rule(
                    "confusion",
                    actions=new(
                        RULES + "ActionList",
                        new(RULES + "StopTraining"),
                        new(RULES + "Email", "me@example.org"),
                        new(RULES + "SMS", "+1234567"),
                    ),
                ),
            ],
        ),
        "rule_custom": document(
            "PyTorch",
            **PT,
            **GPU,
            rules=[
                new(
                    DEBUGGER + "Rule.custom",
                    "mine",
                    "1.dkr.ecr.us-west-2.amazonaws.com/r:1",
                    "ml.t3.medium",
                    30,
                    source="s3://b/rule.py",
                    rule_to_invoke="Mine",
                    rule_parameters={"a": "b"},
                    collections_to_save=[collection("weights")],
                ),
                new(
                    DEBUGGER + "ProfilerRule.custom",
                    name="other",
                    image_uri="1.dkr.ecr.us-west-2.amazonaws.com/r:1",
                    instance_type="ml.t3.medium",
                    volume_size_in_gb=10,
                    rule_parameters={"x": 3},
                ),
            ],
        ),
        "profiler_rules_with_parameters": document(
            "PyTorch",
            **PT,
            **GPU,
            rules=[
                profiler_rule("CPUBottleneck", 40, cpu_threshold=80),
                profiler_rule("StepOutlier", mode="train"),
                profiler_rule("ProfilerReport", CPUBottleneck_threshold=30, stepoutlier_stddev=2),
                new(
                    DEBUGGER + "ProfilerRule.sagemaker",
                    new(RULES + "BatchSize"),
                    name="small",
                    s3_output_path="s3://b/x",
                    container_local_output_path="/x",
                    instance_type="ml.m5.large",
                ),
            ],
        ),
        "profiler_interval": document(
            "PyTorch", **PT, **GPU, profiler_config=profiler(system_monitor_interval_millis=500)
        ),
        "profiler_path": document("Estimator", **OWN, **ONE, profiler_config=profiler(s3_output_path="s3://b/p")),
        "profiler_off_by_config": document("Estimator", **OWN, **ONE, profiler_config=profiler(disable_profiler=True)),
        "profiler_off_twice": document(
            "Estimator", **OWN, **ONE, disable_profiler=True, profiler_config=profiler(disable_profiler=True)
        ),
        "profiler_detailed_with_debugger_rule": document(
            "PyTorch", **PT, **GPU, rules=[rule("overfit")], profiler_config=profiler(profile_params=detailed)
        ),
        "profiler_detailed_with_profiler_rule": document(
            "PyTorch",
            **PT,
            **GPU,
            rules=[profiler_rule("IOBottleneck")],
            profiler_config=profiler(profile_params=detailed),
        ),
        "profiler_detailed_without_rules": document(
            "PyTorch", **PT, **GPU, rules=[], profiler_config=profiler(profile_params=detailed)
        ),
        "framework_profile": document(
            "PyTorch", **PT112, **GPU, profiler_config=profiler(framework_profile_params=new(framework))
        ),
        "framework_profile_range": document(
            "PyTorch",
            **PT112,
            **GPU,
            profiler_config=profiler(
                framework_profile_params=new(framework, local_path="/x", start_step=5, num_steps=2)
            ),
        ),
        "framework_profile_time": document(
            "PyTorch",
            **PT112,
            **GPU,
            profiler_config=profiler(
                framework_profile_params=new(framework, start_unix_time=1700000000, duration=60.5)
            ),
        ),
        "framework_profile_first_step": document(
            "PyTorch", **PT112, **GPU, profiler_config=profiler(framework_profile_params=new(framework, start_step=5))
        ),
        "framework_profile_steps_only": document(
            "PyTorch", **PT112, **GPU, profiler_config=profiler(framework_profile_params=new(framework, num_steps=3))
        ),
        "framework_profile_own": document(
            "TensorFlow",
            **TF,
            **GPU,
            profiler_config=profiler(
                framework_profile_params=new(
                    framework,
                    detailed_profiling_config=new(
                        "sagemaker.debugger.metrics_config:DetailedProfilingConfig", start_step=3, num_steps=4
                    ),
                    dataloader_profiling_config=new(
                        "sagemaker.debugger.metrics_config:DataloaderProfilingConfig", metrics_regex="a.*"
                    ),
                    python_profiling_config=new(
                        "sagemaker.debugger.metrics_config:PythonProfilingConfig",
                        python_profiler=new("sagemaker.debugger.utils:PythonProfiler", "pyinstrument"),
                    ),
                    horovod_profiling_config=new(
                        "sagemaker.debugger.metrics_config:HorovodProfilingConfig", profile_default_steps=True
                    ),
                )
            ),
        ),
        "framework_profile_python": document(
            "TensorFlow",
            **TF,
            **GPU,
            profiler_config=profiler(
                framework_profile_params=new(
                    framework,
                    python_profiling_config=new(
                        "sagemaker.debugger.metrics_config:PythonProfilingConfig",
                        cprofile_timer=new("sagemaker.debugger.utils:cProfileTimer", "cpu_time"),
                    ),
                )
            ),
        ),
        "tensorboard": document(
            "PyTorch",
            **PT,
            **GPU,
            tensorboard_output_config=new(DEBUGGER + "TensorBoardOutputConfig", "s3://b/tb", "/opt/ml/output/tb"),
        ),
        "region_without_debugger": document("PyTorch", region="eu-south-2", **PT, **GPU),
        "region_without_debugger_hook_true": document(
            "PyTorch", region="eu-central-2", **PT, **GPU, debugger_hook_config=True
        ),
        "trainium_has_no_profiler": document("Estimator", **OWN, instance_count=1, instance_type="ml.trn1.2xlarge"),
    }


def _machines() -> dict[str, dict]:
    hetero = {"instance_groups": GROUPS}
    one = [group("only", "ml.p3.16xlarge", 2)]
    return {
        "groups_generic": document("Estimator", **OWN, **hetero),
        "groups_pytorch": document("PyTorch", **PT, **hetero),
        "groups_gpu_decides_the_image": document(
            "TensorFlow", **TF, instance_groups=[group("c", "ml.c5.xlarge", 1), group("g", "ml.g5.xlarge", 1)]
        ),
        "groups_of_cpus": document("TensorFlow", **TF, instance_groups=[group("c", "ml.c5.xlarge", 1)]),
        "groups_mpi": document("TensorFlow", **TF, **hetero, distribution={**MPI, "instance_groups": [GROUPS[0]]}),
        "groups_one_is_chosen_by_itself": document("TensorFlow", **TF, instance_groups=one, distribution=MPI),
        "groups_smddp": document("PyTorch", **PT112, instance_groups=one, distribution=SMDDP),
        "groups_torchrun": document("PyTorch", **PT, **hetero, distribution={**TORCH, "instance_groups": [GROUPS[0]]}),
        "groups_xgboost": document(
            "XGBoost", **SCRIPT, framework_version="1.7-1", instance_groups=[group("c", "ml.c5.xlarge", 1)]
        ),
        "spot_all": document(
            "Estimator",
            **OWN,
            **ONE,
            use_spot_instances=True,
            max_run=600,
            max_wait=1200,
            checkpoint_s3_uri="s3://b/c",
            checkpoint_local_path="/c",
        ),
        "spot_without_wait": document("Estimator", **OWN, **ONE, use_spot_instances=True),
        "wait_zero": document("Estimator", **OWN, **ONE, use_spot_instances=True, max_wait=0),
        "keep_alive_long": document("Estimator", **OWN, **ONE, keep_alive_period_in_seconds=7200),
        "volume_key_on_local_storage": document("Estimator", **OWN, **GPU, volume_kms_key="k", volume_size=99),
        "placement": document(
            "Estimator",
            **OWN,
            **ONE,
            instance_placement_config={
                "EnableMultipleJobs": True,
                "PlacementSpecifications": [{"UltraServerId": "u-1", "InstanceCount": 1}],
            },
        ),
        "training_image_config": document(
            "Estimator",
            **OWN,
            **ONE,
            training_repository_access_mode="Vpc",
            training_repository_credentials_provider_arn="arn:aws:lambda:us-west-2:123456789012:function:f",
        ),
        "training_image_credentials_alone": document(
            "Estimator",
            **OWN,
            **ONE,
            training_repository_credentials_provider_arn="arn:aws:lambda:us-west-2:123456789012:function:f",
        ),
        "switches_off": document(
            "Estimator",
            **OWN,
            **ONE,
            enable_infra_check=False,
            enable_remote_debug=False,
            enable_session_tag_chaining=False,
            encrypt_inter_container_traffic=False,
            enable_network_isolation=False,
            disable_output_compression=False,
            use_spot_instances=False,
        ),
        "retries_without_infra_check": document("Estimator", **OWN, **ONE, max_retry_attempts=30),
    }


def _rest() -> dict[str, dict]:
    return {
        "region_cn": document("PyTorch", region="cn-north-1", **PT, **GPU),
        "region_gov_west": document("TensorFlow", region="us-gov-west-1", **TF, **GPU),
        "region_gov_east": document("PyTorch", region="us-gov-east-1", **PT, **GPU),
        "region_iso": document("PyTorch", region="us-iso-east-1", **PT112, **GPU),
        "region_opt_in": document("XGBoost", region="me-south-1", **SCRIPT, framework_version="1.7-1", **ONE),
        "region_rules": document(
            "PyTorch", region="eu-west-1", **PT, **GPU, rules=[profiler_rule("LowGPUUtilization"), rule("overfit")]
        ),
        "role_name": document("Estimator", **{**OWN, "role": "MyRole"}, **ONE),
        "refused_role_path": document("Estimator", **{**OWN, "role": "service-role/MyRole"}, **ONE),
        "tags_by_name": document("Estimator", **OWN, **ONE, tags={"team": "ml", "cost": 3}),
        "tags_empty": document("Estimator", **OWN, **ONE, tags=[]),
        "environment_empty": document("Estimator", **OWN, **ONE, environment={}),
        "metrics_empty": document("Estimator", **OWN, **ONE, metric_definitions=[]),
        "generic_metrics_time_series": document("Estimator", **OWN, **ONE, enable_sagemaker_metrics=True),
        "experiment": document(
            "Estimator", {"inputs": INPUTS, "experiment_config": {"ExperimentName": "e"}}, **OWN, **ONE
        ),
        "experiment_empty": document("Estimator", {"inputs": INPUTS, "experiment_config": {}}, **OWN, **ONE),
        "wait_and_logs": document("Estimator", {"inputs": INPUTS, "wait": True, "logs": "All"}, **OWN, **ONE),
        "swallowed_keyword": document("PyTorch", **PT, **GPU, use_spot_instance=True),
        "every_null": document(
            "PyTorch",
            **PT,
            **GPU,
            **dict.fromkeys(("max_wait", "tags", "subnets", "security_group_ids", "hyperparameters", "rules")),
        ),
    }


def _refused() -> dict[str, dict]:
    """What the SDK itself refuses."""
    compiler = new("sagemaker.pytorch:TrainingCompilerConfig")
    pt113 = {**SCRIPT, "framework_version": "1.13.1", "py_version": "py39"}
    p5 = {"instance_count": 1, "instance_type": "ml.p5.48xlarge"}
    return {
        "refused_no_version": document("PyTorch", **SCRIPT, **GPU),
        "refused_no_python": document("TensorFlow", **SCRIPT, framework_version="2.11.0", **GPU),
        "refused_no_role": {**document("Estimator", **OWN, **ONE), "kwargs": {**OWN, **ONE}},
        "refused_no_image": document("Estimator", **ONE),
        "refused_no_script": document("PyTorch", framework_version="2.1.0", py_version="py310", **GPU),
        "refused_no_type": document("Estimator", **OWN, instance_count=1),
        "refused_no_count": document("Estimator", **OWN, instance_type="ml.m5.xlarge"),
        "refused_type_and_groups": document("Estimator", **OWN, **ONE, instance_groups=GROUPS),
        "refused_unknown_version": document("PyTorch", **{**PT, "framework_version": "2.1.9"}, **GPU),
        "refused_unknown_python": document("PyTorch", **{**PT, "py_version": "py27"}, **GPU),
        "refused_version_no_number": document("PyTorch", **{**PT, "framework_version": "latest"}, **GPU),
        "refused_smddp_version": document(
            "PyTorch", **{**PT, "framework_version": "2.8.0", "py_version": "py312"}, **P4D, distribution=SMDDP
        ),
        "refused_smddp_and_smp": document(
            "PyTorch",
            **PT112,
            **P3,
            distribution={"smdistributed": {"dataparallel": {"enabled": True}, "modelparallel": SMP}},
        ),
        "refused_smdistributed_name": document(
            "PyTorch", **PT112, **P3, distribution={"smdistributed": {"tensorparallel": {"enabled": True}}}
        ),
        "refused_smddp_p5": document("PyTorch", **PT, **p5, distribution=SMDDP),
        "refused_torch_cpu": document("PyTorch", **PT, **ONE, distribution=TORCH),
        "refused_torch_version": document("PyTorch", **PT112, **P3, distribution=TORCH),
        "refused_torch_shell": document("PyTorch", **{**PT, "entry_point": "run.sh"}, **P4D, distribution=TORCH),
        "refused_trainium_mpi": document(
            "PyTorch",
            **{**SCRIPT, "framework_version": "1.11.0", "py_version": "py38"},
            instance_count=1,
            instance_type="ml.trn1.2xlarge",
            distribution=MPI,
        ),
        "refused_trainium_version": document("PyTorch", **PT, instance_count=1, instance_type="ml.trn1.2xlarge"),
        "refused_ddp_and_smddp": document(
            "PyTorch", **PT112, **P3, distribution={"pytorchddp": {"enabled": True}, **SMDDP}
        ),
        "refused_xla_without_compiler": document(
            "PyTorch", **pt113, **GPU, distribution={"pytorchxla": {"enabled": True}}
        ),
        "refused_mirrored_old": document(
            "TensorFlow",
            **{**TF, "framework_version": "2.8.0"},
            **P3,
            distribution={"multi_worker_mirrored_strategy": {"enabled": True}},
        ),
        "refused_mirrored_pytorch": document(
            "PyTorch", **PT, **P4D, distribution={"multi_worker_mirrored_strategy": {"enabled": True}}
        ),
        "refused_mirrored_and_server": document(
            "TensorFlow",
            **TF,
            **P3,
            distribution={
                "multi_worker_mirrored_strategy": {"enabled": True},
                "parameter_server": {"enabled": True},
            },
        ),
        "refused_smp_parameters": document(
            "PyTorch",
            **PT112,
            **P3,
            distribution={"smdistributed": {"modelparallel": {"enabled": True, "parameters": {"partitions": 0}}}},
        ),
        "refused_compiler_type": document("PyTorch", **pt113, **ONE, compiler_config=compiler),
        "refused_compiler_version": document("PyTorch", **PT, **GPU, compiler_config=compiler),
        "refused_compiler_image": document("PyTorch", **pt113, **OWN, **GPU, compiler_config=compiler),
        "refused_compiler_smddp": document("PyTorch", **pt113, **P3, compiler_config=compiler, distribution=SMDDP),
        "refused_compiler_mpi": document("PyTorch", **pt113, **P3, compiler_config=compiler, distribution=MPI),
        "refused_compiler_of_another": document(
            "PyTorch", **pt113, **GPU, compiler_config=new("sagemaker.huggingface:TrainingCompilerConfig")
        ),
        "refused_compiler_tensorflow_old": document(
            "TensorFlow",
            **{**TF, "framework_version": "2.6.3", "py_version": "py38"},
            **GPU,
            compiler_config=new("sagemaker.tensorflow:TrainingCompilerConfig"),
        ),
        "refused_groups_unchosen": document("TensorFlow", **TF, instance_groups=GROUPS, distribution=MPI),
        "refused_groups_absent": document(
            "TensorFlow", **TF, **P3, distribution={**MPI, "instance_groups": [GROUPS[0]]}
        ),
        "refused_groups_nothing_on": document(
            "TensorFlow",
            **TF,
            instance_groups=GROUPS,
            distribution={"parameter_server": {"enabled": True}, "instance_groups": [GROUPS[0]]},
        ),
        "refused_groups_checkpoint": document(
            "PyTorch",
            **PT,
            instance_groups=GROUPS,
            checkpoint_s3_uri="s3://b/c",
            checkpoint_local_path="/opt/ml/checkpoints",
        ),
        "refused_half_vpc": document("Estimator", **OWN, **ONE, subnets=["subnet-1"]),
        "refused_huggingface_two_bases": document("HuggingFace", **HF, tensorflow_version="2.11.0", **GPU),
        "refused_huggingface_mixed_versions": document("HuggingFace", **{**HF, "transformers_version": "4.28"}, **GPU),
        "refused_huggingface_no_transformers": document("HuggingFace", **{**HF, "transformers_version": None}, **GPU),
        "refused_sklearn_two": document(
            "SKLearn", **SCRIPT, framework_version="1.2-1", instance_count=2, instance_type="ml.m5.xlarge"
        ),
        "refused_sklearn_gpu": document(
            "SKLearn", **SCRIPT, framework_version="1.2-1", instance_count=1, instance_type="ml.p3.8xlarge"
        ),
        "refused_sklearn_python": document("SKLearn", **SCRIPT, framework_version="1.2-1", py_version="py2", **ONE),
        "refused_xgboost_11": document("XGBoost", **SCRIPT, framework_version="1.1-1", **ONE),
        "refused_xgboost_11_own_image": document("XGBoost", **SCRIPT, framework_version="1.1-1", **OWN, **ONE),
        "refused_xgboost_no_version": document("XGBoost", **SCRIPT, **ONE),
        "refused_xgboost_python": document("XGBoost", **SCRIPT, framework_version="1.7-1", py_version="py2", **ONE),
        "refused_tensorflow_legacy": document(
            "TensorFlow", **SCRIPT, framework_version="1.10.0", py_version="py2", **ONE
        ),
        "refused_mxnet_old_distribution": document(
            "MXNet", **SCRIPT, framework_version="1.2.1", py_version="py3", **ONE, distribution=MPI
        ),
        "refused_hook_in_region": document("PyTorch", region="eu-south-2", **PT, **GPU, debugger_hook_config=hook()),
        "refused_rules_in_region": document("PyTorch", region="eu-south-2", **PT, **GPU, rules=[rule("overfit")]),
        "refused_profiler_in_region": document("PyTorch", region="eu-south-2", **PT, **GPU, profiler_config=profiler()),
        "refused_profiler_rules_off": document(
            "PyTorch", **PT, **GPU, disable_profiler=True, rules=[profiler_rule("IOBottleneck")]
        ),
        "refused_both_profiles": document(
            "PyTorch",
            **PT,
            **GPU,
            profiler_config=profiler(
                profile_params=new(DEBUGGER + "Profiler"),
                framework_profile_params=new(DEBUGGER + "FrameworkProfile"),
            ),
        ),
        "refused_rule_value": document("PyTorch", **PT, **GPU, rules=[profiler_rule("BatchSize", 170)]),
        "refused_report_parameter": document(
            "PyTorch", **PT, **GPU, rules=[profiler_rule("ProfilerReport", CPUBottleneck_patients=3)]
        ),
        "refused_email_alone": document(
            "PyTorch", **PT, **GPU, rules=[rule("overfit", actions=new(RULES + "Email", "me@example.org"))]
        ),
        "refused_rule_to_invoke": document(
            "PyTorch", **PT, **GPU, rules=[rule("overfit", rule_parameters={"rule_to_invoke": "Other"})]
        ),
        "refused_input_path": document("Estimator", {"inputs": "bucket/data"}, **OWN, **ONE),
        "refused_input_file": document("Estimator", {"inputs": {"a": "file:///data"}}, **OWN, **ONE),
        "refused_inputs_empty": document("Estimator", {"inputs": {}}, **OWN, **ONE),
        "refused_inputs_list": document("Estimator", {"inputs": ["s3://b/c"]}, **OWN, **ONE),
        "refused_file_system": document(
            "Estimator", {"inputs": new("sagemaker.inputs:FileSystemInput", "fs-1", "NFS", "/d")}, **OWN, **ONE
        ),
        "refused_model_channel_twice": document(
            "Estimator", {"inputs": {"model": "s3://b/c"}}, **OWN, **ONE, model_uri="s3://b/m"
        ),
        "refused_script_in_s3": document("PyTorch", **{**PT, "entry_point": "s3://b/train.py"}, **GPU),
        "refused_environment_number": document("Estimator", **OWN, **ONE, environment={"A": 1}),
        "refused_text_for_number": document("Estimator", **{**OWN, **ONE, "volume_size": "30"}),
        "refused_float_for_number": document("Estimator", **{**OWN, **ONE, "max_run": 60.5}),
        "refused_fit_argument": document("Estimator", {"inputs": INPUTS, "name": "x"}, **OWN, **ONE),
        "refused_source_without_script": document("Estimator", **OWN, **ONE, source_dir="src"),
    }


# ---- drawn from a seed ---------------------------------------------------------------------------------------------


def drawn(count: int, seed: int = 20261121) -> Iterator[dict]:
    """Documents with a random handful of keywords each; many of them the SDK refuses."""
    source = random.Random(seed)
    for _ in range(count):
        yield _draw(source)


_BASES = {
    "Estimator": [OWN, {**OWN, **SCRIPT}, {**OWN, "entry_point": "train.py"}],
    "PyTorch": [PT, PT112, {**SCRIPT, **OWN}, {**SCRIPT, "framework_version": "1.13.1", "py_version": "py39"}],
    "TensorFlow": [TF, {**TF, "framework_version": "2.12.0", "py_version": "py310"}],
    "HuggingFace": [HF, HF_TF],
    "XGBoost": [{**SCRIPT, "framework_version": "1.7-1"}, {**SCRIPT, "framework_version": "1.3-1"}],
    "SKLearn": [{**SCRIPT, "framework_version": "1.2-1"}, {**SCRIPT, "framework_version": "1.0-1"}],
    "MXNet": [MX, {**MX, "framework_version": "1.9.0", "py_version": "py38"}],
}
_MACHINES = [
    ONE,
    GPU,
    GPU,
    P4D,
    P3,
    {"instance_count": 1, "instance_type": "ml.p3.2xlarge"},
    {"instance_count": 2, "instance_type": "ml.g4dn.12xlarge"},
    {"instance_groups": GROUPS},
]
_OPTIONS = {
    "max_run": [60, 3600, 432000],
    "max_wait": [60, 7200],
    "use_spot_instances": [True, False],
    "checkpoint_s3_uri": ["s3://b/ck", "s3://b/ck/"],
    "checkpoint_local_path": ["/opt/ml/checkpoints"],
    "keep_alive_period_in_seconds": [60, 3600, 0],
    "volume_size": [1, 500],
    "volume_kms_key": ["alias/k"],
    "output_path": ["s3://b/o", "s3://b/o/", "s3://b"],
    "output_kms_key": ["alias/o"],
    "code_location": ["s3://b/code", "s3://b/code/"],
    "base_job_name": ["base"],
    "tags": [{"a": "b"}, [{"Key": "k", "Value": "v"}]],
    "input_mode": ["File", "Pipe", "FastFile"],
    "model_uri": ["s3://b/m.tar.gz"],
    "metric_definitions": [[{"Name": "loss", "Regex": "loss=(.*)"}]],
    "encrypt_inter_container_traffic": [True, False],
    "enable_network_isolation": [True, False],
    "enable_sagemaker_metrics": [True, False, None],
    "environment": [{"A": "b"}],
    "max_retry_attempts": [1, 30],
    "enable_infra_check": [True, False],
    "enable_remote_debug": [True, False],
    "enable_session_tag_chaining": [True],
    "disable_output_compression": [True],
    "disable_profiler": [True, False],
    "debugger_hook_config": [True, False, None, hook(s3_output_path="s3://b/d")],
    "profiler_config": [profiler(system_monitor_interval_millis=100), profiler(disable_profiler=True)],
    "rules": [[], [rule("overfit")], [profiler_rule("LoadBalancing")], [rule("all_zero"), profiler_rule("BatchSize")]],
    "tensorboard_output_config": [new(DEBUGGER + "TensorBoardOutputConfig", "s3://b/t")],
    "hyperparameters": [TYPES, {"epochs": 3}],
    "container_log_level": [10, 20, 40],
    "training_plan": ["arn:aws:sagemaker:us-west-2:123456789012:training-plan/p"],
    "container_arguments": [["--a", "b"]],
    "dependencies": [["lib"]],
}
_DISTRIBUTIONS = [
    SMDDP,
    TORCH,
    MPI,
    {"mpi": {"enabled": True}},
    SMP2,
    {"smdistributed": {"modelparallel": SMP}, **MPI},
    {"pytorchddp": {"enabled": True}},
    {"parameter_server": {"enabled": True}},
    {"multi_worker_mirrored_strategy": {"enabled": True}},
    {"pytorchxla": {"enabled": True}},
    {**MPI, "instance_groups": [GROUPS[0]]},
    {**TORCH, "instance_groups": [GROUPS[0]]},
    {"something": {"enabled": True}},
]
_FIT_INPUTS = [
    INPUTS,
    "s3://b/data",
    None,
    new(TRAINING_INPUT, "s3://b/d", input_mode="FastFile"),
    {"a": new(TRAINING_INPUT, "s3://b/a", distribution="ShardedByS3Key", content_type="text/csv"), "b": "s3://b/b"},
    {"e": new("sagemaker.inputs:FileSystemInput", "fs-0123abcd", "EFS", "/d")},
]
_REGIONS = ["us-west-2"] * 6 + ["eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-3", "eu-south-2"]


def _draw(source: random.Random) -> dict:
    estimator = source.choice(list(_BASES))
    kwargs = {**source.choice(_BASES[estimator]), **source.choice(_MACHINES)}
    for name in source.sample(list(_OPTIONS), source.randint(0, 12)):
        kwargs[name] = source.choice(_OPTIONS[name])
    if source.random() < 0.15:
        kwargs |= {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
    if estimator in ("PyTorch", "TensorFlow", "HuggingFace", "MXNet") and source.random() < 0.6:
        kwargs["distribution"] = source.choice(_DISTRIBUTIONS)
    if estimator in ("PyTorch", "TensorFlow", "HuggingFace") and source.random() < 0.15:
        module = source.choice([estimator.lower()] * 4 + ["pytorch", "tensorflow"])
        kwargs["compiler_config"] = new(f"sagemaker.{module}:TrainingCompilerConfig", debug=source.random() < 0.5)
    fit = {"inputs": source.choice(_FIT_INPUTS)}
    if source.random() < 0.2:
        fit["experiment_config"] = {"ExperimentName": "e", "TrialName": "t"}
    return document(estimator, fit, source.choice(_REGIONS), **kwargs)
