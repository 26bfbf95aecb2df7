"""What starts inside the container: hyperparameters and their spelling, source, entry point, variables; and the blocks
that depend on the attempt."""

import json
from dataclasses import replace

import pytest

from trainwright_runtime.facts import RunFacts
from trainwright_runtime.job import named, render
from trainwright_runtime.plan import first, plan
from trainwright_runtime.request import Checked, check
from trainwright_runtime.spec import SAMPLE_DEPLOYMENT, SAMPLE_FACTS, first_spec

GPU = {"instance_type": "ml.g5.12xlarge"}
SOURCE = {"source_dir": "data://source/0123/sourcedir.tar.gz", "entry_script": "train.py"}
ARCHIVE = "s3://sample-data/source/0123/sourcedir.tar.gz"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token"
NO_IMAGE = RunFacts(SAMPLE_FACTS.run, SAMPLE_DEPLOYMENT, None)


def rendered(facts=SAMPLE_FACTS, **fields):
    result = check({"name": "x", "compute": {"instance_type": "ml.m5.large"}, **fields})
    assert isinstance(result, Checked), [problem.sentence() for problem in result]
    return render(first_spec(result.resolved, facts))


def test_a_script_gets_its_values_as_json_and_its_launcher_the_toolkits_messages():
    request = rendered(
        framework="pytorch:2.8.0",
        facts=NO_IMAGE,
        source_code=SOURCE,
        compute=GPU,
        distributed="torchrun",
        hyperparameters={"model": "distilbert", "lr": 3e-5, "layers": [1, 2], "freeze": True, "seed": None},
    )
    assert request["AlgorithmSpecification"]["TrainingImage"].endswith("/pytorch-training:2.8.0-gpu-py312")
    assert named(request, "sample-0123456789-2", 2)["HyperParameters"] == {
        "model": '"distilbert"',
        "lr": "3e-05",
        "layers": "[1, 2]",
        "freeze": "true",
        "seed": "null",
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": json.dumps(ARCHIVE),
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"sample-0123456789-2"',
        "sagemaker_region": '"us-east-1"',
        "sagemaker_torch_distributed_enabled": "true",
        "sagemaker_instance_type": '"ml.g5.12xlarge"',
    }
    assert "InputDataConfig" not in request


def test_an_image_without_a_script_of_ones_own_gets_plain_text():
    request = rendered(hyperparameters={"model": "distilbert", "lr": 3e-5, "layers": [1, 2], "freeze": True, "n": 2.0})
    assert request["HyperParameters"] == {
        "model": "distilbert",
        "lr": "3e-5",
        "layers": "[1, 2]",
        "freeze": "true",
        "n": "2",
    }


def test_an_isolated_container_finds_its_source_in_a_channel():
    request = rendered(source_code=SOURCE, network={"enable_network_isolation": True}, input_mode="FastFile")
    assert json.loads(request["HyperParameters"]["sagemaker_submit_directory"]) == (
        "/opt/ml/input/data/code/sourcedir.tar.gz"
    )
    (code,) = request["InputDataConfig"]
    assert (code["ChannelName"], code["InputMode"]) == ("code", "File")
    assert code["DataSource"]["S3DataSource"]["S3Uri"] == ARCHIVE
    assert request["EnableNetworkIsolation"] is True


def test_a_command_is_run_by_a_shell_in_the_unpacked_source():
    request = rendered(
        source_code={"source_dir": SOURCE["source_dir"], "command": "make train DEPTH=3", "requirements": "needs.txt"},
        inputs={"train": "data://x/"},
        hyperparameters={"depth": 3},
    )
    algorithm = request["AlgorithmSpecification"]
    assert algorithm["ContainerEntrypoint"] == ["/bin/bash"]
    option, line, command, requirements = algorithm["ContainerArguments"]
    assert (option, command, requirements) == ("-c", "make train DEPTH=3", "needs.txt")
    assert len(line) <= 256  # the API's limit for an argument
    assert request["Environment"]["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert request["HyperParameters"] == {"depth": "3"}
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "code"]


def test_the_ladders_first_type_decides_between_cpu_and_gpu_images():
    on_cpu = rendered(framework="pytorch:2.8.0", facts=NO_IMAGE, source_code=SOURCE)
    assert "2.8.0-cpu-py312" in on_cpu["AlgorithmSpecification"]["TrainingImage"]


