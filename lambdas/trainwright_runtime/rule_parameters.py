"""The thresholds of the platform's own profiler rules, as a run's rule parameters set them.

Parameters of AWS's rules and their defaults: https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html.
What a run changes for AWS's rule holds for the platform's rule of the same kind, so that both judge alike. A threshold
that two rules share takes what was said last, the patience the least that was said.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from trainwright_runtime.profile import Settings

_BOTTLENECK = {"threshold": "bottleneck_share", "gpu_threshold": "idle_gpu", "patience": "patience"}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "cpubottleneck": {**_BOTTLENECK, "cpu_threshold": "busy_core"},
    "iobottleneck": {**_BOTTLENECK, "io_threshold": "waiting_core"},
    "lowgpuutilization": {
        "threshold_p95": "low_use_p95",
        "threshold_p5": "low_use_p5",
        "window": "window",
        "patience": "patience",
    },
    "gpumemoryincrease": {"increase": "memory_growth", "window": "memory_window", "patience": "patience"},
    "loadbalancing": {"threshold": "imbalance", "patience": "patience"},
    "batchsize": {
        "cpu_threshold_p95": "batch_cpu_p95",
        "gpu_threshold_p95": "batch_gpu_p95",
        "gpu_memory_threshold_p95": "batch_gpu_memory_p95",
        "window": "window",
        "patience": "patience",
    },
    "maxinitializationtime": {"threshold": "initialisation_seconds"},
    "stepoutlier": {"stddev": "outlier_deviations", "n_outliers": "outliers"},
}
_MINUTES = "initialisation_seconds"
_WHOLE = ("patience", "window", "memory_window", "outliers")


def settings(job: Mapping[str, Any]) -> Settings:
    """The thresholds for a job, from DescribeTrainingJob's ProfilerRuleConfigurations; a value that is no number, or
    below 0, changes nothing."""
    changes: dict[str, Any] = {}
    for field, value in _given(job):
        changes[field] = min(value, changes.get(field, value)) if field == "patience" else value
    return replace(Settings(), **changes)


def _given(job: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for rule in job.get("ProfilerRuleConfigurations") or ():
        parameters = rule.get("RuleParameters") or {}
        invoked = str(parameters.get("rule_to_invoke"))
        for name, text in parameters.items():
            of, field = _named(invoked, name)
            known = _FIELDS.get(of.lower(), {}).get(field)
            value = _number(text)
            if known is not None and value is not None:
                yield known, _in_its_unit(known, value)


def _named(invoked: str, parameter: str) -> tuple[str, str]:
    """A rule's parameter; ProfilerReport's are `<rule>_<parameter>`, the rule in any case."""
    if invoked != "ProfilerReport":
        return invoked, parameter
    rule, _, name = parameter.partition("_")
    return rule, name


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _in_its_unit(field: str, value: float) -> float:
    if field in _WHOLE:
        return max(int(value), 0 if field == "patience" else 1)
    return value * 60 if field == _MINUTES else value
