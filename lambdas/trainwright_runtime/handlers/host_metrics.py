"""How full the instances of a job were: CloudWatch's metrics of its hosts, for a diagnosis that the log does not give,
and for the charts of a report.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-jobs
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import instances
from trainwright_runtime.handlers import throttling
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.profile import HostMetrics

NAMESPACE = "/aws/sagemaker/TrainingJobs"
NAMES = ("MemoryUtilization", "DiskUtilization", "GPUMemoryUtilization")
_HOSTS = 16
_SECONDS = 60
_LAST = timedelta(hours=3)
"""Only the end is looked at: what killed a job was full then, and GetMetricData answers some 180 points a metric."""

_CPU, _GPU = ("CPUUtilization", "MemoryUtilization", "DiskUtilization"), ("GPUUtilization", "GPUMemoryUtilization")
_MOST_POINTS = 200_000
_MINUTES_KEPT = timedelta(days=15)
"""CloudWatch keeps minutes for 15 days, then five minutes for 63 (GetMetricData, API reference, StartTime)."""


@dataclass(frozen=True)
class History:
    """The values of a job's hosts, None where nothing is known; what could not be had is in `missing`."""

    values: HostMetrics | None
    missing: tuple[str, ...] = ()


def history(clients: Services, job: Mapping[str, Any], now: datetime) -> History:
    """What CloudWatch has of the job's hosts while it trained, once a minute; of a long job the means of more minutes.
    Raises ClientError only where AWS throttles."""
    began, ended = job.get("TrainingStartTime"), job.get("TrainingEndTime") or job.get("LastModifiedTime")
    if not isinstance(began, datetime) or not isinstance(ended, datetime):
        return History(None)
    hosts, names = _hosts(job), (*_CPU, *(_GPU if _has_gpus(job) else ()))
    period = _period(began, ended, len(hosts) * len(names), now)
    wanted = {f"m{index}_{number}": (host, name) for index, name in enumerate(names) for number, host in hosts.items()}
    queries = [
        _query(name, id, f"{job['TrainingJobName']}/{host}", period, "Average") for id, (host, name) in wanted.items()
    ]
    asked = {"StartTime": began - timedelta(seconds=period), "EndTime": ended + timedelta(seconds=period)}
    values: dict[str, dict[str, list[tuple[float, float]]]] = {}
    try:
        for result in _results(clients, queries, asked):
            host, name = wanted[result["Id"]]
            points = zip(result.get("Timestamps", ()), result["Values"], strict=False)
            known = values.setdefault(host, {}).setdefault(name, [])
            known += [(when.timestamp(), float(value)) for when, value in points]
    except (ClientError, BotoCoreError) as error:
        return History(None, (f"CloudWatch's metrics of the hosts could not be read: {throttling.said(error)}",))
    filled = {host: {name: points for name, points in found.items() if points} for host, found in values.items()}
    return History({host: found for host, found in filled.items() if found} or None)


def _results(clients: Services, queries: list[Any], asked: Mapping[str, datetime]) -> Iterator[Any]:
    token: dict[str, str] = {}
    while True:
        answer = clients.cloudwatch.get_metric_data(MetricDataQueries=queries, **asked, **token)
        yield from answer["MetricDataResults"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _period(began: datetime, ended: datetime, series: int, now: datetime) -> int:
    """Seconds between two values, so that there are not too many: a minute, where CloudWatch still has minutes."""
    least = _SECONDS if now - began < _MINUTES_KEPT else 5 * _SECONDS
    needed = series * (ended - began).total_seconds() / _MOST_POINTS
    return max(least, math.ceil(needed / (5 * _SECONDS)) * 5 * _SECONDS if needed > _SECONDS else least)


def _hosts(job: Mapping[str, Any]) -> dict[int, str]:
    resources = job.get("ResourceConfig") or {}
    grouped = sum(int(group.get("InstanceCount") or 0) for group in resources.get("InstanceGroups") or ())
    count = int(resources.get("SelectedInstanceCount") or resources.get("InstanceCount") or grouped or 1)
    return {number: f"algo-{number}" for number in range(1, min(count, _HOSTS) + 1)}


def _has_gpus(job: Mapping[str, Any]) -> bool:
    found = instances.find(str((job.get("ResourceConfig") or {}).get("InstanceType")))
    return found is None or found.kind == "gpu"


def peaks(clients: Services, job: Mapping[str, Any]) -> dict[str, float] | None:
    """The highest value of each metric over the job's hosts, in per cent; of GPU memory, the mean of a host's GPUs,
    which CloudWatch adds up. None where nothing is known; never raises: a diagnosis is made without, too."""
    began, ended = job.get("TrainingStartTime"), job.get("TrainingEndTime") or job.get("LastModifiedTime")
    if not isinstance(began, datetime) or not isinstance(ended, datetime):
        return None
    try:
        answer = clients.cloudwatch.get_metric_data(
            MetricDataQueries=_queries(job),
            StartTime=max(began, ended - _LAST) - timedelta(minutes=1),
            EndTime=ended + timedelta(minutes=2),
        )
    except (ClientError, BotoCoreError) as error:
        logger.warning("metrics of the hosts not read", extra={"error": str(error)})
        return None
    return _highest(answer["MetricDataResults"], _gpus(job)) or None


def _queries(job: Mapping[str, Any]) -> list[Any]:
    return [
        _query(metric, f"m{index}_{number}", f"{job['TrainingJobName']}/{host}", _SECONDS, "Maximum")
        for index, metric in enumerate(NAMES)
        for number, host in _hosts(job).items()
    ]


def _query(metric: str, id: str, host: str, period: int, stat: str) -> dict[str, Any]:
    which = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": [{"Name": "Host", "Value": host}]}
    return {"Id": id, "Label": metric, "MetricStat": {"Metric": which, "Period": period, "Stat": stat}}


def _highest(results: list[Any], gpus: int) -> dict[str, float]:
    highest: dict[str, float] = {}
    for result in results:
        name = NAMES[int(result["Id"][1:].partition("_")[0])]
        shared = gpus if name == "GPUMemoryUtilization" else 1
        for value in result["Values"]:
            highest[name] = max(highest.get(name, 0.0), float(value) / shared)
    return highest


def _gpus(job: Mapping[str, Any]) -> int:
    found = instances.find(str((job.get("ResourceConfig") or {}).get("InstanceType")))
    return (found.accelerators if found else None) or 1
