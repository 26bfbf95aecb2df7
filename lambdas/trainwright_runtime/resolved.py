"""A run request with every silence filled: what the run says, then the team's policy, then the defaults, each with
its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainwright_runtime.fields import CHECKPOINT_PATH, INTERVALS, MAX_WAIT_SECONDS
from trainwright_runtime.forms import Leaf
from trainwright_runtime.units import spell_duration

Source = Literal["run", "policy", "default"]

DEFAULT_IMAGE = "platform"
DEFAULT_VOLUME_GB = 30
"""The SageMaker SDK v3's default volume; types without storage of their own must be given one."""
DEFAULT_MAX_RUNTIME_SECONDS = 86_400
"""StoppingCondition.MaxRuntimeInSeconds: "The default value is 1 day" (SageMaker API reference)."""

IMAGE = ("training_image",)
TYPES = ("compute", "instance_type")
COUNT = ("compute", "instance_count")
GROUPS = ("compute", "instance_groups")
PREFERENCES = ("compute", "instance_preferences")
VOLUME = ("compute", "volume_size_in_gb")
SPOT = ("compute", "enable_managed_spot_training")
FALLBACK = ("compute", "fallback")
KEEP_ALIVE = ("compute", "keep_alive_period_in_seconds")
RUNTIME = ("stopping_condition", "max_runtime_in_seconds")
WAIT = ("stopping_condition", "max_wait_time_in_seconds")
COST = ("limits", "max_cost_usd")
CHECKPOINTS = ("checkpoints", "enabled")
INFRA_CHECK = ("infra_check_config", "enable_infra_check")
RETRIES = ("retry_strategy", "maximum_retry_attempts")
MODE = ("training_input_mode",)
ISOLATION = ("networking", "enable_network_isolation")

CONTAINERS = (IMAGE, ("framework", "name"), ("algorithm", "name"), ("algorithm_name",))
"""The four ways to say what runs; one of them."""


@dataclass(frozen=True)
class ResolvedRequest:
    """Everything a job needs to know from its user, by long names, no silence left. Times are seconds, volumes GB.

    `looked_at` collects what was asked for, so that a rule need not say on which settings it depends.
    """

    name: str
    settings: Mapping[Leaf, Any] = field(default_factory=dict)
    looked_at: set[Leaf] = field(default_factory=set, compare=False, repr=False)

    def get(self, *leaf: str) -> Any:
        """The value of a setting, None where there is none."""
        self.looked_at.add(leaf)
        return self.settings.get(leaf)

    def below(self, *prefix: str) -> dict[str, Any]:
        """What stands directly in a section: `below("environment")`, `below("inputs", "train")`."""
        self.looked_at.add(prefix)
        size = len(prefix)
        return {
            leaf[size]: value
            for leaf, value in self.settings.items()
            if leaf[:size] == prefix and len(leaf) == size + 1
        }

    @property
    def image(self) -> str | None:
        """The image's name or URI; None where a framework, an algorithm or an algorithm resource runs."""
        image: str | None = self.get(*IMAGE)
        return image

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types that are wanted, in order; empty where groups, preferences or a serverless job say."""
        return tuple(self.get(*TYPES) or ())

    @property
    def all_instance_types(self) -> tuple[str, ...]:
        """Every type that the request names anywhere."""
        groups = self.get(*GROUPS) or []
        preferences = self.get(*PREFERENCES) or []
        return (*self.instance_types, *(entry.instance_type for entry in (*groups, *preferences)))

    @property
    def instance_count(self) -> int:
        """Hosts of one attempt; of the largest preference, where the preferences count."""
        groups = self.get(*GROUPS) or []
        preferences = self.get(*PREFERENCES) or []
        counts = [entry.instance_count for entry in preferences if entry.instance_count]
        if groups:
            return sum(group.instance_count for group in groups)
        return max(counts) if counts else self.get(*COUNT) or 1

    @property
    def serverless(self) -> bool:
        """Whether the job is one without a container and machines of its own."""
        return self.get("serverless_job_config", "job_type") is not None

    @property
    def spot(self) -> bool:
        return bool(self.get(*SPOT))

    @property
    def falls_back(self) -> bool:
        """Whether a spot run may go on on demand."""
        return bool(self.get("compute", "fallback") == "on_demand")

    @property
    def max_runtime(self) -> int:
        return int(self.get(*RUNTIME))

    @property
    def max_wait(self) -> int | None:
        seconds: int | None = self.get(*WAIT)
        return seconds

    @property
    def checkpoint_path(self) -> str | None:
        """Where the script keeps its checkpoints; None without checkpoints at the platform's prefix."""
        path: str | None = self.get("checkpoints", "local_path")
        return path if self.get(*CHECKPOINTS) else None

    @property
    def has_checkpoints(self) -> bool:
        """Whether checkpoints survive the job, at the platform's prefix or at one of the user's."""
        return bool(self.get(*CHECKPOINTS)) or self.get("checkpoint_config", "s3_uri") is not None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the input channels, in order."""
        self.looked_at.add(("inputs",))
        return tuple(dict.fromkeys(leaf[1] for leaf in self.settings if leaf[0] == "inputs"))

    @property
    def runs_script(self) -> bool:
        """Whether a script of the user's is started by a launcher in the image."""
        return self.get("source_code", "entry_script") is not None

    @property
    def container(self) -> tuple[str | None, str | None]:
        """Name and version of the framework or algorithm; two Nones for an image."""
        for kind in ("framework", "algorithm"):
            if name := self.get(kind, "name"):
                return name, self.get(kind, "version")
        return None, None


