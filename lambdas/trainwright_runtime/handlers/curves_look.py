"""A run's metrics over steps: from the file that its script wrote, or by time from CloudWatch.

Where a request has MetricDefinitions, SageMaker searches the log and publishes what it finds with the dimension
TrainingJobName (https://docs.aws.amazon.com/sagemaker/latest/dg/training-metrics.html): when, but not at which step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import curves
from trainwright_runtime import record as records
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.host_metrics import NAMESPACE
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import logger

_JOBS = 20
_PAGES = 5
_MINUTE = 60
_KEPT_MINUTES = timedelta(days=14)
"""CloudWatch keeps one-minute values for 15 days, five-minute values for 63 (GetMetricData, API reference)."""

Row = Mapping[str, Any]


def look(record: records.Item, store: Store, clients: Services) -> curves.Curves | None:
    """The curves of a run; None where there are none. Never raises for what cannot be read: a report is written
    without, too."""
    try:
        return curves.of_lines(store.metrics(record["run"])) or _from_cloudwatch(record, store, clients)
    except (ClientError, BotoCoreError) as error:
        logger.warning("metrics of the script not read", extra={"error": str(error)})
        return None


def _from_cloudwatch(record: records.Item, store: Store, clients: Services) -> curves.Curves | None:
    rows = [row for row in records.rows(record) if row["job_arn"] and row["started_at"]][-_JOBS:]
    names = _names(store.document(record["run"], f"attempts/{rows[-1]['number']}.json")) if rows else []
    if not names:
        return None
    found: dict[str, list[curves.Point]] = {name: [] for name in names}
    for result in _results(rows, names, clients):
        name = names[int(result["Id"].partition("_")[2])]
        times = (when.timestamp() for when in result.get("Timestamps", ()))
        found[name] += zip(times, result["Values"], strict=False)
    return curves.of_times(found)


def _names(job: Mapping[str, Any] | None) -> list[str]:
    """The metrics that SageMaker searches a job's log for."""
    definitions = ((job or {}).get("AlgorithmSpecification") or {}).get("MetricDefinitions") or ()
    return list(dict.fromkeys(each["Name"] for each in definitions))[: curves.MOST_NAMES]


def _results(rows: Sequence[Row], names: Sequence[str], clients: Services) -> Iterator[Mapping[str, Any]]:
    began = datetime.fromisoformat(rows[0]["started_at"])
    ended = datetime.fromisoformat(rows[-1]["ended_at"] or rows[-1]["started_at"]) + timedelta(minutes=2)
    period = _period(began, ended)
    asked: dict[str, Any] = {
        "MetricDataQueries": [
            _query(f"m{job}_{index}", row["job_name"], name, period)
            for job, row in enumerate(rows)
            for index, name in enumerate(names)
        ],
        "StartTime": began - timedelta(minutes=1),
        "EndTime": ended,
    }
    for _ in range(_PAGES):
        page = clients.cloudwatch.get_metric_data(**asked)
        yield from page["MetricDataResults"]
        if not (token := page.get("NextToken")):
            return
        asked["NextToken"] = token


def _period(began: datetime, ended: datetime) -> int:
    """Seconds a value, so that there are about as many values as a curve has points, and CloudWatch still has them."""
    least = 5 * _MINUTE if datetime.now(UTC) - began > _KEPT_MINUTES else _MINUTE
    wanted = (ended - began).total_seconds() / curves.MOST_POINTS
    return least * (int(wanted // least) + 1)


def _query(id: str, job: str, name: str, period: int) -> dict[str, Any]:
    which = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [{"Name": "TrainingJobName", "Value": job}]}
    return {"Id": id, "MetricStat": {"Metric": which, "Period": period, "Stat": "Average"}}
