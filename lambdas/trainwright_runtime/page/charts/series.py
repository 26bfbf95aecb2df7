"""The hosts' series of all attempts: sound, with short numbers, and no finer than a page has room for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime.page import figures
from trainwright_runtime.page.shapes import listed, mapping, mappings

Charts = Mapping[str, Any]
Values = list[float | int | None]

FACTS = ("mean", "min", "max")
_UNITS = {"bytes/s": "B/s", "B/s": "B/s", "%": "%"}


def measured(charts: Charts | None) -> list[dict[str, Any]]:
    """The attempts that were measured; what has no sound times is left out."""
    found = [mapping(each.get("series")) for each in mappings(mapping(charts).get("attempts"))]
    return [
        {"start": series["start"], "step": series["step"], "hosts": mapping(series.get("hosts"))}
        for series in found
        if series and figures.known(series.get("start")) and figures.known(series.get("step")) and series["step"] > 0
    ]


def fitting(attempts: list[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], int]:
    """The attempts with buckets joined until all of them fit, and how many became one."""
    coarser = 1
    attempts = [_rounded(each) for each in attempts]
    while len(compact(attempts)) > room and any(_length(each) > 2 for each in attempts):
        attempts = [_halved(each) for each in attempts]
        coarser *= 2
    return attempts, coarser


def _rounded(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {**attempt, "hosts": {host: _metrics(mapping(metrics)) for host, metrics in attempt["hosts"].items()}}


def _metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _metric(metric) for name, metric in metrics.items() if isinstance(metric, Mapping)}


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric with short numbers; lowest and highest only where they differ from the mean."""
    unit = _UNITS.get(str(metric.get("unit")), str(metric.get("unit") or ""))
    lists = {fact: [_short(value, unit) for value in listed(metric.get(fact))] for fact in FACTS}
    banded = lists["min"] and lists["max"] and not lists["mean"] == lists["min"] == lists["max"]
    return {"unit": unit, **(lists if banded else {"mean": lists["mean"]})}


def _short(value: Any, unit: str) -> float | int | None:
    """One digit after the point of a per cent, four digits of the rest."""
    if not figures.known(value):
        return None
    short = round(value, 1) if unit == "%" else float(f"{value:.4g}")
    return int(short) if short == int(short) else short


def _length(attempt: Mapping[str, Any]) -> int:
    return max((len(each["mean"]) for metrics in attempt["hosts"].values() for each in metrics.values()), default=0)


def _halved(attempt: Mapping[str, Any]) -> dict[str, Any]:
    hosts = {
        host: {name: _halved_metric(metric) for name, metric in metrics.items()}
        for host, metrics in attempt["hosts"].items()
    }
    return {"start": attempt["start"], "step": attempt["step"] * 2, "hosts": hosts}


def _halved_metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    mean = metric["mean"]
    return _metric(
        {
            "unit": metric["unit"],
            "mean": _pairs(mean, lambda pair: sum(pair) / len(pair)),
            "min": _pairs(metric.get("min", mean), min),
            "max": _pairs(metric.get("max", mean), max),
        }
    )


def _pairs(values: Sequence[Any], join: Any) -> Values:
    pairs = ([each for each in values[at : at + 2] if each is not None] for at in range(0, len(values), 2))
    return [join(pair) if pair else None for pair in pairs]


def compact(value: object) -> str:
    """JSON as a page carries it."""
    return json.dumps(value, separators=(",", ":"))
