"""What AWS would refuse or ignore of a ModelTrainer's request, and what ends the job before the script starts.

A sentence each; it starts with the field as the SDK v3 names it. The sources are AWS's API reference (CreateTrainingJob
and its types), botocore's model of the API, and the SDK's own container drivers (train/container_drivers).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from trainwright.cli.sdk.trainer import classes, rendering
from trainwright.cli.sdk.trainer.document import Call
from trainwright.cli.sdk.trainer.rendering import Request, snake
from trainwright_runtime import shapes
from trainwright_runtime.handlers.api_model import create_training_job_shape
from trainwright_runtime.instances import has_local_storage
from trainwright_runtime.problems import Path, dotted

_MOST_KEEP_ALIVE_SECONDS = 3600  # ResourceConfig, KeepAlivePeriodInSeconds: "maximum 3600" (botocore's model: 21600)
_MOST_RUNTIME_SECONDS = 28 * 86_400  # StoppingCondition, MaxRuntimeInSeconds
_MOST_RUNTIME_BUILT_IN_SPOT = 3600  # Managed Spot Training: built-in algorithms without checkpoints
_MAX_NAME = 63

_BLOCKS = {
    "TrainingJobName": "base_job_name",
    "RoleArn": "role",
    "HyperParameters": "hyperparameters",
    "ResourceConfig": "compute",
    "VpcConfig": "networking",
    "TensorBoardOutputConfig": "with_tensorboard_output_config",
    "RetryStrategy": "with_retry_strategy",
    "InputDataConfig": "input_data_config",
}


def remarks(call: Call, request: Request) -> list[str]:
    """Every warning about a rendered request, each once."""
    found: dict[str, None] = {}
    for check in _CHECKS:
        found.update(dict.fromkeys(check(call, request)))
    return list(found)


# --- time, spot, warm pools ----------------------------------------------------------------------------------------


def _limits(call: Call, request: Request) -> Iterator[str]:
    stopping = request.get("StoppingCondition", {})
    runtime, wait = stopping.get("MaxRuntimeInSeconds"), stopping.get("MaxWaitTimeInSeconds")
    spot = request.get("EnableManagedSpotTraining") is True
    field = "stopping_condition.max_wait_time_in_seconds"
    if spot and wait is None:
        yield f"{field}: missing; AWS refuses managed spot training without it."
    if not spot and wait is not None:
        yield f"{field}: AWS refuses it where compute.enable_managed_spot_training is not true."
    if wait is not None and wait < (runtime or 86_400):
        yield f"{field}: {wait} is less than the longest training time, {runtime or 86_400} seconds; AWS refuses that."
    if runtime is None:
        yield (
            "stopping_condition.max_runtime_in_seconds: the SDK sends none, because a StoppingCondition without it gets"
            " no default of 3600; AWS then takes 86400 seconds."
        )
    elif runtime > _MOST_RUNTIME_SECONDS:
        yield f"stopping_condition.max_runtime_in_seconds: {runtime} is more than the 28 days that AWS allows."


def _spot(call: Call, request: Request) -> Iterator[str]:
    if request.get("EnableManagedSpotTraining") is not True:
        return
    field = "compute.enable_managed_spot_training"
    if "CheckpointConfig" not in request:
        yield f"{field}: without checkpoint_config an interruption starts the training over."
        wait = request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds", 0)
        if call.trainer.source_code is None and wait > _MOST_RUNTIME_BUILT_IN_SPOT:
            yield (
                "stopping_condition.max_wait_time_in_seconds: AWS limits built-in and Marketplace algorithms on spot"
                " to 3600 seconds where they keep no checkpoints."
            )
    if request.get("ResourceConfig", {}).get("TrainingPlanArn"):
        yield f"{field}: a training plan is reserved capacity; AWS refuses both together."


def _warm_pool(call: Call, request: Request) -> Iterator[str]:
    resources = request.get("ResourceConfig", {})
    period, field = resources.get("KeepAlivePeriodInSeconds"), "compute.keep_alive_period_in_seconds"
    if not period:
        return
    if request.get("EnableManagedSpotTraining") is True:
        yield f"{field}: warm pools exist for on-demand jobs only; AWS refuses it with managed spot training."
    if period > _MOST_KEEP_ALIVE_SECONDS:
        yield f"{field}: {period} is more than the 3600 seconds that AWS allows."
    if resources.get("InstanceGroups"):
        yield f"{field}: AWS refuses warm pools for instance groups (heterogeneous clusters)."


def _checkpoints(call: Call, request: Request) -> Iterator[str]:
    config = rendering.checkpoint_config(call)
    if config is not None and not config.s3_uri:
        yield (
            f"checkpoint_config.s3_uri: left out, so the SDK makes it from the job's name"
            f" ({request['CheckpointConfig']['S3Uri']}): a job that is submitted again never sees these checkpoints."
        )


# --- machines ------------------------------------------------------------------------------------------------------


def _machines(call: Call, request: Request) -> Iterator[str]:
    resources = request.get("ResourceConfig", {})
    types = _instance_types(resources)
    local = [name for name in types if has_local_storage(name)]
    if resources.get("VolumeKmsKeyId") and local:
        yield (
            f"compute.volume_kms_key_id: AWS refuses it for instance types with storage of their own"
            f" ({', '.join(local)})."
        )
    if local and "compute.volume_size_in_gb" in call.given:
        yield f"compute.volume_size_in_gb: {', '.join(local)} brings storage of its own, so AWS ignores the size."
    if resources.get("InstanceGroups"):
        for name in ("InstanceType", "InstanceCount"):
            if name in resources:
                yield f"compute.{snake(name)}: AWS refuses it beside compute.instance_groups."
    for name in ("SelectedInstanceType", "SelectedInstanceCount"):
        if name in resources:
            yield f"compute.{snake(name)}: AWS answers this; it is not for a request."


def _instance_types(resources: Request) -> list[str]:
    entries = [*resources.get("InstanceGroups", []), *resources.get("InstancePreferences", []), resources]
    return list(dict.fromkeys(entry["InstanceType"] for entry in entries if entry.get("InstanceType")))


def _host_count(resources: Request) -> int:
    """How many machines the job has, or may have where preferences differ."""
    if groups := resources.get("InstanceGroups"):
        return sum(group.get("InstanceCount", 0) for group in groups)
    preferences = [entry.get("InstanceCount", 0) for entry in resources.get("InstancePreferences", [])]
    return int(resources.get("InstanceCount", max(preferences, default=0)))


# --- script and launcher -------------------------------------------------------------------------------------------


def _launcher(call: Call, request: Request) -> Iterator[str]:
    trainer = call.trainer
    source, distributed = trainer.source_code, trainer.distributed
    if source is None:
        return
    hosts = _host_count(request.get("ResourceConfig", {}))
    if source.command and distributed is not None:
        yield "distributed: ignored, because source_code.command is started as it is; put the launcher into it."
    elif isinstance(distributed, classes.MPI) and hosts > 1:
        yield (
            f"distributed: the SDK's MPI driver gives mpirun the processes of one host as the whole number (-np), so"
            f" all ranks start on the first host and the other {hosts - 1} idle; use Torchrun, or SDK v2's mpi."
        )
    if source.command and source.entry_script:
        yield "source_code.entry_script: ignored, because source_code.command is given too."
    if source.command and trainer.hyperparameters:
        yield "hyperparameters: a command gets no arguments from them; it finds them in the variable SM_HPS."
    if source.command and re.search(r"\s\s|[\n\t]", source.command.strip()):
        yield "source_code.command: the SDK joins its words with single spaces, so lines and wider spaces are lost."
    if source.args and not source.command:
        yield "source_code.args: ignored, because they belong to source_code.command, which is not given."
    if source.requirements and trainer.networking and trainer.networking.enable_network_isolation:
        yield "source_code.requirements: with network isolation pip reaches no package index, and the job ends."


def _training_environment(call: Call, request: Request) -> Iterator[str]:
    """What the SDK's environment.py writes into a file that sm_train.sh sources: `export NAME='VALUE'`, unescaped."""
    source = call.trainer.source_code
    if source is None:
        return
    for channel in request.get("InputDataConfig", []):
        name = channel["ChannelName"]
        if re.search(r"[^A-Za-z0-9_]", name):
            yield (
                f"input_data_config.{name}: sm_train.sh exports SM_CHANNEL_{name.upper()}, which is no name of a shell"
                " variable, so the job ends before the script starts; use letters, digits and _."
            )
        if "'" in channel.get("ContentType", ""):
            yield _quote(f"input_data_config.{name}.content_type")
    for name, value in request["HyperParameters"].items():
        if re.search(r"[^A-Za-z0-9_-]", name):
            yield (
                f"hyperparameters.{name}: sm_train.sh exports it as a shell variable, which takes letters, digits, -"
                " and _ only, so the job ends before the script starts."
            )
        if "'" in value or "'" in name:
            yield _quote(f"hyperparameters.{name}")
    if "'" in (source.entry_script or ""):
        yield _quote("source_code.entry_script")
    if isinstance(call.trainer.distributed, classes.MPI) and "'" in json.dumps(
        call.trainer.distributed.mpi_additional_options
    ):
        yield _quote("distributed.mpi_additional_options")


