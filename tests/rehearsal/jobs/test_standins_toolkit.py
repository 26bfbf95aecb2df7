"""What the training toolkit makes of a job: variables, commands, failures. Held against sagemaker-training 5.1.4."""

import json
import sys
from pathlib import Path

import pytest

from trainwright.rehearsal.jobs.standins.container.toolkit import launchers, mapping, process, source
from trainwright.rehearsal.jobs.standins.container.toolkit.environment import Environment, Machine
from trainwright.rehearsal.jobs.standins.container.toolkit.errors import CalledProcessError, ClientError

TORCHRUN = {"sagemaker_torch_distributed_enabled": True}
MPI = {"sagemaker_mpi_enabled": True}


def environment(base, hosts=("algo-1",), **values):
    """A job with a script train.py."""
    (base / "code").mkdir(exist_ok=True)
    (base / "code" / "train.py").touch()
    group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": list(hosts)}
    resources = {
        "current_host": hosts[-1],
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": list(hosts),
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
    given = {"sagemaker_program": "train.py", **values}
    channels = {"train": {"TrainingInputMode": "File"}, "test": {"TrainingInputMode": "File"}}
    return Environment(Path(base), given, resources, channels, {"TRAINING_JOB_NAME": "job"}, Machine(4, 0, 0))


def test_values_become_words_and_variables_as_in_the_toolkit():
    values = {"epochs": 3, "lr": 0.1, "layers": {"b": [1, 2], "a": 1}, "flag": True, "x": "text", "none": None}
    assert mapping.cmd_args(values) == [
        *("--epochs", "3", "--flag", "True", "--layers", "a=1,b=[1, 2]", "--lr", "0.1", "--none", "", "-x", "text"),
    ]
    assert mapping.env_vars(values) == {
        **{"SM_EPOCHS": "3", "SM_LR": "0.1", "SM_LAYERS": '{"a":1,"b":[1,2]}', "SM_FLAG": "true"},
        **{"SM_X": "text", "SM_NONE": ""},
    }


def test_a_hyperparameter_that_is_no_json_is_text():
    assert mapping.decoded({"a": '"x"', "b": "x", "c": "1"}) == {"a": "x", "b": "x", "c": 1}


def test_the_toolkits_own_hyperparameters_are_not_the_scripts(tmp_path):
    job = environment(tmp_path, epochs=1, _tuning_objective_metric="loss", sagemaker_any="x", sagemaker_region="r")
    variables = job.env_vars()
    assert job.cmd_args() == ["--epochs", "1"] and variables["SM_HPS"] == '{"epochs":1}'
    assert variables["SM_FRAMEWORK_PARAMS"] == '{"sagemaker_any":"x"}'
    assert variables["SM_CHANNELS"] == '["test","train"]'
    assert variables["SM_CHANNEL_TEST"] == f"{tmp_path}/input/data/test"
    assert json.loads(variables["SM_TRAINING_ENV"])["job_name"] == "job"
    assert "SM_TOPOLOGY" not in variables and "SM_JOB_NAME" not in variables


def test_a_script_is_started_with_its_hyperparameters(tmp_path):
    started = launchers.launch("pytorch", environment(tmp_path, epochs=1))
    assert started.command == [sys.executable, "--", "train.py", "--epochs", "1"]


def test_a_command_gets_its_words_quoted_for_a_shell(tmp_path):
    job = environment(tmp_path, sagemaker_program="go.sh", note="two words")
    assert launchers.launch("pytorch", job).command == ["/bin/sh", "-c", "./go.sh --note 'two words'"]


def test_torchrun_gets_the_hosts(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(launchers.os, "environ", {})
    job = environment(tmp_path, ("algo-1", "algo-2"), **TORCHRUN, sagemaker_mpi_num_of_processes_per_host=2, lr=1)
    assert launchers.launch("pytorch", job).command == [
        *("torchrun", "--nnodes", "2", "--nproc_per_node", "2", "--master_addr", "algo-1", "--master_port", "7777"),
        *("--node_rank", "1", "train.py", "--lr", "1"),
    ]


def test_mpirun_gets_every_variable(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.shutil, "which", lambda name: f"/bin/{name}")
    options = "--NCCL_DEBUG WARN -x A=1"
    job = environment(tmp_path, **MPI, sagemaker_mpi_custom_mpi_options=options, lr=1)
    command = launchers.launch("pytorch", job).command
    assert command[:5] == ["mpirun", "--host", "algo-1", "-np", "1"]
    assert command[-6:] == [sys.executable, "-m", "mpi4py", "train.py", "--lr", "1"]
    assert {"NCCL_DEBUG=WARN", "A=1", "SM_HP_LR"} <= set(command) and "--NCCL_DEBUG" not in command


@pytest.mark.parametrize(
    ("hosts", "values", "said"),
    [
        (1, {"sagemaker_distributed_dataparallel_enabled": True}, "SMDDP .* is part of AWS's own images"),
        (1, {"sagemaker_pytorch_xla_multi_worker_enabled": True}, "PyTorch/XLA is part of AWS's own images"),
        (2, {"sagemaker_parameter_server_enabled": True}, "no TensorFlow or MXNet parameter servers"),
        (2, MPI, "no sshd between its hosts"),
        (1, {**TORCHRUN, "sagemaker_program": "go.sh"}, "Unsupported entry point type for torch_distributed"),
    ],
)
def test_fails_on_launchers_that_cannot_be_had(tmp_path, hosts, values, said):
    job = environment(tmp_path, [f"algo-{number + 1}" for number in range(hosts)], **values)
    with pytest.raises(ClientError, match=said):
        launchers.launch("pytorch", job)


def test_mpi_is_refused_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.shutil, "which", lambda _: None)
    with pytest.raises(ClientError, match="mpirun is in AWS's images and not on this machine"):
        launchers.launch("pytorch", environment(tmp_path, **MPI))


def test_a_launcher_of_another_framework_is_not_asked(tmp_path):
    started = launchers.launch("sklearn", environment(tmp_path, **TORCHRUN))
    assert started.command == [sys.executable, "--", "train.py"]


def test_tensorflow_learns_of_its_workers(tmp_path):
    asked = {"sagemaker_multi_worker_mirrored_strategy_enabled": True}
    job = environment(tmp_path, ("algo-1", "algo-2"), **asked)
    assert json.loads(launchers.variables("tensorflow", job)["TF_CONFIG"]) == {
        "cluster": {"worker": ["algo-1:8890", "algo-2:8890"]},
        "environment": "cloud",
        "task": {"index": 1, "type": "worker"},
    }


def test_pytorch_finds_its_master(tmp_path):
    variables = launchers.variables("pytorch", environment(tmp_path, ("algo-1", "algo-2")))
    assert (variables["MASTER_ADDR"], variables["MASTER_PORT"]) == ("algo-1", "7777")


def test_the_log_from_the_first_error_on_becomes_the_message():
    watch = process.Watch(2, ["MyLibraryGaveUp"])
    assert [watch.take(line) for line in ("fine", "  ValueError: no labels", "after")][1] == "  ValueError: no labels"
    assert process.message([watch.text, ""]) == "ValueError: no labels\n after"
    assert watch.take("[1,3]<stdout>hello") == "[1,mpirank:3,algo-2]<stdout>hello"
    quiet = process.Watch(1, [])
    quiet.take("an erroneous line")
    assert quiet.text == ""


@pytest.mark.parametrize(
    ("code", "extra"), [(1, ""), (137, '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"')]
)
def test_a_failure_is_worded_as_the_toolkit_words_it(tmp_path, code, extra):
    command = [sys.executable, "-c", f"print('KeyError: 1'); raise SystemExit({code})"]
    with pytest.raises(CalledProcessError) as caught:
        process.run(command, tmp_path, capture=True)
    line = " ".join(command)
    assert str(caught.value) == (
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "KeyError: 1"{extra}\nCommand "{line}"'
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, "The training entry point name is empty"),
        ("tr ain.py", r"cannot be used because it contains the character\(s\) ' '"),
        ("-c.py", "a leading '-', which is read as a command-line option"),
        ("/train.py", "a leading '/', which makes it an absolute path"),
        ("a/../train.py", r"contains '\.' or '\.\.' path segments"),
    ],
)
def test_fails_on_an_entry_point_that_is_no_plain_path(name, said):
    with pytest.raises(ClientError, match=said):
        source.check_name(name)


def test_code_that_is_there_is_not_replaced(tmp_path):
    job = environment(tmp_path, sagemaker_submit_directory=str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.py").write_text("other")
    source.fetch(job)
    assert (tmp_path / "code" / "train.py").read_text() == ""
    (tmp_path / "code" / "train.py").unlink()
    source.fetch(job)
    assert (tmp_path / "code" / "train.py").read_text() == "other"
