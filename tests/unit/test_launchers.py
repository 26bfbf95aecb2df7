"""Launchers: the toolkit's hyperparameters as the SDK v2 sends them, and what cannot work."""

import json

import pytest

from trainwright_runtime.launchers import (
    LAUNCHERS,
    Distribution,
    conflicts,
    encode_json,
    encode_text,
    encode_v3,
    hyperparameters,
    parameter_conflicts,
    script_hyperparameters,
)

VALUES = {"s": "adam", "i": 3, "f": 1e-05, "b": True, "n": None, "l": [1, "a"], "d": {"k": 0.5}, "u": "é", "e": ""}


def test_the_three_encodings_are_those_of_the_sdks():
    assert encode_json(VALUES) == {
        "s": '"adam"',
        "i": "3",
        "f": "1e-05",
        "b": "true",
        "n": "null",
        "l": '[1, "a"]',
        "d": '{"k": 0.5}',
        "u": '"\\u00e9"',
        "e": '""',
    }
    assert encode_text({"b": True, "n": None, "d": {"k": 0.5}, "s": "x"}) == {
        "b": "True",
        "n": "None",
        "d": "{'k': 0.5}",
        "s": "x",
    }
    assert encode_v3({"s": "adam", "b": True, "n": None, "f": 0.1}) == {
        "s": "adam",
        "b": "true",
        "n": "null",
        "f": "0.1",
    }


def test_a_scripts_hyperparameters_are_quoted():
    sent = script_hyperparameters(
        program="train.py", submit_directory="s3://b/s.tar.gz", job_name="j", region="eu-west-1"
    )
    assert sent == {
        "sagemaker_submit_directory": '"s3://b/s.tar.gz"',
        "sagemaker_program": '"train.py"',
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"j"',
        "sagemaker_region": '"eu-west-1"',
    }


TYPE = {"sagemaker_instance_type": '"ml.p4d.24xlarge"'}
MPI = {
    "sagemaker_mpi_enabled": "true",
    "sagemaker_mpi_num_of_processes_per_host": "8",
    "sagemaker_mpi_custom_mpi_options": '"-x A=1"',
}
NOT_SMDDP = {"sagemaker_distributed_dataparallel_enabled": "false", **TYPE}


@pytest.mark.parametrize(
    ("launcher", "sent"),
    [
        ("torchrun", {"sagemaker_torch_distributed_enabled": "true", **TYPE}),
        ("deepspeed", {"sagemaker_torch_distributed_enabled": "true", **TYPE}),
        (
            "smddp",
            {
                "sagemaker_distributed_dataparallel_enabled": "true",
                "sagemaker_distributed_dataparallel_custom_mpi_options": '"-x A=1"',
                **TYPE,
            },
        ),
        ("smp", {"mp_parameters": '{"partitions": 2}', "sagemaker_torch_distributed_enabled": "true", **NOT_SMDDP}),
        ("smp_v1", {"mp_parameters": '{"partitions": 2}', **MPI, **NOT_SMDDP}),
        ("mpi", MPI),
        ("horovod", MPI),
        ("pytorchddp", {"sagemaker_pytorch_ddp_enabled": "true", **TYPE}),
        ("xla", {"sagemaker_pytorch_xla_multi_worker_enabled": "true"}),
        ("parameter_server", {"sagemaker_parameter_server_enabled": "true"}),
        ("multi_worker_mirrored", {"sagemaker_multi_worker_mirrored_strategy_enabled": "true"}),
    ],
)
def test_each_launcher_sends_the_sdks_keys(launcher, sent):
    parameters = {"partitions": 2} if launcher.startswith("smp") else {}
    assert hyperparameters(Distribution(launcher, 8, "-x A=1", parameters), "ml.p4d.24xlarge") == sent


def test_every_launcher_is_tested_above():
    (marks,) = test_each_launcher_sends_the_sdks_keys.pytestmark
    assert {launcher for launcher, _ in marks.args[1]} == set(LAUNCHERS)


def test_what_is_left_out_is_left_out_as_the_sdk_does_it():
    assert hyperparameters(Distribution("mpi"), "ml.p4d.24xlarge") == {
        "sagemaker_mpi_enabled": "true",
        "sagemaker_mpi_custom_mpi_options": '""',
    }
    assert "mp_parameters" not in hyperparameters(Distribution("smp"), "ml.p4d.24xlarge")
    assert hyperparameters(Distribution("torchrun"), None) == {"sagemaker_torch_distributed_enabled": "true"}


