"""Metrics over steps, as the script reported them: trainkit's metrics.jsonl beside the checkpoints, a line a report.

`{"step": 3, "time": 1700000000.1, "values": {"validation:accuracy": 0.98}}`. Whoever wrote it, nothing here raises: a
line that is cut, of another form or too large is passed over.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from trainwright_runtime.progress import finite, whole

Point = tuple[float, float]
Curves = dict[str, Any]

MOST_NAMES = 20
"""Metrics that get a curve; the first ones that were reported."""
MOST_POINTS = 1000
"""Points of a curve."""
LONGEST_NAME = 255
"""Characters of a metric's name that are kept: as many as SageMaker allows (MetricDefinition, API reference)."""


@dataclass(frozen=True)
class _Line:
    step: int
    time: float | None
    values: Mapping[str, float]


def of_lines(content: bytes) -> Curves | None:
    """The curves that metrics.jsonl holds, over steps; None where it holds none. A step that was reported twice counts
    as it was reported last."""
    found: dict[str, dict[int, float]] = {}
    for line in _lines(content):
        for name, value in line.values.items():
            found.setdefault(name, {})[line.step] = value
    return _curves("step", {name: sorted(points.items()) for name, points in found.items()})


def of_times(values: Mapping[str, Iterable[Point]]) -> Curves | None:
    """Curves over time (epoch seconds), from values by name; None where there are none."""
    kept = {name: sorted(point for point in points if _is_point(point)) for name, points in values.items()}
    return _curves("time", kept)


def steps(content: bytes) -> list[tuple[int, float]]:
    """When each step was reported, as (step, epoch seconds), in the order of the steps."""
    found = {line.step: line.time for line in _lines(content) if line.time is not None}
    return sorted(found.items())


def last(curves: Mapping[str, Any] | None) -> dict[str, float]:
    """The last value of each curve."""
    return {name: points[-1][1] for name, points in curves["points"].items()} if curves else {}


def with_last(metrics: Mapping[str, float], curves: Mapping[str, Any] | None) -> dict[str, float]:
    """A run's metrics: SageMaker's own (FinalMetricDataList), and the last reported values for names that it lacks."""
    return {**last(curves), **metrics}


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many of the points, in their order, with the first, the last, and the extremes of every stretch."""
    if len(points) <= most:
        return list(points)
    inner = points[1:-1]
    stretches = max((most - 2) // 2, 1)
    bounds = [len(inner) * number // stretches for number in range(stretches + 1)]
    extremes = [_extremes(inner[start:end]) for start, end in pairwise(bounds)]
    return [points[0], *(point for pair in extremes for point in pair), points[-1]][-most:]


def _extremes(points: Sequence[Point]) -> list[Point]:
    places = {pick(range(len(points)), key=lambda place: points[place][1]) for pick in (min, max)}
    return [points[place] for place in sorted(places)]


def _curves(axis: str, points: Mapping[str, Sequence[Point]]) -> Curves | None:
    known = [name for name, found in points.items() if found]
    names = known[:MOST_NAMES]
    if not names:
        return None
    return {
        "axis": axis,
        "names": names,
        "left_out": len(known) - len(names),
        "points": {name: [list(point) for point in thinned(points[name])] for name in names},
    }


def _lines(content: bytes) -> Iterator[_Line]:
    for text in content.splitlines():
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, Mapping) and (line := _line(data)):
            yield line


def _line(data: Mapping[str, Any]) -> _Line | None:
    step, values = whole(data.get("step")), data.get("values")
    if step is None or not isinstance(values, Mapping):
        return None
    read = ((name[:LONGEST_NAME], finite(value)) for name, value in values.items())
    return _Line(step, finite(data.get("time")), {name: value for name, value in read if value is not None})


def _is_point(point: Point) -> bool:
    return all(finite(value) is not None for value in point)
