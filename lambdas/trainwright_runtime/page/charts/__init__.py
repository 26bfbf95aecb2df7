"""The charts of a page: what is drawn, in the form in which the page carries it, and the same in words and tables."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime.page.charts.curves import of_metrics
from trainwright_runtime.page.charts.hosts import of_hosts
from trainwright_runtime.page.charts.series import compact, fitting, measured

Report = Mapping[str, Any]
Charts = Mapping[str, Any]

LIMIT = 2_000_000
"""Characters that the charts' data may take: the page is under 3 MB with its styles, scripts and words."""


def build(charts: Charts | None, report: Report) -> dict[str, Any]:
    """`hosts` and `curves` for the template, `data` for the script, `notes` on what was left out. `data` is None where
    there is nothing to draw."""
    curves, left_out = of_metrics(charts)
    attempts, coarser = fitting(measured(charts), LIMIT - len(compact(curves)))
    hosts = of_hosts(attempts, report)
    drawn = [*curves, *(chart for host in hosts for chart in host["charts"])]
    for number, chart in enumerate(drawn):
        chart["id"] = f"chart-{number}"
    groups = {host["group"]: host["segments"] for host in hosts}
    data = {"groups": groups, "charts": [_sent(chart) for chart in drawn]} if drawn else None
    return {"hosts": hosts, "curves": curves, "data": data, "notes": _notes(coarser, left_out)}


def _notes(coarser: int, left_out: int) -> list[str]:
    notes = []
    if coarser > 1:
        joined = f"{coarser} neighbouring values became one"
        notes.append(f"To keep this page small, {joined}; lowest and highest are kept.")
    if left_out:
        notes.append(f"{left_out} more metrics are not drawn.")
    return notes


def _sent(chart: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is for the template alone."""
    return {name: value for name, value in chart.items() if name not in ("rows", "words")}
