"""SageMaker's files under ``/opt/ml/input/config``, and the SM_* variables and arguments that scripts expect from them.

SageMaker itself sets no SM_* variable: an entry point does. The names and the form of the values are those of AWS's
sagemaker-training toolkit (https://github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md), so that a
script written for AWS's own images runs unchanged.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# Hyperparameters with this prefix are messages to AWS's toolkit, not to the script.
TOOLKIT_PREFIX = "sagemaker_"
# Those that have a variable of their own; what is left are the framework's parameters (toolkit, params.py).
_SAID_ELSEWHERE = frozenset(
    f"{TOOLKIT_PREFIX}{name}" for name in ("program", "submit_directory", "container_log_level", "job_name", "region")
)


@dataclass(frozen=True)
class Job:
    """What SageMaker says about this job and this host.

    Args:
        base: ``/opt/ml``.
        hyperparameters: the script's own, each value read as JSON where it is JSON and as text where it is not.
        channels: the input channels, by name.
        resources: ``resourceconfig.json``: hosts, this host, instance groups, network interface.
        toolkit: the hyperparameters that begin with ``sagemaker_``, read in the same way: what the SDK asks of AWS's
            toolkit, and of this package.
    """

    base: Path
    hyperparameters: dict[str, Any]
    channels: dict[str, Any]
    resources: dict[str, Any]
    toolkit: dict[str, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """This host's name, ``algo-1`` and so on."""
        return str(self.resources.get("current_host", "algo-1"))

    @property
    def hosts(self) -> list[str]:
        """All hosts, in the order that SageMaker gives them."""
        return list(self.resources.get("hosts", [self.host]))

    @property
    def arguments(self) -> list[str]:
        """``--name value`` for each hyperparameter, ordered by name; ``-n value`` for a name of one letter."""
        pairs = ((_flag(name), _argument(value)) for name, value in sorted(self.hyperparameters.items()))
        return [word for pair in pairs for word in pair]

    @property
    def failure_file(self) -> Path:
        """Its first 1,024 characters become the job's FailureReason."""
        return self.base / "output" / "failure"


def read_job(base: Path) -> Job:
    """Read ``input/config``. A file that is not there counts as empty: a job may have no channels."""
    config = base / "input" / "config"
    raw = _read(config / "hyperparameters.json")
    return Job(
        base=base,
        hyperparameters={name: _decode(text) for name, text in raw.items() if not name.startswith(TOOLKIT_PREFIX)},
        channels=_read(config / "inputdataconfig.json"),
        resources=_read(config / "resourceconfig.json"),
        toolkit={name: _decode(text) for name, text in raw.items() if name.startswith(TOOLKIT_PREFIX)},
    )


def sm_variables(job: Job) -> dict[str, str]:
    """The SM_* variables for the script's process."""
    values = _folders(job) | _machines(job) | {"hps": job.hyperparameters, "user_args": job.arguments} | _script(job)
    values |= {f"channel_{name}": str(job.base / "input" / "data" / name) for name in job.channels}
    values |= {f"hp_{name}": value for name, value in job.hyperparameters.items()}
    values["training_env"] = {name: value for name, value in values.items() if not name.startswith(("hp_", "channel_"))}
    return {f"SM_{name.upper()}": _text(value) for name, value in values.items()}


def _folders(job: Job) -> dict[str, Any]:
    base = job.base
    return {
        "model_dir": str(base / "model"),
        "output_dir": str(base / "output"),
        "output_data_dir": str(base / "output" / "data"),
        "input_dir": str(base / "input"),
        "input_config_dir": str(base / "input" / "config"),
        "input_data_config": job.channels,
        "channels": sorted(job.channels),
        "log_level": job.toolkit.get("sagemaker_container_log_level", 20),
    }


def _script(job: Job) -> dict[str, Any]:
    """What the toolkit says of the script where the request names one."""
    program = job.toolkit.get("sagemaker_program")
    if not program:
        return {}
    return {
        "user_entry_point": program,
        "module_name": str(program).removesuffix(".py"),
        "module_dir": job.toolkit.get("sagemaker_submit_directory"),
        "framework_params": {name: value for name, value in job.toolkit.items() if name not in _SAID_ELSEWHERE},
    }


def _machines(job: Job) -> dict[str, Any]:
    resources = job.resources
    return {
        "resource_config": resources,
        "current_host": job.host,
        "hosts": job.hosts,
        "current_instance_type": resources.get("current_instance_type", "local"),
        "current_instance_group": resources.get("current_group_name", "homogeneousCluster"),
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": gpus(),
        "num_neurons": neuron_cores(),
    }


@cache
def gpus() -> int:
    """How many GPUs this host has: the lines that nvidia-smi prints, 0 on a machine that does not have it."""
    try:
        answer = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return len(answer.stdout.splitlines())


@cache
def neuron_cores() -> int:
    """How many Neuron cores this host has."""
    try:
        answer = subprocess.run(["neuron-ls", "-j"], capture_output=True, text=True, timeout=30, check=True)
        return sum(int(device["nc_count"]) for device in json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return 0


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{path}: a JSON object is expected, not {type(content).__name__}")
    return content


def _decode(text: Any) -> Any:
    """SageMaker passes every hyperparameter as text; AWS's SDK writes JSON into it, others write plain words."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _flag(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
