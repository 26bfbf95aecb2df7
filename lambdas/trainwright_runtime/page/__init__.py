"""The pages that people open: report.html. Text in, HTML out; all text of users and logs is escaped."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2

from trainwright_runtime import summary
from trainwright_runtime.attempts import ALIVE

Report = Mapping[str, Any]
Charts = Mapping[str, Any]


def html(report: Report, charts: Charts | None = None) -> str:
    """The report as one page without any outside resource; all text of users and logs is escaped."""
    return _template().render(
        report=report,
        headline=summary.HEADLINES[report["status"]],
        alive=[attempt for attempt in report["attempts"] if attempt["status"] in ALIVE],
        request_text=json.dumps(report["request"], indent=2, ensure_ascii=False),
        cost_words=summary.cost_words(report["cost"], report["attempts"]),
        from_zero=summary.from_zero_words(report["resume"]),
        lines=[_line(group) for group in summary.lines(report["attempts"])],
    )


def _line(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A line of the table of attempts: one attempt, or refusals of one kind that were waited out."""
    first, last = group[0], group[-1]
    waited = sum(row["then_wait_seconds"] for row in group)
    queued = first["job_arn"] is None and waited > 0
    return {
        "attempt": None if queued else first,
        "saving": _saving(first),
        "numbers": str(first["number"]) if first is last else f"{first['number']}–{last['number']}",
        "times": "once" if first is last else f"{len(group)} times",
        "seconds": waited,
        "reason": summary.waited_for(first),
        "said": last["failure_reason"],
    }


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainwright_runtime.page", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = summary.duration_words
    environment.filters["usd"] = summary.usd_words
    return environment.get_template("report.html.j2")


def _saving(attempt: Mapping[str, Any]) -> str | None:
    """What spot saved, as AWS counts it: (1 - billable / training) * 100 (SageMaker guide, managed spot training)."""
    training, billable = attempt["training_seconds"], attempt["billable_seconds"]
    if attempt["capacity"] != "spot" or not training or billable is None:
        return None
    return f"{summary.duration_words(max(training - billable, 0))} ({round((1 - billable / training) * 100)} %)"
