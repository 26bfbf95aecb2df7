"""The charts of the metrics that the script reported, over steps or time."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from trainwright_runtime.page import figures
from trainwright_runtime.page.charts.rows import row
from trainwright_runtime.page.shapes import listed, mapping

Charts = Mapping[str, Any]
Chart = dict[str, Any]

CURVES = 60
"""Charts of metrics on a page; a script that reports more has them in metrics.jsonl."""
POINTS = 1_500
"""Points of a curve: more than a screen is wide; lowest and highest values are kept."""


def of_metrics(charts: Charts | None) -> tuple[list[Chart], int]:
    """The charts of the metrics that the script reported, and how many were left out. Metrics of one kind (`train:loss`
    and `validation:loss`) are one chart."""
    reported = mapping(mapping(charts).get("curves"))
    points = {str(name): _sound(found) for name, found in mapping(reported.get("points")).items()}
    points = {name: found for name, found in points.items() if found}
    axis = "time" if reported.get("axis") == "time" else "step"
    marks = _marks(reported) if axis == "step" else []
    drawn = [
        _curve(kind, {name: points[name] for name in names}, axis, marks) for kind, names in _by_kind(points).items()
    ]
    before = reported.get("left_out")
    left_out = max(len(drawn) - CURVES, 0) + (int(before) if figures.known(before) else 0)
    return drawn[:CURVES], left_out


def _by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name.rsplit(":", 1)[-1].strip() or name, []).append(name)
    return kinds


def _marks(reported: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps from which starts went on."""
    return [{"x": step, "label": "resumed"} for step in listed(reported.get("resumes")) if figures.known(step)]


def _curve(kind: str, points: Mapping[str, list[tuple[float, float]]], axis: str, marks: list[dict[str, Any]]) -> Chart:
    thinned = {name: dict(_thinned(found)) for name, found in points.items()}
    xs = sorted({x for found in thinned.values() for x in found})
    series = [{"label": name, "mean": [found.get(x) for x in xs]} for name, found in thinned.items()]
    ends = [figures.number(found[max(found)]) for found in thinned.values()]
    rows = [{**row(each, ""), "last": end} for each, end in zip(series, ends, strict=True)]
    return {
        "title": kind,
        "unit": "",
        "kind": axis,
        "x": xs,
        "range": "auto",
        "series": series,
        "marks": marks,
        "rows": rows,
        "words": f"{kind} over {'time' if axis == 'time' else 'steps'}. " + " ".join(_curve_words(row) for row in rows),
    }


def _curve_words(row: Mapping[str, str]) -> str:
    return f"{row['label']}: {row['last']} at the end, {row['low']} to {row['high']}."


def _sound(found: object) -> list[tuple[float, float]]:
    """The points that can be drawn, in order; of two at one place the later."""
    pairs = (each for each in listed(found) if isinstance(each, list | tuple) and len(each) == 2)
    return sorted({x: float(f"{y:.6g}") for x, y in pairs if figures.known(x) and figures.known(y)}.items())


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `POINTS` points: of each stretch the lowest and the highest, in order, and the very last."""
    if len(points) <= POINTS:
        return points
    width = math.ceil(len(points) / (POINTS // 2 - 1))
    kept: list[tuple[float, float]] = []
    for at in range(0, len(points), width):
        stretch = points[at : at + width]
        kept += sorted({min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])})
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]
