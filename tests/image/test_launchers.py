"""Several processes: the commands that are built, and what mpirun's ranks do with their signals and failures."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

launchers = pytest.importorskip("trainkit.launchers")
environment = pytest.importorskip("trainkit.environment")
failure = pytest.importorskip("trainkit.failure")

# What stands in for Open MPI: starts the words after `-m trainkit.rank` as often as -np says, first failure ends all.
MPIRUN = """#!{python}
import os, subprocess, sys, time
words = sys.argv[1:]
start = words.index(sys.executable)
open({seen!r}, "w").write(repr(words))
count = int(words[words.index("-np") + 1])
ranks = [subprocess.Popen(words[start:], env={{**os.environ, "OMPI_COMM_WORLD_RANK": str(n)}}) for n in range(count)]
while any(rank.poll() is None for rank in ranks) and not any(rank.poll() for rank in ranks):
    time.sleep(0.02)
for rank in ranks:
    rank.terminate()
sys.exit(max(rank.wait() != 0 for rank in ranks))
"""


def job_of(tmp_path, host="algo-1", hosts=("algo-1", "algo-2"), groups=(), **toolkit):
    resources = {"current_host": host, "hosts": list(hosts), "instance_groups": list(groups)}
    given = {f"sagemaker_{name}": value for name, value in toolkit.items()}
    return environment.Job(base=tmp_path, hyperparameters={}, channels={}, resources=resources, toolkit=given)


def test_torchrun_over_the_hosts_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda _: True)
    monkeypatch.setenv("TRAINWRIGHT_PROCESSES_PER_NODE", "4")
    job = job_of(tmp_path, "algo-2", torch_distributed_enabled=True)
    assert launchers.asked(job) == launchers.TORCHRUN
    assert launchers.torchrun(launchers.group(job), ["/opt/ml/code/main.py", "--k", "v"]) == [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "4"),
        *("--master_addr", "algo-1", "--master_port", "7777", "--node_rank", "1"),
        *("-m", "trainkit.rank", "/opt/ml/code/main.py", "--k", "v"),
    ]


def test_torchrun_on_one_host_needs_no_port(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(launchers, "gpus", lambda: 8)
    command = launchers.torchrun(launchers.group(job_of(tmp_path, hosts=["algo-1"])), ["main.py"])
    assert command[3:8] == ["--nnodes", "1", "--nproc_per_node", "8", "--standalone"]


@pytest.mark.parametrize(("gpus", "cores", "expected"), [(8, 0, 8), (0, 2, 2), (0, 0, 1)])
def test_one_process_an_accelerator(tmp_path, monkeypatch, gpus, cores, expected):
    monkeypatch.setattr(launchers, "gpus", lambda: gpus)
    monkeypatch.setattr(launchers, "neuron_cores", lambda: cores)
    assert launchers.group(job_of(tmp_path)).processes == expected


def test_fails_on_a_number_of_processes_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINWRIGHT_PROCESSES_PER_NODE", "all")
    with pytest.raises(failure.LaunchError, match="all is not allowed; write a number from 1"):
        launchers.group(job_of(tmp_path))


def test_fails_when_torchrun_is_asked_of_an_image_without_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(failure.LaunchError, match="this image has no torch"):
        launchers.torchrun(launchers.group(job_of(tmp_path)), ["main.py"])


def test_only_the_named_instance_groups_train_together(tmp_path):
    groups = [
        {"instance_group_name": "data", "hosts": ["algo-1"]},
        {"instance_group_name": "train", "hosts": ["algo-2", "algo-3"]},
    ]
    asked = {"torch_distributed_enabled": True, "distribution_instance_groups": ["train"]}
    hosts = ("algo-1", "algo-2", "algo-3")
    assert launchers.asked(job_of(tmp_path, "algo-1", hosts, groups, **asked)) is None
    trains = job_of(tmp_path, "algo-3", hosts, groups, **asked)
    assert launchers.asked(trains) == launchers.TORCHRUN
    assert launchers.group(trains).hosts == ("algo-2", "algo-3")


def test_mpirun_gives_every_host_its_share_and_shows_no_value(tmp_path):
    options = "--NCCL_DEBUG WARN -x A=1"
    job = job_of(tmp_path, mpi_enabled=True, mpi_num_of_processes_per_host=8, mpi_custom_mpi_options=options)
    command = launchers.mpirun(
        launchers.group(job), ["main.py"], job, {"KEY": "hunter2", "SSH_TTY": "x", "BASH_FUNC_f%%": "x"}
    )
    text = " ".join(command)
    assert "--host algo-1:8,algo-2:8 -np 16 " in text
    assert "--mca btl_tcp_if_include eth0" in text
    assert " -x KEY -x NCCL_DEBUG=WARN -x A=1 " in text
    assert "hunter2" not in text and "SSH_TTY" not in text and "BASH_FUNC" not in text
    assert command[-3:] == ["-m", "trainkit.rank", "main.py"]


def test_mpi_on_one_host_names_no_network(tmp_path):
    job = job_of(tmp_path, hosts=["algo-1"], mpi_enabled=True)
    command = launchers.mpirun(launchers.group(job), ["main.py"], job, {})
    assert command[:3] == ["mpirun", "--host", f"localhost:{launchers.group(job).processes}"]
    assert "btl_tcp_if_include" not in command


def test_fails_on_an_image_without_mpi_and_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(launchers.shutil, "which", lambda _: None)
    monkeypatch.setattr(launchers, "SSHD", str(tmp_path / "none"))
    with pytest.raises(failure.LaunchError, match=r"this image lacks mpirun \(Open MPI\) and ssh and .*/none"):
        launchers.check_mpi(launchers.group(job_of(tmp_path)))
    with pytest.raises(failure.LaunchError, match=r"lacks mpirun \(Open MPI\): build"):
        launchers.check_mpi(launchers.group(job_of(tmp_path, hosts=["algo-1"])))


@pytest.mark.parametrize(
    ("hyperparameters", "named"),
    [
        ({"sagemaker_distributed_dataparallel_enabled": True}, "SMDDP"),
        ({"sagemaker_parameter_server_enabled": True}, "the parameter server"),
        ({"sagemaker_multi_worker_mirrored_strategy_enabled": True}, "MultiWorkerMirroredStrategy"),
        ({"sagemaker_pytorch_xla_multi_worker_enabled": True}, "PyTorch XLA"),
        ({"sagemaker_pytorch_ddp_enabled": True}, "PyTorch DDP"),
        ({"mp_parameters": {"partitions": 2}, "sagemaker_mpi_enabled": True}, "SMP"),
    ],
)
def test_launchers_of_awss_own_images_are_refused_by_name(job, pack, hyperparameters, named):
    job.script_mode(pack(**{"main.py": "print('ran')"}), **hyperparameters)
    code, out, _ = job.run()
    assert (code, out) == (1, "")
    assert job.failure.startswith(named)
    assert "framework:" in job.failure


def test_a_launcher_that_is_switched_off_is_none(job, pack):
    job.script_mode(pack(**{"main.py": "print('ran')"}), sagemaker_distributed_dataparallel_enabled=False)
    assert job.run()[:2] == (0, "ran\n")


# --- mpirun, played ------------------------------------------------------------------------------------------------


@pytest.fixture
def mpirun(tmp_path: Path) -> Path:
    """A folder for PATH with an mpirun in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "mpirun"
    program.write_text(MPIRUN.format(python=sys.executable, seen=str(tmp_path / "seen")))
    program.chmod(0o755)
    return folder


