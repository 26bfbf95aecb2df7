"""How a framework's container launches the user's script: the process itself, torchrun or mpirun.

Sources: training.py of the PyTorch, TensorFlow and scikit-learn toolkits; process.py, torch_distributed.py and mpi.py
of sagemaker-training; sagemaker-containers' modules.py for XGBoost.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .environment import Environment
from .errors import ClientError
from .source import Kind, kind_of

#: What AWS's images have and this machine has not, by the hyperparameter that asks for it.
NOT_PLAYED = {
    "sagemaker_distributed_dataparallel_enabled": "SMDDP (smdistributed.dataparallel)",
    "sagemaker_pytorch_ddp_enabled": "SMDDP behind PyTorch's DistributedDataParallel",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch/XLA",
}
_PORT = "7777"
_SWITCHES = {
    "pytorch": ("sagemaker_mpi_enabled", "sagemaker_torch_distributed_enabled", *NOT_PLAYED),
    "tensorflow": ("sagemaker_mpi_enabled", "sagemaker_distributed_dataparallel_enabled"),
    "mxnet": ("sagemaker_mpi_enabled",),
    "sklearn": (),
    "xgboost": (),
}


@dataclass(frozen=True)
class Launch:
    """A command, and how many processes it starts on each host."""

    command: list[str]
    per_host: int = 1


def launch(framework: str, environment: Environment) -> Launch:
    """What the framework's container starts.

    Raises:
        ClientError: the entry point is not for this launcher, or the launcher cannot be had here.
    """
    _refuse(environment)
    asked = [name for name in _SWITCHES[framework] if environment.framework_parameters.get(name)]
    switch = asked[0] if asked and environment.is_distributed else None
    if switch in NOT_PLAYED:
        raise ClientError(f"{NOT_PLAYED[switch]} is part of AWS's own images; the rehearsal cannot play {switch}")
    per_host = _per_host(environment)
    if switch == "sagemaker_torch_distributed_enabled":
        return Launch(_torchrun(environment, per_host), per_host)
    if switch == "sagemaker_mpi_enabled":
        return Launch(_mpirun(environment, per_host), per_host)
    if framework == "xgboost":
        return Launch([sys.executable, "-m", environment.module_name, *environment.cmd_args()])
    return Launch(_process(environment, [sys.executable]))


def _refuse(environment: Environment) -> None:
    asked = environment.framework_parameters
    if asked.get("sagemaker_parameter_server_enabled") and len(environment.hosts) > 1:
        raise ClientError("the rehearsal has no TensorFlow or MXNet parameter servers; train on one host")
    if asked.get("sagemaker_mpi_enabled") and len(environment.hosts) > 1:
        raise ClientError("the rehearsal has no sshd between its hosts, which mpirun needs; train on one host")


def _per_host(environment: Environment) -> int:
    """One process for each accelerator that this machine has, unless the request says how many."""
    machine = environment.machine
    given = environment.framework_parameters.get("sagemaker_mpi_num_of_processes_per_host")
    return int(given or machine.gpus or machine.neurons or 1)


def _process(environment: Environment, python: Sequence[str]) -> list[str]:
    name = str(environment.user_entry_point)
    kind, words = kind_of(environment.code, name), environment.cmd_args()
    if kind is Kind.PACKAGE:
        return [*python, "-m", name.removesuffix(".py"), *words]
    if kind is Kind.PROGRAM:
        # a bare interpreter is told where its own options end
        return [*python, *(["--"] if len(python) == 1 else []), name, *words]
    return ["/bin/sh", "-c", f"./{shlex.quote(name)} {' '.join(map(shlex.quote, words))}"]


def _torchrun(environment: Environment, per_host: int) -> list[str]:
    kind = kind_of(environment.code, str(environment.user_entry_point))
    if kind is Kind.PACKAGE:
        raise ClientError(
            "Python packages are not supported for torch_distributed. Please use a python script as the entry-point"
        )
    if kind is not Kind.PROGRAM:
        raise ClientError("Unsupported entry point type for torch_distributed")
    os.environ.update({"NCCL_SOCKET_IFNAME": environment.interface, "NCCL_PROTO": "simple"})
    hosts = environment.distribution_hosts
    # the program of that name lies beside the machine's Python, not in the job's environment
    torchrun = ["torchrun"] if shutil.which("torchrun") else [sys.executable, "-m", "torch.distributed.run"]
    words = ["--nnodes", str(len(hosts)), "--nproc_per_node", str(per_host)]
    if len(hosts) > 1:
        rank = str(hosts.index(environment.current_host))
        words += ["--master_addr", environment.master, "--master_port", _PORT, "--node_rank", rank]
    return [*torchrun, *words, str(environment.user_entry_point), *environment.cmd_args()]


def _mpirun(environment: Environment, per_host: int) -> list[str]:
    if not shutil.which("mpirun"):
        raise ClientError("mpirun is in AWS's images and not on this machine; install Open MPI to rehearse with it")
    asked, interface = environment.framework_parameters, environment.interface
    hosts = environment.distribution_hosts
    slots = hosts if per_host == 1 else [f"{host}:{per_host}" for host in hosts]
    total = asked.get("sagemaker_mpi_num_processes") or per_host * len(hosts)
    settings = {
        **{"btl_tcp_if_include": interface, "oob_tcp_if_include": interface, "plm_rsh_no_tree_spawn": "1"},
        **{"pml": "ob1", "btl": "^openib", "orte_abort_on_non_zero_status": "1"},
        "btl_vader_single_copy_mechanism": "none",
    }
    more, debug = _mpi_options(str(asked.get("sagemaker_mpi_custom_mpi_options", "")))
    passed = ["NCCL_MIN_NRINGS=4", f"NCCL_SOCKET_IFNAME={interface}", f"NCCL_DEBUG={debug}", "LD_LIBRARY_PATH", "PATH"]
    return [
        *("mpirun", "--host", ",".join(slots), "-np", str(total), "--allow-run-as-root", "--display-map"),
        *("--tag-output", "-bind-to", "none", "-map-by", "slot"),
        *(word for name, value in settings.items() for word in ("-mca", name, value)),
        *(word for name in passed for word in ("-x", name)),
        *more,
        *(word for name in environment.env_vars() for word in ("-x", name)),
        *_process(environment, [sys.executable, "-m", "mpi4py"]),
    ]


def _mpi_options(text: str) -> tuple[list[str], str]:
    """The user's own words for mpirun, without --NCCL_DEBUG, and its value."""
    words, debug = text.split(), "INFO"
    if "--NCCL_DEBUG" in words[:-1]:
        place = words.index("--NCCL_DEBUG")
        debug = words[place + 1]
        del words[place : place + 2]
    return words, debug