def _quote(field: str) -> str:
    return (
        f"{field}: a single quote ends the text in the file that sm_train.sh sources, so the job ends before the script"
        " starts, or runs what stands behind the quote."
    )


# --- inputs --------------------------------------------------------------------------------------------------------


def _input_mode(call: Call, request: Request) -> Iterator[str]:
    mode = request["AlgorithmSpecification"].get("TrainingInputMode")
    if mode not in ("FastFile", "Pipe"):
        return
    own = {rendering.CODE, rendering.DRIVERS} if call.trainer.source_code else set()
    fixed = [
        entry["ChannelName"]
        for entry in request.get("InputDataConfig", [])
        if entry.get("InputMode") == "File" and entry["ChannelName"] not in own
    ]
    if fixed or not request.get("InputDataConfig"):
        names = f" ({', '.join(fixed)})" if fixed else ""
        yield (
            f"training_input_mode: {mode} has no effect on channels for which the SDK sends InputMode File{names}; give"
            " a Channel with its own input_mode."
        )


def _channels(call: Call, request: Request) -> Iterator[str]:
    default = request["AlgorithmSpecification"].get("TrainingInputMode")
    entries = request.get("InputDataConfig", [])
    names = [entry["ChannelName"] for entry in entries]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        own = name in (rendering.CODE, rendering.DRIVERS) and call.trainer.source_code is not None
        text = "is the SDK's own channel beside source_code" if own else "stands there more than once"
        yield f"input_data_config.{name}: {text}; AWS refuses two channels of one name."
    for entry in entries:
        yield from _channel(entry, entry.get("InputMode") or default, "VpcConfig" in request)
    yield from _group_names(request)


