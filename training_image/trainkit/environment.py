"""SageMaker's files under ``/opt/ml/input/config``, and the SM_* variables and arguments that scripts expect from them.

SageMaker itself sets no SM_* variable: an entry point does. The names and the form of the values are those of AWS's
sagemaker-training toolkit (https://github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md), so that a
script written for AWS's own images runs unchanged.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Hyperparameters with this prefix are messages to AWS's toolkit, not to the script.
TOOLKIT_PREFIX = "sagemaker_"


@dataclass(frozen=True)
class Job:
    """What SageMaker says about this job and this host.

    Args:
        base: ``/opt/ml``.
        hyperparameters: the script's own, each value read as JSON where it is JSON and as text where it is not.
        channels: the input channels, by name.
        resources: ``resourceconfig.json``: hosts, this host, instance groups, network interface.
    """

    base: Path
    hyperparameters: dict[str, Any]
    channels: dict[str, Any]
    resources: dict[str, Any]

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
    )


def sm_variables(job: Job) -> dict[str, str]:
    """The SM_* variables for the script's process."""
    values = _folders(job) | _machines(job) | {"hps": job.hyperparameters, "user_args": job.arguments}
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
        "log_level": 20,
    }


def _machines(job: Job) -> dict[str, Any]:
    resources = job.resources
    host = resources.get("current_host", "algo-1")
    return {
        "resource_config": resources,
        "current_host": host,
        "hosts": resources.get("hosts", [host]),
        "current_instance_type": resources.get("current_instance_type", "local"),
        "current_instance_group": resources.get("current_group_name", "homogeneousCluster"),
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": _count(["nvidia-smi", "--list-gpus"]),
        "num_neurons": _neuron_cores(),
    }


def _count(command: list[str]) -> int:
    """The number of lines that `command` prints: 0 on a machine that does not have it."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return len(answer.stdout.splitlines())


def _neuron_cores() -> int:
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
