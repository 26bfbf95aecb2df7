"""`import_trainer`: the run request that stands for a ModelTrainer, and what it says that it does not carry."""

import json
from pathlib import Path

import pytest

from trainwright.cli.sdk.trainer import import_trainer, render_trainer
from trainwright_runtime import request
from trainwright_runtime.job import render
from trainwright_runtime.spec import SAMPLE_FACTS, first_spec

RECORDINGS = Path(__file__).parent / "v3" / "recordings"
CASES = {case["case"]: case for case in json.loads((RECORDINGS.parent / "cases.json").read_text())}


def recording(name):
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def test_a_spot_run_with_a_script_in_short_forms():
    found = import_trainer(recording("spot_checkpoint"))
    image = "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.6.0-gpu-py312-cu126-ubuntu22.04-sagemaker"
    assert found.run == {
        "name": "pytorch-training-job",
        "image": image,
        "source_code": {"source_dir": "src", "entry_script": "train.py"},
        "inputs": {
            "train": "s3://bucket/train/",
            "validation": {"s3_uri": "s3://bucket/validation/", "content_type": "text/csv"},
        },
        "compute": {"instance_type": "ml.g5.xlarge", "instance_count": 1, "volume": "30 GB", "spot": True},
        "limits": {"max_runtime": "1h", "max_wait": "2h"},
        "checkpoints": True,
    }
    fields = [sentence.partition(":")[0] for sentence in found.not_carried]
    assert fields == ["role", "checkpoint_config.s3_uri", "source_code.entry_script", "source_code.requirements"]


def test_a_command_is_one_line_with_its_arguments_quoted():
    found = import_trainer(recording("command_mode")).run
    assert found["source_code"] == {"source_dir": "src", "command": "python train.py --x 1 --name 'a b'"}


@pytest.mark.parametrize(
    ("case", "field", "value"),
    [
        ("torchrun_processes", "distributed", {"launcher": "torchrun", "process_count_per_node": 8}),
        (
            "mpi",
            "distributed",
            {"launcher": "mpi", "process_count_per_node": 8, "mpi_additional_options": ["-x", "A=1"]},
        ),
        ("all_methods", "health", {"infra_check": True, "retries": 2}),
        ("all_methods", "remote_debug", True),
        ("all_methods", "session_tags", True),
        ("all_methods", "tensorboard", True),
        ("all_methods", "metrics", {"loss": "loss=(.*?);", "acc": "acc=(.*)"}),
        ("output_none", "output_compression", "none"),
        ("model_package", "model_package", "arn:aws:sagemaker:us-west-2:123456789012:model-package-group/g"),
        ("algorithm_name", "algorithm_name", "my-algorithm"),
        ("inputs_local_file", "inputs", {"train": {"s3_uri": "data://train/train.csv", "content_type": "text/csv"}}),
        ("inputs_fast_file_trainer_level", "inputs", {"train": {"s3_uri": "s3://bucket/train/", "input_mode": "File"}}),
        ("stopping_empty", "limits", {"max_runtime": "1d"}),
    ],
)
def test_a_setting_has_its_place_in_the_run(case, field, value):
    assert import_trainer(CASES[case]).run[field] == value


def test_without_a_script_the_text_of_hyperparameters_is_the_sdks():
    document = CASES["hyperparameter_types_no_source"]
    checked = request.check(import_trainer(document).run)
    assert isinstance(checked, request.Checked), checked
    sent = render(first_spec(checked.resolved, SAMPLE_FACTS))
    assert sent["HyperParameters"] == render_trainer(document).request["HyperParameters"]


@pytest.mark.parametrize(
    "case", ["compute_volume", "stopping_all", "preferences_own_counts", "placement", "environment"]
)
def test_the_run_renders_the_same_machines_limits_and_variables(case):
    checked = request.check(import_trainer(CASES[case]).run)
    if isinstance(checked, list):
        assert case == "stopping_all"  # a waiting time without spot, which AWS refuses
        return
    sent, sdk = render(first_spec(checked.resolved, SAMPLE_FACTS)), render_trainer(CASES[case]).request
    for block in ("ResourceConfig", "StoppingCondition", "Environment"):
        assert sent.get(block) == sdk.get(block)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("output_path", "output_data_config.s3_output_path"),
        ("session", "sagemaker_session"),
        ("input_prefix", "input_s3_key_prefix"),
        ("mpi", "starts MPI's processes on every host"),
        ("inputs_local_folder", "put data/train at data://train/ first"),
        ("s3_source", "unpack s3://bucket/code/"),
        ("hyperparameter_types", "True for true"),
        ("spot_without_wait", "keeps checkpoints, which this trainer did not"),
        ("fit_flags", "--detach"),
    ],
)
def test_what_is_not_carried_is_said(case, words):
    found = import_trainer(CASES[case]).not_carried
    assert any(words in sentence for sentence in found), found
