"""Team isolation in Prepare: whatever takes text, in a run request and in CreateTrainingJob's raw fields, is judged.

Both tables are held against the models: a new field fails here until somebody has said whether it names things.
"""

import pytest

from trainwright_runtime.handlers.api_model import check_request, create_training_job_shape
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked, check, json_schema
from trainwright_runtime.site import Site

ACCOUNT = "123456789012"
BUCKET = "s3://theirs/secret/x.tar.gz"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/theirs:1"
SCRIPT = {"source_dir": "data://source/0/sourcedir.tar.gz", "entry_script": "train.py"}
SITE = Site(subnets=("subnet-0aaaaaaa",), security_groups=("sg-0aaaaaaa",))
OURS = {
    "team": "a",
    "allow": {"images": ["platform", "framework", "algorithm"], "instance_types": ["ml.m5.*"]},
    "capabilities": {"model_package": [f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/ours"]},
}


def arn(resource, service="sagemaker", account=ACCOUNT):
    return f"arn:aws:{service}:us-east-1:{account}:{resource}"


OUR_GROUP = arn("model-package-group/ours")
KEY = arn("key/1234abcd-12ab-34cd-56ef-1234567890ab", "kms")
PLAN = arn("training-plan/theirs")
FUNCTION = arn("function:theirs", "lambda")
HUB = arn("hub-content/theirs/Model/m/1.0.0")
EVALUATOR = "864354269164.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rule-evaluator:latest"
FILES = {"file_system_id": "fs-0bbbbbbbb", "file_system_type": "EFS", "directory_path": "/theirs"}


def channel(**words):
    return {"inputs": {"train": words}}


def compute(**words):
    return {"compute": {"instance_type": "ml.m5.large", **words}}


def rule(section, **words):
    return {section: [{"rule_configuration_name": "r", "rule_evaluator_image": EVALUATOR, **words}]}


def rules(section):
    """Whatever text a rule takes."""
    return {
        f"{section}.[].rule_evaluator_image": rule(section, rule_evaluator_image=IMAGE),
        f"{section}.[].instance_type": rule(section, instance_type="ml.g5.xlarge"),
        f"{section}.[].rule_parameters.*": rule(section, rule_parameters={"source_s3_uri": BUCKET}),
    }


def serverless(**words):
    model = arn("hub-content/SageMakerPublicHub/Model/m/1.0.0", account="aws")
    return {
        "image": None,
        "compute": {},
        "serverless_job_config": {"base_model_arn": model, "job_type": "Evaluation", **words},
    }


# By the field's path: a request that names another team's thing in it.
NAMES = {
    "algorithm_name": {"image": None, "algorithm_name": arn("algorithm/theirs")},
    "checkpoint_config.s3_uri": {"checkpoint_config": {"s3_uri": "s3://theirs/runs/b-0123456789/"}},
    "compute.instance_groups.[].instance_type": {
        "compute": {
            "instance_groups": [{"instance_group_name": "g", "instance_type": "ml.g5.xlarge", "instance_count": 1}]
        }
    },
    "compute.instance_preferences.[].instance_type": {
        "compute": {"instance_preferences": [{"instance_type": "ml.g5.xlarge", "instance_count": 1}]}
    },
    "compute.instance_preferences.[].training_plan_arns.[]": {
        "compute": {
            "instance_count": 1,
            "instance_preferences": [{"instance_type": "ml.m5.large", "training_plan_arns": [PLAN]}],
        }
    },
    "compute.instance_type": compute(instance_type="ml.g5.xlarge"),
    "compute.instance_type.[]": compute(instance_type=["ml.g5.xlarge"]),
    "compute.training_plan": compute(training_plan=PLAN),
    "compute.training_plan_arn": compute(training_plan_arn=PLAN),
    "compute.volume_kms_key_id": compute(volume_kms_key_id=KEY),
    "debug_hook_config.collection_configurations.[].collection_parameters.*": {
        "debug_hook_config": {
            "collection_configurations": [{"collection_name": "c", "collection_parameters": {"x": BUCKET}}]
        }
    },
    "debug_hook_config.hook_parameters.*": {"debug_hook_config": {"hook_parameters": {"x": BUCKET}}},
    **rules("debug_rule_configurations"),
    "debugger.collections.*.*": {"debugger": {"collections": {"c": {"x": BUCKET}}}},
    "debugger.hook_parameters.*": {"debugger": {"hook_parameters": {"x": BUCKET}}},
    "debugger.rules.[].parameters.*": {
        "debugger": {"rules": [{"name": "SimilarAcrossRuns", "parameters": {"other_trial_0": f"s3://ours/x,{BUCKET}"}}]}
    },
    "experiment": {"experiment": "theirs"},
    "experiment_config.experiment_name": {"experiment_config": {"experiment_name": "theirs"}},
    "experiment_config.run_name": {"experiment_config": {"run_name": "theirs"}},
    "experiment_config.trial_component_display_name": {"experiment_config": {"trial_component_display_name": "x"}},
    "experiment_config.trial_name": {"experiment_config": {"trial_name": "theirs"}},
    "image": {"image": IMAGE},
    "inputs.*": {"inputs": {"train": "s3://theirs/secret/"}},
    "inputs.*.dataset_arn": channel(dataset_arn=arn("hub-content/theirs/DataSet/d/1.0.0")),
    "inputs.*.file_system_id": channel(**FILES),
    "inputs.*.hub_access_config.hub_content_arn": channel(
        s3_uri="data://m/", hub_access_config={"hub_content_arn": HUB}
    ),
    "inputs.*.s3_uri": channel(s3_uri="s3://theirs/list.manifest", s3_data_type="ManifestFile"),
    "mlflow": {"mlflow": arn("mlflow-tracking-server/theirs")},
    "mlflow_config.mlflow_resource_arn": {
        "mlflow_config": {"mlflow_resource_arn": arn("mlflow-tracking-server/theirs")}
    },
    "model_package": {"model_package": arn("model-package-group/theirs")},
    "model_package_config.model_package_group_arn": {
        "model_package_config": {"model_package_group_arn": arn("model-package-group/theirs")}
    },
    "model_package_config.source_model_package_arn": {
        "model_package_config": {
            "model_package_group_arn": OUR_GROUP,
            "source_model_package_arn": arn("model-package/theirs/1"),
        }
    },
    "network.security_group_ids.[]": {"network": {"security_group_ids": ["sg-0bbbbbbb"]}},
    "network.subnets.[]": {"network": {"subnets": ["subnet-0bbbbbbb"]}},
    "networking.security_group_ids.[]": {"networking": {"security_group_ids": ["sg-0bbbbbbb"]}},
    "networking.subnets.[]": {"networking": {"subnets": ["subnet-0bbbbbbb"]}},
    "output_data_config.kms_key_id": {"output_data_config": {"kms_key_id": KEY}},
    "profiler.parameters.*": {"profiler": {"parameters": {"x": BUCKET}}},
    "profiler.rules.[].parameters.*": {
        "profiler": {"rules": [{"name": "ProfilerReport", "parameters": {"source_s3_uri": BUCKET}}]}
    },
    "profiler_config.profiling_parameters.*": {"profiler_config": {"profiling_parameters": {"x": BUCKET}}},
    **rules("profiler_rule_configurations"),
    "secrets.*": {"secrets": {"TOKEN": arn("secret:theirs-AbCdEf", "secretsmanager")}},
    "serverless_job_config.base_model_arn": serverless(base_model_arn=HUB),
    "serverless_job_config.evaluator_arn": serverless(evaluator_arn=FUNCTION),
    "source_code.source_dir": {"source_code": {**SCRIPT, "source_dir": BUCKET}},
    "training_image": {"image": None, "training_image": IMAGE},
    "training_image_config.training_repository_auth_config.training_repository_credentials_provider_arn": {
        "training_image_config": {
            "training_repository_access_mode": "Vpc",
            "training_repository_auth_config": {"training_repository_credentials_provider_arn": FUNCTION},
        }
    },
}
# Text that nothing but the script reads: it has no more rights than the execution role.
THE_SCRIPTS_OWN = {
    *("container_arguments.[]", "container_entrypoint.[]", "environment.*", "hyperparameters.*"),
    *("distributed.config", "distributed.mpi_additional_options.[]", "distributed.parameters.*"),
    *("source_code.command", "source_code.entry_script", "source_code.requirements"),
}
# Words of the API, durations and sizes, paths in the container, names inside what the fields above fence.
PLAIN = {
    *("algorithm", "algorithm.name", "algorithm.version", "framework", "framework.base_framework_version"),
    *("framework.name", "framework.py_version", "framework.version"),
    *("checkpoint_config.local_path", "checkpoints.every", "checkpoints.local_path", "checkpoints"),
    "compilation.torch_compile.backend",
    "compute.instance_groups.[].instance_group_name",
    "compute.instance_placement_config.placement_specifications.[].ultra_server_id",  # of a training plan's capacity
    *("compute.keep_alive", "compute.volume", "limits.max_pending", "limits.max_runtime", "limits.max_wait"),
    *("debug_hook_config.collection_configurations.[].collection_name", "debug_hook_config.local_path"),
    *("debug_rule_configurations.[].local_path", "debug_rule_configurations.[].rule_configuration_name"),
    *("debugger.rules.[]", "debugger.rules.[].name", "profiler.rules.[]", "profiler.rules.[].name"),
    *("distributed.instance_groups.[]", "distributed.launcher"),
    *("inputs.*.attribute_names.[]", "inputs.*.content_type", "inputs.*.instance_group_names.[]"),
    "inputs.*.directory_path",  # of a file system, which is fenced
    *("metric_definitions.[].name", "metric_definitions.[].regex", "metrics.*"),
    *("mlflow_config.mlflow_experiment_name", "mlflow_config.mlflow_run_name"),  # of the server, which is fenced
    *("name", "score", "serverless_job_config.sequence_length", "source_code.ignore_patterns.[]"),
    *("profiler_rule_configurations.[].local_path", "profiler_rule_configurations.[].rule_configuration_name"),
    *("tags.*", "tensor_board_output_config.local_path", "tensorboard.local_path"),
    "overrides.*",  # below
}
TOLD_AT = {
    "compute.instance_type.[]": "compute.instance_type",
    "experiment_config.trial_component_display_name": "experiment_config",
    "serverless_job_config.base_model_arn": "serverless_job_config.job_type",
    "serverless_job_config.evaluator_arn": "serverless_job_config.job_type",
}


def request_texts():
    """The path of every field of a run request that takes any text, or anything."""
    schema, found = json_schema(), set()

    def walk(node, path, within=()):
        name = node.get("$ref", "").rpartition("/")[2]
        if name in within:
            return
        if name:
            walk(schema["$defs"][name], path, (*within, name))
        for each in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
            walk(each, path, within)
        for key, each in node.get("properties", {}).items():
            walk(each, (*path, key), within)
        if node.get("type") == "object" and (rest := node.get("additionalProperties")) is not False:
            walk(rest if isinstance(rest, dict) else {}, (*path, "*"), within)
        if node.get("type") == "array":
            walk(node.get("items", {}), (*path, "[]"), within)
        kinds = node.get(
            "type", "string" if not {"$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & set(node) else ()
        )
        if "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"enum", "const"} & set(node):
            found.add(".".join(path))

    walk(schema, ())
    return found


def judged(changes, policy=OURS):
    document = {"name": "x", "image": "platform", "compute": {"instance_type": "ml.m5.large"}, **changes}
    request = {name: value for name, value in document.items() if value is not None}
    return check(request, TeamPolicy.from_data(policy), check_request, SITE)


def told(changes, policy=OURS, codes=("TW201", "TW203")):
    """What the policy's fence says, by field; nothing that is wrong with the request for other reasons."""
    found = judged(changes, policy)
    assert isinstance(found, list), "this was let through"
    return {problem.field: problem for problem in found if problem.code in codes}


def test_every_field_that_takes_text_is_judged_or_names_nothing():
    assert request_texts() - PLAIN - THE_SCRIPTS_OWN == set(NAMES)
    assert not (PLAIN | THE_SCRIPTS_OWN) & set(NAMES)


@pytest.mark.parametrize("path", NAMES)
def test_what_is_theirs_is_refused_where_it_is_named(path):
    fields = told(NAMES[path])
    head = TOLD_AT.get(path, path.partition(".[]")[0].partition(".*")[0])
    assert [field for field in fields if field.startswith(head)], fields


RULES_IN = {"debugger": True, **rule("debug_rule_configurations", rule_parameters={"source_s3_uri": "s3://ours/r.py"})}


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"source_code": {**SCRIPT, "source_dir": "s3://ours/x.tar.gz"}}, {"allow": {"data": ["s3://ours/"]}}),
        ({"source_code": SCRIPT}, {"allow": {"data": ["s3://ours/"]}}),
        (RULES_IN, {"allow": {"data": ["s3://ours/"]}}),
        (
            rule("debug_rule_configurations", rule_evaluator_image=IMAGE),
            {"capabilities": {"repositories": [arn("repository/theirs", "ecr")]}},
        ),
        (rule("profiler_rule_configurations", instance_type="ml.t3.medium"), {"allow": {"instance_types": ["ml.*"]}}),
        ({"image": None, "algorithm_name": arn("algorithm/ours")}, {"allow": {"images": [arn("algorithm/our*")]}}),
        ({"image": None, "algorithm_name": "ours"}, {"allow": {"images": ["uri"]}}),
        ({"experiment_config": {"trial_name": "ours"}}, {"capabilities": {"experiments": True}}),
        (
            {
                "model_package_config": {
                    "model_package_group_arn": OUR_GROUP,
                    "source_model_package_arn": arn("model-package/ours/12"),
                }
            },
            {"capabilities": {"model_package": [arn("model-package-group/our*")]}},
        ),
        (channel(dataset_arn=arn("hub-content/SageMakerPublicHub/DataSet/d", account="aws")), {}),
    ],
    ids=str,
)
def test_what_the_policy_lists_passes(changes, more):
    result = judged(changes, {"team": "a", **more})
    assert isinstance(result, Checked), [problem.sentence() for problem in result]


