"""The rules that look at GPUs alone: LowGPUUtilization, GPUMemoryIncrease, LoadBalancing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from trainwright.rehearsal.jobs.profiler.rules.base import Finding, Parameters, Row, box, quantile, series

#: LoadBalancing counts utilisation in steps of so many percent.
_BIN = 2


def low_utilisation(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """The 95th percentile is low (under-used), or it is high and the 5th is low (used by fits and starts)."""
    details: dict[str, Any] = {}
    window, datapoints = int(parameters["window"]), 0
    for node, gpus in series(rows, "GPUUtilization").items():
        for gpu, values in gpus.items():
            datapoints = len(values)
            if datapoints <= parameters["patience"]:
                continue
            high, low = quantile(values[-window:], 0.95), quantile(values[-window:], 0.05)
            if high < parameters["threshold_p95"] or (
                high > parameters["threshold_p95"] and low < parameters["threshold_p5"]
            ):
                ends = {"gpu_max": max(values), "gpu_95": high, "gpu_5": low}
                details.setdefault(node, {})[gpu] = {**ends, **box(values, 25, 50, 75, 95)}
    found = sum(len(gpus) for gpus in details.values())
    return Finding(found, found, datapoints, details)


def memory_increase(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """The mean over a window of the GPU's used memory has grown by more than so many points since the window before."""
    details: dict[str, Any] = {}
    found = datapoints = 0
    for node, gpus in series(rows, "GPUMemoryUtilization").items():
        for gpu, values in gpus.items():
            datapoints = len(values)
            grown = [(at, by) for at, by in _growth(values, int(parameters["window"])) if by > parameters["increase"]]
            grown = [(at, by) for at, by in grown if at > parameters["patience"]]
            found += len(grown)
            if grown:
                upto = values[: grown[-1][0]]
                ends = {"increase": grown[-1][1], "gpu_max": max(upto)}
                details.setdefault(node, {})[gpu] = {**ends, **box(upto, 5, 25, 50, 75, 95)}
    return Finding(found, found, datapoints, details)


def _growth(values: Sequence[float], window: int) -> Iterator[tuple[int, float]]:
    """For each number of values: by how much the mean of the last ``window`` exceeds that of the ones before.

    The windows are those of AWS's rule: ``values[-window:]`` and ``values[-window - 1 : -2]``.
    """
    total = list(itertools.accumulate(values, initial=0.0))
    for count in range(window + 2, len(values) + 1):
        now = (total[count] - total[count - window]) / window
        earlier = count - 2 - (count - window - 1)
        if earlier > 0:
            yield count, now - (total[count - 2] - total[count - window - 1]) / earlier


def load_balancing(rows: Sequence[Row], parameters: Parameters) -> Finding:
    """Two GPUs' histograms of utilisation are further apart than the threshold."""
    details: dict[str, Any] = {}
    datapoints = found = 0
    histograms = {}
    for node, gpus in series(rows, "GPUUtilization").items():
        datapoints = max([datapoints, *(len(values) for values in gpus.values())])
        histograms[node] = {g: histogram(v) for g, v in gpus.items() if len(v) > parameters["patience"]}
    for node, gpus_of_node in histograms.items():
        for first, second in itertools.combinations(sorted(gpus_of_node), 2):
            apart = distance(gpus_of_node[first], gpus_of_node[second])
            if apart > parameters["threshold"]:
                found += 1
                said = details.setdefault(node, {"workloads": {}, "distances": {}})
                said["workloads"] |= {first: gpus_of_node[first], second: gpus_of_node[second]}
                said["distances"].setdefault(first, {})[second] = apart
    return Finding(found, found, datapoints, details)


def histogram(values: Sequence[float]) -> list[int]:
    """How often a GPU was used by 0 to 2 percent, 2 to 4 and so on; everything from 98 on is the last bin."""
    bins = [0] * (100 // _BIN)
    for value in values:
        bins[min(int(value // _BIN), len(bins) - 1)] += 1
    return bins


def distance(first: Sequence[int], second: Sequence[int]) -> float:
    """The Jensen-Shannon distance (natural logarithm) between two histograms that are not empty."""
    p, q = ([count / sum(bins) for count in bins] for bins in (first, second))
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    divergence = (_entropy(p, middle) + _entropy(q, middle)) / 2
    return math.sqrt(max(0.0, divergence))


def _entropy(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
