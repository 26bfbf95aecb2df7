"""BatchSize, which finds too little use of everything, and OverallSystemUsage, which only sums up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.rehearsal.jobs.profiler.rules.base import Finding, Parameters, Row, box, names, quantile, series, sums

#: Part of OverallSystemUsage's report, the dimension that it adds up, and whether the sum is shared out again.
_PARTS = (
    ("Network", "Algorithm", False),
    ("GPU", "GPUUtilization", True),
    ("CPU", "CPUUtilization", True),
    ("GPU memory", "GPUMemoryUtilization", True),
    ("I/O", "I/OWaitPercentage", True),
)
_MEMORY = "MemoryUsedPercent"


def batch_size(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """The 95th percentiles of CPU, GPU and GPU memory are all below their thresholds: larger batches would fit."""
    details: dict[str, Any] = {}
    window, datapoints = int(parameters["window"]), 0
    used, memory = series(rows, "GPUUtilization"), series(rows, "GPUMemoryUtilization")
    cores = max(1, len(names(rows, "CPUUtilization")))
    for node, total in sums(rows, "CPUUtilization").items():
        cpu, datapoints = [value / cores for value in total], len(total)
        if datapoints <= max(window, parameters["patience"]):
            continue
        if quantile(cpu[-window:], 0.95) >= parameters["cpu_threshold_p95"]:
            continue
        for gpu, values in used.get(node, {}).items():
            taken = memory.get(node, {}).get(gpu, [])
            if taken and len(values) > window and _is_little(values[-window:], taken[-window:], parameters):
                said = {"cpu": box(cpu, 25, 50, 75, 95), gpu: box(values, 25, 50, 75, 95)}
                details.setdefault(node, {}).update({**said, f"{gpu}_memory": box(taken, 25, 50, 75, 95)})
    found = sum(len(said) // 2 for said in details.values())
    return Finding(found, found, datapoints, details)


def _is_little(used: Sequence[float], memory: Sequence[float], parameters: Parameters) -> bool:
    return (
        quantile(used, 0.95) < parameters["gpu_threshold_p95"]
        and quantile(memory, 0.95) < parameters["gpu_memory_threshold_p95"]
    )


def overall(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """The most, the least and three percentiles of each resource by node; it never triggers."""
    details: dict[str, Any] = {}
    for part, dimension, is_shared in _PARTS:
        share = max(1, len(names(rows, dimension))) if is_shared else 1
        details[part] = _spread(sums(rows, dimension), share)
    memory = [row._replace(dimension=_MEMORY) for row in rows if row.name == _MEMORY]
    details["CPU memory"] = _spread(sums(memory, _MEMORY), 1)
    cpu = list(sums(rows, "CPUUtilization").values())
    return Finding(datapoints=len(cpu[0]) if cpu else 0, details=details)


def _spread(values: Mapping[str, Sequence[float]], share: int) -> dict[str, dict[str, float]]:
    """Rounded to two digits, as AWS's rule does."""
    spread = {}
    for node, found in values.items():
        ends = {"max": max(found), **{f"p{n}": quantile(found, n / 100) for n in (99, 95, 50)}, "min": min(found)}
        spread[node] = {name: round(max(0.0, value / share), 2) for name, value in ends.items()}
    return spread
