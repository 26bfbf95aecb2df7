"""Every rule about settings that do not go together: a request that breaks it, how it is told, and its source.

docs/refusals.md is made of this: `python tests/unit/refusals.py > docs/refusals.md`.
"""

import json
from dataclasses import dataclass
from typing import Any

SPOT = {"instance_type": "ml.m5.large", "spot": True}
GPU = {"instance_type": "ml.g5.xlarge"}
SCRIPT = {"source_dir": "data://source/0123/sourcedir.tar.gz", "entry_script": "train.py"}
VPC = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
FILES = {"file_system_id": "fs-0a1b2c3d", "file_system_type": "EFS", "directory_path": "/data"}
GROUPS = [{"instance_group_name": "gpu", "instance_type": "ml.g5.xlarge", "instance_count": 1}]
PREFERENCES = [{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g6.xlarge"}]
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token"
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
EVALUATOR = {"rule_configuration_name": "own", "rule_evaluator_image": f"{REGISTRY}/rules:1"}
AWSS_EVALUATOR = {
    "rule_configuration_name": "own",
    "rule_evaluator_image": "864354269164.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rule-evaluator:latest",
}
PRIVATE_REGISTRY = {
    "training_repository_access_mode": "Vpc",
    "training_repository_auth_config": {
        "training_repository_credentials_provider_arn": "arn:aws:lambda:us-east-1:123456789012:function:x"
    },
}
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package"
API, GUIDE, SDK = "SageMaker API reference", "SageMaker developer guide", "SageMaker SDK v2"


@dataclass(frozen=True)
class Row:
    """One rule. `field` is where it is told, `says` a part of what is said, `fix` a part of what to do instead.

    `fix` None is a warning, which refuses nothing. `policy` is the team's, where the rule is about one.
    """

    rule: str
    request: dict[str, Any]
    field: str
    says: str
    fix: str | None
    source: str
    policy: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        return {"name": "row", "compute": {"instance_type": "ml.m5.large"}, **self.request}


ROWS = [
    Row(
        "max_wait below max_runtime",
        {"compute": SPOT, "limits": {"max_runtime": "2h", "max_wait": "1h"}},
        "limits.max_wait",
        "less than limits.max_runtime",
        "write 2h",
        f"{API}, StoppingCondition",
    ),
    Row(
        "max_wait without spot",
        {"limits": {"max_wait": "2h"}},
        "limits.max_wait",
        "needs spot",
        "set compute.spot: true",
        "AWS's own refusal, aws/amazon-sagemaker-examples#869",
    ),
    Row(
        "a runtime over 28 days",
        {"limits": {"max_runtime": "29d"}},
        "limits.max_runtime",
        "28 days",
        "28d at most",
        f"{API}, StoppingCondition",
    ),
    Row(
        "max_wait over 30 days",
        {"compute": SPOT, "stopping_condition": {"max_wait_time_in_seconds": 31 * 86_400}},
        "stopping_condition.max_wait_time_in_seconds",
        "30 days",
        "30d at most",
        f"{API}, StoppingCondition",
    ),
    Row(
        "spot without checkpoints over an hour",
        {"compute": SPOT, "limits": {"max_runtime": "2h"}, "checkpoints": False},
        "checkpoints",
        "loses everything",
        "leave checkpoints out",
        f"{GUIDE}, Managed Spot Training",
    ),
    Row(
        "a built-in algorithm on spot without checkpoints, waiting over an hour",
        {"algorithm": "xgboost:1.7-1", "compute": SPOT, "limits": {"max_runtime": "1h"}, "checkpoints": False},
        "limits.max_wait",
        "may wait an hour at most",
        "spot brings them",
        f"{GUIDE}, Managed Spot Training",
    ),
    Row(
        "spot with instance preferences",
        {"compute": {"instance_preferences": PREFERENCES, "instance_count": 1, "spot": True}},
        "compute.instance_preferences",
        "on-demand capacity only",
        "compute.spot: false",
        f"{API}, ResourceConfig",
    ),
    Row(
        "instance preferences whose counts are not clear",
        {"compute": {"instance_preferences": [{**PREFERENCES[0], "instance_count": 1}, PREFERENCES[1]]}},
        "compute.instance_preferences",
        "counts are not clear",
        "compute.instance_count alone",
        f"{API}, ResourceConfig",
    ),
    Row(
        "one type twice in the preferences",
        {"compute": {"instance_preferences": [PREFERENCES[0], PREFERENCES[0]], "instance_count": 1}},
        "compute.instance_preferences",
        "twice",
        "each type once",
        f"{API}, ResourceConfig",
    ),
    Row(
        "two ways to say on which machines",
        {"compute": {"instance_type": "ml.g5.xlarge", "instance_groups": GROUPS}},
        "compute.instance_groups",
        "both say on which machines",
        "keep compute.instance_type alone",
        f"{API}, ResourceConfig",
    ),
    Row(
        "a channel for an instance group that is not there",
        {
            "compute": {"instance_groups": GROUPS},
            "inputs": {"train": {"s3_uri": "data://x/", "instance_group_names": ["cpu"]}},
        },
        "inputs.train.instance_group_names",
        "no instance group cpu",
        "gpu",
        f"{API}, S3DataSource",
    ),
    Row(
        "keep-alive on spot where no on-demand attempt can follow",
        {"compute": {**SPOT, "keep_alive": "20m"}},
        "compute.keep_alive",
        "keeps no spot machines",
        "compute.fallback: on_demand",
        f"{GUIDE}, Train Using SageMaker Managed Warm Pools",
    ),
    Row(
        "keep-alive on spot with a fallback",
        {"compute": {**SPOT, "keep_alive": "20m", "fallback": "on_demand"}},
        "compute.keep_alive",
        "goes on the on-demand attempts",
        None,
        f"{GUIDE}, Train Using SageMaker Managed Warm Pools",
    ),
    Row(
        "keep-alive over an hour",
        {"compute": {**GPU, "keep_alive": "2h"}},
        "compute.keep_alive",
        "an hour at most",
        "write 1h",
        f"{GUIDE}, Train Using SageMaker Managed Warm Pools",
    ),
    Row(
        "keep-alive with a heterogeneous cluster",
        {"compute": {"instance_groups": GROUPS, "keep_alive": "20m"}},
        "compute.keep_alive",
        "heterogeneous",
        "leave it out",
        f"{GUIDE}, Train Using SageMaker Managed Warm Pools",
    ),
    Row(
        "a volume key for a type with storage of its own",
        {"compute": {**GPU, "volume_kms_key_id": KEY}},
        "compute.volume_kms_key_id",
        "takes no volume key for ml.g5.xlarge",
        "leave it out",
        f"{API}, ResourceConfig",
    ),
    Row(
        "a volume size for a type with storage of its own",
        {"compute": {**GPU, "volume": "200 GB"}},
        "compute.volume",
        "ignores it",
        None,
        f"{API}, ResourceConfig",
    ),
    Row(
        "a ladder whose types differ in accelerators a host",
        {"compute": {"instance_type": ["ml.g5.xlarge", "ml.g5.12xlarge"]}},
        "compute.instance_type",
        "differ in accelerators a host",
        "reshard: true",
        "a checkpoint of four processes does not fit one by itself",
    ),
    Row(
        "a limit on pending for types without accelerators",
        {"limits": {"max_pending": "1h"}},
        "limits.max_pending",
        "on accelerated types only",
        None,
        f"{API}, StoppingCondition",
    ),
    Row(
        "a cost cap without a known price",
        {"compute": {"instance_type": "ml.m5.24xlarge"}, "limits": {"max_cost_usd": 5}},
        "limits.max_cost_usd",
        "no price of ml.m5.24xlarge is known",
        "limits.max_runtime",
        "a cap is held by the time it buys",
    ),
    Row(
        "a cost cap below the price of max_runtime",
        {"compute": GPU, "limits": {"max_cost_usd": 5, "max_runtime": "10h"}},
        "limits.max_cost_usd",
        "is cut to that",
        None,
        "a cap is held by the time it buys",
    ),
    Row(
        "FastFile on a manifest",
        {
            "inputs": {
                "train": {"s3_uri": "data://m.manifest", "s3_data_type": "ManifestFile", "input_mode": "FastFile"}
            }
        },
        "inputs.train.input_mode",
        "S3 prefix only",
        "write File",
        f"{GUIDE}, Access Training Data",
    ),
    Row(
        "FastFile on a file system",
        {"inputs": {"train": {**FILES, "input_mode": "FastFile"}}, "network": VPC},
        "inputs.train.input_mode",
        "a file system",
        "write File",
        f"{GUIDE}, Access Training Data",
    ),
    Row(
        "a file system in Pipe mode",
        {"inputs": {"train": {**FILES, "input_mode": "Pipe"}}, "network": VPC},
        "inputs.train.input_mode",
        "asks for Pipe",
        "write File",
        f"{GUIDE}, Access Training Data",
    ),
    Row(
        "a file system without a VPC",
        {"inputs": {"train": FILES}},
        "inputs.train.file_system_id",
        "the job has none",
        "network.subnets",
        f"{API}, FileSystemDataSource",
    ),
    Row(
        "a Pipe channel for a script",
        {"inputs": {"train": {"s3_uri": "data://x/", "input_mode": "Pipe"}}},
        "inputs.train.input_mode",
        "a FIFO",
        None,
        f"{GUIDE}, Access Training Data",
    ),
    Row(
        "compression outside Pipe mode",
        {"inputs": {"train": {"s3_uri": "data://x/", "compression_type": "Gzip"}}},
        "inputs.train.compression_type",
        "Pipe mode only",
        "leave it out",
        f"{API}, Channel",
    ),
    Row(
        "attributes without an augmented manifest",
        {"inputs": {"train": {"s3_uri": "data://x/", "attribute_names": ["label"]}}},
        "inputs.train.attribute_names",
        "only an augmented manifest",
        "AugmentedManifestFile",
        f"{API}, S3DataSource",
    ),
    Row(
        "a FastFile prefix that is no whole folder",
        {"inputs": {"train": {"s3_uri": "data://x", "input_mode": "FastFile"}}},
        "inputs.train.s3_uri",
        "whole folders only",
        None,
        "AWS's own refusal, Data download failed",
    ),
    Row(
        "a checkpoint path without a URI",
        {"checkpoint_config": {"local_path": "/opt/ml/checkpoints"}},
        "checkpoint_config.s3_uri",
        "missing",
        "write",
        f"{API}, CheckpointConfig",
    ),
    Row(
        "more than 100 hyperparameters",
        {"hyperparameters": {f"k{number}": 1 for number in range(101)}},
        "hyperparameters",
        "101 hyperparameters",
        "0 to 100",
        f"{API}, CreateTrainingJob",
    ),
    Row(
        "more than 100 variables, the platform's own included",
        {"environment": {f"K{number}": "1" for number in range(100)}, "precision": "bf16"},
        "environment",
        "102 entries",
        "100 at most",
        f"{API}, CreateTrainingJob",
    ),
    Row(
        "a hyperparameter's value over 2500 characters",
        {"hyperparameters": {"vocabulary": "v" * 2501}},
        "hyperparameters.vocabulary",
        "2501 characters",
        "2500",
        f"{API}, HyperParameters",
    ),
    Row(
        "a variable's value over 512 characters",
        {"environment": {"LONG": "v" * 513}},
        "environment.LONG",
        "513 characters",
        "512",
        f"{API}, TrainingEnvironmentMap",
    ),
    Row(
        "a channel name over 64 characters",
        {"inputs": {"c" * 65: "data://x/"}},
        "inputs." + "c" * 65,
        "does not take this name",
        "64 at most",
        f"{API}, Channel",
    ),
    Row(
        "a request over 128 KiB",
        {"hyperparameters": {f"k{number}": "v" * 2400 for number in range(60)}},
        "hyperparameters",
        "HyperParameters takes",
        "131,072 bytes",
        "Step Functions carries 256 KiB of state, half of which is the request's",
    ),
    Row(
        "two containers",
        {"image": "platform", "algorithm": "xgboost:1.7-1"},
        "algorithm",
        "both say what runs",
        "keep one",
        f"{API}, AlgorithmSpecification",
    ),
    Row(
        "a version that AWS has no container of",
        {"framework": "pytorch:2.8.9", "source_code": SCRIPT},
        "framework",
        "2.8.9",
        "",
        f"{SDK}, image_uris",
    ),
    Row(
        "an algorithm that AWS does not have",
        {"algorithm": "xgbost:1.7-1"},
        "algorithm",
        "xgbost",
        "xgboost",
        f"{SDK}, image_uris",
    ),
    Row(
        "a framework without a script",
        {"framework": "pytorch:2.8.0"},
        "source_code",
        "runs a script",
        "entry_script: train.py",
        f"{SDK}, estimator.Framework",
    ),
    Row(
        "a local folder in an execution",
        {"framework": "pytorch:2.8.0", "source_code": {"source_dir": "src", "entry_script": "train.py"}},
        "source_code.source_dir",
        "a folder of one machine",
        "trainwright run",
        "an execution sees no files of the machine that started it",
    ),
    Row(
        "a script and a command",
        {"source_code": {**SCRIPT, "command": "python train.py"}},
        "source_code.command",
        "both say what to start",
        "keep one",
        "one process is the job",
    ),
    Row(
        "requirements under network isolation",
        {
            "source_code": {**SCRIPT, "requirements": "requirements.txt"},
            "network": {"enable_network_isolation": True},
        },
        "source_code.requirements",
        "cannot be installed",
        "into the image",
        f"{GUIDE}, Run Training in Internet-Free Mode",
    ),
    Row(
        "requirements under another name in AWS's containers",
        {"framework": "pytorch:2.8.0", "source_code": {**SCRIPT, "requirements": "needs.txt"}, "compute": GPU},
        "source_code.requirements",
        "requirements.txt alone",
        "source_code.command",
        "aws/sagemaker-training-toolkit, modules.py",
    ),
    Row(
        "secrets in AWS's containers",
        {"framework": "pytorch:2.8.0", "source_code": SCRIPT, "compute": GPU, "secrets": {"TOKEN": SECRET}},
        "secrets",
        "TRAINWRIGHT_SECRET_TOKEN",
        None,
        "trainkit fetches secrets; AWS's toolkit does not know them",
    ),
    Row(
        "a number of processes for torchrun in AWS's containers",
        {
            "framework": "pytorch:2.8.0",
            "source_code": SCRIPT,
            "compute": {**GPU, "instance_count": 2},
            "distributed": {"launcher": "torchrun", "process_count_per_node": 2},
        },
        "distributed.process_count_per_node",
        "is told no other number",
        None,
        f"{SDK}, pytorch.estimator",
    ),
    Row(
        "a channel name that a command's variables cannot hold",
        {
            "source_code": {"source_dir": SCRIPT["source_dir"], "command": "make"},
            "inputs": {"my-data": "data://x/"},
        },
        "inputs.my-data",
        "SM_CHANNEL_NAME",
        "write my_data",
        "names of variables (POSIX)",
    ),
    Row(
        "a hyperparameter name that the launcher cannot pass on",
        {"source_code": SCRIPT, "hyperparameters": {"learning rate": 1}},
        "hyperparameters.learning rate",
        "does not survive",
        "letters",
        "aws/sagemaker-training-toolkit, mapping.py",
    ),
    Row(
        "a hyperparameter that is a message to the toolkit",
        {"hyperparameters": {"sagemaker_program": "x.py"}},
        "hyperparameters.sagemaker_program",
        "messages to AWS's toolkits",
        "another name",
        "aws/sagemaker-training-toolkit, params.py",
    ),
    Row(
        "SMDDP on a type that it does not support",
        {"framework": "pytorch:2.2.0", "source_code": SCRIPT, "compute": GPU, "distributed": "smddp"},
        "distributed",
        "does not work on ml.g5.xlarge",
        "launcher: torchrun",
        f"{SDK}, fw_utils",
    ),
    Row(
        "SMDDP with a version that it does not support",
        {
            "framework": "pytorch:2.8.0",
            "source_code": SCRIPT,
            "compute": {"instance_type": "ml.p4d.24xlarge"},
            "distributed": "smddp",
        },
        "distributed",
        "does not work with pytorch 2.8.0",
        "2.2.0",
        f"{SDK}, fw_utils",
    ),
    Row(
        "a parameter server for PyTorch",
        {
            "framework": "pytorch:2.8.0",
            "source_code": SCRIPT,
            "compute": {**GPU, "instance_count": 2},
            "distributed": "parameter_server",
        },
        "distributed",
        "does not start scripts of pytorch",
        "tensorflow",
        f"{SDK}, tensorflow.estimator",
    ),
    Row(
        "torchrun with nothing to distribute",
        {"source_code": SCRIPT, "distributed": "torchrun"},
        "distributed",
        "nothing to distribute",
        "leave distributed out",
        "one host without accelerators has one process",
    ),
    Row(
        "DeepSpeed without a GPU",
        {
            "framework": "pytorch:2.8.0",
            "source_code": SCRIPT,
            "compute": {"instance_type": "ml.m5.xlarge", "instance_count": 2},
            "distributed": {"launcher": "deepspeed", "zero_stage": 3},
        },
        "distributed.launcher",
        "ml.m5.xlarge",
        "GPUs",
        "DeepSpeed's ZeRO shards what is in GPU memory",
    ),
    Row(
        "a ZeRO stage for another launcher",
        {
            "source_code": SCRIPT,
            "compute": {**GPU, "instance_count": 2},
            "distributed": {"launcher": "torchrun", "zero_stage": 2},
        },
        "distributed.zero_stage",
        "DeepSpeed's",
        "launcher: deepspeed",
        "zero_stage is DeepSpeed's",
    ),
    Row(
        "several processes of an algorithm",
        {"algorithm": "xgboost:1.7-1", "compute": {"instance_type": "ml.m5.large", "instance_count": 2}}
        | {"distributed": "mpi"},
        "distributed",
        "distributes itself",
        "leave distributed out",
        f"{GUIDE}, Built-in Algorithms",
    ),
    Row(
        "bf16 on a GPU that does not have it",
        {"compute": {"instance_type": "ml.g4dn.xlarge"}, "precision": "bf16"},
        "precision",
        "no bf16",
        "fp16",
        "NVIDIA, CUDA C++ Programming Guide: bfloat16 from compute capability 8.0 on",
    ),
    Row(
        "fp16 without a GPU",
        {"precision": "fp16"},
        "precision",
        "needs a GPU",
        "write off",
        "PyTorch, Automatic Mixed Precision: float16 is for CUDA",
    ),
    Row(
        "the Training Compiler where there is no image",
        {
            "framework": "pytorch:2.8.0",
            "source_code": SCRIPT,
            "compute": {"instance_type": "ml.p3.2xlarge"},
            "compilation": "training_compiler",
        },
        "framework",
        "2.8.0",
        "",
        f"{SDK}, training_compiler",
    ),
    Row(
        "the Training Compiler at all",
        {
            "framework": "pytorch:1.13.1",
            "source_code": SCRIPT,
            "compute": {"instance_type": "ml.p3.2xlarge"},
            "compilation": "training_compiler",
        },
        "compilation.training_compiler",
        "no longer develops",
        None,
        f"{GUIDE}, Training Compiler release notes",
    ),
    Row(
        "remote debugging under network isolation",
        {"remote_debug": True, "network": {"enable_network_isolation": True}},
        "remote_debug",
        "cannot be reached",
        "leave isolation out",
        f"{GUIDE}, Access a training container through AWS Systems Manager",
    ),
    Row(
        "secrets under network isolation",
        {"secrets": {"TOKEN": SECRET}, "network": {"enable_network_isolation": True}},
        "secrets.TOKEN",
        "Secrets Manager",
        "leave isolation out",
        f"{GUIDE}, Run Training in Internet-Free Mode",
    ),
    Row(
        "a raw field that is the platform's",
        {"overrides": {"RoleArn": "arn:aws:iam::123456789012:role/admin"}},
        "overrides.RoleArn",
        "execution role",
        "leave it out",
        "records, reports and permissions depend on it",
    ),
    Row(
        "HardwareUtilization among the profiler's rules",
        {"profiler": {"rules": ["HardwareUtilization"]}},
        "profiler.rules",
        "OverallSystemUsage and LowGPUUtilization",
        None,
        f"{GUIDE}, Debugger built-in profiler rules",
    ),
    Row(
        "framework profiling",
        {"profiler": {"parameters": {"DetailedProfilingConfig": "{}"}}},
        "profiler.parameters",
        "deprecated framework profiling",
        None,
        f"{GUIDE}, Debugger release notes (2023-03-16)",
    ),
    Row(
        "tensors of a distributed job with checkpoints",
        {
            "debugger": True,
            "source_code": SCRIPT,
            "distributed": "torchrun",
            "compute": {**GPU, "instance_count": 2, "spot": True},
        },
        "debugger",
        "saves no tensors",
        None,
        f"{GUIDE}, Use Checkpoints in Amazon SageMaker",
    ),
    Row(
        "too many channels with the source's own",
        {
            "source_code": SCRIPT,
            "network": {"enable_network_isolation": True},
            "inputs": {f"c{number}": "data://x/" for number in range(20)},
        },
        "inputs",
        "21 channels",
        "20 at most",
        f"{API}, CreateTrainingJob",
    ),
    Row(
        "a type that the team's policy does not allow",
        {"compute": {"instance_type": "ml.p4d.24xlarge"}},
        "compute.instance_type",
        "does not allow",
        "ml.m5.*",
        "the team's policy, allow.instance_types",
        {"team": "vision", "allow": {"instance_types": ["ml.m5.*"]}},
    ),
    Row(
        "source outside what the policy lets runs read",
        {"source_code": {**SCRIPT, "source_dir": "s3://another/source.tar.gz"}},
        "source_code.source_dir",
        "does not allow",
        "data://",
        "the team's policy, allow.data",
        {"team": "vision"},
    ),
    Row(
        "a rule that runs in an image that the policy does not allow",
        {"debugger": True, "debug_rule_configurations": [EVALUATOR]},
        "debug_rule_configurations[0].rule_evaluator_image",
        "does not allow",
        "platform",
        "the team's policy, allow.images",
        {"team": "vision", "allow": {"images": ["platform"]}},
    ),
    Row(
        "a rule that runs on a machine that the policy does not allow",
        {"debugger": True, "debug_rule_configurations": [{**AWSS_EVALUATOR, "instance_type": "ml.c5.2xlarge"}]},
        "debug_rule_configurations[0].instance_type",
        "does not allow",
        "ml.m5.*",
        "the team's policy, allow.instance_types",
        {"team": "vision", "allow": {"instance_types": ["ml.m5.*"]}},
    ),
    Row(
        "a rule whose code, or whose other runs, the policy does not let runs read",
        {
            "debugger": True,
            "debug_rule_configurations": [
                {**AWSS_EVALUATOR, "rule_parameters": {"source_s3_uri": "s3://another/rule.py"}}
            ],
        },
        "debug_rule_configurations[0].rule_parameters.source_s3_uri",
        "does not allow",
        "data://",
        "the team's policy, allow.data; SageMaker SDK v2, debugger.Rule.custom",
        {"team": "vision"},
    ),
    Row(
        "an algorithm resource that the policy does not list",
        {"algorithm_name": "arn:aws:sagemaker:us-east-1:123456789012:algorithm/another"},
        "algorithm_name",
        "does not allow",
        "whose ARN allow.images lists",
        "the team's policy, allow.images",
        {"team": "vision", "allow": {"images": ["platform", "algorithm"]}},
    ),
    Row(
        "hub content of an account",
        {"inputs": {"t": {"dataset_arn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/hub/DataSet/d"}}},
        "inputs.t.dataset_arn",
        "no team is given this",
        "leave it out",
        "no capability has a grant for it; AWS's own hub content passes",
        {"team": "vision"},
    ),
    Row(
        "a function that signs in to a registry",
        {"training_image_config": PRIVATE_REGISTRY, "network": VPC},
        "training_image_config.training_repository_auth_config.training_repository_credentials_provider_arn",
        "no team is given this",
        "leave it out",
        "no capability has a grant for it",
        {"team": "vision", "capabilities": {"vpc": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}}},
    ),
    Row(
        "going on on demand where the policy does not allow it",
        {"compute": {**SPOT, "fallback": "on_demand"}},
        "compute.fallback",
        "does not allow",
        "none",
        "the team's policy, allow.fallback",
        {"team": "vision", "allow": {"fallback": False}},
    ),
    Row(
        "a cap above the policy's",
        {"compute": GPU, "limits": {"max_cost_usd": 30}},
        "limits.max_cost_usd",
        "does not allow",
        "up to 25 USD",
        "the team's policy, budget.max_cost_usd",
        {"team": "vision", "budget": {"max_cost_usd": 25}},
    ),
    Row(
        "raw fields where the policy does not allow them",
        {"overrides": {"InfraCheckConfig": {"EnableInfraCheck": True}}},
        "overrides.InfraCheckConfig",
        "does not allow",
        "platform team",
        "the team's policy, allow.overrides",
        {"team": "vision"},
    ),
    Row(
        "a raw field that writes elsewhere",
        {"overrides": {"ProfilerConfig": {"S3OutputPath": "s3://another/x/"}}},
        "overrides.ProfilerConfig",
        "the platform decides where outputs go",
        "leave S3OutputPath out",
        "records, reports and permissions depend on it",
        {"team": "vision", "allow": {"overrides": True}},
    ),
    Row(
        "a raw field that speaks to the launcher for the platform",
        {"overrides": {"HyperParameters": {"sagemaker_submit_directory": "s3://another/sourcedir.tar.gz"}}},
        "overrides.HyperParameters",
        "sagemaker_submit_directory is the platform's own to set",
        "leave sagemaker_submit_directory out",
        "what starts in the container is the request's to say",
        {"team": "vision", "allow": {"overrides": True}},
    ),
    Row(
        "raw fields that name what the policy does not list",
        {"overrides": {"CheckpointConfig": {"S3Uri": "s3://another/x/"}}},
        "overrides.CheckpointConfig.S3Uri",
        "does not allow",
        "data://",
        "the team's policy, allow.data and capabilities",
        {"team": "vision", "allow": {"overrides": True}},
    ),
    Row(
        "raw fields that need a capability",
        {"overrides": {"ExperimentConfig": {"TrialName": "night"}}},
        "overrides.ExperimentConfig",
        "not provisioned for team vision: add capabilities.experiments: true to its policy and deploy",
        "ask the platform team",
        "the team's policy, capabilities.experiments",
        {"team": "vision", "allow": {"overrides": True}},
    ),
    Row(
        "raw fields that undo what the policy always sets",
        {"overrides": {"EnableNetworkIsolation": False}},
        "overrides.EnableNetworkIsolation",
        "always sets networking.enable_network_isolation",
        "platform team",
        "the team's policy, always",
        {"team": "vision", "allow": {"overrides": True}, "always": {"network": {"enable_network_isolation": True}}},
    ),
    Row(
        "a serverless job",
        {
            "compute": {},
            "serverless_job_config": {
                "base_model_arn": "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/m/1.0.0",
                "job_type": "FineTuning",
            },
        },
        "serverless_job_config.job_type",
        "does not allow",
        "jobs on instance types",
        "IAM holds every job to the allowed types, and this one names none",
        {"team": "vision"},
    ),
    *(
        Row(
            f"a capability that the team does not have: {name}",
            request,
            field,
            f"not provisioned for team vision: add capabilities.{line} to its policy and deploy",
            "ask the platform team",
            f"the team's policy, capabilities.{name}",
            {"team": "vision"},
        )
        for name, request, field, line in [
            ("vpc", {"network": VPC}, "network.subnets", "vpc.subnets: [subnet-1]"),
            ("efs", {"inputs": {"t": FILES}, "network": VPC}, "inputs.t.file_system_id", "efs: [fs-0a1b2c3d]"),
            (
                "fsx",
                {"inputs": {"t": {**FILES, "file_system_type": "FSxLustre"}}, "network": VPC},
                "inputs.t.file_system_id",
                "fsx: [fs-0a1b2c3d]",
            ),
            ("remote_debug", {"remote_debug": True}, "remote_debug", "remote_debug: true"),
            ("session_tags", {"session_tags": True}, "session_tags", "session_tags: true"),
            ("experiments", {"experiment": "night"}, "experiment", "experiments: true"),
            (
                "experiments, by another name",
                {"experiment_config": {"trial_name": "night"}},
                "experiment_config.trial_name",
                "experiments: true",
            ),
            (
                "model_package, to go on from",
                {
                    "model_package_config": {
                        "model_package_group_arn": f"{PACKAGE}-group/own",
                        "source_model_package_arn": f"{PACKAGE}/other/1",
                    }
                },
                "model_package_config.source_model_package_arn",
                f"model_package: [{PACKAGE}-group/other]",
            ),
            ("secrets", {"secrets": {"TOKEN": SECRET}}, "secrets.TOKEN", f"secrets: [{SECRET}]"),
            (
                "keys",
                {"output_data_config": {"kms_key_id": KEY}},
                "output_data_config.kms_key_id",
                f"keys: [{KEY}]",
            ),
            (
                "write",
                {"checkpoint_config": {"s3_uri": "s3://theirs/x"}},
                "checkpoint_config.s3_uri",
                "write: [s3://theirs/x/]",
            ),
            ("keep_alive", {"compute": {**GPU, "keep_alive": "20m"}}, "compute.keep_alive", "keep_alive: 20m"),
            (
                "mlflow",
                {"mlflow": "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/a"},
                "mlflow",
                "mlflow: [arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/a]",
            ),
            (
                "model_package",
                {"model_package": "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/a"},
                "model_package",
                "model_package: [arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/a]",
            ),
            (
                "training_plans",
                {"compute": {**GPU, "training_plan": "arn:aws:sagemaker:eu-west-1:123456789012:training-plan/a"}},
                "compute.training_plan",
                "training_plans: [arn:aws:sagemaker:eu-west-1:123456789012:training-plan/a]",
            ),
        ]
    ),
]

INTRODUCTION = """# What a run request is refused for

Settings that are each right by themselves and do not go together. Every row is a test (tests/unit/test_refusals.py);
this page is made of the tests' own table: `python tests/unit/refusals.py > docs/refusals.md`. Limits of single values
(lengths, patterns, ranges) come from the API's model and are not listed. `trainwright explain CODE` says what a code
means.

Before all that, the command line's reader refuses what would be lost in reading (tests/cli/test_yaml.py,
tests/cli/test_unquoted.py): a key that is there twice; a date, a version such as 2.10, or another number without quotes
where text is meant. With a local source_dir it also looks into the folder: a missing script or requirements file, a
requirements.txt under network isolation.

| Rule | Breaks it | Told at | Said | Source |
|---|---|---|---|---|
"""


def page() -> str:
    """docs/refusals.md."""
    return INTRODUCTION + "".join(map(line, ROWS))


def line(row: Row) -> str:
    breaks = json.dumps(row.request)
    shown = breaks if len(breaks) < 160 else f"{breaks[:150]}..."
    said = row.says if row.fix is not None else f"warning: {row.says}"
    cells = [row.rule, f"`{shown}`", f"`{row.field}`", said, row.source]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    print(page(), end="")
