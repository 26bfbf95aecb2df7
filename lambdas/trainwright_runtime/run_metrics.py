"""What a team's runs come to in CloudWatch: the table of metrics, what a report gives for them, what of it is new.

The table is the one source for the functions that write metrics, for the dashboard, the alarms and docs/monitoring.md.
Every metric has one dimension, `team`, and none has a name or a dimension from a user: their number is fixed.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

NAMESPACE = "Trainwright"
DIMENSION = "team"

Kind = Literal["end", "total", "level", "event"]


@dataclass(frozen=True)
class RunMetric:
    """One metric of a team.

    `kind` says when it has a value: an `end` and a `level` once for each end of a run, and a run that is redriven ends
    again; a `total` of the whole run when it ends, and whenever it turns out to be another, the difference, so that
    its sum is right; an `event` when it happens. `title` and `statistic` are for a chart of it.
    """

    name: str
    title: str
    unit: Literal["Count", "Seconds", "Percent", "None"]
    kind: Kind
    statistic: Literal["Sum", "Average", "Maximum"]
    description: str


METRICS = (
    RunMetric("SucceededCount", "Succeeded", "Count", "end", "Sum", "Runs that succeeded."),
    RunMetric("FailedCount", "Failed", "Count", "end", "Sum", "Runs that failed, refused ones not among them."),
    RunMetric("StoppedCount", "Stopped", "Count", "end", "Sum", "Runs that were stopped by a person."),
    RunMetric("RefusedCount", "Refused", "Count", "end", "Sum", "Runs that Prepare refused: nothing was started."),
    RunMetric(
        "FailedByPlatformCount",
        "Failed by the platform",
        "Count",
        "end",
        "Sum",
        "Runs that failed because of the platform, not its user.",
    ),
    RunMetric("AttemptCount", "Training jobs", "Count", "total", "Sum", "Training jobs that runs made."),
    RunMetric("InterruptionCount", "Interruptions", "Count", "total", "Sum", "How often spot capacity was taken away."),
    RunMetric(
        "QueueSeconds",
        "Waited, s",
        "Seconds",
        "total",
        "Maximum",
        "Time of a run in which it waited: for a quota, for capacity, for the next attempt.",
    ),
    RunMetric("RunSeconds", "Run, s", "Seconds", "total", "Average", "Time from a run's start to its end."),
    RunMetric(
        "LostWorkSeconds",
        "Lost work, s",
        "Seconds",
        "total",
        "Sum",
        "Training that was done again: what came after the last checkpoint when an attempt ended.",
    ),
    RunMetric(
        "GoodputPercent",
        "Goodput, %",
        "Percent",
        "level",
        "Average",
        "Share of a run's time in which it trained for good.",
    ),
    RunMetric(
        "GpuUtilizationPercent", "GPU use, %", "Percent", "level", "Average", "Mean GPU use of a run that was profiled."
    ),
    RunMetric(
        "CostUsd", "Cost, USD", "None", "total", "Sum", "What a run's jobs cost, in USD from the on-demand prices."
    ),
    RunMetric("SavedUsd", "Saved by spot, USD", "None", "total", "Sum", "What spot saved of it, in USD."),
    RunMetric(
        "BudgetUsedPercent",
        "Budget used, %",
        "Percent",
        "level",
        "Maximum",
        "Share of the team's month that runs have spent or may spend still, where the policy has budget.monthly_usd.",
    ),
    RunMetric(
        "RestartedFromZero",
        "Restarted from zero",
        "Count",
        "event",
        "Sum",
        "Attempts that began at step 0 although a checkpoint existed.",
    ),
)
BY_NAME: Mapping[str, RunMetric] = {metric.name: metric for metric in METRICS}

_ENDS = {
    "SUCCEEDED": "SucceededCount",
    "FAILED": "FailedCount",
    "STOPPED": "StoppedCount",
    "REFUSED": "RefusedCount",
}
_KNOWN = ("partial", "complete")
"""States of a profile of which no more will come."""

Values = dict[str, float]


def values(report: Mapping[str, Any], budget_used: float | None = None) -> Values:
    """What a run's report says, by metric. What is not known is left out, and so is what is no finite number.

    `budget_used`: percent of the team's month; None where it has no limit.
    """
    found = _ended(report) | _lived(report) | _paid(report["cost"])
    found |= {"GpuUtilizationPercent": _gpu(report.get("profile") or {}), "BudgetUsedPercent": budget_used}
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def _ended(report: Mapping[str, Any]) -> dict[str, float | None]:
    """One of four ends is 1 and the others 0, so that shares can be taken of metrics that are always there."""
    status, diagnosis = report["status"], report.get("diagnosis") or {}
    ends: dict[str, float | None] = {name: float(status == each) for each, name in _ENDS.items()}
    return ends | {"FailedByPlatformCount": float(status == "FAILED" and diagnosis.get("fault") == "platform")}


def _lived(report: Mapping[str, Any]) -> dict[str, float | None]:
    rows, goodput = report["attempts"], report.get("goodput") or {}
    parts = goodput.get("parts") or {}
    share = goodput.get("share")
    return {
        "AttemptCount": sum(row["job_arn"] is not None for row in rows),
        "InterruptionCount": sum(row.get("interruptions") or 0 for row in rows),
        "QueueSeconds": parts.get("waiting", sum(row["then_wait_seconds"] for row in rows)),
        "RunSeconds": report.get("seconds"),
        "LostWorkSeconds": parts.get("lost_work"),
        "GoodputPercent": None if share is None else share * 100,
    }


def _paid(cost: Mapping[str, Any]) -> dict[str, float | None]:
    return {"CostUsd": cost["usd"], "SavedUsd": cost["saved_usd"]}


def _gpu(profile: Mapping[str, Any]) -> float | None:
    """The mean over the hosts, when the profile is as complete as it will be."""
    if profile.get("status") not in _KNOWN:
        return None
    means = [mean for mean in _means(profile.get("summary") or {}, "gpu") if isinstance(mean, int | float)]
    return sum(means) / len(means) if means else None


def _means(summary: Mapping[str, Any], metric: str) -> Iterable[Any]:
    return ((host.get(metric) or {}).get("mean") for host in summary.values() if isinstance(host, Mapping))


def news(found: Values, redrive: int, before: Mapping[str, Any] | None) -> tuple[Values, dict[str, Any]]:
    """What of these values has not been said yet, and what is to be remembered of having said it.

    `redrive`: the redrive count of the run at this end. `before`: what was remembered the last time; None: nothing.
    """
    known = before or {"redrive": redrive, "said": {}}
    said = {
        name: value
        for name, value in known["said"].items()
        if known["redrive"] == redrive or (name in BY_NAME and BY_NAME[name].kind == "total")
    }
    fresh = {name: value for name, value in found.items() if name not in said}
    changes = {name: round(value - said[name], 6) for name, value in found.items() if _is_total(name) and name in said}
    fresh |= {name: change for name, change in changes.items() if change}
    kept = said | {name: value for name, value in found.items() if _is_total(name) or name not in said}
    return fresh, {"version": (before or {}).get("version", 0) + 1, "redrive": redrive, "said": kept}


def _is_total(name: str) -> bool:
    return BY_NAME[name].kind == "total"


def budget_percent(committed_usd: float, monthly_usd: float | None) -> float | None:
    """Percent of a month's money that is spent or set aside; None where there is no limit, or one of nothing."""
    return committed_usd / monthly_usd * 100 if monthly_usd else None
