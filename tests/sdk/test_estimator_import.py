"""An SDK v2 estimator becomes the run request that renders the same, and what it cannot carry is said."""

import json
from pathlib import Path

import pytest

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.estimator import import_estimator
from trainwright_runtime.reading import read
from trainwright_runtime.request import REQUEST_WORDS, RunRequest

HERE = Path(__file__).parent / "v2"
RECORDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "recordings").glob("*.json")}
CASES = {case["case"]: case for case in json.loads((HERE / "cases.json").read_text(encoding="utf-8"))}
SENT = {name: case for name, case in {**RECORDINGS, **CASES}.items() if "request" in case}

ROLE = "role: the platform gives each team's jobs a role of its own"
NAME = "the job's name: the platform names its jobs; the run has the name that people see"


def imported(name):
    return import_estimator(SENT[name])


def test_a_spot_estimator_with_checkpoints():
    found = imported("s004_spot_checkpoint_pytorch")
    assert found.run == {
        "name": "golden-s004-spot-checkpoint-pytorch",
        "framework": "pytorch:2.1.0",
        "source_code": {"source_dir": "src", "entry_script": "train.py"},
        "metrics_time_series": True,
        "inputs": {"train": "s3://bucket/train/", "validation": "s3://bucket/validation/"},
        "compute": {"instance_type": "ml.g5.xlarge", "spot": True},
        "limits": {"max_runtime": "1h", "max_wait": "2h"},
        "checkpoints": True,
        "profiler_config": {"disable_profiler": False},
    }
    assert found.not_carried[0] == ROLE
    assert found.not_carried[1].startswith("checkpoint_s3_uri (s3://bucket/checkpoints/exp1): checkpoints lie at")


def test_a_built_in_algorithm_goes_by_its_name():
    run = imported("builtin_xgboost").run
    assert run["algorithm"] == "xgboost:1.7-1"
    assert "image" not in run
    assert run["inputs"]["train"] == {"s3_uri": "s3://bucket/train/", "content_type": "text/csv"}


def test_every_kind_of_channel_is_carried():
    assert imported("input_modes_per_channel").run["inputs"] == {
        "file": "s3://bucket/f/",
        "pipe": {
            "s3_uri": "s3://bucket/p/",
            "content_type": "application/x-recordio",
            "compression_type": "Gzip",
            "record_wrapper_type": "RecordIO",
            "input_mode": "Pipe",
        },
        "fast": {"s3_uri": "s3://bucket/ff/", "s3_data_distribution_type": "ShardedByS3Key", "input_mode": "FastFile"},
        "manifest": {"s3_uri": "s3://bucket/m.manifest", "s3_data_type": "ManifestFile"},
        "aug": {
            "s3_uri": "s3://bucket/aug.manifest",
            "s3_data_type": "AugmentedManifestFile",
            "attribute_names": ["source-ref", "label"],
            "record_wrapper_type": "RecordIO",
            "input_mode": "Pipe",
            "shuffle_seed": 1234,
        },
    }
    files = imported("inputs_efs").run["inputs"]["training"]
    assert files == {
        "file_system_id": "fs-01234567",
        "file_system_type": "EFS",
        "directory_path": "/data",
        "file_system_access_mode": "ro",
    }


def test_the_odds_and_ends_are_carried_in_their_short_forms():
    run = imported("misc_options").run
    assert run["health"] == {"infra_check": True, "retries": 3}
    assert run["metrics"] == {"val:loss": "loss=([0-9.]+)"}
    assert run["tags"] == {"team": "ml"}
    assert run["environment"] == {"NCCL_DEBUG": "INFO"}
    assert run["output_compression"] == "none"
    assert run["remote_debug"] is run["session_tags"] is True
    assert run["network"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "security_group_ids": ["sg-1"],
        "enable_inter_container_traffic_encryption": True,
    }
    assert run["compute"] == {
        "instance_type": "ml.g5.xlarge",
        "training_plan": "arn:aws:sagemaker:us-west-2:123456789012:training-plan/p",
    }
    assert run["inputs"]["model"] == {
        "s3_uri": "s3://bucket/pretrained/model.tar.gz",
        "content_type": "application/x-sagemaker-model",
        "input_mode": "File",
    }
    assert "output_path (s3://bucket/out): the platform has prefixes of its own for each run" in (
        imported("misc_options").not_carried
    )


@pytest.mark.parametrize(
    ("name", "distributed"),
    [
        ("pytorch_torch_distributed", "torchrun"),
        ("s000_pytorch_smddp", "smddp"),
        ("s002_flat_smddp_key_silently_ignored", "smddp"),
        ("smddp_options", {"launcher": "smddp", "mpi_additional_options": ["-verbose"]}),
        ("s000_pytorch_smp_v1_partitions", {"launcher": "smp_v1", "parameters": {"partitions": 2}}),
        ("smp_v2", {"launcher": "smp", "parameters": {"hybrid_shard_degree": 8}}),
        ("tensorflow_mwms", "multi_worker_mirrored"),
        ("parameter_server_tensorflow", "parameter_server"),
        ("xla", "xla"),
        ("pytorchddp_huggingface", "pytorchddp"),
        (
            "mpi_huggingface",
            {"launcher": "mpi", "process_count_per_node": 8, "mpi_additional_options": ["-x", "NCCL_DEBUG=INFO"]},
        ),
        (
            "torch_off",
            {"launcher": "mpi", "process_count_per_node": 8, "mpi_additional_options": ["-x", "NCCL_DEBUG=INFO"]},
        ),
        ("torch_and_mpi", "torchrun"),
        (
            "groups_mpi",
            {
                "launcher": "mpi",
                "process_count_per_node": 8,
                "mpi_additional_options": ["-x", "NCCL_DEBUG=INFO"],
                "instance_groups": ["gpus"],
            },
        ),
    ],
)
def test_each_distribution_has_its_launcher(name, distributed):
    assert imported(name).run["distributed"] == distributed


