"""What the toolkit knows of the job, and the SM_* variables that it makes of it (environment.py of the toolkit)."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import mapping

BASE = "SAGEMAKER_BASE_DIR"
PREFIX = "sagemaker_"
#: Hyperparameters that the toolkit keeps to itself; others with the prefix go on as "framework parameters".
OWN = frozenset(
    {
        *("sagemaker_program", "sagemaker_submit_directory", "sagemaker_enable_cloudwatch_metrics"),
        *("sagemaker_region", "sagemaker_container_log_level", "sagemaker_job_name", "default_user_module_name"),
        *("_tuning_objective_metric", "sagemaker_s3_output"),
    }
)
#: Each of them asks for a distributed launch in the host's instance group.
DISTRIBUTED = (
    *("sagemaker_mpi_enabled", "sagemaker_parameter_server_enabled", "sagemaker_distributed_dataparallel_enabled"),
    *("sagemaker_pytorch_ddp_enabled", "sagemaker_pytorch_xla_multi_worker_enabled"),
    *("sagemaker_multi_worker_mirrored_strategy_enabled", "sagemaker_torch_distributed_enabled"),
)
log = logging.getLogger("sagemaker-training-toolkit")


@dataclass(frozen=True)
class Machine:
    """What the container counts on its host, and not what the instance type promises."""

    cpus: int
    gpus: int
    neurons: int

    @classmethod
    def counted(cls, instance_type: str) -> Machine:
        """As the toolkit counts: this machine's processors and what nvidia-smi lists."""
        neurons = 64 if "trn2.48xlarge" in instance_type else 0
        return cls(multiprocessing.cpu_count(), _gpus(), neurons)


def _gpus() -> int:
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.splitlines())