def test_pytorch_ddp_is_smddp_in_the_sdks_pytorch_estimator_alone():
    sent = hyperparameters(Distribution("pytorchddp"), "ml.p4d.24xlarge", framework="pytorch")
    assert sent == hyperparameters(Distribution("smddp"), "ml.p4d.24xlarge")
    assert "sagemaker_pytorch_ddp_enabled" in hyperparameters(
        Distribution("pytorchddp"), "ml.p4d.24xlarge", framework="huggingface"
    )


def test_instance_groups_go_to_the_launchers_that_take_them():
    sent = hyperparameters(Distribution("mpi", instance_groups=("gpus",)), None)
    assert json.loads(sent["sagemaker_distribution_instance_groups"]) == ["gpus"]


# ---- conflicts ------------------------------------------------------------------------------------------------------


def found(launcher, version="2.1.0", types=("ml.p4d.24xlarge",), count=2, framework="pytorch", compiler=False, **more):
    return conflicts(
        Distribution(launcher, **more),
        framework=framework,
        version=version,
        instance_types=types,
        instance_count=count,
        training_compiler=compiler,
    )


SOUND = [
    ("torchrun", "2.1.0", ("ml.g5.12xlarge", "ml.g6.12xlarge"), "pytorch"),
    ("torchrun", "1.13", ("ml.g5.12xlarge",), "pytorch"),
    ("torchrun", "2.10.0", ("ml.p5.48xlarge",), "pytorch"),
    ("torchrun", "1.11.0", ("ml.trn1.32xlarge",), "pytorch"),
    ("torchrun", "pytorch2.1.0", ("ml.g5.12xlarge",), "huggingface"),
    ("torchrun", "4.36.0", ("ml.g5.12xlarge",), "huggingface"),
    ("torchrun", None, ("ml.m5.xlarge",), None),
    ("smddp", "2.0.0", ("ml.p4d.24xlarge",), "pytorch"),
    ("smddp", "2.11", ("ml.p3.16xlarge",), "tensorflow"),
    ("smddp", "tensorflow2.6.3", ("ml.p3.16xlarge",), "huggingface"),
    ("smp", "2.2.0", ("ml.p5.48xlarge",), "pytorch"),
    ("smp_v1", "1.12.1", ("ml.p3.16xlarge",), "pytorch"),
    ("mpi", "2.11.0", ("ml.m5.xlarge",), "tensorflow"),
    ("horovod", "1.8.0", ("ml.p3.16xlarge",), "mxnet"),
    ("pytorchddp", "1.12.1", ("ml.p4d.24xlarge",), "pytorch"),
    ("pytorchddp", "pytorch1.13.1", ("ml.g5.12xlarge",), "huggingface"),
    ("parameter_server", "2.11.0", ("ml.m5.xlarge",), "tensorflow"),
    ("multi_worker_mirrored", "2.9.2", ("ml.g5.12xlarge",), "tensorflow"),
    ("deepspeed", "2.1.0", ("ml.g5.12xlarge",), "pytorch"),
]


@pytest.mark.parametrize(("launcher", "version", "types", "framework"), SOUND)
def test_what_works_is_let_through(launcher, version, types, framework):
    assert found(launcher, version, types, framework=framework) == []


def test_xla_works_with_the_training_compiler():
    assert found("xla", "1.13.1", ("ml.p3.16xlarge",), compiler=True) == []


