"""`fit`'s inputs, the model and the code, as channels (inputs, job._Job._load_config, job._Job._prepare_channel)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.cli.sdk.estimator.document import Call, bound, short
from trainwright.cli.sdk.estimator.report import Report, kwarg
from trainwright.cli.sdk.objects import SdkObject
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Path

Channel = dict[str, Any]

_INPUTS: Path = ("fit", "inputs")
_ALLOWED = "an s3:// URI, a TrainingInput, a FileSystemInput, or an object of these by channel"


def channels(call: Call, code_uri: str | None, report: Report) -> list[Channel] | None:
    """Every channel of the job in the SDK's order; None where `fit` was given no inputs and there are no others."""
    found = _given(call.inputs, report)
    for name, uri, path, extra in (
        (call["model_channel_name"], call["model_uri"], kwarg("model_uri"), _MODEL),
        ("code", code_uri, kwarg("source_dir"), {}),
    ):
        if not uri:
            continue
        if not name:
            report.refuse(kwarg("model_channel_name"), "model_uri needs a channel name", code=codes.MISSING)
        elif found and any(channel["ChannelName"] == name for channel in found):
            report.refuse(path, f"there is a channel {name} already")
        else:
            found = [*(found or []), {**_s3(uri, path, report), **extra, "ChannelName": name}]
    return found


_MODEL: Channel = {"ContentType": "application/x-sagemaker-model", "InputMode": "File"}


def own_input_mode(inputs: Any) -> str | None:
    """The input mode of a single TrainingInput, which the SDK makes the whole job's (estimator._TrainingJob)."""
    mode = bound(inputs)["input_mode"] if short(inputs) == "TrainingInput" else None
    return mode if mode is None else str(mode)


def _given(inputs: Any, report: Report) -> list[Channel] | None:
    if inputs is None:
        return None
    if isinstance(inputs, list):
        return _records(inputs, report)
    if short(inputs) in ("RecordSet", "FileSystemRecordSet"):
        return _records([inputs], report)
    if isinstance(inputs, Mapping):
        return [{**_channel(value, (*_INPUTS, name), report), "ChannelName": name} for name, value in inputs.items()]
    return [{**_channel(inputs, _INPUTS, report), "ChannelName": "training"}]


def _records(inputs: list[Any], report: Report) -> list[Channel]:
    """A list holds RecordSets of the built-in algorithms, each with its channel's name."""
    found: list[Channel] = []
    for index, record in enumerate(inputs):
        path = (*_INPUTS, index)
        if short(record) not in ("RecordSet", "FileSystemRecordSet"):
            report.refuse(path, "a list of inputs can hold RecordSets only", code=codes.WRONG_TYPE, allowed=_ALLOWED)
            continue
        values = bound(record)
        if any(channel["ChannelName"] == values["channel"] for channel in found):
            report.refuse(path, f"there is a channel {values['channel']} already")
        same = {name: values[name] for name in values if name not in ("num_records", "feature_dim", "channel")}
        kind = "TrainingInput" if short(record) == "RecordSet" else "FileSystemInput"
        found.append({**_channel(SdkObject(kind, (), same), path, report), "ChannelName": values["channel"]})
    return found


def _channel(value: Any, path: Path, report: Report) -> Channel:
    if isinstance(value, str):
        return _s3(value, path, report)
    if short(value) == "TrainingInput":
        return _training_input(bound(value), path, report)
    if short(value) == "FileSystemInput":
        return _file_system_input(bound(value), path, report)
    report.wrong_type(path, _ALLOWED, getattr(value, "callable", value))
    return {}


def _s3(uri: str, path: Path, report: Report) -> Channel:
    if uri.startswith("file://"):
        report.refuse(path, "files of this machine are for the SDK's local mode only", allowed="an s3:// URI")
    elif not uri.startswith("s3://"):
        report.refuse(path, "this is no s3:// URI", code=codes.WRONG_TYPE, allowed=_ALLOWED)
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"DataSource": {"S3DataSource": source}}


def _training_input(values: Mapping[str, Any], path: Path, report: Report) -> Channel:
    replicated = "FullyReplicated" if not values["target_attribute_name"] else None
    source = {
        "S3DataType": values["s3_data_type"],
        "S3Uri": values["s3_data"],
        "S3DataDistributionType": values["distribution"] or replicated,
        "InstanceGroupNames": values["instance_groups"],
        "AttributeNames": values["attribute_names"],
        "HubAccessConfig": values["hub_access_config"],
        "ModelAccessConfig": values["model_access_config"],
    }
    shuffle = values["shuffle_config"]
    if shuffle is not None and short(shuffle) != "ShuffleConfig":
        report.wrong_type((*path, "shuffle_config"), "a ShuffleConfig", getattr(shuffle, "callable", shuffle))
        return {}
    channel = {
        "CompressionType": values["compression"],
        "ContentType": values["content_type"],
        "RecordWrapperType": values["record_wrapping"],
        "InputMode": values["input_mode"],
        "TargetAttributeName": values["target_attribute_name"],
        "ShuffleConfig": None if shuffle is None else {"Seed": bound(shuffle)["seed"]},
    }
    return {"DataSource": {"S3DataSource": present(source)}, **present(channel)}


def _file_system_input(values: Mapping[str, Any], path: Path, report: Report) -> Channel:
    for name, allowed in (("file_system_type", ("FSxLustre", "EFS")), ("file_system_access_mode", ("ro", "rw"))):
        if values[name] not in allowed:
            report.refuse((*path, name), "this is none of its values", allowed=", ".join(allowed))
    source = {
        "FileSystemId": values["file_system_id"],
        "FileSystemType": values["file_system_type"],
        "DirectoryPath": values["directory_path"],
        "FileSystemAccessMode": values["file_system_access_mode"],
    }
    content = {"ContentType": values["content_type"]} if values.get("content_type") else {}
    return {"DataSource": {"FileSystemDataSource": source}, **content}


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None."""
    return {name: value for name, value in values.items() if value is not None}
