"""Hosts that really train together: torch.distributed (gloo) and MPI, over each job's own network."""

import json
import shutil
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more
PLATFORM = "platform:1"
FEATURES = 4

#: Linear regression, on another part of the data in each process: weights agree only if gradients are shared.
TORCH = """
import json, os, sys
from pathlib import Path
import torch
import torch.distributed as dist

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
torch.manual_seed(rank)
truth = torch.arange(4.0).unsqueeze(1)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1, bias=False))
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
losses = []
for step in range(60):
    data = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(data), data @ truth)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
weights = next(model.parameters()).detach().flatten()
everybodys = [torch.empty_like(weights) for _ in range(size)]
dist.all_gather(everybodys, weights)
result = {
    "size": size,
    "agree": all(torch.equal(weights, other) for other in everybodys),
    "weights": weights.tolist(),
    "losses": [losses[0], losses[-1]],
}
Path(f"/opt/ml/model/rank{rank}.json").write_text(json.dumps(result))
dist.barrier()
dist.destroy_process_group()
# all is done and written; torch's threads and the interpreter's own end race on a busy machine ("terminate called")
sys.stdout.flush()
os._exit(0)
"""

NUMPY = """
import json
from pathlib import Path
import numpy as np
from mpi4py import MPI

everybody = MPI.COMM_WORLD
rank, size = everybody.rank, everybody.size
random = np.random.default_rng(rank)
truth, weights, losses = np.arange(4.0), np.zeros(4), []
for step in range(60):
    data = random.normal(size=(32, 4))
    error = data @ (weights - truth)
    losses.append(float(np.mean(error**2)))
    weights = weights - 0.1 * everybody.allreduce(2 * data.T @ error / 32, MPI.SUM) / size
result = {
    "size": size,
    "agree": all(np.array_equal(weights, other) for other in everybody.allgather(weights)),
    "weights": weights.tolist(),
    "losses": [losses[0], losses[-1]],
}
Path(f"/opt/ml/model/rank{rank}.json").write_text(json.dumps(result))
"""

#: The raw way: the image's program starts torchrun itself, as a script without the platform's image would.
RAW = """
config = json.loads((ml / "input/config/resourceconfig.json").read_text())
hosts = config["hosts"]
sys.exit(subprocess.run([
    "torchrun",
    "--nnodes", str(len(hosts)), "--nproc_per_node", "2", "--node_rank", str(hosts.index(config["current_host"])),
    "--master_addr", hosts[0], "--master_port", "7777", ml / "input/data/code/main.py",
]).returncode)
"""

#: A host of the group "data" serves batches; the processes of the group "model" fetch them and train.
SERVE = """
import json, os, socket
config = json.loads(open("/opt/ml/input/config/resourceconfig.json").read())
groups = {group["instance_group_name"]: group["hosts"] for group in config["instance_groups"]}
if config["current_group_name"] == "data":
    import random, threading
    def answer(client):
        with client, client.makefile("rw") as lines:
            for line in lines:
                made = random.Random(line)
                lines.write(json.dumps([[made.gauss(0, 1) for _ in range(4)] for _ in range(32)]) + "\\n")
                lines.flush()
    with socket.create_server((config["current_host"], 5050)) as listener:
        clients = [threading.Thread(target=answer, args=(listener.accept()[0],)) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    raise SystemExit
def connect():
    import time
    while True:
        try:
            return socket.create_connection((groups["data"][0], 5050)).makefile("rw")
        except OSError:
            time.sleep(0.1)
batches = connect()
def fetch(rank, step):
    batches.write(f"{rank} {step}\\n")
    batches.flush()
    return json.loads(batches.readline())
"""


@pytest.fixture
def cluster(account):
    if not account.ready["namespaces"] or any("network" in lost for lost in account.ready["lost_guarantees"]):
        pytest.skip("this machine lets nobody make networks")
    return account


@pytest.fixture
def start(cluster):
    """Start a job with a script in its channel "code"."""

    def go(name, script, *, environment=None, image=PLATFORM, groups=None, **parameters):
        cluster.client("s3").put_object(Bucket="jobs", Key=f"{name}/main.py", Body=script.encode())
        given = {
            "sagemaker_program": "main.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code",
            **parameters,
        }
        equal = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
        cluster.train(
            name,
            wait=False,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            HyperParameters={
                key: value if image != PLATFORM else json.dumps(value) for key, value in given.items() if value
            },
            InputDataConfig=[{**cluster.channel(name), "ChannelName": "code"}],
            ResourceConfig={"VolumeSizeInGB": 5, **({"InstanceGroups": groups} if groups else equal)},
            StoppingCondition={"MaxRuntimeInSeconds": 150},
            Environment={"TRAINWRIGHT_PROCESSES_PER_NODE": "2", "GLOO_SOCKET_IFNAME": "eth0", **(environment or {})},
        )

    return go


def check_trained(account, name):
    job = account.finish(name, seconds=170)
    assert job["TrainingJobStatus"] == "Completed", "\n".join([str(job.get("FailureReason")), *account.log(name)])
    ranks = {file: json.loads(text) for file, text in account.model(name).items() if file.startswith("rank")}
    assert set(ranks) == {f"rank{number}.json" for number in range(4)}
    for result in ranks.values():
        assert result["size"] == 4
        assert result["agree"]
        assert result["losses"][1] < result["losses"][0] / 100
        assert result["weights"] == pytest.approx([0, 1, 2, 3], abs=0.1)


def test_two_jobs_of_two_hosts_with_two_processes_train_at_once(cluster, start):
    pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")
    start("torchrun-platform", TORCH, sagemaker_torch_distributed_enabled=True)
    start("torchrun-raw", TORCH, image="rehearsed:1", code=RAW)
    check_trained(cluster, "torchrun-platform")
    check_trained(cluster, "torchrun-raw")


def test_a_group_trains_on_what_another_group_prepares(cluster, start):
    pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")
    groups = [
        {"InstanceGroupName": "data", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "model", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    script = SERVE + TORCH.replace("torch.randn(32, 4)", "torch.tensor(fetch(rank, step))")
    assert "fetch(rank" in script
    distribution = {"sagemaker_distribution_instance_groups": ["model"]}
    start("groups-torch", script, groups=groups, sagemaker_torch_distributed_enabled=True, **distribution)
    check_trained(cluster, "groups-torch")


def test_mpi_starts_processes_on_every_host(cluster, start):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: pip install -r tools/requirements-more.txt")
    programs = str(Path(sys.executable).parent)
    if not shutil.which("mpirun", path=programs):
        pytest.skip("Open MPI is not installed: pip install -r tools/requirements-more.txt")
    path = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}
    start("mpi", NUMPY, environment=path, sagemaker_mpi_enabled=True, sagemaker_mpi_num_of_processes_per_host=2)
    check_trained(cluster, "mpi")