@pytest.mark.parametrize(
    "image",
    [
        "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest",
        "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules@sha256:" + "0" * 64,
        "658757709296.dkr.ecr.cn-northwest-1.amazonaws.com.cn/sagemaker-debugger-rules:latest",
        EVALUATOR,
    ],
)
def test_awss_own_evaluators_need_no_line_in_the_policy(image):
    assert isinstance(judged(rule("debug_rule_configurations", rule_evaluator_image=image)), Checked)


@pytest.mark.parametrize(
    "image",
    [
        "503895931360.dkr.ecr.us-east-1.amazonaws.com.theirs.example/sagemaker-debugger-rules:latest",
        "503895931360.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-debugger-rules:latest",
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest",
        "503895931360.dkr.ecr.us-east-1.amazonaws.com/theirs:latest",
        "theirs/rules",
        "platform",
        "",
    ],
)
def test_what_only_looks_like_an_evaluator_of_awss_is_refused(image):
    changes = rule("profiler_rule_configurations", rule_evaluator_image=image)
    assert "profiler_rule_configurations[0].rule_evaluator_image" in told(changes)


def test_a_package_of_no_group_is_nobodys_to_go_on_from():
    package = {"model_package_group_arn": OUR_GROUP, "source_model_package_arn": arn("model-package/ours")}
    field = "model_package_config.source_model_package_arn"
    assert "the group of which it is a version" in told({"model_package_config": package})[field].problem


