"""A ModelTrainer's call -> the run request that renders the same, as far as a platform lets it.

What belongs to the platform (role, buckets, prefixes, job names) and what the platform starts in another way is said, a
sentence each.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.cli.sdk.objects import Imported
from trainwright.cli.sdk.trainer import classes, rendering
from trainwright.cli.sdk.trainer.document import Call
from trainwright.cli.sdk.trainer.rendering import Request, snake
from trainwright_runtime.units import scalar_text, spell_duration

_CHECKPOINT_PATH = "/opt/ml/checkpoints"
_TENSORBOARD_PATH = "/opt/ml/output/tensorboard"


def imported(call: Call, request: Request) -> Imported:
    """The run request, short forms where there are any, and what it could not carry."""
    settings = {
        "name": _name(call),
        **_image(request),
        "source_code": _source_code(call),
        "distributed": _distributed(call),
        "hyperparameters": _hyperparameters(call),
        "input_mode": _unless(request["AlgorithmSpecification"].get("TrainingInputMode"), "File"),
        "inputs": _inputs(call, request),
        "compute": _compute(request),
        "limits": _limits(request),
        "checkpoints": _checkpoints(request),
        "health": _health(request),
        "network": _network(request),
        "output_data_config": _given({"kms_key_id": request["OutputDataConfig"].get("KmsKeyId")}),
        "output_compression": "none" if request["OutputDataConfig"].get("CompressionType") == "NONE" else None,
        **_metrics(request),
        "tensorboard": _tensorboard(request),
        **_model_package(request),
        "session_tags": request.get("SessionChainingConfig", {}).get("EnableSessionTagChaining"),
        "remote_debug": request.get("RemoteDebugConfig", {}).get("EnableRemoteDebug"),
        "environment": request.get("Environment"),
        "tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])},
    }
    run = {name: value for name, value in settings.items() if value not in (None, {}, [])}
    return Imported(run, list(_not_carried(call, request)))


def _name(call: Call) -> str:
    """The base of the job's name, as a run may be called: no time, 63 characters at most."""
    base = rendering.base_job_name(call).rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "-", base).strip("._-")[:63] or "run"


def _image(request: Request) -> Request:
    algorithm = request["AlgorithmSpecification"]
    return {
        "image": algorithm.get("TrainingImage"),
        "algorithm_name": algorithm.get("AlgorithmName"),
        "training_image_config": _snaked(algorithm.get("TrainingImageConfig")),
    }


def _source_code(call: Call) -> Request | None:
    source = call.trainer.source_code
    if source is None:
        return None
    patterns = source.ignore_patterns
    kept = None if patterns == list(classes.DEFAULT_IGNORE_PATTERNS) else patterns or []
    return _given(
        {
            "source_dir": source.source_dir if _is_carried(source.source_dir) else ".",
            "entry_script": None if source.command else source.entry_script,
            "requirements": source.requirements,
            "command": command(source),
            "ignore_patterns": kept,
        }
    )


def _is_carried(source_dir: str | None) -> bool:
    """Whether a run takes this source: a local folder, or an archive in S3."""
    return source_dir is not None and source_dir.startswith("s3://") == source_dir.endswith(".tar.gz")


def command(source: classes.SourceCode) -> str | None:
    """The one line that the SDK makes of a command and its args."""
    if not source.command:
        return None
    return " ".join([*source.command.split(), *(shlex.quote(str(arg)) for arg in source.args or [])])


def _distributed(call: Call) -> Request | str | None:
    source, launcher = call.trainer.source_code, call.trainer.distributed
    if launcher is None or source is None or source.command:
        return None
    section: Request = {"process_count_per_node": launcher.process_count_per_node}
    if isinstance(launcher, classes.MPI):
        section = {"launcher": "mpi", **section, "mpi_additional_options": launcher.mpi_additional_options or None}
    elif launcher.smp is not None:
        section = {"launcher": "smp", **section, "parameters": launcher.smp.model_dump(exclude_none=True)}
    else:
        section = {"launcher": "torchrun", **section}
    section = _given(section) or {}
    return str(section["launcher"]) if set(section) == {"launcher"} else section


def _hyperparameters(call: Call) -> Request:
    """With a script the values themselves, which travel as JSON; else the very text that the SDK sends."""
    values = call.trainer.hyperparameters
    if not isinstance(values, dict):
        return {}
    return dict(values) if call.trainer.source_code else {name: _as_sent(value) for name, value in values.items()}


def _as_sent(value: Any) -> Any:
    text = rendering.encoded(value)
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return value if plain or (isinstance(value, float) and _spelled(value) == text) else text


def _spelled(value: float) -> str | None:
    try:
        return scalar_text(value)
    except ValueError:
        return None


# --- inputs --------------------------------------------------------------------------------------------------------