def _channel(entry: Request, mode: str, vpc: bool) -> Iterator[str]:
    field, source = f"input_data_config.{entry['ChannelName']}", entry.get("DataSource", {})
    if len(source) != 1:
        yield f"{field}.data_source: AWS wants exactly one source, and {len(source)} are given."
    if "FileSystemDataSource" in source:
        if not vpc:
            yield f"{field}: EFS and FSx are reached through a VPC; AWS refuses it without networking.subnets."
        if mode != "File":
            yield f"{field}: EFS and FSx take the input mode File, not {mode}."
    kind = source.get("S3DataSource", {}).get("S3DataType")
    if mode == "FastFile" and kind not in (None, "S3Prefix"):
        yield f"{field}: FastFile reads S3 prefixes only, not {kind}."
    for name in ("CompressionType", "RecordWrapperType"):
        # Channel, API reference: both are for Pipe mode; None leaves the data as it is
        if mode != "Pipe" and entry.get(name, "None") != "None":
            yield f"{field}.{snake(name)}: it works in Pipe mode only, and this channel comes as {mode}."
    if kind == "AugmentedManifestFile" and mode != "Pipe":
        yield f"{field}: an augmented manifest is read in Pipe mode only, not {mode}."


def _group_names(request: Request) -> Iterator[str]:
    known = [group.get("InstanceGroupName") for group in request.get("ResourceConfig", {}).get("InstanceGroups", [])]
    assigned = {
        entry["ChannelName"]: entry.get("DataSource", {}).get("S3DataSource", {}).get("InstanceGroupNames", [])
        for entry in request.get("InputDataConfig", [])
    }
    for channel, groups in assigned.items():
        for group in groups:
            if group not in known:
                yield f"input_data_config.{channel}: there is no instance group {group} in compute.instance_groups."
    if any(assigned.values()) and not all(assigned.values()):
        bare = ", ".join(name for name, groups in assigned.items() if not groups)
        yield f"input_data_config: AWS wants instance groups for all channels or for none; {bare} has none."