@dataclass
class Values:
    """Settings by their long names while they are being put together, with who set each."""

    settings: dict[Leaf, Any] = field(default_factory=dict)
    sources: dict[Leaf, Source] = field(default_factory=dict)

    def put(self, settings: Mapping[Leaf, Any], source: Source) -> None:
        """Set these, over whatever was there."""
        self.settings |= settings
        self.sources |= dict.fromkeys(settings, source)

    def drop(self, leaf: Leaf) -> None:
        """Take a setting out."""
        self.settings.pop(leaf, None)
        self.sources.pop(leaf, None)

    def fill(self, leaf: Leaf, value: Callable[[], Any]) -> None:
        """Set a default where nothing is said."""
        if leaf not in self.settings:
            self.put({leaf: value()}, "default")

    def get(self, *leaf: str) -> Any:
        """The value of a leaf, None where there is none."""
        return self.settings.get(leaf)

    def names_machines(self) -> bool:
        """Whether something else than instance_type says on what the job runs."""
        return any(leaf in self.settings for leaf in (GROUPS, PREFERENCES)) or self._serverless()

    def _serverless(self) -> bool:
        return any(leaf[0] == "serverless_job_config" for leaf in self.settings)


def fill_defaults(values: Values, longest_runtime: int | None = None) -> None:
    """The defaults, in the order in which they depend on each other. `longest_runtime` is the policy's, in seconds."""
    if not any(leaf in values.settings for leaf in CONTAINERS):
        values.fill(IMAGE, lambda: DEFAULT_IMAGE)
    values.fill(MODE, lambda: "File")
    if not values.names_machines():
        values.fill(COUNT, lambda: 1)
    values.fill(VOLUME, lambda: DEFAULT_VOLUME_GB)
    values.fill(SPOT, lambda: False)
    values.fill(RUNTIME, lambda: min(DEFAULT_MAX_RUNTIME_SECONDS, longest_runtime or DEFAULT_MAX_RUNTIME_SECONDS))
    spot, own = values.get(*SPOT), ("checkpoint_config", "s3_uri") in values.settings
    values.fill(CHECKPOINTS, lambda: bool(spot) and not own)
    if values.get(*CHECKPOINTS):
        values.fill(("checkpoints", "local_path"), lambda: CHECKPOINT_PATH)
    if spot:
        runtime = values.get(*RUNTIME)
        values.fill(WAIT, lambda: worked_out_max_wait(runtime))


def worked_out_max_wait(max_runtime: int) -> int:
    """Seconds for waiting and training when a spot run does not say: as long again as it may train, an hour at least, a
    week at most, and never past SageMaker's 30 days.

    SageMaker counts waiting for capacity and training together, and wants at least the runtime (StoppingCondition).
    """
    waiting = min(max(max_runtime, 3600), 7 * 86_400)
    return max(max_runtime, min(max_runtime + waiting, MAX_WAIT_SECONDS))


def build(name: str, values: Values) -> ResolvedRequest:
    """The request from complete, checked values."""
    return ResolvedRequest(name, dict(values.settings))


def spelled(leaf: Leaf, value: object) -> str:
    """A value as it would be written in the short form of its setting."""
    if leaf[0] == "stopping_condition" and isinstance(value, int):
        return spell_duration(value)
    if leaf == KEEP_ALIVE and isinstance(value, int):
        return spell_duration(value)
    if leaf[0] == "profiler_config" and value in INTERVALS:
        return INTERVALS[value]
    if isinstance(value, list):
        return ", ".join(map(_named, value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _named(entry: object) -> str:
    """An entry of a list by what it asks for: a type, a rule's image."""
    known = (getattr(entry, name, None) for name in ("instance_type", "rule_evaluator_image"))
    return str(next((name for name in known if name is not None), entry))