def test_machines_are_kept_after_jobs_on_demand_only():
    compute = {"instance_type": "ml.g5.xlarge", "keep_alive": "20m"}
    assert rendered(compute=compute)["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 1200
    on_spot = rendered(compute=compute | {"spot": True, "fallback": "on_demand"})
    assert "KeepAlivePeriodInSeconds" not in on_spot["ResourceConfig"]


@pytest.mark.parametrize(
    ("fields", "variables"),
    [
        ({"precision": "bf16"}, {"TRAINWRIGHT_PRECISION": "bf16", "ACCELERATE_MIXED_PRECISION": "bf16"}),
        ({"precision": "off"}, {}),
        (
            {"compilation": {"torch_compile": {"mode": "max-autotune"}}},
            {
                "TRAINWRIGHT_COMPILE": "inductor",
                "TRAINWRIGHT_COMPILE_MODE": "max-autotune",
                "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR",
                "ACCELERATE_DYNAMO_MODE": "max-autotune",
            },
        ),
        (
            {"checkpoints": {"every": "10m", "keep": 3}},
            {"TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS": "600", "TRAINWRIGHT_CHECKPOINT_KEEP": "3"},
        ),
        ({"secrets": {"TOKEN": SECRET}}, {"TRAINWRIGHT_SECRET_TOKEN": SECRET}),
        (
            {"source_code": SOURCE, "compute": GPU, "distributed": {"launcher": "deepspeed", "zero_stage": 3}},
            {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"},
        ),
        (
            {"source_code": SOURCE, "compute": GPU, "distributed": {"launcher": "deepspeed", "config": "ds.json"}},
            {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": "/opt/ml/code/ds.json"},
        ),
        (
            {
                "source_code": SOURCE,
                "compute": GPU,
                "distributed": {"launcher": "torchrun", "process_count_per_node": 2},
            },
            {"TRAINWRIGHT_PROCESSES_PER_NODE": "2"},
        ),
    ],
    ids=str,
)
def test_settings_reach_the_script_as_variables(fields, variables):
    assert rendered(**fields).get("Environment", {}) == variables


def test_what_the_user_sets_wins_over_what_a_setting_means():
    request = rendered(precision="bf16", environment={"ACCELERATE_MIXED_PRECISION": "no"})
    assert request["Environment"]["ACCELERATE_MIXED_PRECISION"] == "no"


def test_nothing_of_debugger_and_profiler_is_sent_unless_asked():
    request = rendered()
    assert not {"DebugHookConfig", "DebugRuleConfigurations", "ProfilerConfig", "ProfilerRuleConfigurations"} & set(
        request
    )


def test_rules_by_name_carry_aws_evaluator_and_what_they_need_saved():
    request = rendered(
        compute=GPU,
        debugger={"rules": ["VanishingGradient", {"name": "Overfit", "parameters": {"patience": 5}}]},
        profiler={"interval": "1s", "rules": ["HardwareUtilization"]},
    )
    image = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
    assert request["DebugRuleConfigurations"] == [
        {
            "RuleConfigurationName": "VanishingGradient",
            "RuleEvaluatorImage": image,
            "RuleParameters": {"rule_to_invoke": "VanishingGradient"},
        },
        {
            "RuleConfigurationName": "Overfit",
            "RuleEvaluatorImage": image,
            "RuleParameters": {"rule_to_invoke": "Overfit", "patience": "5"},
        },
    ]
    assert request["DebugHookConfig"]["CollectionConfigurations"] == [
        {"CollectionName": "gradients", "CollectionParameters": {"save_interval": "500"}}
    ]
    assert request["ProfilerConfig"] == {
        "S3OutputPath": "s3://sample-reports/runs/sample-0123456789/",
        "ProfilingIntervalInMilliseconds": 1000,
        "DisableProfiler": False,
    }
    assert request["DebugHookConfig"]["S3OutputPath"] == "s3://sample-artifacts/runs/sample-0123456789/"
    names = [rule["RuleConfigurationName"] for rule in request["ProfilerRuleConfigurations"]]
    assert names == ["OverallSystemUsage", "LowGPUUtilization"]


def test_a_cost_cap_leaves_the_request_alone_and_cuts_the_first_start_to_what_it_buys():
    limits = {"max_cost_usd": 7.042, "max_runtime": "10h"}
    result = check({"name": "x", "compute": {"instance_type": "ml.g5.xlarge"}, "limits": limits})
    assert "7.042 USD buy 5h at on-demand prices" in " ".join(result.warnings)
    planned = plan(result.resolved, replace(SAMPLE_FACTS, prices={"ml.g5.xlarge": 1.4084}))
    assert result.resolved.max_runtime == 10 * 3600
    assert first(planned).max_runtime == 5 * 3600


def test_a_price_that_is_passed_in_counts_for_the_cap():
    run = {"name": "x", "compute": {"instance_type": "ml.c5.large"}, "limits": {"max_cost_usd": 1, "max_runtime": "2h"}}
    [problem] = check(run)
    assert "no price of ml.c5.large is known" in problem.problem
    assert "1 USD buy 1h at on-demand prices" in " ".join(check(run, price={"ml.c5.large": 1.0}.get).warnings)
    [problem] = check(run, price={"ml.c5.large": 100.0}.get)
    assert "less than a minute" in problem.problem
    types = {**run, "compute": {"instance_type": ["ml.m5.xlarge", "ml.c5.large"]}}
    warnings = check(types, price={"ml.c5.large": 1.0, "ml.m5.xlarge": 100.0}.get).warnings
    assert "1 USD buy 36s at on-demand prices, the dearest of these types" in " ".join(warnings)
