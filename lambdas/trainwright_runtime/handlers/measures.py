"""What runs say about themselves as CloudWatch metrics: lines of the embedded metric format in the functions' logs.

One dimension, `team`, so that alarms and dashboards find them without knowing which function wrote them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

NAMESPACE = "Trainwright"


def emit(report: Mapping[str, Any]) -> None:
    """A run that has ended: starts that made a job, what it cost and spot saved, how long it waited between starts.
    Money that is not known is left out."""
    cost, rows = report["cost"], report["attempts"]
    _write(
        report["team"],
        {
            "AttemptCount": (MetricUnit.Count, sum(row["job_arn"] is not None for row in rows)),
            "QueueSeconds": (MetricUnit.Seconds, sum(row["then_wait_seconds"] for row in rows)),
            "CostUsd": (MetricUnit.NoUnit, cost["usd"]),
            "SavedUsd": (MetricUnit.NoUnit, cost["saved_usd"]),
        },
    )


def restarted_from_zero(team: str) -> None:
    """An attempt began at step 0 although there was a checkpoint."""
    _write(team, {"RestartedFromZero": (MetricUnit.Count, 1)})


def _write(team: str, values: Mapping[str, tuple[MetricUnit, float | None]]) -> None:
    writer = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    writer.service = ""  # else the function's name becomes a second dimension
    writer.add_dimension("team", team)
    for name, (unit, value) in values.items():
        if value is not None:
            writer.add_metric(name, unit, value)
    writer.flush_metrics()
