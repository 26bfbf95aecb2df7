"""Every member of CreateTrainingJobRequest, at every depth, is reached by a run request, or is listed with its reason.

The requests below are rendered, checked by the API's model, and their members counted: nothing is taken from a table of
names. A newer botocore that adds a member fails this test.
"""

import pytest

from trainwright_runtime.handlers.api_model import check_request, create_training_job_shape
from trainwright_runtime.job import named, render
from trainwright_runtime.request import Checked, check
from trainwright_runtime.site import Site
from trainwright_runtime.spec import SAMPLE_FACTS, first_spec

ARN = "arn:aws:{}:us-east-1:123456789012:{}"
PLAN = ARN.format("sagemaker", "training-plan/forty-eight-gpus-in-december")
KEY = ARN.format("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
SMALL = {"instance_type": "ml.m5.large"}
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/"

REQUESTS = {
    "scripts": {
        "image": "platform",
        "training_image_config": {
            "training_repository_access_mode": "Vpc",
            "training_repository_auth_config": {
                "training_repository_credentials_provider_arn": ARN.format("lambda", "function:sign-in")
            },
        },
        "container_entrypoint": ["python"],
        "container_arguments": ["train.py"],
        "input_mode": "File",
        "metrics_time_series": True,
        "metrics": {"loss": "loss=(.*)"},
        "hyperparameters": {"epochs": 3},
        "environment": {"MODE": "fast"},
        "tags": {"purpose": "parity"},
        "compute": {**SMALL, "spot": True, "volume": "40 GB", "volume_kms_key_id": KEY},
        "limits": {"max_runtime": "1h", "max_wait": "2h", "max_pending": "1h"},
        "network": {
            "subnets": ["subnet-1"],
            "security_group_ids": ["sg-1"],
            "enable_network_isolation": True,
            "enable_inter_container_traffic_encryption": True,
        },
        "output_data_config": {"kms_key_id": KEY, "compression_type": "NONE"},
        "health": {"infra_check": True, "retries": 3},
        "session_tags": True,
        "experiment_config": {
            "experiment_name": "e",
            "trial_name": "t",
            "trial_component_display_name": "c",
            "run_name": "r",
        },
        "mlflow_config": {
            "mlflow_resource_arn": ARN.format("sagemaker", "mlflow-tracking-server/ours"),
            "mlflow_experiment_name": "e",
            "mlflow_run_name": "r",
        },
        "model_package_config": {
            "model_package_group_arn": ARN.format("sagemaker", "model-package-group/g"),
            "source_model_package_arn": ARN.format("sagemaker", "model-package/g/1"),
        },
        "tensorboard": {"local_path": "/opt/ml/output/tensorboard"},
    },
    "channels": {
        "algorithm_name": ARN.format("sagemaker", "algorithm/mine"),
        "compute": {
            "instance_groups": [
                {"instance_group_name": "gpu", "instance_type": "ml.g5.xlarge", "instance_count": 1},
                {"instance_group_name": "cpu", "instance_type": "ml.m5.large", "instance_count": 2},
            ]
        },
        "network": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]},
        "inputs": {
            "pipe": {
                "s3_uri": "s3://bucket/labels.manifest",
                "s3_data_type": "AugmentedManifestFile",
                "s3_data_distribution_type": "ShardedByS3Key",
                "attribute_names": ["source-ref"],
                "instance_group_names": ["gpu"],
                "content_type": "application/x-recordio",
                "compression_type": "Gzip",
                "record_wrapper_type": "RecordIO",
                "input_mode": "Pipe",
                "shuffle_seed": 7,
            },
            "model": {
                "s3_uri": "s3://bucket/model/",
                "model_access_config": {"accept_eula": True},
                "hub_access_config": {"hub_content_arn": f"{HUB}Model/m/1.0.0"},
            },
            "shared": {
                "file_system_id": "fs-0a1b2c3d",
                "file_system_type": "EFS",
                "directory_path": "/data",
                "file_system_access_mode": "rw",
            },
            "set": {"dataset_arn": f"{HUB}DataSet/d/1.0.0"},
        },
    },
    "debugger and profiler": {
        "image": "platform",
        "compute": {"instance_type": "ml.g5.xlarge", "keep_alive": "20m", "training_plan": PLAN},
        "remote_debug": True,
        "debug_hook_config": {
            "local_path": "/opt/ml/output/tensors",
            "hook_parameters": {"save_interval": "100"},
            "collection_configurations": [{"collection_name": "losses", "collection_parameters": {"a": "b"}}],
        },
        "debug_rule_configurations": [
            {
                "rule_configuration_name": "mine",
                "rule_evaluator_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/rule:1",
                "local_path": "/opt/ml/processing/output/rule",
                "instance_type": "ml.t3.medium",
                "volume_size_in_gb": 10,
                "rule_parameters": {"threshold": 2},
            }
        ],
        "profiler_config": {
            "profiling_interval_in_milliseconds": 500,
            "profiling_parameters": {"DetailedProfilingConfig": "{}"},
            "disable_profiler": False,
        },
        "profiler_rule_configurations": [
            {
                "rule_configuration_name": "mine",
                "rule_evaluator_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/rule:1",
                "local_path": "/opt/ml/processing/output/rule",
                "instance_type": "ml.t3.medium",
                "volume_size_in_gb": 10,
                "rule_parameters": {"threshold": 2},
            }
        ],
    },
    "capacity": {
        "image": "platform",
        "compute": {
            "instance_preferences": [
                {"instance_type": "ml.p5.48xlarge", "instance_count": 1, "training_plan_arns": [PLAN]},
                {"instance_type": "ml.p4d.24xlarge", "instance_count": 2},
            ],
        },
    },
    "placement": {
        "image": "platform",
        "compute": {
            "instance_type": "ml.p6e-gb200.36xlarge",
            "instance_placement_config": {
                "enable_multiple_jobs": True,
                "placement_specifications": [{"ultra_server_id": "us-1", "instance_count": 1}],
            },
        },
    },
    "serverless": {
        "serverless_job_config": {
            "base_model_arn": f"{HUB}Model/m/1.0.0",
            "job_type": "FineTuning",
            "accept_eula": True,
            "customization_technique": "SFT",
            "peft": "LORA",
            "evaluation_type": "LLMAJEvaluation",
            "evaluator_arn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/JsonDoc/e/1.0.0",
            "sequence_length": "4K",
        },
    },
    "checkpoints of one's own": {
        "image": "platform",
        "compute": SMALL,
        "checkpoint_config": {"s3_uri": "s3://bucket/prefix/", "local_path": "/opt/ml/checkpoints"},
    },
}