def started_by(mpirun: Path) -> dict[str, str]:
    return {"PATH": f"{mpirun}:/usr/bin:/bin", "TRAINWRIGHT_PROCESSES_PER_NODE": "2"}


def test_mpi_runs_the_users_script_in_each_process(job, pack, mpirun):
    source = """
import os, sys
os.write(1, f"{os.environ['OMPI_COMM_WORLD_RANK']} {sys.argv[1:]}\\n".encode())  # whole: the two share this output
"""
    job.script_mode(pack(**{"main.py": source}), sagemaker_mpi_enabled=True, k=1)
    code, out, err = job.run(**started_by(mpirun))
    assert code == 0, err
    assert sorted(out.splitlines()) == ["0 ['-k', '1']", "1 ['-k', '1']"]
    assert "-x', 'SM_HPS'" in (mpirun.parent / "seen").read_text()


def test_the_first_process_that_fails_says_why(job, pack, mpirun):
    source = """
import os, time
if os.environ["OMPI_COMM_WORLD_RANK"] == "1":
    raise ValueError("no labels")
time.sleep(60)
"""
    job.script_mode(pack(**{"main.py": source}), sagemaker_mpi_enabled=True)
    assert job.run(**started_by(mpirun))[0] == 1
    assert job.failure.startswith("ValueError: no labels (rank 1 on algo-1)\n")
    assert "main.py" in job.failure


def test_sigterm_reaches_every_process_and_not_what_started_them(job, pack, mpirun):
    source = """
import os, signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
os.write(1, b"ready\\n")
while not asked:
    time.sleep(0.02)
time.sleep(0.3)
os.write(1, b"saved\\n")
"""
    job.script_mode(pack(**{"main.py": source}), sagemaker_mpi_enabled=True)
    process = job.start(**started_by(mpirun))
    assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "saved\nsaved\n"), err


def test_a_worker_of_mpi_waits_for_the_masters_word(tmp_path, monkeypatch):
    launch = pytest.importorskip("trainkit.launch")
    job = job_of(tmp_path, "algo-2", mpi_enabled=True)
    told = []

    class Relay:
        def attach(self, send):
            told.append(send)
            launch._end_of_mpi(job).parent.mkdir(parents=True)
            launch._end_of_mpi(job).touch()

    began = time.monotonic()
    assert launch._serve_mpi(job, launchers.group(job), Relay()).returncode == 0
    assert told and time.monotonic() - began < 5


def test_ranks_on_other_hosts_have_their_own_hosts_variables(tmp_path, monkeypatch):
    rank = pytest.importorskip("trainkit.rank")
    config = tmp_path / "input/config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}))
    script = tmp_path / "main.py"
    script.write_text(
        f"import os, pathlib; pathlib.Path({str(tmp_path / 'host')!r}).write_text(os.environ['SM_CURRENT_HOST'])"
    )
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("SM_CURRENT_HOST", "algo-1")
    monkeypatch.setattr(sys, "argv", ["rank", str(script)])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert rank.main() == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert (tmp_path / "host").read_text() == "algo-2"
