"""The values of a run's settings: how each is written, and what SageMaker takes. Limits name their source."""

import re
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from trainwright_runtime import problems as codes
from trainwright_runtime.reading import refusal
from trainwright_runtime.units import parse_duration, parse_size_gb, scalar_text, spell_duration

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
_SWITCH_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}
_SAGEMAKER_FOLDERS = ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code")


def _duration(value: object) -> int:
    if isinstance(value, str) and (seconds := parse_duration(value)) is not None:
        return _runtime_in_range(seconds)
    spelled = f"{value}s, {value}m or {value}h" if _is_number(value) else "90s, 30m, 6h or 2d"
    raise refusal(
        codes.UNIT_MISSING, "this is no duration", allowed="a number with its unit", remedy=f"write {spelled}"
    )


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int | float) or re.fullmatch(r"\d+", str(value)) is not None
    )


def _runtime_in_range(seconds: int) -> int:
    if not 1 <= seconds <= MAX_WAIT_SECONDS:
        raise refusal(codes.OUT_OF_RANGE, "SageMaker does not take this duration", allowed="1 second to 30 days")
    return seconds


def _size(value: object) -> int:
    size = parse_size_gb(value) if isinstance(value, str) else None
    if size is None:
        spelled = f"{value} GB" if _is_number(value) else "30 GB"
        raise refusal(
            codes.UNIT_MISSING,
            "this is no size",
            allowed="whole gigabytes with the unit GB or TB",
            remedy=f"write {spelled}",
            sure=_is_number(value) and "." not in str(value),
        )
    if size < 1:
        raise refusal(codes.OUT_OF_RANGE, "a volume of nothing", allowed="1 GB or more")
    return size


def _scalar(value: object) -> str:
    if isinstance(value, bool | int | float | str):
        try:
            return scalar_text(value)
        except ValueError:
            raise refusal(
                codes.OUT_OF_RANGE, "this is not a finite number", allowed="text, a number, true or false"
            ) from None
    remedy = "write it as JSON text in quotes" if isinstance(value, list | dict) else "put it in quotes"
    raise refusal(codes.WRONG_TYPE, "SageMaker takes text only", allowed="text, a number, true or false", remedy=remedy)


def _switch(value: object) -> object:
    if isinstance(value, str) and (word := _SWITCH_WORDS.get(value.lower())):
        raise refusal(
            codes.WRONG_TYPE, "this is text", allowed="true or false", remedy=f"write {word}, without quotes", sure=True
        )
    return value


def _instance_type(value: object) -> object:
    if isinstance(value, list):
        problem = "not supported yet: a ladder of instance types"
        raise refusal(codes.NOT_SUPPORTED, problem, allowed="one instance type", remedy="write the first type alone")
    if isinstance(value, str) and not _INSTANCE_TYPE.fullmatch(value):
        prefixed = _INSTANCE_TYPE.fullmatch(f"ml.{value}") is not None
        remedy = f"write ml.{value}" if prefixed else "see SageMaker's list of training instance types"
        raise refusal(
            codes.OUT_OF_RANGE,
            "this is no SageMaker instance type",
            allowed="names such as ml.m5.large",
            remedy=remedy,
            sure=prefixed,
        )
    return value


def image_is_uri(image: str) -> bool:
    """Whether `image` is an image's address rather than the name of one of the platform's images."""
    return "/" in image


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
    scheme, _, rest = value.rpartition("://")
    if scheme not in ("", "data", "s3") or len(value) > 900 or not value.isprintable():
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


def entries(most: int, what: str, least: int = 0) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if not least <= len(value) <= most:
            raise refusal(codes.OUT_OF_RANGE, f"{len(value)} {what} are given", allowed=f"{least} to {most}")
        return value

    return AfterValidator(check)


def checkpoint_path(value: str) -> str:
    inside = any(value == folder or value.startswith(f"{folder}/") for folder in _SAGEMAKER_FOLDERS)
    if not value.startswith("/") or len(value) > 4096 or inside or "\n" in value:
        raise refusal(
            codes.OUT_OF_RANGE,
            "checkpoints cannot live here",
            allowed=f"an absolute path outside {', '.join(_SAGEMAKER_FOLDERS)}",
            remedy=f"leave the line out for {CHECKPOINT_PATH}",
        )
    return value


_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}
Seconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(spell_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$", "examples": ["30m", "6h", "90s"]}),
]
Gigabytes: TypeAlias = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(lambda size: f"{size} GB", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?(GB|TB)$", "examples": ["30 GB"]}),
]
Scalar: TypeAlias = Annotated[str, BeforeValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)]
Switch: TypeAlias = Annotated[bool, BeforeValidator(_switch)]
Image: TypeAlias = Annotated[str, AfterValidator(_image)]
Address: TypeAlias = Annotated[str, AfterValidator(_address)]
InstanceType: TypeAlias = Annotated[
    str, BeforeValidator(_instance_type), WithJsonSchema({"type": "string", "pattern": f"^{_INSTANCE_TYPE.pattern}$"})
]
RunName: TypeAlias = Annotated[str, _matches(_RUN_NAME, 63, "letters, digits and . _ - after a letter or digit")]
HyperparameterKey: TypeAlias = Annotated[str, at_most(HYPERPARAMETER_KEY, one_line=True)]
HyperparameterValue: TypeAlias = Annotated[Scalar, at_most(HYPERPARAMETER_VALUE, one_line=True)]
VariableKey: TypeAlias = Annotated[
    str, _matches(_VARIABLE, VARIABLE_KEY, "letters, digits and _, no digit first"), AfterValidator(_not_reserved)
]
VariableValue: TypeAlias = Annotated[Scalar, at_most(VARIABLE_VALUE)]
ChannelName: TypeAlias = Annotated[str, _matches(_CHANNEL, CHANNEL_NAME, "letters, digits and . - _")]
TagKey: TypeAlias = Annotated[str, AfterValidator(_tag_key)]
TagValue: TypeAlias = Annotated[Scalar, AfterValidator(_tag_value)]
