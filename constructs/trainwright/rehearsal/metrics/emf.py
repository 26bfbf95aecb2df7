"""Metrics that stand in log lines: the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

A line of another form has no metrics. What the specification forbids leaves out the smallest part that it spoils: a
value, a set of dimensions, a directive, the line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

#: "MUST NOT contain more than 100 elements", "up to 30 strings", and how far a Timestamp may be from now.
MOST_VALUES, MOST_DIMENSIONS, MOST_METRICS = 100, 30, 100
OLDEST, NEWEST = timedelta(days=14), timedelta(hours=2)
UNITS = frozenset(
    [
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Percent",
        "Count",
        "Count/Second",
        "None",
        *(f"{size}{kind}" for size in ("", "Kilo", "Mega", "Giga", "Tera") for kind in ("bytes", "bits")),
        *(f"{size}{kind}/Second" for size in ("", "Kilo", "Mega", "Giga", "Tera") for kind in ("bytes", "bits")),
        *(f"{kind}{rest}" for kind in ("Bytes", "Bits") for rest in ("", "/Second")),
    ]
)


class Metric(NamedTuple):
    """Values of one metric under one set of dimensions, as a member of PutMetricData's MetricData."""

    namespace: str
    datum: dict[str, Any]


def metrics(line: str, now: datetime) -> list[Metric]:
    """The metrics in one line of a log."""
    if not line.startswith("{") or '"_aws"' not in line:
        return []
    try:
        root = json.loads(line)
    except ValueError:
        return []
    return list(_of_root(root, now))


def _of_root(root: Mapping[str, Any], now: datetime) -> Iterator[Metric]:
    meta = root.get("_aws")
    if not isinstance(meta, dict) or not isinstance(meta.get("CloudWatchMetrics"), list):
        return
    when = _instant(meta.get("Timestamp"), now)
    for directive in meta["CloudWatchMetrics"] if when else ():
        if isinstance(directive, dict) and _is_name(directive.get("Namespace")):
            yield from _of_directive(directive, root, when)


def _instant(milliseconds: Any, now: datetime) -> datetime | None:
    if not _is_number(milliseconds):
        return None
    try:
        when = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return when if now - OLDEST <= when <= now + NEWEST else None


def _of_directive(directive: Mapping[str, Any], root: Mapping[str, Any], when: datetime | None) -> Iterator[Metric]:
    sets = [found for each in _listed(directive.get("Dimensions")) if (found := _dimensions(each, root)) is not None]
    for definition in _listed(directive.get("Metrics"))[:MOST_METRICS]:
        values = _values(root.get(definition["Name"])) if _is_definition(definition) else []
        unit = definition.get("Unit", "None") if values else "None"
        for dimensions in sets if values and unit in UNITS else ():
            datum = {"MetricName": definition["Name"], "Dimensions": dimensions, "Values": values, "Unit": unit}
            yield Metric(directive["Namespace"], {**datum, "Timestamp": when})


def _dimensions(names: Any, root: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """One set with its values, which stand on the root; None: one of them is missing or no text."""
    if not isinstance(names, list) or len(names) > MOST_DIMENSIONS:
        return None
    if not all(_is_name(name) and _is_name(root.get(name)) for name in names):
        return None
    return [{"Name": name, "Value": root[name]} for name in names]


def _values(target: Any) -> list[float]:
    values = target if isinstance(target, list) else [target]
    return values if 0 < len(values) <= MOST_VALUES and all(_is_number(value) for value in values) else []


def _is_definition(definition: Any) -> bool:
    return isinstance(definition, dict) and _is_name(definition.get("Name"))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1024


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
