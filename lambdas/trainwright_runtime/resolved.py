"""A run request with every silence filled: what the run says, then the team's policy, then the defaults, each with
its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainwright_runtime.fields import CHECKPOINT_PATH, MAX_WAIT_SECONDS
from trainwright_runtime.settings import Leaf
from trainwright_runtime.units import spell_duration

Source = Literal["run", "policy", "default"]

DEFAULT_IMAGE = "platform"
DEFAULT_VOLUME_GB = 30
"""The SageMaker SDK v3's default volume; types without storage of their own must be given one."""
DEFAULT_MAX_RUNTIME_SECONDS = 86_400
"""StoppingCondition.MaxRuntimeInSeconds: "The default value is 1 day" (SageMaker API reference)."""


@dataclass(frozen=True)
class Channel:
    """An input channel: an address as the user wrote it (`data://...`, relative, `s3://...`) and its content type."""

    address: str
    content_type: str | None = None


@dataclass(frozen=True)
class ResolvedRequest:
    """Everything a job needs to know from its user, no silence left. Times are seconds, the volume is GB."""

    name: str
    image: str
    instance_type: str
    instance_count: int
    volume_size_in_gb: int
    spot: bool
    max_runtime: int
    max_wait: int | None
    checkpoint_path: str | None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Channel] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Values:
    """Settings by their long names while they are being put together, with who set each."""

    settings: dict[Leaf, Any] = field(default_factory=dict)
    sources: dict[Leaf, Source] = field(default_factory=dict)

    def put(self, settings: Mapping[Leaf, Any], source: Source) -> None:
        """Set these, over whatever was there."""
        self.settings |= settings
        self.sources |= dict.fromkeys(settings, source)

    def fill(self, leaf: Leaf, value: Callable[[], Any]) -> None:
        """Set a default where nothing is said."""
        if leaf not in self.settings:
            self.put({leaf: value()}, "default")

    def get(self, *leaf: str) -> Any:
        """The value of a leaf, None where there is none."""
        return self.settings.get(leaf)

    def section(self, name: str) -> dict[str, Any]:
        """The entries of a section of free names: `hyperparameters`, `environment`, `tags`."""
        return {leaf[1]: value for leaf, value in self.settings.items() if leaf[0] == name and len(leaf) == 2}


def fill_defaults(values: Values, longest_runtime: int | None = None) -> None:
    """The defaults, in the order in which they depend on each other. `longest_runtime` is the policy's, in seconds."""
    values.fill(("image",), lambda: DEFAULT_IMAGE)
    values.fill(("compute", "instance_count"), lambda: 1)
    values.fill(("compute", "volume_size_in_gb"), lambda: DEFAULT_VOLUME_GB)
    values.fill(("compute", "enable_managed_spot_training"), lambda: False)
    values.fill(
        ("stopping_condition", "max_runtime_in_seconds"),
        lambda: min(DEFAULT_MAX_RUNTIME_SECONDS, longest_runtime or DEFAULT_MAX_RUNTIME_SECONDS),
    )
    spot = values.get("compute", "enable_managed_spot_training")
    values.fill(("checkpoints", "enabled"), lambda: spot)
    if values.get("checkpoints", "enabled"):
        values.fill(("checkpoints", "local_path"), lambda: CHECKPOINT_PATH)
    if spot:
        runtime = values.get("stopping_condition", "max_runtime_in_seconds")
        values.fill(("stopping_condition", "max_wait_time_in_seconds"), lambda: worked_out_max_wait(runtime))


def worked_out_max_wait(max_runtime: int) -> int:
    """Seconds for waiting and training when a spot run does not say: as long again as it may train, an hour at least, a
    week at most, and never past SageMaker's 30 days.

    SageMaker counts waiting for capacity and training together, and wants at least the runtime (StoppingCondition).
    """
    waiting = min(max(max_runtime, 3600), 7 * 86_400)
    return max(max_runtime, min(max_runtime + waiting, MAX_WAIT_SECONDS))


def build(name: str, values: Values) -> ResolvedRequest:
    """The request from complete, checked values."""
    return ResolvedRequest(
        name=name,
        image=values.get("image"),
        instance_type=values.get("compute", "instance_type"),
        instance_count=values.get("compute", "instance_count"),
        volume_size_in_gb=values.get("compute", "volume_size_in_gb"),
        spot=values.get("compute", "enable_managed_spot_training"),
        max_runtime=values.get("stopping_condition", "max_runtime_in_seconds"),
        max_wait=values.get("stopping_condition", "max_wait_time_in_seconds"),
        checkpoint_path=values.get("checkpoints", "local_path") if values.get("checkpoints", "enabled") else None,
        hyperparameters=values.section("hyperparameters"),
        inputs=_channels(values),
        environment=values.section("environment"),
        tags=values.section("tags"),
    )


def _channels(values: Values) -> dict[str, Channel]:
    names = dict.fromkeys(leaf[1] for leaf in values.settings if leaf[0] == "inputs")
    return {
        name: Channel(values.get("inputs", name, "s3_uri"), values.get("inputs", name, "content_type"))
        for name in names
    }


def spelled(leaf: Leaf, value: object) -> str:
    """A value as it would be written in the short form of its setting."""
    if leaf[0] == "stopping_condition" and isinstance(value, int):
        return spell_duration(value)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