# Raw fields

RAW = {**OURS, "allow": {**OURS["allow"], "overrides": True}}
RAW_CODES = ("TW108", "TW201", "TW202", "TW203")
RAW_VALUES = {
    "S3Uri": "s3://theirs/runs/",
    "AlgorithmImage": IMAGE,
    "ArnOrName": "theirs",
    "HubContentArn": HUB,
    "HubDataSetArn": arn("hub-content/theirs/DataSet/d/1.0.0"),
    "KmsKeyId": KEY,
    "TrainingPlanArn": PLAN,
    "MlFlowResourceArn": arn("mlflow-tracking-server/theirs"),
    "ModelPackageGroupArn": arn("model-package-group/theirs"),
    "ModelPackageArn": arn("model-package/theirs/1"),
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/theirs",
    "TrainingRepositoryCredentialsProviderArn": FUNCTION,
    "ServerlessJobBaseModelArn": HUB,
    "EvaluatorArn": FUNCTION,
    "ConfigValue": BUCKET,
    "ExperimentEntityName": "theirs",
    "TrainingJobName": "b-0123456789-1",
    "TagKey": "trainwright:team",
    "TagValue": "b",
}
"""What stands in a raw field, by the API's name of its shape."""
# Held by IAM's conditions on CreateTrainingJob (docs/security.md), whatever Prepare lets through.
RAW_FENCED = {"FileSystemId", "SecurityGroupId", "SubnetId"}
RAW_PLAIN = {
    *("AttributeName", "ChannelName", "CollectionName", "ContentType", "DirectoryPath", "InstanceGroupName"),
    *("MetricName", "MetricRegex", "MlflowExperimentName", "MlflowRunName", "RuleConfigurationName", "SequenceLength"),
    *("String256", "TrainingContainerArgument", "TrainingContainerEntrypointString"),
    *("HyperParameterValue", "TrainingEnvironmentValue"),  # the script's own; the platform's names are below
}


