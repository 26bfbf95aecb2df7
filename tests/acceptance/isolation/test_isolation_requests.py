"""Team `a` names what is team `b`'s in every field of a run request that takes an address, a name or an ARN."""

import json
from pathlib import Path

import pytest

SCHEMA = Path(__file__).parents[3] / "docs" / "run-request.schema.json"
ARN = "arn:aws:{service}:us-east-1:123456789012:{resource}"


def arn(service, resource):
    return ARN.format(service=service, resource=resource)


PLAN = arn("sagemaker", "training-plan/theirs")
IN_VPC = {"network": {"subnets": ["subnet-0aaaaaaaa"], "security_group_ids": ["sg-0aaaaaaaa"]}}
EFS = {"file_system_id": "fs-0bbbbbbbb", "file_system_type": "EFS", "directory_path": "/theirs"}


def bucket(name):
    return lambda b, path="": f"s3://{b[f'{name}_bucket']}/{path}"


data, artifacts, checkpoints, reports = (bucket(name) for name in ("data", "artifacts", "checkpoints", "reports"))


def rule(image):
    return [{"rule_configuration_name": "theirs", "rule_evaluator_image": image}]


def channel(**words):
    return {"inputs": {"train": words}}


# By the field's path: requests that name something of the other team in it.
ADDRESSES = {
    "algorithm_name": lambda b: [{"image": None, "algorithm_name": arn("sagemaker", "algorithm/theirs")}],
    "checkpoint_config.s3_uri": lambda b: [
        {"checkpoints": None, "checkpoint_config": {"s3_uri": uri}}
        for uri in (checkpoints(b, f"runs/{b['run']}/"), data(b, "secret/"), artifacts(b, f"runs/{b['run']}/"))
    ],
    "compute.instance_preferences.[].training_plan_arns.[]": lambda b: [
        {
            "compute": {
                "instance_count": 1,
                "instance_preferences": [{"instance_type": "ml.m5.large", "training_plan_arns": [PLAN]}],
            }
        }
    ],
    "compute.training_plan": lambda b: [{"compute": {"instance_type": "ml.m5.large", "training_plan": PLAN}}],
    "compute.training_plan_arn": lambda b: [{"compute": {"instance_type": "ml.m5.large", "training_plan_arn": PLAN}}],
    "compute.volume_kms_key_id": lambda b: [
        {"compute": {"instance_type": "ml.m5.large", "volume_kms_key_id": b["key"]}}
    ],
    "debug_rule_configurations.[].rule_evaluator_image": lambda b: [
        {"debugger": True, "debug_rule_configurations": rule(b["image"])}
    ],
    "experiment": lambda b: [{"experiment": "theirs"}],
    "experiment_config.experiment_name": lambda b: [{"experiment_config": {"experiment_name": "theirs"}}],
    "experiment_config.run_name": lambda b: [{"experiment_config": {"run_name": "theirs"}}],
    "experiment_config.trial_name": lambda b: [{"experiment_config": {"trial_name": "theirs"}}],
    "image": lambda b: [{"image": b["image"]}],
    "training_image": lambda b: [{"image": None, "training_image": b["image"]}],
    "inputs.*": lambda b: [
        {"inputs": {"train": uri}}
        for uri in (data(b, "secret/"), data(b), b["model"], checkpoints(b, f"runs/{b['run']}/"), reports(b, "runs/"))
    ],
    "inputs.*.s3_uri": lambda b: [
        channel(s3_uri=data(b, "secret/")),
        channel(s3_uri=data(b, "secret/plans.csv"), s3_data_type="ManifestFile"),
        channel(s3_uri=b["model"]),
    ],
    "inputs.*.dataset_arn": lambda b: [channel(dataset_arn=arn("sagemaker", "hub-content/theirs/DataSet/d/1.0.0"))],
    "inputs.*.file_system_id": lambda b: [{**channel(**EFS), **IN_VPC}],
    "inputs.*.hub_access_config.hub_content_arn": lambda b: [
        channel(
            s3_uri="data://models/",
            hub_access_config={"hub_content_arn": arn("sagemaker", "hub-content/theirs/Model/m/1.0.0")},
        )
    ],
    "mlflow": lambda b: [{"mlflow": arn("sagemaker", "mlflow-tracking-server/theirs")}],
    "mlflow_config.mlflow_resource_arn": lambda b: [
        {"mlflow_config": {"mlflow_resource_arn": arn("sagemaker", "mlflow-tracking-server/theirs")}}
    ],
    "model_package": lambda b: [{"model_package": arn("sagemaker", "model-package-group/theirs")}],
    "model_package_config.model_package_group_arn": lambda b: [
        {"model_package_config": {"model_package_group_arn": arn("sagemaker", "model-package-group/theirs")}}
    ],
    "model_package_config.source_model_package_arn": lambda b: [
        {
            "model_package_config": {
                "model_package_group_arn": arn("sagemaker", "model-package-group/ours"),
                "source_model_package_arn": arn("sagemaker", "model-package/theirs/1"),
            }
        }
    ],
    "network.security_group_ids.[]": lambda b: [
        {"network": {"subnets": ["subnet-0aaaaaaaa"], "security_group_ids": ["sg-0bbbbbbbb"]}}
    ],
    "network.subnets.[]": lambda b: [
        {"network": {"subnets": ["subnet-0bbbbbbbb"], "security_group_ids": ["sg-0aaaaaaaa"]}}
    ],
    "networking.security_group_ids.[]": lambda b: [
        {"networking": {"subnets": ["subnet-0aaaaaaaa"], "security_group_ids": ["sg-0bbbbbbbb"]}}
    ],
    "networking.subnets.[]": lambda b: [
        {"networking": {"subnets": ["subnet-0bbbbbbbb"], "security_group_ids": ["sg-0aaaaaaaa"]}}
    ],
    "output_data_config.kms_key_id": lambda b: [{"output_data_config": {"kms_key_id": b["key"]}}],
    "profiler_rule_configurations.[].rule_evaluator_image": lambda b: [
        {"profiler": True, "profiler_rule_configurations": rule(b["image"])}
    ],
    "secrets.*": lambda b: [{"secrets": {"TOKEN": arn("secretsmanager", "secret:theirs-AbCdEf")}}],
    "serverless_job_config.base_model_arn": lambda b: [
        {
            "image": None,
            "compute": {},
            "serverless_job_config": {
                "base_model_arn": arn("sagemaker", "hub-content/theirs/Model/m/1.0.0"),
                "job_type": "FineTuning",
            },
        }
    ],
    "serverless_job_config.evaluator_arn": lambda b: [
        {
            "image": None,
            "compute": {},
            "serverless_job_config": {
                "base_model_arn": arn("sagemaker", "hub-content/theirs/Model/m/1.0.0"),
                "evaluator_arn": arn("lambda", "function:theirs"),
                "job_type": "Evaluation",
            },
        }
    ],
    "source_code.source_dir": lambda b: [
        {"source_code": {"source_dir": data(b, "secret/sourcedir.tar.gz"), "entry_script": "train.py"}}
    ],
    "training_image_config.training_repository_auth_config.training_repository_credentials_provider_arn": lambda b: [
        {
            "training_image_config": {
                "training_repository_access_mode": "Vpc",
                "training_repository_auth_config": {
                    "training_repository_credentials_provider_arn": arn("lambda", "function:theirs")
                },
            },
            **IN_VPC,
        }
    ],
}
# Where the refusal is told, where it is not at the field itself.
TOLD_AT = {
    "secrets.*": "secrets.TOKEN",
    "serverless_job_config.base_model_arn": "serverless_job_config.job_type",
    "serverless_job_config.evaluator_arn": "serverless_job_config.job_type",
}
# Raw fields of CreateTrainingJob go round the fields above.
OVERRIDES = {
    "RoleArn": lambda b: b["execution_role_arn"],
    "OutputDataConfig": lambda b: {"S3OutputPath": artifacts(b, "runs/")},
    "CheckpointConfig": lambda b: {"S3Uri": checkpoints(b, f"runs/{b['run']}/")},
    "TrainingJobName": lambda b: f"{b['run']}-2",
    "DebugHookConfig": lambda b: {"S3OutputPath": artifacts(b, "runs/")},
    "ProfilerConfig": lambda b: {"S3OutputPath": artifacts(b, "runs/")},
    "TensorBoardOutputConfig": lambda b: {"S3OutputPath": artifacts(b, "runs/")},
}
# Text that names nothing of anybody's: words of the API, paths in the container, durations, the run's own names.
PLAIN = {
    "algorithm",
    "algorithm.name",
    "algorithm.version",
    "checkpoint_config.local_path",
    "checkpoints.every",
    "checkpoints.local_path",
    "compilation.torch_compile.backend",
    "compute.instance_groups.[].instance_group_name",
    "compute.instance_groups.[].instance_type",
    "compute.instance_placement_config.placement_specifications.[].ultra_server_id",  # of the training plan's capacity
    "compute.instance_preferences.[].instance_type",
    "compute.instance_type",
    "compute.instance_type.[]",
    "compute.keep_alive",
    "compute.volume",
    "container_arguments.[]",
    "container_entrypoint.[]",
    "debug_hook_config.collection_configurations.[].collection_name",
    "debug_hook_config.local_path",
    "debug_rule_configurations.[].instance_type",
    "debug_rule_configurations.[].local_path",
    "debug_rule_configurations.[].rule_configuration_name",
    "debugger.rules.[]",
    "debugger.rules.[].name",
    "distributed.config",
    "distributed.instance_groups.[]",
    "distributed.launcher",
    "distributed.mpi_additional_options.[]",
    "experiment_config.trial_component_display_name",
    "framework",
    "framework.base_framework_version",
    "framework.name",
    "framework.py_version",
    "framework.version",
    "inputs.*.attribute_names.[]",
    "inputs.*.content_type",
    "inputs.*.directory_path",  # of a file system, which is fenced
    "inputs.*.instance_group_names.[]",
    "limits.max_pending",
    "limits.max_runtime",
    "limits.max_wait",
    "metric_definitions.[].name",
    "metric_definitions.[].regex",
    "metrics.*",
    "mlflow_config.mlflow_experiment_name",  # of the server, which is fenced
    "mlflow_config.mlflow_run_name",
    "name",
    "profiler.rules.[]",
    "profiler.rules.[].name",
    "profiler_rule_configurations.[].instance_type",
    "profiler_rule_configurations.[].local_path",
    "profiler_rule_configurations.[].rule_configuration_name",
    "score",
    "serverless_job_config.sequence_length",
    "source_code.command",
    "source_code.entry_script",
    "source_code.ignore_patterns.[]",
    "source_code.requirements",
    "tensor_board_output_config.local_path",
    "tensorboard.local_path",
}


