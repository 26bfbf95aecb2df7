"""The metrics of a run in the report: which one is its headline."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainwright_runtime.report.clean import mapping, mappings, number

Metrics = Mapping[str, Any]


def headline(metrics: Metrics, sent: object, order: Iterable[str], previous: Metrics) -> dict[str, Any] | None:
    """The metric that a run is judged by: the first that its request defines, else the first that its script reported,
    one of validation before one of training. `order` is that in which they were reported. Null without metrics."""
    name = next(
        (each for each in [*defined(sent), *_reported(metrics, order)] if number(metrics.get(each)) is not None), None
    )
    if name is None:
        return None
    value, before = metrics[name], number(previous.get(name))
    return {"name": name, "value": value, "previous": before, "change": None if before is None else value - before}


def defined(sent: object) -> list[str]:
    """The metrics that CreateTrainingJob's request defines, in its order."""
    listed = mappings(mapping(mapping(sent).get("AlgorithmSpecification")).get("MetricDefinitions"))
    return [each["Name"] for each in listed if isinstance(each.get("Name"), str)]


def _reported(metrics: Metrics, order: Iterable[str]) -> list[str]:
    known = [name for name in order if name in metrics]
    names = [*known, *sorted(name for name in metrics if name not in known)]
    return sorted(names, key=_rank)


def _rank(name: str) -> int:
    lower = name.lower()
    return 0 if "val" in lower else 2 if "train" in lower else 1
