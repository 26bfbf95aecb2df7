"""A ModelTrainer and what `train` was given -> the CreateTrainingJob request that the SDK v3 sends.

Sources: sagemaker SDK v3 (3.27.0), train/model_trainer.py (`_create_training_job_args`), train/defaults.py,
core/utils/utils.py (`serialize`). A small function for each block of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from trainwright.cli.sdk.objects import SdkRefusal
from trainwright.cli.sdk.trainer import classes
from trainwright.cli.sdk.trainer.classes import Channel, DataSource, InputData, S3DataSource, Shape
from trainwright.cli.sdk.trainer.document import TIMESTAMP, Call, wanted
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path, Problem, shown

Request = dict[str, Any]

CODE = "code"
DRIVERS = "sm_drivers"
_DRIVERS_FOLDER = "/opt/ml/input/data/sm_drivers"
ENTRYPOINT = ["/bin/bash"]
ARGUMENTS = ["-c", f"chmod +x {_DRIVERS_FOLDER}/sm_train.sh && {_DRIVERS_FOLDER}/sm_train.sh"]

_MAX_JOB_NAME = 63


def render(call: Call) -> Request:
    """The whole request; SdkRefusal where the SDK raises only when it puts the request together."""
    trainer, additions = call.trainer, call.additions
    blocks: dict[str, Any] = {
        "training_job_name": job_name(call),
        "hyper_parameters": _hyperparameters(call),
        "algorithm_specification": _algorithm(call),
        "role_arn": _role_arn(call),
        "input_data_config": _refusing(("fit", "input_data_config"), lambda: channels(call)) or None,
        "output_data_config": _output(call),
        "resource_config": _refusing(("kwargs", "compute"), lambda: _compute(call).resource_config()),
        "vpc_config": trainer.networking.vpc_config() if trainer.networking else None,
        "stopping_condition": _stopping_condition(call),
        "tags": trainer.tags or None,
        "enable_network_isolation": trainer.networking and trainer.networking.enable_network_isolation,
        "enable_inter_container_traffic_encryption": (
            trainer.networking and trainer.networking.enable_inter_container_traffic_encryption
        ),
        "enable_managed_spot_training": _compute(call).enable_managed_spot_training,
        "checkpoint_config": _checkpoints(call),
        "tensor_board_output_config": _tensorboard(call),
        "environment": trainer.environment or None,
        "retry_strategy": additions.retry_strategy,
        "remote_debug_config": additions.remote_debug_config,
        "infra_check_config": additions.infra_check_config,
        "session_chaining_config": additions.session_chaining_config,
        "model_package_config": trainer.model_package_config,
    }
    sent = {_pascal(name): _serialized(value) for name, value in blocks.items()}
    return {name: value for name, value in sent.items() if value is not None}


def base_job_name(call: Call) -> str:
    """The name that the job's name and the default S3 prefixes start with."""
    trainer = call.trainer
    if trainer.base_job_name is not None:
        return trainer.base_job_name
    if trainer.algorithm_name:
        return f"{trainer.algorithm_name}-job"
    repository = (trainer.training_image or "").split("/")[-1].split(":")[0].split("@")[0]
    return f"{repository}-job"


def job_name(call: Call) -> str:
    """The document's `job_name`, or the base name and a fixed time where the SDK puts the clock's."""
    unique = f"{base_job_name(call).replace('_', '-')}-{TIMESTAMP}"
    return call.job_name or unique[:_MAX_JOB_NAME]


def default_uri(call: Call, key: str) -> str:
    """An address below the session's default bucket, as `_default_s3_uri` makes it."""
    prefix = call.session.default_bucket_prefix
    folder = default_bucket(call) if prefix is None else f"{default_bucket(call)}/{prefix}"
    key = key.lstrip("/")
    return f"s3://{folder}/{key}" if key else f"s3://{folder}"


def default_bucket(call: Call) -> str:
    """The session's bucket, which by default the SDK makes in the caller's account."""
    return call.session.default_bucket or f"sagemaker-{call.region}-{call.account}"


def channels(call: Call) -> list[Channel]:
    """The job's channels: the trainer's and `train`'s (whose win by name), then the code and the SDK's drivers."""
    given = merged_inputs(call)
    groups = _managed_groups(call, given)
    found = [_channel(call, entry) for entry in given]
    source = call.trainer.source_code
    if source is None:
        return found
    code = [_string_channel(call, CODE, source.source_dir, groups)] if source.source_dir else []
    drivers = _s3_channel(DRIVERS, _upload_uri(call, DRIVERS), groups)
    return [*found, *code, drivers]