@pytest.mark.parametrize("name", ["smddp_off", "mpi_off", "unknown_key", "tensorflow_ignores_torch", "mirrored_off"])
def test_a_distribution_without_effect_is_left_out(name):
    assert "distributed" not in imported(name).run


def test_the_training_compiler_and_the_frameworks_have_their_names():
    assert imported("s002_pytorch_compiler").run["compilation"] == "training_compiler"
    assert imported("compiler_tensorflow").run["compilation"] == {"training_compiler": {"debug": True}}
    assert imported("huggingface_pytorch").run["framework"] == {
        "name": "huggingface",
        "version": "4.28.1",
        "py_version": "py310",
        "base_framework_version": "pytorch2.0.0",
    }
    switched_off = imported("compiler_off_still_trcomp").run
    assert "pytorch-trcomp-training" in switched_off["image"]
    assert "compilation" not in switched_off


def test_spot_without_checkpoints_stays_without_up_to_an_hour():
    assert imported("s002_spot_nocheckpoint").run["checkpoints"] is False
    longer = imported("spot_without_wait")
    assert "checkpoints" not in longer.run
    assert any(sentence.startswith("no checkpoints: the platform") for sentence in longer.not_carried)


def test_what_aws_would_refuse_is_not_carried():
    warm, key = imported("keep_alive_long"), imported("volume_key_on_local_storage")
    assert warm.run["compute"]["keep_alive"] == "1h"
    assert any(sentence.startswith("keep_alive_period_in_seconds: it is an hour") for sentence in warm.not_carried)
    assert "volume_kms_key_id" not in key.run["compute"]
    assert any(sentence.startswith("volume_kms_key: AWS takes none for ml.g5.2xlarge") for sentence in key.not_carried)


def test_hyperparameters_of_a_container_of_ones_own_keep_the_text_that_the_sdk_sends():
    assert imported("generic_types_as_text").run["hyperparameters"] == {
        "s": "adam",
        "i": 3,
        "f": "1e-05",
        "b": "True",
        "n": "None",
        "l": "[1, 'a']",
        "d": "{'k': 0.5}",
        "u": "é",
        "e": "",
    }
    assert imported("s000_generic_estimator").run["hyperparameters"] == {"epochs": 10, "learning_rate": 0.01}


def test_the_toolkits_own_names_are_not_carried():
    found = imported("reserved_names_are_overwritten")
    assert found.run["hyperparameters"] == {"a": 1}
    assert any("sagemaker_program and sagemaker_region" in sentence for sentence in found.not_carried)


def test_a_waiting_time_without_spot_is_not_carried():
    found = imported("max_wait_without_spot")
    assert found.run["limits"] == {"max_runtime": "30m"}
    assert "max_wait: a waiting time needs spot, and use_spot_instances is off" in found.not_carried


def test_the_channel_that_isolation_adds_is_the_platforms_to_add():
    run = imported("pytorch_isolated").run
    assert run["network"] == {"enable_network_isolation": True}
    assert list(run["inputs"]) == ["train", "validation"]


def test_the_debugger_and_its_rules_are_carried_without_their_place_in_s3():
    run = imported("rules_and_hook").run
    assert run["debug_hook_config"]["collection_configurations"][0] == {
        "collection_name": "gradients",
        "collection_parameters": {"save_interval": "500"},
    }
    assert [rule["rule_configuration_name"] for rule in run["debug_rule_configurations"]] == [
        "VanishingGradient",
        "WeightUpdateRatio",
    ]
    assert "s3_output_path" not in json.dumps(run)


def test_a_script_alone_is_its_folder():
    found = imported("pytorch_entry_point_only")
    assert found.run["source_code"] == {"source_dir": "src", "entry_script": "train.py"}
    assert "entry_point without source_dir: the whole folder is packed, not the script alone" in found.not_carried


@pytest.mark.parametrize("name", sorted(SENT))
def test_every_imported_run_is_a_run_request(name):
    """Names, kinds and forms; whether a team may run it is for its policy to say."""
    found = imported(name)
    _, problems = read(RunRequest, found.run, REQUEST_WORDS)
    assert [problem.sentence() for problem in problems if problem.code in STRUCTURE] == []


STRUCTURE = ("TW101", "TW102", "TW103", "TW104", "TW105", "TW107", "TW109")


def test_what_the_sdk_refuses_is_not_imported():
    with pytest.raises(SdkRefusal):
        import_estimator(CASES["refused_no_version"])