def variables(framework: str, environment: Environment) -> dict[str, str]:
    """What the container puts into the environment beside SM_*."""
    if framework == "pytorch":
        return _pytorch(environment)
    if framework == "tensorflow":
        return _tensorflow(environment)
    return {}


def _pytorch(environment: Environment) -> dict[str, str]:
    return {
        **{"NCCL_SOCKET_IFNAME": environment.interface, "NCCL_IB_DISABLE": "1", "NCCL_DEBUG": "WARN"},
        **{"MASTER_ADDR": environment.master, "MASTER_PORT": _PORT},
    }


def _tensorflow(environment: Environment) -> dict[str, str]:
    region = environment.variables.get("AWS_REGION", "")
    found = {"S3_REGION": region, "TF_CPP_MIN_LOG_LEVEL": "1", "S3_USE_HTTPS": "1"}
    if environment.framework_parameters.get("sagemaker_multi_worker_mirrored_strategy_enabled"):
        found["TF_CONFIG"] = json.dumps(tf_config(environment.distribution_hosts, environment.current_host))
    return found


def tf_config(hosts: Sequence[str], host: str) -> dict[str, Any]:
    """TF_CONFIG of MultiWorkerMirroredStrategy."""
    return {
        "cluster": {"worker": [f"{each}:8890" for each in hosts]},
        "environment": "cloud",
        "task": {"index": list(hosts).index(host), "type": "worker"},
    }
