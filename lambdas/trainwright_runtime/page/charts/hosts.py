"""The charts of each host: what the profiler or CloudWatch measured over time, all attempts one after another."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime.page import figures
from trainwright_runtime.page.charts.rows import row
from trainwright_runtime.page.charts.series import FACTS
from trainwright_runtime.page.shapes import mapping

Report = Mapping[str, Any]
Chart = dict[str, Any]

_OF_A_HOST = (
    ("Processor", (("cpu", "CPU use"), ("io_wait", "Waiting for I/O"))),
    ("GPU", (("gpu", "GPU use"), ("gpu_memory", "GPU memory"))),
    ("Memory and disk", (("memory", "Memory"), ("disk", "Disk space"))),
    ("Network", (("received", "Received"), ("sent", "Sent"))),
)
"""The charts of a host and their lines, by the metric's name in a profile. Others get a chart each."""


def of_hosts(attempts: Sequence[Mapping[str, Any]], report: Report) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(host for attempt in attempts for host in attempt["hosts"]))
    marks = _interruptions(report)
    return [_host(f"host-{number}", name, attempts, marks, report) for number, name in enumerate(names)]


def _host(
    group: str, host: str, attempts: Sequence[Mapping[str, Any]], marks: list[dict[str, Any]], report: Report
) -> dict[str, Any]:
    there = [(each, each["hosts"][host]) for each in attempts if each["hosts"].get(host)]
    lengths = [max((len(metric["mean"]) for metric in metrics.values()), default=0) for _, metrics in there]
    lines = _joined([metrics for _, metrics in there], lengths)
    charts = [
        _chart(title, [_line(label, lines[name]) for name, label in wanted if name in lines], group, marks)
        for title, wanted in (*_OF_A_HOST, *_others(lines))
        if any(name in lines for name, _ in wanted)
    ]
    for chart in charts:
        chart["words"] = f"{chart['title']} of {host}. {chart['words']}"
    segments = [[each["start"], each["step"], length] for (each, _), length in zip(there, lengths, strict=True)]
    return {
        "host": host,
        "group": group,
        "segments": segments,
        "charts": charts,
        "rows": [_with_p95(row, report, host, lines) for chart in charts for row in chart["rows"]],
    }


def _others(lines: Mapping[str, Any]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    known = {name for _, wanted in _OF_A_HOST for name, _ in wanted}
    return [(name.replace("_", " "), ((name, name.replace("_", " ")),)) for name in lines if name not in known]


def _joined(found: Sequence[Mapping[str, Any]], lengths: Sequence[int]) -> dict[str, dict[str, Any]]:
    """The metrics of a host over all attempts, one after another; nothing where an attempt did not measure one."""
    names = dict.fromkeys(name for metrics in found for name in metrics)
    return {name: _joined_metric([metrics.get(name) for metrics in found], lengths) for name in names}


def _joined_metric(found: Sequence[Mapping[str, Any] | None], lengths: Sequence[int]) -> dict[str, Any]:
    banded = any("min" in metric for metric in found if metric)
    joined: dict[str, Any] = {"unit": next(metric["unit"] for metric in found if metric)}
    for fact in FACTS if banded else ("mean",):
        lists = [((metric or {}).get(fact) or (metric or {}).get("mean") or []) for metric in found]
        joined[fact] = [
            value for values, length in zip(lists, lengths, strict=True) for value in _padded(values, length)
        ]
    return joined


def _padded(values: Sequence[Any], length: int) -> list[Any]:
    return [*values, *[None] * (length - len(values))]


def _line(label: str, metric: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": label, **metric}


def _chart(title: str, series: list[dict[str, Any]], group: str, marks: list[dict[str, Any]]) -> Chart:
    unit = series[0]["unit"]
    rows = [row(each, unit) for each in series]
    return {
        "title": title,
        "unit": unit,
        "kind": "time",
        "group": group,
        "range": [0, 100] if unit == "%" else "zero",
        "series": [{name: value for name, value in each.items() if name != "unit"} for each in series],
        "marks": marks,
        "rows": rows,
        "words": " ".join(row["words"] for row in rows),
    }


def _with_p95(row: dict[str, Any], report: Report, host: str, lines: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the value that 95 per cent of the samples stay below, which the profile's summary has."""
    labels = {label: name for _, wanted in _OF_A_HOST for name, label in wanted}
    name = labels.get(row["label"], row["label"])
    found = mapping(mapping(mapping(report["profile"].get("summary")).get(host)).get(name))
    if not found or name not in lines:
        return row
    return {**row, "p95": figures.amount(found.get("p95"), lines[name]["unit"])}


def _interruptions(report: Report) -> list[dict[str, Any]]:
    """When machines were taken away, for the charts over time."""
    found = [each for row in report["attempts"] for each in row["transitions"] if each.get("status") == "Interrupted"]
    times = [figures.parsed(each.get("start")) for each in found]
    return [{"x": round(time.timestamp(), 3), "label": "interrupted"} for time in times if time]
