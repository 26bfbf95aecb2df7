"""What a request asks of the profiler: ProfilerConfig and ProfilerRuleConfigurations, and which of it is refused.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProfilerConfig.html and
API_ProfilerRuleConfiguration.html. A job without ProfilerConfig is not profiled: recorded descriptions of such jobs say
ProfilingStatus Disabled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.jobs.images import parse_reference
from trainwright.rehearsal.jobs.profiler.rules import PROFILER_REPORT, RULES
from trainwright.rehearsal.jobs.s3 import Uri

Request = Mapping[str, Any]
#: "Available values are 100, 200, 500, 1000 (1 second), 5000 (5 seconds), and 60000 (1 minute) milliseconds. The
#: default value is 500 milliseconds." (API reference, ProfilerConfig)
INTERVALS = (100, 200, 500, 1000, 5000, 60000)
DEFAULT_INTERVAL = 500
#: The rules that read what frameworks write: "discontinued" on 2023-03-16
#: (https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-release-notes.html).
FRAMEWORK_RULES = ("Dataloader", "MaxInitializationTime", "OverallFrameworkMetrics", "StepOutlier")
IMAGE = "sagemaker-debugger-rules"
#: Where AWS keeps that image, by region: image_uri_config/debugger.json of the sagemaker SDK, and
#: https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-reference.html.
REGISTRIES = {
    "af-south-1": "314341159256",
    "ap-east-1": "199566480951",
    "ap-northeast-1": "430734990657",
    "ap-northeast-2": "578805364391",
    "ap-northeast-3": "479947661362",
    "ap-south-1": "904829902805",
    "ap-southeast-1": "972752614525",
    "ap-southeast-2": "184798709955",
    "ca-central-1": "519511493484",
    "cn-north-1": "618459771430",
    "cn-northwest-1": "658757709296",
    "eu-central-1": "482524230118",
    "eu-north-1": "314864569078",
    "eu-south-1": "563282790590",
    "eu-west-1": "929884845733",
    "eu-west-2": "250201462417",
    "eu-west-3": "447278800020",
    "me-south-1": "986000313247",
    "sa-east-1": "818342061345",
    "us-east-1": "503895931360",
    "us-east-2": "915447279597",
    "us-gov-west-1": "515509971035",
    "us-west-1": "685455198987",
    "us-west-2": "895741380848",
}


@dataclass(frozen=True)
class Profiling:
    """That a job is profiled: how often, in seconds, and where to."""

    interval: float
    target: Uri


def is_enabled(request: Request) -> bool:
    """Whether the instances are measured for the profiler."""
    config = request.get("ProfilerConfig")
    return config is not None and not config.get("DisableProfiler")


def profiling(request: Request) -> Profiling | None:
    """What to measure now; None: nothing. Without an S3OutputPath of its own the job's output path is taken."""
    if not is_enabled(request):
        return None
    config = request["ProfilerConfig"]
    path = config.get("S3OutputPath") or request["OutputDataConfig"]["S3OutputPath"]
    target = Uri.parse(path).below(request["TrainingJobName"]).below("profiler-output")
    return Profiling(config.get("ProfilingIntervalInMilliseconds", DEFAULT_INTERVAL) / 1000, target)


def rule_configurations(request: Request) -> Sequence[Mapping[str, Any]]:
    """The rules to evaluate; none while the profiler is off."""
    found: Sequence[Mapping[str, Any]] = request.get("ProfilerRuleConfigurations", ())
    return found if is_enabled(request) else ()


def rule_target(request: Request, rule: Mapping[str, Any]) -> Uri:
    """``<output>/<job>/rule-output/<rule>/profiler-output``, as real buckets have it."""
    path = rule.get("S3OutputPath") or request["OutputDataConfig"]["S3OutputPath"]
    below = Uri.parse(path).below(request["TrainingJobName"]).below("rule-output")
    return below.below(rule["RuleConfigurationName"]).below("profiler-output")


# --- refusals ------------------------------------------------------------------------------------------------------


def problems(request: Request) -> Iterator[str]:
    """What AWS's documentation rules out; the words are ours."""
    interval = request.get("ProfilerConfig", {}).get("ProfilingIntervalInMilliseconds", DEFAULT_INTERVAL)
    if interval not in INTERVALS:
        allowed = ", ".join(str(value) for value in INTERVALS)
        yield f"Invalid ProfilingIntervalInMilliseconds {interval} in ProfilerConfig. Available values are {allowed}"
    rules = request.get("ProfilerRuleConfigurations", ())
    names = Counter(rule["RuleConfigurationName"] for rule in rules)
    for name in sorted(name for name, count in names.items() if count > 1):
        yield f"Duplicate RuleConfigurationName {name!r} in ProfilerRuleConfigurations"


def unplayed(request: Request) -> Iterator[str]:
    """What AWS can and this account cannot: rules of other images, and those that AWS has given up."""
    for rule in request.get("ProfilerRuleConfigurations", ()):
        problem = _unplayed(rule)
        if problem:
            yield f"The rehearsal does not play ProfilerRuleConfigurations {rule['RuleConfigurationName']}: {problem}"


def _unplayed(rule: Mapping[str, Any]) -> str | None:
    image, name = rule["RuleEvaluatorImage"], rule.get("RuleParameters", {}).get("rule_to_invoke")
    if not is_built_in(image):
        return f"{image} is not AWS's {IMAGE}; custom rules run on AWS only: leave it out"
    if name in FRAMEWORK_RULES:
        return f"{name} reads framework metrics, which AWS discontinued in 2023: leave it out"
    if name not in RULES and name != PROFILER_REPORT:
        return f"rule_to_invoke {name}; write one of {', '.join((*sorted(RULES), PROFILER_REPORT))}"
    return None


def is_built_in(image: str) -> bool:
    """Whether the image is AWS's own, which has the built-in rules."""
    found = parse_reference(image)
    return found is not None and found.repository == IMAGE and REGISTRIES.get(found.region) == found.account
