"""The values of a run's settings: how each is written, and what SageMaker takes. Limits name their source."""

import json
import re
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from trainwright_runtime import instances
from trainwright_runtime import problems as codes
from trainwright_runtime.reading import refusal
from trainwright_runtime.shortforms import OneWord
from trainwright_runtime.units import (
    near_duration,
    near_size,
    parse_duration,
    parse_milliseconds,
    parse_size_gb,
    scalar_text,
    spell_duration,
)

MAX_RUNTIME_SECONDS = 28 * 86_400
"""StoppingCondition.MaxRuntimeInSeconds: "The maximum value is 28 days" (SageMaker API reference,
StoppingCondition)."""

MAX_WAIT_SECONDS = 30 * 86_400
"""A job "can run in total, including any time spent publishing metrics or archiving and uploading models", 30 days
(SageMaker API reference, StoppingCondition); MaxWaitTimeInSeconds itself has no documented maximum."""

HYPERPARAMETERS, HYPERPARAMETER_KEY, HYPERPARAMETER_VALUE = 100, 256, 2500
"""SageMaker API model, HyperParameters: 100 entries, keys to 256 and values to 2500 characters, none with a line
break."""

VARIABLES, VARIABLE_KEY, VARIABLE_VALUE = 100, 512, 512
"""SageMaker API model, TrainingEnvironmentMap."""

CHANNELS, CHANNEL_NAME = 20, 64
"""SageMaker API model, InputDataConfig: 1 to 20 channels; ChannelName to 64 characters of letters, digits, `.`, `-`,
`_`."""

PLATFORM_TAGS = 4
USER_TAGS = 50 - PLATFORM_TAGS - 1
"""SageMaker API model, TagList: 50. The platform sets four, and Step Functions adds MANAGED_BY_AWS to the jobs it
starts."""

CHECKPOINT_PATH = "/opt/ml/checkpoints"
"""CheckpointConfig.LocalPath's default (SageMaker API reference)."""

TAG_CHARACTERS = re.compile(r"[\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.:/=+\-@]*")
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", re.ASCII)
_CHANNEL = re.compile(r"[A-Za-z0-9.\-_]+", re.ASCII)
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_IMAGE_NAME = re.compile(r"[a-z][a-z0-9._-]{0,62}", re.ASCII)
_IMAGE_URI = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12}|aws)?:\S+", re.ASCII)
_NETWORK_ID = re.compile(r"[-0-9a-zA-Z]+", re.ASCII)
_FILE_SYSTEM = re.compile(r"fs-[0-9a-f]{8,}", re.ASCII)
_EXPERIMENT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}", re.ASCII)
_SWITCH_WORDS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_SAGEMAKER_FOLDERS = ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code")


def _duration(value: object) -> int:
    if isinstance(value, str) and (seconds := parse_duration(value)) is not None:
        return _runtime_in_range(seconds)
    near = near_duration(value) if isinstance(value, str) else None
    if near:
        remedy = f"write {near}"
        raise refusal(codes.UNIT_MISSING, "this is no duration", allowed=_DURATIONS, remedy=remedy, replacement=near)
    if _is_number(value):
        # the API, and both SDKs, count seconds
        spelled = f"{value}s"
        remedy = f"write {spelled} if these are seconds, else {value}m or {value}h"
        raise refusal(codes.UNIT_MISSING, "a number without its unit", allowed=_DURATIONS, remedy=remedy)
    raise refusal(codes.UNIT_MISSING, "this is no duration", allowed=_DURATIONS, remedy="write 90s, 30m, 6h or 2d")


_DURATIONS = "a number with its unit: s, m, h or d"


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int | float) or re.fullmatch(r"\d+", str(value)) is not None
    )


def _runtime_in_range(seconds: int) -> int:
    if not 1 <= seconds <= MAX_WAIT_SECONDS:
        raise refusal(codes.OUT_OF_RANGE, "SageMaker does not take this duration", allowed="1 second to 30 days")
    return seconds


def _milliseconds(value: object) -> int:
    found = parse_milliseconds(value) if isinstance(value, str) else None
    if found in INTERVALS:
        return found
    allowed = ", ".join(INTERVALS.values())
    if isinstance(value, int) and not isinstance(value, bool) and value in INTERVALS:
        spelled = INTERVALS[value]
        problem = "a number without its unit"
        raise refusal(codes.UNIT_MISSING, problem, allowed=allowed, remedy=f"write {spelled}", replacement=spelled)
    raise refusal(codes.OUT_OF_RANGE, "the profiler does not take this interval", allowed=allowed)