def merged_inputs(call: Call) -> list[Channel | InputData]:
    """The channels that the trainer and `train` were given; of two with one name, the one of `train`."""
    trainers = {entry.channel_name: entry for entry in call.trainer.input_data_config or []}
    new = []
    for entry in call.fit.input_data_config or []:
        if entry.channel_name in trainers:
            trainers[entry.channel_name] = entry
        else:
            new.append(entry)
    if not call.fit.input_data_config:
        return list(call.trainer.input_data_config or [])
    return [*trainers.values(), *new]


def is_local(address: object) -> bool:
    """Whether a channel's or a script's address is a path of this machine, which the SDK uploads."""
    return isinstance(address, str) and not address.startswith("s3://")


def is_file(path: str) -> bool:
    """Whether a local path is taken for a file: its last part has a suffix. (Nothing is read here.)"""
    name = path.rstrip("/").rpartition("/")[2]
    return not path.endswith("/") and "." in name.lstrip(".")


def _channel(call: Call, entry: Channel | InputData) -> Channel:
    if isinstance(entry, Channel):
        return entry
    source = entry.data_source
    if source == "":
        raise ValueError("an empty data_source is no address")
    if isinstance(source, str):
        channel = _string_channel(call, entry.channel_name, source, None)
    elif isinstance(source, S3DataSource):
        channel = Channel(channel_name=entry.channel_name, data_source=DataSource(s3_data_source=source))
    elif isinstance(source, classes.FileSystemDataSource):
        channel = Channel(channel_name=entry.channel_name, data_source=DataSource(file_system_data_source=source))
    else:
        kind = type(source).__name__ if source is not None else "no data source"
        # the SDK raises a ValueError here as well
        raise ValueError(  # noqa: TRY004
            f"an InputData cannot hold {kind}: give an address, an S3DataSource or a FileSystemDataSource"
        )
    return channel.model_copy(update={"content_type": entry.content_type}) if entry.content_type else channel


def _string_channel(call: Call, name: str, address: str, groups: list[str] | None) -> Channel:
    return _s3_channel(name, _upload_uri(call, name, address) if is_local(address) else address, groups)


def _s3_channel(name: str, uri: str, groups: list[str] | None) -> Channel:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    if groups is not None:
        source = source.model_copy(update={"instance_group_names": groups})
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source), input_mode="File")


def _upload_uri(call: Call, channel: str, path: str = "") -> str:
    """Where the SDK uploads a channel's local files; a single file keeps its name."""
    folder = f"{call.trainer.input_s3_key_prefix or base_job_name(call)}/{job_name(call)}/input/{channel}"
    parts = (default_bucket(call), call.session.default_bucket_prefix, folder)
    uri = "s3://" + "/".join(part for part in parts if part)
    return f"{uri}/{path.rpartition('/')[2]}" if is_file(path) else uri


def _managed_groups(call: Call, given: list[Channel | InputData]) -> list[str] | None:
    """All instance groups, for the SDK's own channels, as soon as one of the user's channels names groups."""
    groups = call.trainer.compute.instance_groups if call.trainer.compute else None
    if not groups or not any(_names_groups(entry) for entry in given):
        return None
    return [group.instance_group_name for group in groups]


def _names_groups(entry: Channel | InputData) -> bool:
    source = entry.data_source.s3_data_source if isinstance(entry, Channel) else entry.data_source
    return isinstance(source, S3DataSource) and bool(source.instance_group_names)


