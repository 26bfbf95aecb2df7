"""The settings of a run as users write them: the pydantic model that the run request and the team policy share.

Every setting has the name that SageMaker's API (and the SDK v3) gives it and, where that is long, one short form.
All are optional here, because silence has a meaning: the team's policy or a default fills it.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from trainwright_runtime.fields import (
    CHANNELS,
    HYPERPARAMETERS,
    USER_TAGS,
    VARIABLES,
    Address,
    ChannelName,
    Gigabytes,
    HyperparameterKey,
    HyperparameterValue,
    Image,
    InstanceType,
    Seconds,
    Switch,
    TagKey,
    TagValue,
    VariableKey,
    VariableValue,
    at_most,
    checkpoint_path,
    entries,
)


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
    content_type: Annotated[str, at_most(256, one_line=True)] | None = None
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
    Left out, with spot: max_runtime and as long again, at least an hour and at most a week more."""


class StoppingCondition(Section):
    """How long the run may take, in the API's names."""

    max_runtime_in_seconds: Annotated[int, Field(ge=1)] | None = None
    """Training time of the job in seconds; SageMaker takes 28 days at most."""
    max_wait_time_in_seconds: Annotated[int, Field(ge=1)] | None = None
    """Waiting for spot capacity and training together, in seconds; not less than max_runtime_in_seconds."""


class Checkpoints(Section):
    """Where the script keeps its checkpoints."""

    local_path: Annotated[str, AfterValidator(checkpoint_path)] | None = None
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
        Annotated[dict[HyperparameterKey, HyperparameterValue], entries(HYPERPARAMETERS, "hyperparameters")] | None
    ) = None
    """Values for the script; they reach it as text: numbers in their shortest spelling, booleans as true and false."""
    inputs: Annotated[dict[ChannelName, ChannelForm], entries(CHANNELS, "input channels", 1)] | None = None
    """Input channels by name: an address, or `{s3_uri, content_type}`. Left out: the job gets no data."""
    compute: Compute | None = None
    limits: Limits | None = None
    stopping_condition: StoppingCondition | None = None
    checkpoints: CheckpointForm | None = None
    """true, false, or `{local_path}`. Left out: on with spot, off without."""
    environment: Annotated[dict[VariableKey, VariableValue], entries(VARIABLES, "environment variables")] | None = None
    """Environment variables of the container. They are readable by whoever can describe the job: no secrets here."""
    tags: Annotated[dict[TagKey, TagValue], entries(USER_TAGS, "tags")] | None = None
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