def raw_texts(shape, path=(), within=()):
    """The path and shape of every text in CreateTrainingJob's input that is no choice of AWS's words."""
    kind = shape.type_name
    if kind == "structure" and shape.name not in within:
        for name, member in shape.members.items():
            yield from raw_texts(member, (*path, name), (*within, shape.name))
    elif kind in ("list", "map"):
        yield from raw_texts(
            shape.member if kind == "list" else shape.value, (*path, "[]" if kind == "list" else "*"), within
        )
    elif kind == "string" and not shape.metadata.get("enum"):
        yield path, shape.name


def raw(path, text):
    """`text` at a path of the API's, alone."""
    for part in reversed(path):
        text = [text] if part == "[]" else {"x" if part == "*" else part: text}
    return text


TEXTS = dict(raw_texts(create_training_job_shape()))


def test_every_text_of_the_api_is_judged_or_names_nothing():
    assert set(TEXTS.values()) == set(RAW_VALUES) | RAW_FENCED | RAW_PLAIN


@pytest.mark.parametrize("path", [path for path, shape in TEXTS.items() if shape in RAW_VALUES], ids=".".join)
def test_raw_fields_reach_no_further_than_the_request(path):
    fields = told({"overrides": raw(path, RAW_VALUES[TEXTS[path]])}, RAW, RAW_CODES)
    assert [field for field in fields if field.startswith(f"overrides.{path[0]}")], fields