def texts(schema):
    """The path of every field of the schema that takes any text."""
    definitions, found = schema["$defs"], set()

    def walk(node, path, within=()):
        name = node.get("$ref", "").rpartition("/")[2]
        if name in within:
            return
        if name:
            walk(definitions[name], path, (*within, name))
        for kind in ("anyOf", "oneOf", "allOf"):
            for each in node.get(kind, []):
                walk(each, path, within)
        for key, each in node.get("properties", {}).items():
            walk(each, (*path, key), within)
        if isinstance(node.get("additionalProperties"), dict):
            walk(node["additionalProperties"], (*path, "*"), within)
        if node.get("type") == "array":
            walk(node.get("items", {}), (*path, "[]"), within)
        if node.get("type") == "string" and not {"enum", "const"} & set(node):
            found.add(".".join(path))

    walk(schema, ())
    return found


def test_every_field_that_takes_text_is_one_or_the_other():
    assert texts(json.loads(SCHEMA.read_text(encoding="utf-8"))) == PLAIN | set(ADDRESSES)
    assert not PLAIN & set(ADDRESSES)


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_run_starts_that_names_what_is_theirs(path, teams, theirs):
    for changes in ADDRESSES[path](theirs):
        refused(teams, changes, field=TOLD_AT.get(path, path.split(".[]")[0].replace(".*", ".train")))


@pytest.mark.parametrize("field", OVERRIDES)
def test_no_run_starts_that_names_it_in_a_raw_field(field, teams, theirs):
    refused(teams, {"overrides": {field: OVERRIDES[field](theirs)}}, field=f"overrides.{field}")


def refused(teams, changes, field):
    before = teams.jobs("a-")
    request = {name: value for name, value in {**REQUEST, **changes}.items() if value is not None}
    execution = teams.finish(teams.start("a", request))
    assert (execution["status"], execution.get("error")) == ("FAILED", "InvalidRunRequest"), (
        changes,
        execution.get("cause"),
    )
    assert field in execution["cause"], execution["cause"]
    assert teams.jobs("a-") == before


REQUEST = {
    "name": "theirs",
    "image": "platform",
    "compute": {"instance_type": "ml.m5.large"},
    "limits": {"max_runtime": "10m"},
}


def test_the_same_request_without_it_starts(teams):
    assert teams.finish(teams.start("a", REQUEST))["status"] == "SUCCEEDED"
