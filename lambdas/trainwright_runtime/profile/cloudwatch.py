"""What CloudWatch has of a training job's hosts, by the minute: for runs without the profiler, and of the disks.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html: CPUUtilization is "the sum of each
individual CPU core's utilization", GPUUtilization and GPUMemoryUtilization are sums over the GPUs.
There is no I/O wait, no network and no single core or GPU: a bottleneck shows only where the mean does. Of a job that
is long, or long ago, the values are means of several minutes, and the rules' windows have as many fewer of them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median_low

from trainwright_runtime.profile.machines import Machines
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.series import Axis
from trainwright_runtime.profile.settings import DEFAULTS, Instance, Settings

HostMetrics = Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]
"""Host ("algo-1") to metric ("CPUUtilization") to (epoch seconds, value), in any order."""
PERIOD_SECONDS = 60
_GPUS = "all GPUs"
_DISK = "DiskUtilization"
_HOSTS = 64


def from_cloudwatch(
    host_metrics: HostMetrics,
    *,
    settings: Settings = DEFAULTS,
    instance: Instance | None = None,
    training: Sequence[tuple[float, float]] = (),
) -> Machines:
    """The machines of an attempt by such values, judged by the rules as far as these go; `settings`: for 500 ms."""
    values = {
        host: _by_minute(metrics, instance or Instance()) for host, metrics in list(host_metrics.items())[:_HOSTS]
    }
    minutes = [minute for readings in values.values() for minute in readings] or [0.0]
    period = _period(values)
    axis = _coarse(Axis(min(minutes), max(minutes) + period, len(values)), period)
    machines = Machines(axis, settings.for_interval(period), training)
    for host, readings in values.items():
        machines.take(host, [readings[minute] for minute in sorted(readings)])
    add_disks(machines, host_metrics)
    return machines


def add_disks(machines: Machines, host_metrics: HostMetrics) -> None:
    """How full the volumes were, which the profiler does not say."""
    for host, metrics in list(host_metrics.items())[:_HOSTS]:
        for at, value in _good(metrics.get(_DISK, ())):
            machines.disk(host, at, min(value, 100.0))


def _period(values: Mapping[str, Mapping[float, Reading]]) -> int:
    """How far apart the values mostly are, in seconds: a minute at least."""
    gaps = [after - before for readings in values.values() for before, after in pairwise(sorted(readings))]
    return max(PERIOD_SECONDS, int(median_low(gaps))) if gaps else PERIOD_SECONDS


def _coarse(axis: Axis, period: int) -> Axis:
    """No bucket shorter than a value is apart from the next."""
    if axis.step < period:
        axis.count = max(1, math.ceil(axis.count * axis.step / period))
        axis.step = period
    return axis


def _by_minute(metrics: Mapping[str, Sequence[tuple[float, float]]], instance: Instance) -> dict[float, Reading]:
    readings: dict[float, Reading] = {}
    for name in ("CPUUtilization", "MemoryUtilization", "GPUUtilization", "GPUMemoryUtilization"):
        values = list(_good(metrics.get(name, ())))
        share = _share(name, values, instance)
        for at, value in values:
            minute = at // PERIOD_SECONDS * PERIOD_SECONDS
            readings[minute] = _with(readings.get(minute, Reading(minute)), name, min(100.0, value / share))
    return readings


def _share(name: str, values: Sequence[tuple[float, float]], instance: Instance) -> int:
    """How many cores or GPUs a value is the sum of; where nobody knows, as few as it can be."""
    if name == "MemoryUtilization":
        return 1
    known = instance.vcpus if name == "CPUUtilization" else instance.gpus
    return known or max(1, math.ceil(max((value for _, value in values), default=0.0) / 100))


def _with(reading: Reading, name: str, value: float) -> Reading:
    if name == "CPUUtilization":
        return reading._replace(cpu=value, cpu_peak=value)
    if name == "MemoryUtilization":
        return reading._replace(memory=value)
    if name == "GPUUtilization":
        return reading._replace(gpus={_GPUS: value})
    return reading._replace(gpu_memory={_GPUS: value})


def _good(values: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for at, value in values:
        if math.isfinite(at) and math.isfinite(value) and value >= 0:
            yield float(at), float(value)