INTERVALS = {100: "100ms", 200: "200ms", 500: "500ms", 1000: "1s", 5000: "5s", 60_000: "1m"}
"""ProfilerConfig.ProfilingIntervalInMilliseconds: "Available values are 100, 200, 500, 1000 (1 second), 5000 (5
seconds), and 60000 (1 minute)" (SageMaker API reference)."""


def _size(value: object) -> int:
    size = parse_size_gb(value) if isinstance(value, str) else None
    if size is None:
        raise _no_size(value)
    if size < 1:
        raise refusal(codes.OUT_OF_RANGE, "a volume of nothing", allowed="1 GB or more")
    return size


def _no_size(value: object) -> Exception:
    allowed = "whole gigabytes with the unit GB or TB"
    meant = f"{value} GB" if _is_number(value) else near_size(value) if isinstance(value, str) else None
    if meant is None or not parse_size_gb(meant):
        return refusal(codes.UNIT_MISSING, "this is no size", allowed=allowed, remedy="write it like 30 GB")
    problem = "a number without its unit" if _is_number(value) else "this is no size"
    return refusal(codes.UNIT_MISSING, problem, allowed=allowed, remedy=f"write {meant}", replacement=meant)


def _scalar(value: object) -> str:
    if isinstance(value, bool | int | float | str):
        try:
            return scalar_text(value)
        except ValueError:
            raise refusal(codes.OUT_OF_RANGE, "this is not a finite number", allowed=_SCALARS) from None
    remedy = "write it as JSON text in quotes" if isinstance(value, list | dict) else "put it in quotes"
    raise refusal(codes.WRONG_TYPE, "SageMaker takes text only", allowed=_SCALARS, remedy=remedy)


_SCALARS = "text, a number, true or false"


