"""Which field of a run request is behind a part of the job that it became: problems are told in the author's words."""

import re

from trainwright_runtime.forms import Leaf, short_name
from trainwright_runtime.problems import Path
from trainwright_runtime.resolved import ISOLATION, MODE
from trainwright_runtime.settings import Settings
from trainwright_runtime.spec import Request

_PLACES: dict[Path, Leaf] = {
    ("AlgorithmSpecification", "TrainingImage"): ("training_image",),
    ("AlgorithmSpecification", "TrainingInputMode"): MODE,
    ("AlgorithmSpecification", "MetricDefinitions"): ("metrics",),
    ("AlgorithmSpecification",): ("training_image",),
    ("VpcConfig",): ("networking",),
    ("EnableManagedSpotTraining",): ("compute", "enable_managed_spot_training"),
    ("EnableNetworkIsolation",): ISOLATION,
    ("EnableInterContainerTrafficEncryption",): ("networking", "enable_inter_container_traffic_encryption"),
    ("ResourceConfig",): ("compute",),
}
_FREE = {"HyperParameters": "hyperparameters", "Environment": "environment"}
"""Blocks whose names are the user's own."""

_KEPT = {("TrainingJobName",), ("RoleArn",), ("OutputDataConfig", "S3OutputPath")}
_SOURCES = {"DataSource", "S3DataSource", "FileSystemDataSource", "DatasetSource"}


def field_of(path: Path, request: Request) -> Path:
    """The run request's field behind a path of a rendered request; the path itself where the platform set it."""
    if path in _KEPT or not path:
        return path
    if path[0] == "InputDataConfig":
        return _channel_field(path[1:], request)
    if path[0] == "Tags":
        return ("tags", request["Tags"][path[1]]["Key"]) if len(path) > 1 else ("tags",)
    if path[0] in _FREE:
        return (_FREE[str(path[0])], *path[1:2])
    return _by_table(path)


def _by_table(path: Path) -> Path:
    for length in (2, 1):
        if (place := _PLACES.get(path[:length])) is not None:
            whole = length == 2 or place == ("training_image",)  # what is below has no names of its own
            return short_name(place if whole else (*place, *_names(path[length:])))
    section, *rest = _names(path)
    return short_name((section, *rest)) if section in Settings.model_fields else path


def _channel_field(path: Path, request: Request) -> Path:
    if not path:
        return ("inputs",)
    name = request["InputDataConfig"][path[0]]["ChannelName"]
    below = _names(tuple(part for part in path[1:] if part not in _SOURCES))
    return ("inputs", name) if below in ((), ("channel_name",)) else short_name(("inputs", name, *below))


def _names(path: Path) -> Leaf:
    return tuple(_snake(part) if isinstance(part, str) else part for part in path)  # type: ignore[misc]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
