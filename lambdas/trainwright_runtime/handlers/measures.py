"""What runs say about themselves as CloudWatch metrics: lines of the embedded metric format in the functions' logs.

One dimension, `team`, so that alarms and dashboards find them without knowing which function wrote them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from trainwright_runtime import months, run_metrics
from trainwright_runtime import record as records
from trainwright_runtime.handlers.store import Store

_TRIES = 3


def emit(report: Mapping[str, Any], record: records.Item, store: Store) -> None:
    """Say what is new of a run that has ended, as often as one likes: each value counts once.

    What was said is claimed in the run's record first. A function that dies between the two leaves a value out, which
    is better than one that counts twice.
    """
    found = run_metrics.values(report, _budget_used(record, store))
    for _ in range(_TRIES):
        before = record.get("measured")
        fresh, state = run_metrics.news(found, record["redrive"], before)
        if not fresh:
            return
        if store.update(records.put_measured(record["run"], state)) is not None:
            _write(report["team"], fresh)
            return
        record = store.existing(record["run"])


def restarted_from_zero(team: str) -> None:
    """An attempt began at step 0 although there was a checkpoint."""
    _write(team, {"RestartedFromZero": 1})


def _budget_used(record: records.Item, store: Store) -> float | None:
    """Percent of the team's month; None where it has no limit."""
    money = record["money"] or {}
    if not money.get("monthly_usd"):
        return None
    committed = months.committed(store.record(months.key(money["month"]))) / months.MICRO
    return run_metrics.budget_percent(committed, money["monthly_usd"])


def _write(team: str, values: Mapping[str, float]) -> None:
    writer = AmazonCloudWatchEMFProvider(namespace=run_metrics.NAMESPACE)
    writer.service = ""  # else the function's name becomes a second dimension
    writer.add_dimension(run_metrics.DIMENSION, team)
    for name, value in values.items():
        writer.add_metric(name, MetricUnit(run_metrics.BY_NAME[name].unit), value)
    writer.flush_metrics()