def _inputs(call: Call, request: Request) -> Request:
    given = rendering.merged_inputs(call)
    mode = request["AlgorithmSpecification"].get("TrainingInputMode")
    channels = request.get("InputDataConfig", [])[: len(given)]
    return {
        entry["ChannelName"]: _input(entry, mode, source.data_source)
        for entry, source in zip(channels, given, strict=True)
    }


def _input(entry: Request, mode: str, source: Any) -> Request | str:
    data = entry.get("DataSource", {})
    s3 = dict(data.get("S3DataSource", {}))
    if rendering.is_local(source):
        s3["S3Uri"] = _suggested_address(entry["ChannelName"], source)
    section: Request = {
        **(_snaked(s3) or {}),
        **(_snaked(data.get("FileSystemDataSource")) or {}),
        **(_snaked(data.get("DatasetSource")) or {}),
        **{
            snake(name): _snaked(entry.get(name))
            for name in ("ContentType", "CompressionType", "RecordWrapperType", "InputMode", "ShuffleConfig")
        },
    }
    silent = {"s3_data_type": "S3Prefix", "s3_data_distribution_type": "FullyReplicated", "input_mode": mode}
    section = {name: value for name, value in section.items() if value is not None and silent.get(name) != value}
    return str(section["s3_uri"]) if set(section) == {"s3_uri"} else section


def _suggested_address(channel: str, path: str) -> str:
    """Where a local input may be put in the team's data bucket."""
    name = path.rpartition("/")[2] if rendering.is_file(path) else ""
    return f"data://{channel}/{name}"


# --- machines and limits -------------------------------------------------------------------------------------------


def _compute(request: Request) -> Request:
    resources = request.get("ResourceConfig", {})
    volume, keep_alive = resources.get("VolumeSizeInGB"), resources.get("KeepAlivePeriodInSeconds")
    section = {
        "instance_type": resources.get("InstanceType"),
        "instance_count": resources.get("InstanceCount"),
        "instance_groups": _snaked(resources.get("InstanceGroups")),
        "instance_preferences": _snaked(resources.get("InstancePreferences")),
        "instance_placement_config": _snaked(resources.get("InstancePlacementConfig")),
        "training_plan": resources.get("TrainingPlanArn"),
        "volume": f"{volume} GB" if volume else None,
        "volume_kms_key_id": resources.get("VolumeKmsKeyId"),
        "keep_alive": spell_duration(keep_alive) if keep_alive else None,
        "spot": request.get("EnableManagedSpotTraining") or None,
    }
    return _given(section) or {}


def _limits(request: Request) -> Request:
    stopping = request.get("StoppingCondition", {})
    # AWS's own default, where the SDK sends none (API reference, StoppingCondition)
    seconds = {
        "max_runtime": stopping.get("MaxRuntimeInSeconds", 86_400),
        "max_wait": stopping.get("MaxWaitTimeInSeconds"),
        "max_pending": stopping.get("MaxPendingTimeInSeconds"),
    }
    return {name: spell_duration(value) for name, value in seconds.items() if value}


def _checkpoints(request: Request) -> Request | bool | None:
    if "CheckpointConfig" not in request:
        return None
    path = request["CheckpointConfig"].get("LocalPath", _CHECKPOINT_PATH)
    return True if path == _CHECKPOINT_PATH else {"local_path": path}


def _health(request: Request) -> Request | None:
    checks = request.get("InfraCheckConfig", {}).get("EnableInfraCheck")
    retries = request.get("RetryStrategy", {}).get("MaximumRetryAttempts")
    return _given({"infra_check": checks, "retries": retries})


def _network(request: Request) -> Request | None:
    flags = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")
    return _given({**(_snaked(request.get("VpcConfig")) or {}), **{snake(name): request.get(name) for name in flags}})


def _metrics(request: Request) -> Request:
    found = request["AlgorithmSpecification"].get("MetricDefinitions", [])
    short = {entry["Name"]: entry["Regex"] for entry in found}
    return {"metrics": short} if len(short) == len(found) else {"metric_definitions": _snaked(found)}


def _tensorboard(request: Request) -> Request | bool | None:
    if "TensorBoardOutputConfig" not in request:
        return None
    path = request["TensorBoardOutputConfig"].get("LocalPath", _TENSORBOARD_PATH)
    return True if path == _TENSORBOARD_PATH else {"local_path": path}


def _model_package(request: Request) -> Request:
    config = request.get("ModelPackageConfig", {})
    if set(config) == {"ModelPackageGroupArn"}:
        return {"model_package": config["ModelPackageGroupArn"]}
    return {"model_package_config": _snaked(config)}


# --- what is not carried -------------------------------------------------------------------------------------------


def _not_carried(call: Call, request: Request) -> Iterator[str]:
    yield from _platforms_own(call, request)
    yield from _moved_files(call)
    yield from _started_otherwise(call, request)


