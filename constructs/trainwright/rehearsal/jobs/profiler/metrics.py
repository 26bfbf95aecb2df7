"""What CloudWatch gets of a training job, in the namespace /aws/sagemaker/TrainingJobs.

Of each instance, once a minute: CPUUtilization, MemoryUtilization, DiskUtilization, GPUUtilization and
GPUMemoryUtilization, in percent, the first and the last two added up over cores and GPUs, with the dimension Host
(https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html). Of MetricDefinitions, whenever the log has
a value, with the dimension TrainingJobName (https://docs.aws.amazon.com/sagemaker/latest/dg/training-metrics.html; read
so by the SDK v2's TrainingJobAnalytics).

"SageMaker needs your permission to ... publish metrics to Amazon CloudWatch. You grant permissions for all of these
tasks to an IAM role" (API reference, CreateTrainingJob, RoleArn): without cloudwatch:PutMetricData there are none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from trainwright.rehearsal.jobs.profiler.gpus import Use
from trainwright.rehearsal.jobs.profiler.readings import Reading

NAMESPACE = "/aws/sagemaker/TrainingJobs"
PUT = "cloudwatch:PutMetricData"
#: Values of one job that may wait to be put; a script that prints more between two minutes loses the oldest.
_MOST = 100_000

Datum = dict[str, Any]
Put = Callable[[list[Datum]], None]


class Metrics:
    """The values of one job that CloudWatch has not got yet."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._hosts: dict[str, dict[str, list[float]]] = {}
        self._data: deque[Datum] = deque(maxlen=_MOST)
        self._lock = threading.Lock()

    def read(self, host: str, reading: Reading, gpus: Mapping[int, Use]) -> None:
        """Take what was measured of an instance."""
        values = {"CPUUtilization": reading.total_cpu, "MemoryUtilization": reading.memory}
        if gpus:
            values["GPUUtilization"] = sum(use.utilisation for use in gpus.values())
            values["GPUMemoryUtilization"] = sum(use.memory for use in gpus.values())
        with self._lock:
            for name, value in values.items():
                self._hosts.setdefault(host, {}).setdefault(name, []).append(value)

    def said(self, name: str, value: float, when: float) -> None:
        """Take a value that the log showed."""
        datum = _datum(name, value, when, "TrainingJobName", self._job, "None")
        with self._lock:
            self._data.append(datum)

    def flush(self, now: float, disk: Callable[[str], float | None], put: Put) -> None:
        """Put everything: the means of each instance since the last time, the disk as it is now."""
        with self._lock:
            hosts, self._hosts = self._hosts, {}
            data = list(self._data)
            self._data.clear()
        for host, values in hosts.items():
            means: dict[str, float | None] = {name: sum(found) / len(found) for name, found in values.items()}
            means["DiskUtilization"] = disk(host)
            place = f"{self._job}/{host}"
            data += [
                _datum(name, value, now, "Host", place, "Percent") for name, value in means.items() if value is not None
            ]
        if data:
            put(data)


def _datum(name: str, value: float, when: float, dimension: str, of: str, unit: str) -> Datum:
    return {
        "MetricName": name,
        "Value": value,
        "Timestamp": datetime.fromtimestamp(when, UTC),
        "Unit": unit,
        "Dimensions": [{"Name": dimension, "Value": of}],
    }