@pytest.mark.parametrize(
    "field",
    [
        {"HyperParameters": {"sagemaker_submit_directory": BUCKET}},
        {"Environment": {"TRAINWRIGHT_SECRET_TOKEN": arn("secret:theirs", "secretsmanager")}},
        {"Tags": [{"Key": "mine", "Value": "1"}]},
        {"OutputDataConfig": {"S3OutputPath": "s3://ours/"}},
        {"DebugRuleConfigurations": [{"RuleEvaluatorImage": EVALUATOR, "S3OutputPath": "s3://ours/"}]},
    ],
    ids=str,
)
def test_raw_fields_are_not_the_platforms(field):
    allowed = {"team": "a", "allow": {"overrides": True, "data": ["s3://ours/"]}}
    assert f"overrides.{next(iter(field))}" in told({"overrides": field}, allowed, RAW_CODES)


@pytest.mark.parametrize(
    "field",
    [
        {"InfraCheckConfig": {"EnableInfraCheck": True}},
        {"Environment": {"DATA": BUCKET}},
        {"MlflowConfig": {"MlflowResourceArn": arn("mlflow-app/ours")}},
        {"CheckpointConfig": {"S3Uri": "s3://written/runs/"}},
        {"ExperimentConfig": {"TrialName": "ours"}},
        {"AlgorithmSpecification": {"TrainingImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/ours/x:1"}},
    ],
    ids=str,
)
def test_raw_fields_within_the_policy_pass(field):
    policy = {
        "team": "a",
        "allow": {"overrides": True, "images": ["platform", f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/ours/*"]},
        "capabilities": {"mlflow": [arn("mlflow-app/*")], "write": ["s3://written/"], "experiments": True},
    }
    result = judged({"overrides": field}, policy)
    assert isinstance(result, Checked), [problem.sentence() for problem in result]


def test_a_raw_variable_is_not_said_back():
    """Variables may hold secrets, against all advice."""
    found = told({"overrides": {"Environment": {"TRAINWRIGHT_X": "hush"}}}, RAW, RAW_CODES)
    assert "hush" not in " ".join(problem.sentence() for problem in found.values())
