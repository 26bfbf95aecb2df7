"""report.html: one run as one page."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.page import charts as drawing
from trainwright_runtime.page import findings, first, given, shell, text
from trainwright_runtime.page.timeline import timeline

Report = Mapping[str, Any]
Charts = Mapping[str, Any]


def html(report: Report, charts: Charts | None = None) -> str:
    """The report as one page without any outside resource; all text of users and logs is escaped. `report` is
    report.json, `charts` is charts.json; without it the page has no charts."""
    report = text.readable(report)
    drawn = drawing.build(text.readable(charts), report)
    has_charts = drawn["data"] is not None
    return shell.render(
        "report.html.j2",
        styles=[*(["vendor/uplot.css"] if has_charts else []), "assets/page.css", "assets/run.css"],
        scripts=["assets/page.js", *(["vendor/uplot.js", "assets/charts.js"] if has_charts else [])],
        report=report,
        first=first.screen(report),
        timeline=timeline(report),
        findings=findings.findings(report),
        rules=findings.rules(report),
        profiled=findings.profiled(report),
        charts=drawn,
        lines=[_line(group) for group in summary.lines(report["attempts"])],
        given=given.given(report),
    )


def _line(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A line of the table of attempts: one attempt, or refusals of one kind that were waited out."""
    first_, last = group[0], group[-1]
    waited = sum(row["then_wait_seconds"] for row in group)
    queued = first_["job_arn"] is None and waited > 0
    return {
        "attempt": None if queued else first_,
        "saving": _saving(first_),
        "numbers": str(first_["number"]) if first_ is last else f"{first_['number']}–{last['number']}",
        "times": "once" if first_ is last else f"{len(group)} times",
        "seconds": waited,
        "reason": summary.waited_for(first_),
        "said": last["failure_reason"],
    }


def _saving(attempt: Mapping[str, Any]) -> str | None:
    """What spot saved, as AWS counts it: (1 - billable / training) * 100 (SageMaker guide, managed spot training)."""
    training, billable = attempt["training_seconds"], attempt["billable_seconds"]
    if attempt["capacity"] != "spot" or not training or billable is None:
        return None
    return f"{summary.duration_words(max(training - billable, 0))} ({round((1 - billable / training) * 100)} %)"
