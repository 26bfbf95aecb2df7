"""The settings of a run as users write them: the pydantic model that the run request and the team policy share.

Every setting has the name that SageMaker's API (and the SDK v3) gives it and, where that is long, one short form.
All are optional here, because silence has a meaning: the team's policy or a default fills it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    Tag,
    WithJsonSchema,
    model_serializer,
)

from trainwright_runtime import problems as codes
from trainwright_runtime.reading import refusal
from trainwright_runtime.units import parse_duration, parse_size_gb, scalar_text, spell_duration

MAX_RUNTIME_SECONDS = 28 * 86_400
"""StoppingCondition.MaxRuntimeInSeconds: "The maximum value is 28 days" (SageMaker API reference,
StoppingCondition)."""

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
    if not 1 <= seconds <= 30 * 86_400:
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


def _at_most(longest: int, *, one_line: bool = False) -> AfterValidator:
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


def _entries(most: int, what: str, least: int = 0) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if not least <= len(value) <= most:
            raise refusal(codes.OUT_OF_RANGE, f"{len(value)} {what} are given", allowed=f"{least} to {most}")
        return value

    return AfterValidator(check)


def _checkpoint_path(value: str) -> str:
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
HyperparameterKey: TypeAlias = Annotated[str, _at_most(HYPERPARAMETER_KEY, one_line=True)]
HyperparameterValue: TypeAlias = Annotated[Scalar, _at_most(HYPERPARAMETER_VALUE, one_line=True)]
VariableKey: TypeAlias = Annotated[
    str, _matches(_VARIABLE, VARIABLE_KEY, "letters, digits and _, no digit first"), AfterValidator(_not_reserved)
]
VariableValue: TypeAlias = Annotated[Scalar, _at_most(VARIABLE_VALUE)]
ChannelName: TypeAlias = Annotated[str, _matches(_CHANNEL, CHANNEL_NAME, "letters, digits and . - _")]
TagKey: TypeAlias = Annotated[str, AfterValidator(_tag_key)]
TagValue: TypeAlias = Annotated[Scalar, AfterValidator(_tag_value)]


class Section(BaseModel):
    """A part of a document: unknown fields refused, types exact, written back without what was left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    @model_serializer(mode="wrap")
    def _without_silence(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if value is not None}


class Channel(Section):
    """An input channel: S3 objects below a prefix, copied to /opt/ml/input/data/NAME before the script starts."""

    s3_uri: Address | None = None
    """Where the objects are: `data://FOLDER/` in the team's data bucket, a plain `FOLDER/`, or `s3://BUCKET/KEY`
    where the team's policy allows it."""
    content_type: Annotated[str, _at_most(256, one_line=True)] | None = None
    """The MIME type of the objects, told to the container (`text/csv`). Left out: none."""


class Compute(Section):
    """The machines of the run."""

    instance_type: InstanceType | None = None
    """One SageMaker training instance type, such as `ml.m5.large`. Left out: the team's policy must name one."""
    instance_count: Annotated[int, Field(ge=1)] | None = None
    """How many instances. Left out: 1."""
    volume: Gigabytes | None = None
    """Storage of each instance, such as `30 GB` (short for volume_size_in_gb). Left out: 30 GB."""
    volume_size_in_gb: Annotated[int, Field(ge=1)] | None = None
    """Storage of each instance in GB. Types with NVMe storage of their own ignore it."""
    spot: Switch | None = None
    """Managed spot training, cheaper and interruptible; brings checkpoints with it (short for
    enable_managed_spot_training). Left out: false."""
    enable_managed_spot_training: Switch | None = None
    """The long name of `spot`."""


class Limits(Section):
    """How long the run may take, in short forms."""

    max_runtime: Seconds | None = None
    """Training time of the job, such as `30m` or `6h` (short for stopping_condition.max_runtime_in_seconds).
    Left out: 1 day, or what the team's policy allows if that is less."""
    max_wait: Seconds | None = None
    """Waiting for spot capacity and training together (short for stopping_condition.max_wait_time_in_seconds).
    Left out, with spot: twice max_runtime, and at least an hour more than it."""


class StoppingCondition(Section):
    """How long the run may take, in the API's names."""

    max_runtime_in_seconds: Annotated[int, Field(ge=1)] | None = None
    """Training time of the job in seconds; SageMaker takes 28 days at most."""
    max_wait_time_in_seconds: Annotated[int, Field(ge=1)] | None = None
    """Waiting for spot capacity and training together, in seconds; not less than max_runtime_in_seconds."""


class Checkpoints(Section):
    """Where the script keeps its checkpoints."""

    local_path: Annotated[str, AfterValidator(_checkpoint_path)] | None = None
    """The folder that SageMaker keeps in step with S3. Left out: /opt/ml/checkpoints."""