def encoded(value: Any) -> str:
    """A hyperparameter as the SDK v3 sends it: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except TypeError:
        return str(value)


def _hyperparameters(call: Call) -> dict[str, str]:
    trainer = call.trainer
    values: Mapping[str, Any] = trainer.hyperparameters if isinstance(trainer.hyperparameters, dict) else {}
    sent = {name: encoded(value) for name, value in values.items()}
    distributed = trainer.distributed
    if trainer.source_code and isinstance(distributed, classes.Torchrun) and distributed.smp:
        sent["mp_parameters"] = encoded(distributed.smp.model_dump(exclude_none=True))
    return sent


def _algorithm(call: Call) -> Shape:
    trainer = call.trainer
    return classes.AlgorithmSpecification(
        training_input_mode=str(trainer.training_input_mode),
        training_image=trainer.training_image,
        algorithm_name=trainer.algorithm_name,
        metric_definitions=call.additions.metric_definitions,
        container_entrypoint=ENTRYPOINT if trainer.source_code else None,
        container_arguments=ARGUMENTS if trainer.source_code else None,
        training_image_config=trainer.training_image_config,
    )


def _role_arn(call: Call) -> str:
    """The role's ARN; of a name the SDK asks IAM, which answers the ARN in the caller's account."""
    role = call.trainer.role or "SageMakerRole"
    if role.startswith("arn:") and ":iam::" in role:
        return role
    partition = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    name = next((value for prefix, value in partition.items() if call.region.startswith(prefix)), "aws")
    return f"arn:{name}:iam::{call.account}:role/{role}"


def _output(call: Call) -> Shape:
    given = call.trainer.output_data_config or classes.OutputDataConfig()
    update: dict[str, Any] = {}
    if given.s3_output_path is None:
        update["s3_output_path"] = default_uri(call, base_job_name(call))
    if given.compression_type is None:
        update["compression_type"] = "GZIP"
    return given.model_copy(update=update)


def _compute(call: Call) -> classes.Compute:
    compute = call.trainer.compute or classes.Compute()
    update: dict[str, Any] = {}
    if not compute.instance_groups and not compute.instance_preferences:
        update |= {"instance_type": "ml.m5.xlarge"} if compute.instance_type is None else {}
        update |= {"instance_count": 1} if compute.instance_count is None else {}
    update |= {"volume_size_in_gb": 30} if compute.volume_size_in_gb is None else {}
    return compute.model_copy(update=update)


def _stopping_condition(call: Call) -> Shape:
    given = call.trainer.stopping_condition
    if given is None:
        return classes.StoppingCondition(max_runtime_in_seconds=3600)
    # an explicit None is filled; what was never given is "unassigned" in the SDK, and so is not
    return given.model_copy(update={"max_runtime_in_seconds": 3600}) if given.max_runtime_in_seconds is None else given


def checkpoint_config(call: Call) -> classes.CoreCheckpointConfig | None:
    """The checkpoint configuration that holds: `with_checkpoint_config`'s, else the argument's."""
    return call.additions.checkpoint_config or call.trainer.checkpoint_config


def _checkpoints(call: Call) -> Shape | None:
    given = checkpoint_config(call)
    if given is None or given.s3_uri:
        return given
    uri = default_uri(call, f"{base_job_name(call)}/{job_name(call)}/checkpoints")
    return given.model_copy(update={"s3_uri": uri})


def _tensorboard(call: Call) -> Shape | None:
    given = call.additions.tensorboard_output_config
    if given is None or given.s3_output_path:
        return given
    return given.model_copy(update={"s3_output_path": default_uri(call, base_job_name(call))})


def _refusing(path: Path, make: Any) -> Any:
    """What `make` answers; what the SDK's classes raise as a refusal."""
    try:
        return make()
    except ValidationError as error:
        problems = [_problem(path, entry) for entry in error.errors(include_url=False)]
        raise SdkRefusal(problems) from error
    except ValueError as error:
        raise SdkRefusal([Problem(codes.WRONG_TYPE, path, str(error))]) from error


def _problem(path: Path, entry: Any) -> Problem:
    given = shown(entry["input"]) if isinstance(entry["input"], str | int | list) else None
    where = tuple(
        part for part in entry["loc"] if part in Channel.model_fields or not isinstance(part, str) or "_" in part
    )
    return Problem(codes.WRONG_TYPE, (*path, *where), "the SDK refuses this", given, wanted(entry))


def _serialized(value: Any) -> Any:
    """`serialize` of the SDK: what is None or unassigned is left out; within its classes whatever is false is too."""
    if value is None or value is classes.UNASSIGNED:
        return None
    if isinstance(value, Shape):
        members = ((_pascal(name), _serialized(entry)) for name, entry in vars(value).items())
        return {name: entry for name, entry in members if entry}
    if isinstance(value, dict):
        return dict(_kept((name, _serialized(entry)) for name, entry in value.items()))
    if isinstance(value, list):
        return [entry for entry in map(_serialized, value) if entry is not None]
    return value


def _kept(entries: Any) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in entries if value is not None)


def _pascal(name: str) -> str:
    special = {"volume_size_in_gb": "VolumeSizeInGB"}
    return special.get(name) or "".join(part.title() for part in name.split("_"))


def snake(name: str) -> str:
    """The SDK's name of a field of the API: `VolumeSizeInGB` is volume_size_in_gb, `S3Uri` is s3_uri."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
