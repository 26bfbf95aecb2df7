"""Short forms and long names: one setting, two ways to write it. Everything behind the reader knows long names only."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

from trainwright_runtime.reading import is_there, written_path
from trainwright_runtime.settings import Checkpoints, Debugger, Profiler, Settings, TensorBoard
from trainwright_runtime.vocabulary import matches

Leaf: TypeAlias = tuple[str, ...]
"""A single setting, by its path: `("compute", "instance_type")`."""

SHORT_FORMS: Mapping[Leaf, Leaf] = {
    ("image",): ("training_image",),
    ("input_mode",): ("training_input_mode",),
    ("compute", "volume"): ("compute", "volume_size_in_gb"),
    ("compute", "spot"): ("compute", "enable_managed_spot_training"),
    ("compute", "keep_alive"): ("compute", "keep_alive_period_in_seconds"),
    ("compute", "training_plan"): ("compute", "training_plan_arn"),
    ("limits", "max_runtime"): ("stopping_condition", "max_runtime_in_seconds"),
    ("limits", "max_wait"): ("stopping_condition", "max_wait_time_in_seconds"),
    ("limits", "max_pending"): ("stopping_condition", "max_pending_time_in_seconds"),
    ("health", "infra_check"): ("infra_check_config", "enable_infra_check"),
    ("health", "retries"): ("retry_strategy", "maximum_retry_attempts"),
    ("profiler", "interval"): ("profiler_config", "profiling_interval_in_milliseconds"),
    ("profiler", "parameters"): ("profiler_config", "profiling_parameters"),
    ("debugger", "hook_parameters"): ("debug_hook_config", "hook_parameters"),
    ("network", "subnets"): ("networking", "subnets"),
    ("network", "security_group_ids"): ("networking", "security_group_ids"),
    ("network", "enable_network_isolation"): ("networking", "enable_network_isolation"),
    ("network", "enable_inter_container_traffic_encryption"): (
        "networking",
        "enable_inter_container_traffic_encryption",
    ),
    ("output_compression",): ("output_data_config", "compression_type"),
    ("metrics_time_series",): ("enable_sage_maker_metrics_time_series",),
    ("tensorboard", "local_path"): ("tensor_board_output_config", "local_path"),
    ("experiment",): ("experiment_config", "experiment_name"),
    ("mlflow",): ("mlflow_config", "mlflow_resource_arn"),
    ("model_package",): ("model_package_config", "model_package_group_arn"),
    ("session_tags",): ("session_chaining_config", "enable_session_tag_chaining"),
    ("remote_debug",): ("remote_debug_config", "enable_remote_debug"),
}
"""Each short form and the long name it stands for. A channel's shuffle_seed is one too (`long_name`)."""

LONG_NAMES: Mapping[Leaf, Leaf] = {long: short for short, long in SHORT_FORMS.items()}

SWITCHED = (Checkpoints, Debugger, Profiler, TensorBoard)
"""Sections that are switched on by being there."""

WHOLE = (
    ("hyperparameters", "*"),
    ("distributed", "parameters"),
    ("debugger", "collections"),
    ("debug_hook_config", "hook_parameters"),
    ("debugger", "hook_parameters"),
    ("profiler", "parameters"),
    ("profiler_config", "profiling_parameters"),
    ("overrides", "*"),
    ("compilation",),
)
"""Maps and sections that are one setting."""


def long_name(path: Leaf) -> Leaf:
    """The long name of a setting, whichever way it is written."""
    if path[:1] == ("inputs",) and path[2:] == ("shuffle_seed",):
        return (*path[:2], "shuffle_config", "seed")
    return SHORT_FORMS.get(path, path)


def short_name(path: Leaf) -> Leaf:
    """The short form of a setting, where it has one."""
    if path[:1] == ("inputs",) and path[2:] == ("shuffle_config", "seed"):
        return (*path[:2], "shuffle_seed")
    return LONG_NAMES.get(path, path)


def leaves(settings: Settings) -> dict[Leaf, Any]:
    """The single values that were set, by their long names: `("compute", "instance_count") -> 2`."""
    return {long_name(path): _long_value(path, value) for path, value in written_leaves(settings)}


def _long_value(path: Leaf, value: Any) -> Any:
    return value.upper() if path == ("output_compression",) else value


def written_leaves(settings: Settings) -> Iterator[tuple[Leaf, Any]]:
    """The single values that were set, as they were written."""
    yield from _walk(settings, ())


def _walk(value: object, path: Leaf) -> Iterator[tuple[Leaf, Any]]:
    if any(matches(whole, path) for whole in WHOLE):
        if value is not None or path[0] == "hyperparameters":
            yield path, value
    elif isinstance(value, BaseModel):
        yield from _walk_section(value, path)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _walk(entry, (*path, name))
    elif value is not None:
        yield path, value


def _walk_section(section: BaseModel, path: Leaf) -> Iterator[tuple[Leaf, Any]]:
    if isinstance(section, SWITCHED) and section.enabled is None:
        yield (*path, "enabled"), True
    for name in type(section).model_fields:
        if name in section.model_fields_set:
            yield from _walk(getattr(section, name), (*path, name))


def both_forms(settings: Settings) -> Iterator[tuple[Leaf, Leaf]]:
    """The (short, long) pairs of which both are given."""
    given = {path for path, _ in written_leaves(settings)}
    yield from ((short, long_name(short)) for short in given if long_name(short) != short and long_name(short) in given)
    for short, long in _SAME_BY_PARTS:
        if any(path[0] == short for path in given) and any(path[0] == long for path in given):
            yield (short,), (long,)


_SAME_BY_PARTS = (("metrics", "metric_definitions"), ("checkpoints", "checkpoint_config"))
"""Settings that are the same thing, though not value by value."""


def as_written(data: object, leaf: Leaf) -> Leaf:
    """How the author of `data` wrote a setting, or would write it: the short form unless the long name is there, and
    no further down than what they wrote."""
    short = short_name(leaf) if leaf[-1:] != ("enabled",) else leaf[:-1]
    chosen = leaf if is_there(data, leaf) else short
    return chosen[: len(written_path(data, chosen))]


def given_at(data: object, leaf: Leaf) -> bool:
    """Whether the author said anything at a setting, in either form or in a section's one word."""
    return any(is_there(data, written_path(data, path)) for path in {leaf, short_name(leaf)})


def nested(values: Iterable[tuple[Leaf, Any]]) -> dict[str, Any]:
    """Settings by path as sections again."""
    document: dict[str, Any] = {}
    for path, value in values:
        owner = document
        for part in path[:-1]:
            owner = owner.setdefault(part, {})
        owner[path[-1]] = value
    return document