NOT_REACHED = {
    "ResourceConfig.SelectedInstanceType": "read-only: DescribeTrainingJob's answer for instance preferences",
    "ResourceConfig.SelectedInstanceCount": "read-only: DescribeTrainingJob's answer for instance preferences",
    "DebugRuleConfigurations[].S3OutputPath": "the platform decides where outputs go",
    "ProfilerRuleConfigurations[].S3OutputPath": "the platform decides where outputs go",
}


def rendered(name):
    checked = check(
        {"name": "parity", **REQUESTS[name]},
        api=check_request,
        site=Site(subnets=("subnet-1",), security_groups=("sg-1",)),
    )
    assert isinstance(checked, Checked), [problem.sentence() for problem in checked]
    return named(render(first_spec(checked.resolved, SAMPLE_FACTS)), "sample-0123456789-1", 1)


def members(shape, path=""):
    """Every leaf of the API's input, as `InputDataConfig[].DataSource.S3DataSource.S3Uri`."""
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            yield from members(inner, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        yield from members(shape.member, f"{path}[]")
    else:
        yield path


def reached(shape, value, path=""):
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from reached(shape.members[name], inner, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        for entry in value:
            yield from reached(shape.member, entry, f"{path}[]")
    else:
        yield path


def test_every_member_of_the_api_is_reached_or_listed_with_its_reason():
    shape = create_training_job_shape()
    found = {path for name in REQUESTS for path in reached(shape, rendered(name))}
    assert set(members(shape)) - found == set(NOT_REACHED)


@pytest.mark.parametrize("member", sorted(NOT_REACHED))
def test_what_is_listed_is_not_reached(member):
    assert all(member not in set(reached(create_training_job_shape(), rendered(name))) for name in REQUESTS)


def test_raw_fields_reach_what_a_request_has_no_name_for():
    data = {
        "name": "raw",
        "compute": SMALL,
        "overrides": {"ProfilerConfig": {"DisableProfiler": True}, "Environment": {"A": "b"}},
        "environment": {"A": "a", "C": "d"},
    }
    checked = check(data, api=check_request)
    assert isinstance(checked, Checked)
    request = render(first_spec(checked.resolved, SAMPLE_FACTS))
    assert request["ProfilerConfig"] == {"DisableProfiler": True}
    assert request["Environment"] == {"A": "b", "C": "d"}


def test_a_raw_field_that_the_api_does_not_have_is_refused():
    data = {"name": "raw", "compute": SMALL, "overrides": {"StoppingConditions": {"MaxRuntimeInSeconds": 60}}}
    problem = check(data, api=check_request)[0]
    assert problem.field == "overrides.StoppingConditions"
    assert "no such field" in problem.problem


def test_what_is_wrong_in_a_raw_field_is_told_there():
    data = {"name": "raw", "compute": SMALL, "overrides": {"ResourceConfig": {"InstanceType": 5}}}
    assert [problem.field for problem in check(data, api=check_request)] == ["overrides.ResourceConfig"]


def test_a_number_that_the_api_has_no_room_for_is_refused():
    data = {"name": "many", "compute": SMALL | {"instance_count": 2**31}}
    assert [problem.field for problem in check(data, api=check_request)] == ["compute.instance_count"]