def _local_files(call: Call, request: Request) -> Iterator[str]:
    for entry in rendering.merged_inputs(call):
        if isinstance(entry, classes.InputData) and rendering.is_local(entry.data_source):
            kind = "a file" if rendering.is_file(str(entry.data_source)) else "a folder"
            yield f"input_data_config.{entry.channel_name}: {entry.data_source} is taken for {kind} that exists here."


# --- the rest ------------------------------------------------------------------------------------------------------


def _name(call: Call, request: Request) -> Iterator[str]:
    base = rendering.base_job_name(call)
    if call.job_name is None and len(base) + 15 > _MAX_NAME:
        yield (
            "base_job_name: the job's name is cut to 63 characters, and its time with it: a second job of that name is"
            " refused."
        )


def _unused(call: Call, request: Request) -> Iterator[str]:
    trainer = call.trainer
    if trainer.role is None:
        yield (
            "role: left out, so the SDK looks up the caller's own role, which cannot be known here;"
            f" {request['RoleArn']} stands for it."
        )
    if trainer.local_container_root is not None:
        yield "local_container_root: has no effect on a training job."
    if call.fit.dry_run:
        yield "dry_run: the SDK checks and sends nothing; this is what it would send."


def _model(call: Call, request: Request) -> Iterator[str]:
    """What botocore's model of the API rules out and botocore itself lets pass: enums, patterns, lengths, maxima."""
    members = create_training_job_shape().members
    for name, block in request.items():
        # by block and without the run request's words, because the sentence names the SDK's fields
        for problem in shapes.walk(members[name], block, ()):
            if _told(name, problem.path):
                continue
            allowed = f" (allowed: {problem.allowed})" if problem.allowed else ""
            yield f"{_field(request, name, problem.path)}: AWS would refuse this: {problem.problem}{allowed}."


def _told(block: str, path: Path) -> bool:
    """Whether a check above says it in better words."""
    return block == "ResourceConfig" and path == ("KeepAlivePeriodInSeconds",)


def _field(request: Request, block: str, path: Path) -> str:
    head: Any = _BLOCKS.get(block, snake(block))
    if block == "AlgorithmSpecification":
        return dotted([_words(part) for part in path])
    if block == "InputDataConfig" and path and isinstance(path[0], int):
        path = (request[block][path[0]]["ChannelName"], *map(_words, path[1:]))
    elif block not in ("HyperParameters", "Environment"):
        path = tuple(map(_words, path))
    return dotted((head, *path))


def _words(part: str | int) -> str | int:
    return part if isinstance(part, int) else snake(part)


_CHECKS: tuple[Callable[[Call, Request], Iterator[str]], ...] = (
    _limits,
    _spot,
    _warm_pool,
    _checkpoints,
    _machines,
    _launcher,
    _training_environment,
    _input_mode,
    _channels,
    _local_files,
    _name,
    _unused,
    _model,
)