def _hyperparameter(value: object) -> object:
    """Any JSON value: a script gets it as JSON, everything else as text. None of it may be endless or not finite."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        problem = "this is not a finite number" if isinstance(value, float) else "JSON cannot carry this"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=f"{_SCALARS}, a list, a map or null") from None
    if len(text) > HYPERPARAMETER_VALUE:
        problem = f"{len(text)} characters are too many"
        remedy = "put long values into an input channel"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=f"{HYPERPARAMETER_VALUE} characters", remedy=remedy)
    if "\n" in text or "\r" in text:
        remedy = "put long values into an input channel"
        raise refusal(codes.OUT_OF_RANGE, "SageMaker takes no line break here", remedy=remedy)
    return value


def _switch(value: object) -> object:
    word = _SWITCH_WORDS.get(value.lower()) if isinstance(value, str) else None
    if word is None and isinstance(value, int) and not isinstance(value, bool) and value in (0, 1):
        word = bool(value)
    if word is None:
        return value
    said = "true" if word else "false"
    problem = "this is text" if isinstance(value, str) else "this is a number"
    remedy = f"write {said}, without quotes"
    raise refusal(codes.WRONG_TYPE, problem, allowed="true or false", remedy=remedy, replacement=word)


def _instance_type(value: object) -> object:
    if not isinstance(value, str) or instances.find(value) is not None:
        return value
    allowed = "names such as ml.m5.large"
    if near := instances.near(value):
        problem = "SageMaker trains on no such instance type"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed, remedy=f"write {near}", replacement=near)
    if not _INSTANCE_TYPE.fullmatch(value):
        remedy = "see: trainwright instances"
        raise refusal(codes.OUT_OF_RANGE, "this is no SageMaker instance type", allowed=allowed, remedy=remedy)
    return value  # perhaps newer than this version: the API's model has the last word


def _one_or_all(types: list[str]) -> str | list[str]:
    return types[0] if len(types) == 1 else types


def _ladder(value: object) -> object:
    return [value] if isinstance(value, str) else value


def image_is_uri(image: str) -> bool:
    """Whether `image` is an image's address rather than the name of one of the platform's images."""
    return "/" in image


def is_ecr_uri(image: str) -> bool:
    """Whether `image` is the address of an image in Amazon ECR."""
    return _IMAGE_URI.fullmatch(image) is not None


def _image(value: str) -> str:
    allowed = "an image of the platform by name (platform), or an Amazon ECR URI of at most 255 characters"
    if len(value) > 255 or not (_IMAGE_URI if image_is_uri(value) else _IMAGE_NAME).fullmatch(value):
        raise refusal(codes.OUT_OF_RANGE, "this is neither an image name nor an ECR URI", allowed=allowed)
    return value


def _address(value: str) -> str:
    """`data://x`, a plain relative name (the same), or `s3://bucket/key`; SageMaker takes S3 URIs to 1024
    characters."""
    allowed = "data://FOLDER/ (the team's data bucket), a plain FOLDER/, or s3://BUCKET/KEY"
    if value.startswith("run://"):
        raise refusal(codes.NOT_SUPPORTED, "not supported yet: what an earlier run left", allowed=allowed)
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "", value
    if (meant := _near_scheme(value)) is not None:
        problem = "this is no address of data"
        raise refusal(codes.OUT_OF_RANGE, problem, allowed=allowed, remedy=f"write {meant}", replacement=meant)
    if scheme not in ("", "data", "s3") or len(value) > 900 or not value.isprintable() or "://" in rest:
        raise refusal(codes.OUT_OF_RANGE, "this is no address of data", allowed=allowed)
    if scheme == "s3" and not _BUCKET.fullmatch(rest.split("/")[0]):
        raise refusal(codes.OUT_OF_RANGE, "this is no S3 bucket name", allowed=allowed)
    if scheme != "s3" and _looks_local(rest):
        raise refusal(
            codes.OUT_OF_RANGE,
            "this names a path of one machine, which SageMaker cannot see",
            allowed=allowed,
            remedy="put the files into the team's data bucket and write data://FOLDER/",
        )
    return value


def _near_scheme(value: str) -> str | None:
    """`S3://`, `s3:/`, `s3a://`, `data:/`: the address that was surely meant."""
    match = re.match(r"(s3[an]?|data)(:/{1,3})(?=[^/])", value, re.IGNORECASE | re.ASCII)
    if match is None:
        return None
    scheme = "s3" if match[1].lower().startswith("s3") else "data"
    meant = f"{scheme}://{value[match.end() :]}"
    return None if meant == value else meant


def _s3_uri(value: str) -> str:
    allowed = "s3://BUCKET/PREFIX/"
    bucket = value.removeprefix("s3://").split("/")[0]
    if not value.startswith("s3://") or not _BUCKET.fullmatch(bucket) or len(value) > 1024 or not value.isprintable():
        raise refusal(codes.OUT_OF_RANGE, "this is no S3 address", allowed=allowed)
    return value


def _looks_local(rest: str) -> bool:
    return not rest or rest[0] in "/.~\\" or "\\" in rest or ".." in rest.split("/") or rest[1:2] == ":"


def _matches(pattern: re.Pattern[str], longest: int, allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > longest or not pattern.fullmatch(value):
            raise refusal(
                codes.OUT_OF_RANGE, "SageMaker does not take this name", allowed=f"{allowed}, {longest} at most"
            )
        return value

    return AfterValidator(check)


def at_most(longest: int, *, one_line: bool = False) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > longest:
            problem = f"{len(value)} characters are too many"
            raise refusal(
                codes.OUT_OF_RANGE,
                problem,
                allowed=f"{longest} characters",
                remedy="put long values into an input channel",
            )
        if one_line and ("\n" in value or "\r" in value):
            raise refusal(
                codes.OUT_OF_RANGE, "SageMaker takes no line break here", remedy="put long values into an input channel"
            )
        return value

    return AfterValidator(check)


def _not_reserved(value: str) -> str:
    """TRAINING_JOB_NAME and TRAINING_JOB_ARN are set by SageMaker in every container (SageMaker developer guide)."""
    if value in ("TRAINING_JOB_NAME", "TRAINING_JOB_ARN"):
        raise refusal(codes.RESERVED, "SageMaker sets this variable itself", remedy="leave the line out")
    if value.startswith("TRAINWRIGHT_"):
        raise refusal(codes.RESERVED, "the platform keeps TRAINWRIGHT_ for itself", remedy="choose another name")
    return value


def _tag_key(value: str) -> str:
    """Tag keys to 128 characters; `aws:` in any case is AWS's own (AWS, "Tag naming limits and requirements")."""
    if value.lower().startswith(("aws:", "trainwright:")):
        raise refusal(
            codes.RESERVED, "this prefix is reserved", allowed="keys that begin with neither aws: nor trainwright:"
        )
    if not 1 <= len(value) <= 128 or not TAG_CHARACTERS.fullmatch(value):
        raise refusal(
            codes.OUT_OF_RANGE, "this is no tag key", allowed="1 to 128 letters, digits, spaces and _ . : / = + - @"
        )
    return value


