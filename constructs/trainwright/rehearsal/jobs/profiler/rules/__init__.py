"""AWS's built-in profiler rules for system metrics, judged from the rows of the profiler's files.

Names, parameters, defaults: https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html and
AWS's package smdebug-rulesconfig. How they judge, and the shape of what they report: the rules' source in the first
public versions of awslabs/sagemaker-debugger (smdebug/profiler/analysis/rules, 2020). Two GPUs are compared on the same
node only, and use of 98 % and more counts, which that version of LoadBalancing leaves out of its histograms.

No I/O and no clock here: rows in, findings out.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainwright.rehearsal.jobs.profiler.rules import bottlenecks, gpus, usage
from trainwright.rehearsal.jobs.profiler.rules.base import Finding, Row, Rule

__all__ = ["PROFILER_REPORT", "RULES", "SCAN", "BadParameter", "Finding", "Row", "parameters_of", "report_parameters"]

#: Runs all the others.
PROFILER_REPORT = "ProfilerReport"
#: Every rule has it: how many microseconds of files are looked at together.
SCAN, SCAN_DEFAULT = "scan_interval_us", 60_000_000.0
_INVOKE = "rule_to_invoke"
#: A parameter of ProfilerReport's alone (guide, "opt out of the collection of Debugger profiling report usage").
_OPT_OUT = "opt_out_telemetry"

RULES: Mapping[str, Rule] = {
    "BatchSize": Rule(
        {
            "cpu_threshold_p95": 70,
            "gpu_threshold_p95": 70,
            "gpu_memory_threshold_p95": 70,
            "patience": 1000,
            "window": 500,
        },
        usage.batch_size,
    ),
    "CPUBottleneck": Rule(
        {"threshold": 50, "cpu_threshold": 90, "gpu_threshold": 10, "patience": 1000}, bottlenecks.cpu
    ),
    "GPUMemoryIncrease": Rule({"increase": 5, "patience": 1000, "window": 10}, gpus.memory_increase),
    "IOBottleneck": Rule({"threshold": 50, "io_threshold": 50, "gpu_threshold": 10, "patience": 1000}, bottlenecks.io),
    "LoadBalancing": Rule({"threshold": 0.5, "patience": 1000}, gpus.load_balancing),
    "LowGPUUtilization": Rule(
        {"threshold_p95": 70, "threshold_p5": 10, "window": 500, "patience": 1000}, gpus.low_utilisation
    ),
    "OverallSystemUsage": Rule({}, usage.overall),
}
#: Rules of frameworks' metrics, whose parameters the report takes and nobody reads.
_FRAMEWORK = ("dataloader", "maxinitializationtime", "overallframeworkmetrics", "stepoutlier")


class BadParameter(ValueError):
    """A rule's container fails at once with this."""


def parameters_of(name: str, given: Mapping[str, str]) -> dict[str, float]:
    """A rule's parameters, the defaults filled in.

    Raises:
        BadParameter: it has no such parameter, or the value is no number.
    """
    values = {**RULES[name].defaults, SCAN: SCAN_DEFAULT}
    for parameter, text in given.items():
        if parameter == _INVOKE:
            continue
        if parameter not in values:
            raise BadParameter(f"{name} has no parameter {parameter}; it has {', '.join(sorted(values))}")
        values[parameter] = _number(parameter, text)
    return values


def report_parameters(given: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """The parameters of every rule that ProfilerReport runs, given as ``<rule>_<parameter>``, the rule in any case.

    Raises:
        BadParameter: there is no such rule or parameter, or a value is no number.
    """
    known = {name.lower(): name for name in RULES}
    sorted_out: dict[str, dict[str, str]] = {name: {} for name in RULES}
    for key, text in given.items():
        rule, _, parameter = key.partition("_")
        if key in (_INVOKE, _OPT_OUT) or rule.lower() in _FRAMEWORK:
            continue
        if rule.lower() not in known:
            raise BadParameter(f"{rule} is an invalid rule name; accepted are {', '.join(RULES)}")
        sorted_out[known[rule.lower()]][parameter] = text
    return {name: parameters_of(name, parameters) for name, parameters in sorted_out.items()}


def _number(parameter: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadParameter(f"{parameter} must be a number, not {text!r}") from None