def _channel_form(value: object) -> str:
    return "<address>" if isinstance(value, str) else "<channel>"


def _checkpoint_form(value: object) -> str:
    return "<settings>" if isinstance(value, dict | Checkpoints) else "<switch>"


ChannelForm = Annotated[
    Annotated[Address, Tag("<address>")] | Annotated[Channel, Tag("<channel>")], Discriminator(_channel_form)
]
CheckpointForm = Annotated[
    Annotated[Switch, Tag("<switch>")] | Annotated[Checkpoints, Tag("<settings>")], Discriminator(_checkpoint_form)
]


class Settings(Section):
    """What both a run request and a team policy's `default` and `always` can set."""

    image: Image | None = None
    """The training image: one of the platform's by name, or an ECR URI. Left out: `platform`, the platform's own."""
    hyperparameters: (
        Annotated[dict[HyperparameterKey, HyperparameterValue], _entries(HYPERPARAMETERS, "hyperparameters")] | None
    ) = None
    """Values for the script; they reach it as text: numbers in their shortest spelling, booleans as true and false."""
    inputs: Annotated[dict[ChannelName, ChannelForm], _entries(CHANNELS, "input channels", 1)] | None = None
    """Input channels by name: an address, or `{s3_uri, content_type}`. Left out: the job gets no data."""
    compute: Compute | None = None
    limits: Limits | None = None
    stopping_condition: StoppingCondition | None = None
    checkpoints: CheckpointForm | None = None
    """true, false, or `{local_path}`. Left out: on with spot, off without."""
    environment: Annotated[dict[VariableKey, VariableValue], _entries(VARIABLES, "environment variables")] | None = None
    """Environment variables of the container. They are readable by whoever can describe the job: no secrets here."""
    tags: Annotated[dict[TagKey, TagValue], _entries(USER_TAGS, "tags")] | None = None
    """Tags of the training job, beside the platform's own (`trainwright:...`)."""


Leaf: TypeAlias = tuple[str, ...]

SHORT_FORMS: Mapping[Leaf, Leaf] = {
    ("compute", "volume"): ("compute", "volume_size_in_gb"),
    ("compute", "spot"): ("compute", "enable_managed_spot_training"),
    ("limits", "max_runtime"): ("stopping_condition", "max_runtime_in_seconds"),
    ("limits", "max_wait"): ("stopping_condition", "max_wait_time_in_seconds"),
}
"""Each short form and the long name it stands for."""

LONG_NAMES: Mapping[Leaf, Leaf] = {long: short for short, long in SHORT_FORMS.items()}


def leaves(settings: Settings) -> dict[Leaf, Any]:
    """The single values that were set, by their long names: `("compute", "instance_type") -> "ml.m5.large"`."""
    found: dict[Leaf, Any] = {}
    for path, value in _walk(settings, ()):
        found[SHORT_FORMS.get(path, path)] = value
    return found


def _walk(value: object, path: Leaf) -> Iterator[tuple[Leaf, Any]]:
    if isinstance(value, BaseModel):
        yield from _walk_section(value, path)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _walk(entry, (*path, name))
    elif value is not None:
        yield _leaf_form(path, value)


def _walk_section(section: BaseModel, path: Leaf) -> Iterator[tuple[Leaf, Any]]:
    if isinstance(section, Checkpoints):
        yield (*path, "enabled"), True
    for name in type(section).model_fields:
        yield from _walk(getattr(section, name), (*path, name))


def _leaf_form(path: Leaf, value: object) -> tuple[Leaf, Any]:
    if len(path) == 2 and path[0] == "inputs":
        return (*path, "s3_uri"), value
    if path == ("checkpoints",):
        return (*path, "enabled"), value
    return path, value


def both_forms(settings: Settings) -> Iterator[tuple[Leaf, Leaf]]:
    """The (short, long) pairs of which both are given."""
    given = {path for path, _ in _walk(settings, ())}
    yield from ((short, long) for short, long in SHORT_FORMS.items() if short in given and long in given)


def written_as(settings: Settings, leaf: Leaf) -> Leaf:
    """How the author of `settings` wrote a leaf, or would write it: the short form unless the long name is there."""
    given = {path for path, _ in _walk(settings, ())}
    if leaf in LONG_NAMES:
        return leaf if leaf in given else LONG_NAMES[leaf]
    if leaf == ("checkpoints", "enabled") or (leaf[0] == "checkpoints" and leaf not in given):
        return ("checkpoints",)
    if leaf[0] == "inputs" and settings.inputs and isinstance(settings.inputs.get(leaf[1]), str):
        return leaf[:2]
    return leaf
