"""The files and variables with which SageMaker tells a container what to do.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
debughookconfig.json and profilerconfig.json are where AWS's smdebug library looks for a job's DebugHookConfig and
ProfilerConfig.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwright.rehearsal.jobs import channels, pools
from trainwright.rehearsal.jobs.instances import HostSpec
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.s3 import Uri

CHECKPOINTS = "/opt/ml/checkpoints"
TENSORBOARD, TENSORS = "/opt/ml/output/tensorboard", "/opt/ml/output/tensors"


def checkpoint_path(request: Mapping[str, Any]) -> str:
    """CheckpointConfig.LocalPath, by default /opt/ml/checkpoints."""
    return str(request["CheckpointConfig"].get("LocalPath", CHECKPOINTS)).rstrip("/")


def side_outputs(job: TrainingJob) -> dict[str, Uri]:
    """Folders that SageMaker copies to S3 while the job runs, beside checkpoints, and where to.

    Default folders: API reference, TensorBoardOutputConfig and DebugHookConfig. The prefixes below S3OutputPath are
    those at which the SDK looks (sagemaker SDK v2, estimator.py: latest_job_tensorboard_artifacts_path,
    latest_job_debugger_artifacts_path).
    """
    found = {}
    for field, folder, name in (
        ("TensorBoardOutputConfig", TENSORBOARD, "tensorboard-output"),
        ("DebugHookConfig", TENSORS, "debug-output"),
    ):
        config = job.request.get(field)
        if config:
            target = Uri.parse(config["S3OutputPath"]).below(job.name).below(name)
            found[str(config.get("LocalPath", folder)).rstrip("/")] = target
    return found


def write_config(ml: Path, job: TrainingJob, host: str, checkpoints: str | None) -> None:
    """Make the folders and the files of ``/opt/ml/input/config``; ``ml`` is where this host has its /opt/ml."""
    for folder in ("input/config", "input/data", "model", "output/data"):
        (ml / folder).mkdir(parents=True, exist_ok=True)
    request = job.request
    current = next(found for found in job.hosts if found.name == host)
    files: dict[str, object] = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": channels.describe(channels.of_host(job.channels, current), job.input_mode),
        "resourceconfig": resource_config(job, current),
    }
    if checkpoints:
        files["checkpointconfig"] = {"LocalPath": checkpoints}
    if "DebugHookConfig" in request:
        files["debughookconfig"] = {"LocalPath": TENSORS, **request["DebugHookConfig"]}
    if "ProfilerConfig" in request:
        files["profilerconfig"] = request["ProfilerConfig"]
    for name, content in files.items():
        (ml / "input/config" / f"{name}.json").write_text(json.dumps(content))


def resource_config(job: TrainingJob, current: HostSpec) -> dict[str, object]:
    """Who takes part, and who this host is: the members that public logs of SageMaker jobs show, and no others."""
    return {
        "current_host": current.name,
        "current_instance_type": current.instance_type,
        "current_group_name": current.group,
        "hosts": [host.name for host in job.hosts],
        "instance_groups": [
            {"instance_group_name": group.name, "instance_type": group.instance_type, "hosts": list(group.hosts)}
            for group in job.groups
        ],
        "network_interface_name": "eth0",
    }


def environment(job: TrainingJob, region: str, endpoint: str, credentials: str | None) -> dict[str, str]:
    """What the process finds in its environment beside the image's ENV, PATH and HOME.

    SageMaker itself sets TRAINING_JOB_NAME, TRAINING_JOB_ARN, AWS_REGION and where the role's credentials are; the
    SM_* variables come from a toolkit in the container. AWS_ENDPOINT_URL leads SDKs to this account instead of AWS. A
    job with network isolation gets no credentials, as documented for EnableNetworkIsolation.
    """
    access = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials, "AWS_ENDPOINT_URL": endpoint} if credentials else {}
    cache = {pools.CACHE_VARIABLE: pools.CACHE} if pools.keep_alive(job.request) else {}
    return {
        "LANG": "C.UTF-8",
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "AWS_REGION": region,
        **access,
        **cache,
        **job.request.get("Environment", {}),
    }
