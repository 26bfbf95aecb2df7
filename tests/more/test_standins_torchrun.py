"""sagemaker_torch_distributed_enabled on the stand-in for PyTorch's images: torchrun with two processes."""

import json
import os
import subprocess
import sys

import pytest

from trainwright.rehearsal.jobs import standins

pytestmark = pytest.mark.more
pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")

SCRIPT = """
import os, sys
import torch
import torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
os.write(1, f"rank {dist.get_rank()} of {dist.get_world_size()} sum {total.item()}\\n".encode())
dist.destroy_process_group()
if "--fail" in sys.argv and os.environ["RANK"] == "1":
    raise ValueError("no labels in shard 1")
"""
HOSTS = {"current_host": "algo-1", "hosts": ["algo-1"], "current_group_name": "homogeneousCluster"}


@pytest.fixture
def train(tmp_path):
    """Runs the stand-in over a folder that is laid out as /opt/ml."""

    def run(**values):
        for folder in ("input/config", "code", "model", "output"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / "code/train.py").write_text(SCRIPT)
        group = {"instance_group_name": "homogeneousCluster", "hosts": ["algo-1"]}
        asked = {
            "sagemaker_program": "train.py",
            "sagemaker_torch_distributed_enabled": True,
            "sagemaker_mpi_num_of_processes_per_host": 2,
            **values,
        }
        files = {
            "hyperparameters": {name: json.dumps(value) for name, value in asked.items()},
            "resourceconfig": {**HOSTS, "instance_groups": [group], "network_interface_name": "lo"},
            "inputdataconfig": {},
        }
        for name, content in files.items():
            (tmp_path / "input/config" / f"{name}.json").write_text(json.dumps(content))
        return subprocess.run(
            [sys.executable, str(standins.START), "toolkit", "pytorch", "uri", "train"],
            env={**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    run.folder = tmp_path
    return run


def test_two_processes_meet(train):
    ended = train()
    assert ended.returncode == 0, ended.stderr
    assert {"rank 0 of 2 sum 3.0", "rank 1 of 2 sum 3.0"} <= set(ended.stdout.splitlines())
    assert (train.folder / "output/success").exists()


def test_one_that_fails_is_quoted(train):
    ended = train(fail=1)
    assert ended.returncode == 1
    failure = (train.folder / "output/failure").read_text()
    assert failure.startswith("ExecuteUserScriptError:\nExitCode 1\nErrorMessage ")
    assert "ValueError: no labels in shard 1" in failure
