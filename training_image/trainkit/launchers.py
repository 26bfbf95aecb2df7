"""How a script is started on several processes: the launchers that the request's hyperparameters ask for.

The keys are those of the SageMaker SDK's ``distribution`` (sagemaker SDK v2, estimator.py,
``_distribution_configuration``). torchrun and MPI need no more than what an image has; the others are parts of AWS's
own framework images and are refused here.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainkit.environment import Job, gpus, neuron_cores
from trainkit.failure import LaunchError

#: The port of the first host at which the processes meet: the toolkit's own (torch_distributed.py).
PORT = "7777"
PROCESSES_PER_NODE = "TRAINWRIGHT_PROCESSES_PER_NODE"
TORCHRUN, MPI = "sagemaker_torch_distributed_enabled", "sagemaker_mpi_enabled"
SSHD = "/usr/sbin/sshd"

_OF_AWS = {
    "sagemaker_distributed_dataparallel_enabled": "SMDDP (smdistributed.dataparallel)",
    "sagemaker_parameter_server_enabled": "the parameter server",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "MultiWorkerMirroredStrategy",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch XLA",
    "sagemaker_pytorch_ddp_enabled": "PyTorch DDP (pytorchddp)",
    "sagemaker_training_compiler_enabled": "the Training Compiler",
}
# What belongs to one host or one shell: mpirun must not carry it to other hosts.
_OF_A_HOST = ("HOSTNAME", "PWD", "OLDPWD", "SHLVL", "_", "TERM", "SSH_")


@dataclass(frozen=True)
class Group:
    """The hosts that train together, in order, and how many processes each of them runs."""

    hosts: tuple[str, ...]
    host: str
    processes: int

    @property
    def master(self) -> str:
        """Where the processes meet, and where mpirun runs."""
        return self.hosts[0]

    @property
    def others(self) -> tuple[str, ...]:
        """All hosts but the master."""
        return self.hosts[1:]

    @property
    def is_master(self) -> bool:
        """Whether this host is the master."""
        return self.host == self.master


def asked(job: Job) -> str | None:
    """The launcher's key; None where the script is started once a host.

    Raises:
        LaunchError: a launcher that only AWS's own images have.
    """
    foreign = [label for key, label in _OF_AWS.items() if job.toolkit.get(key) is True]
    if job.hyperparameters.get("mp_parameters"):
        foreign.insert(0, "SMP (smdistributed.modelparallel)")
    if foreign:
        raise LaunchError(
            f"{foreign[0]} is part of AWS's own training images and is not in this one: name one of those with "
            "framework: (as in framework: pytorch:2.8.0) in place of the image"
        )
    if job.host not in group(job).hosts:
        return None  # of an instance group that the distribution does not name
    return next((key for key in (TORCHRUN, MPI) if job.toolkit.get(key) is True), None)


def group(job: Job) -> Group:
    """The hosts of the instance groups that the distribution names, or all of them."""
    named = job.toolkit.get("sagemaker_distribution_instance_groups") or []
    groups = [found for found in job.resources.get("instance_groups", []) if found["instance_group_name"] in named]
    hosts = [host for found in groups for host in found["hosts"]] or job.hosts
    return Group(tuple(hosts), job.host, _processes(job.toolkit))


def _processes(toolkit: Mapping[str, Any]) -> int:
    asked_for = os.environ.get(PROCESSES_PER_NODE) or toolkit.get("sagemaker_mpi_num_of_processes_per_host")
    if not asked_for:
        return gpus() or neuron_cores() or 1
    try:
        number = int(asked_for)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise LaunchError(f"{PROCESSES_PER_NODE}: {asked_for} is not allowed; write a number from 1")
    return number


def torchrun(group: Group, script: Sequence[str]) -> list[str]:
    """torchrun, as ``python -m`` so that it is the image's own; each process goes through `trainkit.rank`.

    MASTER_PORT in the environment replaces the port.

    Raises:
        LaunchError: the image has no torch.
    """
    if importlib.util.find_spec("torch") is None:
        raise LaunchError("torchrun is asked for, and this image has no torch: build it into the image")
    rank = group.hosts.index(group.host)
    meeting = ["--master_addr", group.master, "--master_port", os.environ.get("MASTER_PORT") or PORT]
    several = [*meeting, "--node_rank", str(rank)] if group.others else ["--standalone"]
    return [
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes", str(len(group.hosts)), "--nproc_per_node", str(group.processes), *several),
        *("-m", "trainkit.rank", *script),
    ]


def check_mpi(group: Group) -> None:
    """Refuse an image in which MPI cannot start.

    Raises:
        LaunchError: naming everything that is missing.
    """
    missing = [] if shutil.which("mpirun") else ["mpirun (Open MPI)"]
    if group.others:
        missing += [] if shutil.which("ssh") else ["ssh"]
        missing += [] if Path(SSHD).is_file() else [f"{SSHD}, which reaches the other hosts"]
    if missing:
        raise LaunchError(f"MPI is asked for, and this image lacks {' and '.join(missing)}: build it into the image")


def mpirun(group: Group, script: Sequence[str], job: Job, environment: Mapping[str, str]) -> list[str]:
    """mpirun over all hosts: as many processes as hosts times processes, so that every host gets its share.

    The options are the toolkit's own (mpi.py), as far as they are not for its NCCL; those for the network are given
    only where there is more than one host. `environment` is what the processes are to find: its names are given to
    mpirun, which carries the values itself, so that no command line shows them.
    """
    interface = str(job.resources.get("network_interface_name", "eth0"))
    tcp = ("btl_tcp_if_include", "oob_tcp_if_include")
    network = [word for name in tcp for word in ("--mca", name, interface)] + ["--mca", "plm_rsh_no_tree_spawn", "1"]
    names = [name for name in sorted(environment) if name.isidentifier() and not name.startswith(_OF_A_HOST)]
    hosts = group.hosts if group.others else ("localhost",)  # which needs no ssh, whatever the host's name means
    return [
        *("mpirun", "--host", ",".join(f"{host}:{group.processes}" for host in hosts)),
        *("-np", str(len(group.hosts) * group.processes), "--allow-run-as-root", "--tag-output"),
        *("--bind-to", "none", "--map-by", "slot", "--mca", "orte_abort_on_non_zero_status", "1"),
        *(network if group.others else ()),
        *(word for name in names for word in ("-x", name)),
        *_own_options(str(job.toolkit.get("sagemaker_mpi_custom_mpi_options") or "")),
        *(sys.executable, "-m", "trainkit.rank", *script),
    ]


def _own_options(text: str) -> list[str]:
    """The run's additional options; ``--NCCL_DEBUG X`` is the toolkit's own spelling of a variable."""
    words = shlex.split(text)
    if "--NCCL_DEBUG" in words[:-1]:
        at = words.index("--NCCL_DEBUG")
        words[at : at + 2] = ["-x", f"NCCL_DEBUG={words[at + 1]}"]
    return words


def network_variables(job: Job) -> dict[str, str]:
    """What NCCL, gloo and libfabric are told about the network, unless the run says it itself.

    As the toolkit has it (torch_distributed.py), with the device itself in place of its list of instance types. Gloo
    would ask for the address of the machine's own name, which on SageMaker is the same on every host.
    """
    interface = str(job.resources.get("network_interface_name", "eth0"))
    wanted = {"NCCL_SOCKET_IFNAME": interface}
    if interface in (name for _, name in socket.if_nameindex()):
        wanted["GLOO_SOCKET_IFNAME"] = interface
    if Path("/dev/infiniband").is_dir():
        wanted |= {"FI_PROVIDER": "efa", "RDMAV_FORK_SAFE": "1", "NCCL_PROTO": "simple"}
    return {name: value for name, value in wanted.items() if name not in os.environ}