def _platforms_own(call: Call, request: Request) -> Iterator[str]:
    trainer = call.trainer
    if trainer.role is not None:
        yield "role: a run has its team's execution role."
    if trainer.output_data_config and trainer.output_data_config.s3_output_path:
        yield "output_data_config.s3_output_path: a run's model goes to its own prefix in the artifacts bucket."
    config = rendering.checkpoint_config(call)
    if config is not None and config.s3_uri:
        yield (
            f"checkpoint_config.s3_uri: a run keeps its checkpoints at a prefix of its own; for {config.s3_uri} itself"
            " write checkpoint_config instead of checkpoints, where the team's policy lets runs write there."
        )
    if config is None and request.get("EnableManagedSpotTraining"):
        yield "compute.enable_managed_spot_training: a run on spot keeps checkpoints, which this trainer did not."
    if request.get("EnableManagedSpotTraining") and "MaxWaitTimeInSeconds" not in request["StoppingCondition"]:
        yield "stopping_condition.max_wait_time_in_seconds: a run on spot works it out where nothing is said."
    if trainer.compute and trainer.compute.selected_instance_type:
        yield "compute.selected_instance_type: AWS answers this; it is not for a request."
    tensorboard = call.additions.tensorboard_output_config
    if tensorboard is not None and tensorboard.s3_output_path:
        yield "with_tensorboard_output_config.s3_output_path: a run's files go to a prefix of its own."
    if trainer.input_s3_key_prefix:
        yield "input_s3_key_prefix: a run's source has an address made from its content."
    if call.session.default_bucket or call.session.default_bucket_prefix:
        yield "sagemaker_session: a run uses its team's buckets."
    if call.job_name is not None:
        yield "job_name: the platform names its jobs."
    if call.fit.wait is False:
        yield "wait: a run that is not waited for is started with `trainwright run --detach`."
    if trainer.local_container_root is not None:
        yield "local_container_root: has no meaning for a training job."


def _moved_files(call: Call) -> Iterator[str]:
    for entry in rendering.merged_inputs(call):
        if rendering.is_local(entry.data_source):
            path = str(entry.data_source)
            address = _suggested_address(entry.channel_name, path)
            yield f"input_data_config.{entry.channel_name}: a run uploads no data; put {path} at {address} first."
    source = call.trainer.source_code
    if source is not None and source.source_dir and not _is_carried(source.source_dir):
        yield f"source_code.source_dir: unpack {source.source_dir} into a local folder and name that folder."


def _started_otherwise(call: Call, request: Request) -> Iterator[str]:
    """Where the SDK's drivers and the platform's start of a script show the script different things."""
    source = call.trainer.source_code
    if source is None:
        return
    if source.command:
        yield (
            "source_code.command: it starts in /opt/ml/code, not in /opt/ml/input/data/code, and of the SDK's variables"
            " it finds SM_MODEL_DIR, SM_OUTPUT_DATA_DIR and SM_CHANNEL_* only; the hyperparameters are in"
            " /opt/ml/input/config/hyperparameters.json."
        )
    else:
        yield (
            "source_code.entry_script: it starts in /opt/ml/code, not in /opt/ml/input/data/code, through the image's"
            " own launcher, which does not set SM_SOURCE_DIR, SM_ENTRY_SCRIPT, SM_HOST_COUNT, SM_CURRENT_HOST_RANK and"
            " SM_DISTRIBUTED_CONFIG."
        )
        yield from _arguments(call.trainer.hyperparameters)
    if source.source_dir and not source.requirements:
        yield "source_code.requirements: a run installs a requirements.txt of source_dir by itself; the SDK did not."
    if isinstance(call.trainer.distributed, classes.MPI) and not source.command:
        yield "distributed: a run starts MPI's processes on every host; the SDK's driver starts them on the first only."


def _arguments(values: object) -> Iterator[str]:
    given = values if isinstance(values, Mapping) else {}
    other = [name for name, value in given.items() if len(name) == 1 or isinstance(value, bool | list | dict | None)]
    if other:
        yield (
            f"hyperparameters: the script's arguments are spelled otherwise ({', '.join(other)}): True for true,"
            " nothing for null, Python's text for lists and maps, -x for a name of one letter."
        )


def _given(section: Mapping[str, Any]) -> Request | None:
    return {name: value for name, value in section.items() if value is not None} or None


def _unless(value: Any, default: Any) -> Any:
    return None if value == default else value


def _snaked(value: Any) -> Any:
    """A block of the API's with the SDK's names; None where there is none."""
    if isinstance(value, Mapping):
        return {snake(name): _snaked(entry) for name, entry in value.items()} or None
    return [_snaked(entry) for entry in value] if isinstance(value, list) else value