@dataclass(frozen=True)
class Environment:
    """The job as its files and variables have it.

    Args:
        base: /opt/ml, or what SAGEMAKER_BASE_DIR names.
        hyperparameters: all of them, decoded.
        resources: resourceconfig.json.
        channels: inputdataconfig.json.
        variables: the container's environment.
        machine: what its host has.
    """

    base: Path
    hyperparameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    channels: Mapping[str, Any]
    variables: Mapping[str, str]
    machine: Machine

    # --- the user's code ---

    @property
    def code(self) -> Path:
        """Where the user's code comes to lie."""
        return self.base / "code"

    @property
    def user_entry_point(self) -> str | None:
        """SAGEMAKER_PROGRAM, else sagemaker_program."""
        return self.variables.get("SAGEMAKER_PROGRAM") or self.hyperparameters.get("sagemaker_program")

    @property
    def module_name(self) -> str:
        """The entry point without ``.py``; "None" where there is none, as in the toolkit."""
        return str(self.user_entry_point).removesuffix(".py")

    @property
    def module_dir(self) -> str:
        """Where the source is, by default where it is to lie."""
        return str(self.hyperparameters.get("sagemaker_submit_directory", self.code))

    @property
    def user_hyperparameters(self) -> dict[str, Any]:
        """Those that are the script's."""
        return {name: value for name, value in self.hyperparameters.items() if not _is_toolkits(name)}

    @property
    def framework_parameters(self) -> dict[str, Any]:
        """Those that choose a launcher."""
        return {name: value for name, value in self.hyperparameters.items() if _is_toolkits(name) and name not in OWN}

    @property
    def log_level(self) -> int:
        """Of Python's logging."""
        return int(self.hyperparameters.get("sagemaker_container_log_level", logging.INFO))

    # --- the hosts ---

    @property
    def hosts(self) -> list[str]:
        """All of them."""
        return list(self.resources["hosts"])

    @property
    def current_host(self) -> str:
        """This one."""
        return str(self.resources["current_host"])

    @property
    def interface(self) -> str:
        """The network interface between the hosts."""
        return str(self.resources.get("network_interface_name", "eth0"))

    @property
    def group(self) -> str:
        """This host's instance group."""
        return str(self.resources.get("current_group_name", "homogeneousCluster"))

    @property
    def distribution_groups(self) -> list[str]:
        """The instance groups that are to train together."""
        given = self.framework_parameters.get("sagemaker_distribution_instance_groups")
        if given is not None:
            return list(given)
        return [self.group] if any(self.framework_parameters.get(name) for name in DISTRIBUTED) else []

    @property
    def is_distributed(self) -> bool:
        """Whether this host takes part in that."""
        return self.group in self.distribution_groups

    @property
    def distribution_hosts(self) -> list[str]:
        """The hosts of those groups."""
        groups: Sequence[Mapping[str, Any]] = self.resources.get("instance_groups", ())
        if not groups:
            return self.hosts
        wanted = self.distribution_groups
        return [host for group in groups if group["instance_group_name"] in wanted for host in group["hosts"]]

    @property
    def master(self) -> str:
        """The host that the others meet at."""
        return (self.distribution_hosts or self.hosts)[0]

    # --- what the script gets ---

    def cmd_args(self) -> list[str]:
        """The script's own hyperparameters as words of a command line."""
        return mapping.cmd_args(self.user_hyperparameters)

    def env_vars(self) -> dict[str, str]:
        """Every SM_* variable."""
        parts = self._described()
        named = {_VARIABLES.get(name, name): value for name, value in parts.items() if name not in _NOT_VARIABLES}
        channels = {f"channel_{name}": path for name, path in parts["channel_input_dirs"].items()}
        values = {f"hp_{name}": value for name, value in self.user_hyperparameters.items()}
        more = {"channels": sorted(parts["channel_input_dirs"]), "training_env": parts, "user_args": self.cmd_args()}
        topology = {"topology": parts["topology"]} if parts["topology"] else {}
        return mapping.env_vars({**named, **topology, **more, **channels, **values})

    def _described(self) -> dict[str, Any]:
        """Every property of the toolkit's own Environment, under its name."""
        return {**self._described_code(), **self._described_folders(), **self._described_hosts()}

    def _described_code(self) -> dict[str, Any]:
        return {
            "additional_framework_parameters": self.framework_parameters,
            "framework_module": self.variables.get("SAGEMAKER_TRAINING_MODULE"),
            "hyperparameters": self.user_hyperparameters,
            "job_name": self.variables.get("TRAINING_JOB_NAME"),
            "log_level": self.log_level,
            "module_dir": self.module_dir,
            "module_name": self.module_name,
            "user_entry_point": self.user_entry_point,
        }

    def _described_folders(self) -> dict[str, Any]:
        folders = {
            **{"input_dir": "input", "input_config_dir": "input/config", "model_dir": "model", "output_dir": "output"},
            **{"output_data_dir": "output/data", "output_intermediate_dir": "output/intermediate"},
        }
        return {
            **{name: str(self.base / below) for name, below in folders.items()},
            "channel_input_dirs": {name: str(self.base / "input/data" / name) for name in self.channels},
            "input_data_config": self.channels,
        }

    def _described_hosts(self) -> dict[str, Any]:
        groups: list[dict[str, Any]] = list(self.resources.get("instance_groups", ()))
        by_name = {group["instance_group_name"]: group for group in groups}
        return {
            "current_host": self.current_host,
            "current_instance_group": self.group,
            "current_instance_group_hosts": by_name.get(self.group, {}).get("hosts", []),
            "current_instance_type": self.resources.get("current_instance_type", "local"),
            "distribution_hosts": self.distribution_hosts,
            "distribution_instance_groups": self.distribution_groups,
            "hosts": self.hosts,
            "instance_groups": list(by_name),
            "instance_groups_dict": by_name,
            "is_hetero": len(groups) > 1,
            "is_master": self.current_host == self.master,
            "is_modelparallel_enabled": self._is_modelparallel_enabled,
            "is_smddpmprun_installed": shutil.which("smddpmprun") is not None,
            "is_smddprun_installed": shutil.which("smddprun") is not None,
            "master_hostname": self.master,
            "network_interface_name": self.interface,
            "num_cpus": self.machine.cpus,
            "num_gpus": self.machine.gpus,
            "num_neurons": self.machine.neurons,
            "resource_config": self.resources,
            "topology": self.resources.get("topology", []),
        }

    @property
    def _is_modelparallel_enabled(self) -> Any:
        given = self.variables.get("SM_HP_MP_PARAMETERS")
        return given and given != "{}"


# Properties that are variables under another name, and those that are none of their own.
_VARIABLES = {"additional_framework_parameters": "framework_params", "hyperparameters": "hps"}
_NOT_VARIABLES = frozenset(
    {
        *("channel_input_dirs", "distribution_hosts", "is_master", "is_modelparallel_enabled", "job_name"),
        *("is_smddpmprun_installed", "is_smddprun_installed", "master_hostname", "topology"),
    }
)


def _is_toolkits(name: str) -> bool:
    return name in OWN or name.startswith(PREFIX)


def read(variables: Mapping[str, str] = os.environ) -> Environment:
    """The job's environment, from the files of /opt/ml/input/config."""
    base = Path(variables.get(BASE, "/opt/ml"))
    config = base / "input" / "config"
    given, resources, channels = (
        json.loads((config / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("hyperparameters", "resourceconfig", "inputdataconfig")
    )
    machine = Machine.counted(resources.get("current_instance_type", ""))
    return Environment(base, mapping.decoded(given), resources, channels, dict(variables), machine)
