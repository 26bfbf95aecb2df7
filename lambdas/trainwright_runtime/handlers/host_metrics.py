"""How full the instances of a job were: CloudWatch's metrics of its hosts, for a diagnosis that the log does not give.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-jobs
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import instances
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.telemetry import logger

NAMESPACE = "/aws/sagemaker/TrainingJobs"
NAMES = ("MemoryUtilization", "DiskUtilization", "GPUMemoryUtilization")
_HOSTS = 16
_SECONDS = 60
_LAST = timedelta(hours=3)
"""Only the end is looked at: what killed a job was full then, and GetMetricData answers some 180 points a metric."""


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
    count = min(int((job.get("ResourceConfig") or {}).get("InstanceCount") or 1), _HOSTS)
    name = job["TrainingJobName"]
    hosts = [f"{name}/algo-{number}" for number in range(1, count + 1)]
    return [
        _query(metric, f"m{index}_{number}", host)
        for index, metric in enumerate(NAMES)
        for number, host in enumerate(hosts, 1)
    ]


def _query(metric: str, id: str, host: str) -> dict[str, Any]:
    which = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": [{"Name": "Host", "Value": host}]}
    return {"Id": id, "Label": metric, "MetricStat": {"Metric": which, "Period": _SECONDS, "Stat": "Maximum"}}


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