def _tag_value(value: str) -> str:
    if len(value) > 256 or not TAG_CHARACTERS.fullmatch(value):
        raise refusal(
            codes.OUT_OF_RANGE, "this is no tag value", allowed="up to 256 letters, digits, spaces and _ . : / = + - @"
        )
    return value


def length(most: int, what: str, least: int = 0) -> AfterValidator:
    """Bounds of a list's or a map's length."""

    def check(value: Any) -> Any:
        if not least <= len(value) <= most:
            raise refusal(codes.OUT_OF_RANGE, f"{len(value)} {what} are given", allowed=f"{least} to {most}")
        return value

    return AfterValidator(check)


def absolute_path(value: str) -> str:
    """A path inside the container."""
    if not value.startswith("/") or len(value) > 4096 or not value.isprintable():
        raise refusal(codes.OUT_OF_RANGE, "this is no path inside the container", allowed="an absolute path")
    return value


def checkpoint_path(value: str) -> str:
    """A path inside the container that SageMaker does not use itself."""
    inside = any(value == folder or value.startswith(f"{folder}/") for folder in _SAGEMAKER_FOLDERS)
    if not value.startswith("/") or len(value) > 4096 or inside or not value.isprintable():
        raise refusal(
            codes.OUT_OF_RANGE,
            "checkpoints cannot live here",
            allowed=f"an absolute path outside {', '.join(_SAGEMAKER_FOLDERS)}",
            remedy=f"leave the line out for {CHECKPOINT_PATH}",
        )
    return value


_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}
_ONE_TYPE = {"type": "string", "pattern": f"^{_INSTANCE_TYPE.pattern}$"}
Seconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(spell_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$", "examples": ["30m", "6h", "90s"]}),
]
Milliseconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_milliseconds),
    PlainSerializer(lambda value: INTERVALS[value], return_type=str),
    WithJsonSchema({"type": "string", "enum": list(INTERVALS.values())}),
]
Gigabytes: TypeAlias = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(lambda size: f"{size} GB", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?(GB|TB)$", "examples": ["30 GB"]}),
]
Scalar: TypeAlias = Annotated[str, BeforeValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)]
Text: TypeAlias = Annotated[Scalar, at_most(1024)]
Switch: TypeAlias = Annotated[bool, BeforeValidator(_switch)]
Image: TypeAlias = Annotated[str, AfterValidator(_image)]
Address: TypeAlias = Annotated[str, AfterValidator(_address)]
S3Uri: TypeAlias = Annotated[str, AfterValidator(_s3_uri)]
InstanceType: TypeAlias = Annotated[str, BeforeValidator(_instance_type), WithJsonSchema(_ONE_TYPE)]
InstanceTypes: TypeAlias = Annotated[
    list[InstanceType], length(10, "instance types", 1), OneWord(_ladder, _ONE_TYPE), PlainSerializer(_one_or_all)
]
Arn: TypeAlias = Annotated[str, _matches(_ARN, 2048, "an ARN such as arn:aws:SERVICE:REGION:ACCOUNT:NAME")]
Subnet: TypeAlias = Annotated[str, _matches(_NETWORK_ID, 32, "an id such as subnet-0a1b2c3d")]
SecurityGroup: TypeAlias = Annotated[str, _matches(_NETWORK_ID, 32, "an id such as sg-0a1b2c3d")]
FileSystem: TypeAlias = Annotated[str, _matches(_FILE_SYSTEM, 21, "an id such as fs-0a1b2c3d")]
ExperimentName: TypeAlias = Annotated[str, _matches(_EXPERIMENT, 120, "letters, digits and single hyphens inside")]
RunName: TypeAlias = Annotated[str, _matches(_RUN_NAME, 63, "letters, digits and . _ - after a letter or digit")]
HyperparameterKey: TypeAlias = Annotated[str, at_most(HYPERPARAMETER_KEY, one_line=True)]
HyperparameterValue: TypeAlias = Annotated[Any, AfterValidator(_hyperparameter)]
VariableKey: TypeAlias = Annotated[
    str, _matches(_VARIABLE, VARIABLE_KEY, "letters, digits and _, no digit first"), AfterValidator(_not_reserved)
]
VariableValue: TypeAlias = Annotated[Scalar, at_most(VARIABLE_VALUE)]
ChannelName: TypeAlias = Annotated[str, _matches(_CHANNEL, CHANNEL_NAME, "letters, digits and . - _")]
TagKey: TypeAlias = Annotated[str, AfterValidator(_tag_key)]
TagValue: TypeAlias = Annotated[Scalar, AfterValidator(_tag_value)]