REFUSED = [
    ("torchrun", {"version": "1.12.1"}, "torchrun does not work with pytorch 1.12.1"),
    ("torchrun", {"types": ("ml.m5.xlarge",)}, "torchrun needs GPUs, and ml.m5.xlarge has none"),
    ("torchrun", {"types": ("ml.g5.12xlarge", "ml.c5.xlarge")}, "torchrun needs GPUs, and ml.c5.xlarge has none"),
    ("torchrun", {"framework": "tensorflow"}, "torchrun does not start scripts of tensorflow"),
    ("smddp", {"types": ("ml.g5.48xlarge",)}, "smddp does not work on ml.g5.48xlarge"),
    ("smddp", {"version": "2.8.0"}, "smddp does not work with pytorch 2.8.0"),
    ("smddp", {"version": "2.12.0", "framework": "tensorflow"}, "smddp does not work with tensorflow 2.12.0"),
    ("smddp", {"compiler": True}, "smddp does not work with the Training Compiler"),
    ("smp", {"version": "1.13.1"}, "smp (version 2) does not work with pytorch 1.13.1"),
    ("smp", {"framework": "huggingface", "version": "pytorch2.1.2"}, "smp does not start scripts of huggingface"),
    ("smp_v1", {}, "smp_v1 does not work with pytorch 2.1.0"),
    ("smp_v1", {"version": "1.12.1", "types": ("ml.p5.48xlarge",)}, "smp_v1 does not work on ml.p5.48xlarge"),
    ("mpi", {"types": ("ml.trn1.32xlarge",)}, "mpi does not work on ml.trn1.32xlarge"),
    ("horovod", {"framework": "sklearn", "version": "1.2-1"}, "horovod does not start scripts of sklearn"),
    ("pytorchddp", {"version": "2.8.0"}, "pytorchddp does not work with pytorch 2.8.0"),
    ("pytorchddp", {"types": ("ml.g5.12xlarge",)}, "pytorchddp does not work on ml.g5.12xlarge"),
    (
        "pytorchddp",
        {"framework": "huggingface", "version": "pytorch1.9.1"},
        "pytorchddp does not work with pytorch 1.9.1",
    ),
    ("xla", {"version": "1.13.1"}, "xla starts scripts for the Training Compiler only"),
    ("torchrun", {"compiler": True}, "torchrun does not work with the Training Compiler"),
    ("parameter_server", {}, "parameter_server does not start scripts of pytorch"),
    (
        "multi_worker_mirrored",
        {"framework": "tensorflow", "version": "2.8.0"},
        "multi_worker_mirrored does not work with tensorflow 2.8.0",
    ),
    ("multi_worker_mirrored", {}, "multi_worker_mirrored does not start scripts of pytorch"),
    ("deepspeed", {"types": ("ml.c5.xlarge",)}, "deepspeed needs GPUs, and ml.c5.xlarge has none"),
    (
        "mpi",
        {"types": ("ml.m5.xlarge",), "count": 1},
        "mpi has nothing to distribute on one ml.m5.xlarge, which has no accelerators",
    ),
    ("torchrun", {"instance_groups": ("g",)}, "torchrun starts on every host, not on chosen instance groups"),
    ("mpi", {"instance_groups": ("a", "b")}, "a launcher starts on one instance group only"),
    ("mpi", {"parameters": {"a": 1}}, "mpi takes no parameters"),
    ("teleport", {}, "teleport is no launcher"),
]


@pytest.mark.parametrize(("launcher", "given", "problem"), REFUSED)
def test_fails_when_a_launcher_cannot_work(launcher, given, problem):
    assert problem in [told for _, told, _, _ in found(launcher, **given)]


def test_a_conflict_says_where_it_is_and_what_works():
    (conflict,) = found("smddp", types=("ml.g5.48xlarge",))
    assert conflict == (
        "launcher",
        "smddp does not work on ml.g5.48xlarge",
        "ml.p3.16xlarge, ml.p3dn.24xlarge, ml.p4d.24xlarge, ml.p4de.24xlarge",
        "use launcher: torchrun",
    )


def test_one_cpu_host_with_several_processes_has_something_to_distribute():
    assert found("mpi", types=("ml.m5.4xlarge",), count=1, process_count_per_node=4) == []
    assert found("torchrun", version=None, framework=None, types=("ml.m5.xlarge",), count=1)


@pytest.mark.parametrize(
    ("parameters", "suffix"),
    [
        ({"pipeline": "other"}, "parameters.pipeline"),
        ({"placement_strategy": "wide"}, "parameters.placement_strategy"),
        ({"optimize": "size"}, "parameters.optimize"),
        ({"microbatches": 0}, "parameters.microbatches"),
        ({"partitions": "2"}, "parameters.partitions"),
        ({"ddp": "yes"}, "parameters.ddp"),
        ({"auto_partition": False}, "parameters.default_partition"),
        ({"partitions": 2, "default_partition": 2}, "parameters.default_partition"),
        ({"memory_weight": 2}, "parameters.memory_weight"),
        ({"ddp_port": 1}, "parameters.ddp_port"),
        ({"ddp": True, "ddp_port": -1}, "parameters.ddp_port"),
        ({"ddp": True, "horovod": True}, "parameters.horovod"),
        ({"partition_file": 3}, "parameters.partition_file"),
    ],
)
def test_fails_when_a_parameter_of_model_parallelism_is_wrong(parameters, suffix):
    assert suffix in [where for where, *_ in parameter_conflicts(parameters)]


def test_sound_parameters_of_model_parallelism_pass():
    sound = {"partitions": 2, "default_partition": 1, "auto_partition": False, "ddp": True, "pipeline": "interleaved"}
    assert list(parameter_conflicts(sound)) == []
