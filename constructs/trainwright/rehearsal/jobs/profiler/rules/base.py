"""What a rule of the profiler reads and says, and the arithmetic that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Parameters = Mapping[str, float]
#: "events that are within 20ms interval are considered to belong to the same time-snapshot" (AWS's rules, 2020)
SNAPSHOT_SECONDS = 0.02


class Row(NamedTuple):
    """One line of a system metrics file."""

    kind: str
    name: str
    dimension: str
    value: float
    node: str
    timestamp: float


@dataclass(frozen=True)
class Finding:
    """What a rule says of all the rows so far; ``details`` has the shape of its file in profiler-reports."""

    triggered: int = 0
    violations: int = 0
    datapoints: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A built-in rule: its parameters with their defaults, in the order of its report, and how it judges."""

    defaults: Mapping[str, float]
    judge: Callable[[Sequence[Row], Parameters], Finding]


def quantile(values: Sequence[float], share: float) -> float:
    """Between the two nearest values, as numpy does by default; ``values`` has at least one."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def box(values: Sequence[float], *shares: int) -> dict[str, float]:
    """The quantiles of these percentages, and the whiskers of a box plot: 1.5 times the box at most."""
    made = {f"p{share:02}": quantile(values, share / 100) for share in shares}
    low, high = quantile(values, 0.25), quantile(values, 0.75)
    made["upper"] = min(high + 1.5 * (high - low), max(values))
    made["lower"] = max(low - 1.5 * (high - low), min(values))
    return made


def series(rows: Iterable[Row], dimension: str) -> dict[str, dict[str, list[float]]]:
    """The values of one dimension by node and name."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if row.dimension == dimension:
            found.setdefault(row.node, {}).setdefault(row.name, []).append(row.value)
    return found


def sums(rows: Iterable[Row], dimension: str) -> dict[str, list[float]]:
    """The values of one dimension by node, added up for each moment."""
    found: dict[str, dict[float, float]] = {}
    for row in rows:
        if row.dimension == dimension:
            moments = found.setdefault(row.node, {})
            moments[row.timestamp] = moments.get(row.timestamp, 0.0) + row.value
    return {node: list(moments.values()) for node, moments in found.items()}


def names(rows: Iterable[Row], dimension: str) -> set[str]:
    """Of what there are values in this dimension: the cores, the GPUs."""
    return {row.name for row in rows if row.dimension == dimension}
