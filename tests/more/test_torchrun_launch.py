"""torchrun for real: gloo on the CPU, two processes, on one host and on two."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more
torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")

IMAGE = Path(__file__).parents[2] / "training_image"
SCRIPT = """
import os, sys
import torch
import torch.distributed as dist
import trainkit


def say(*words):
    # one write a line: two processes share this output, and a line of one must not stand in a line of the other
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())


torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
say("started", rank)
total = torch.tensor([float(rank + 1)])
dist.all_reduce(total)
say("rank", rank, "of", dist.get_world_size(), "sum", total.item(), sys.argv[1:])
if "fail" in sys.argv and rank == 1:
    raise ValueError("no labels in shard 1")
if "wait" in sys.argv:
    stop = trainkit.StopSignal()
    say("ready")
    import time
    while not stop.requested:
        time.sleep(0.05)
    dist.barrier()
    say("saved")
else:
    dist.barrier()
dist.destroy_process_group()
"""


def start(base: Path, host: str, hosts: list[str], what: str, processes: int, port: int = 0) -> subprocess.Popen[str]:
    config = base / "input" / "config"
    config.mkdir(parents=True)
    code = base / "input" / "data" / "code"
    code.mkdir(parents=True)
    (code / "main.py").write_text(SCRIPT)
    hyperparameters = {
        "sagemaker_program": '"main.py"',
        "sagemaker_submit_directory": '"/opt/ml/input/data/code"',
        "sagemaker_torch_distributed_enabled": "true",
        "what": json.dumps(what),
    }
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": hosts}))
    environment = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINWRIGHT_PROCESSES_PER_NODE": str(processes),
        "GLOO_SOCKET_IFNAME": "lo",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "trainkit.launch", "train.py", "train"],
        cwd=IMAGE,
        env=environment | ({"MASTER_PORT": str(port)} if port else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_on_one_host_train_together(tmp_path: Path) -> None:
    out, err = (process := start(tmp_path, "algo-1", ["algo-1"], "ok", 2)).communicate(timeout=120)
    assert process.returncode == 0, err
    ends = sorted(line for line in out.splitlines() if line.startswith("rank"))
    assert ends == [f"rank {rank} of 2 sum 3.0 ['--what', 'ok']" for rank in (0, 1)]
    assert not (tmp_path / "output" / "failure").exists()


def test_two_hosts_with_a_process_each_meet_at_the_first(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hosts = ["localhost", "127.0.0.1"]  # names that resolve here
    jobs = [start(tmp_path / str(number), host, hosts, "ok", 1, port) for number, host in enumerate(hosts)]
    ended = [job.communicate(timeout=120) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], ended
    assert "rank 0 of 2 sum 3.0" in ended[0][0]
    assert "rank 1 of 2 sum 3.0" in ended[1][0]


def test_the_process_that_failed_first_is_the_reason(tmp_path: Path) -> None:
    _, err = (process := start(tmp_path, "algo-1", ["algo-1"], "fail", 2)).communicate(timeout=120)
    assert process.returncode == 1
    failure = (tmp_path / "output" / "failure").read_text()
    assert failure.startswith("ValueError: no labels in shard 1 (rank 1 on algo-1)\n"), err


def test_a_stop_lets_every_process_come_to_its_own_end(tmp_path: Path) -> None:
    process = start(tmp_path, "algo-1", ["algo-1"], "wait", 2)
    ready = 0
    while ready < 2:
        ready += process.stdout.readline() == "ready\n"
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out.count("saved")) == (0, 2), err
