"""What the templates cost in a month in which nobody trains: `python tools/price_at_rest.py`, and part of `make bench`.

Counts what has a price whatever is used. Free tiers are left out, and so is what grows with use: data, logs, runs. A
resource of a type that no table here knows is listed as unknown, never as free. Prices are public pages' for
us-east-1, each with its date; other regions differ.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Resource = Mapping[str, Any]
Template = Mapping[str, Any]

ROOT = Path(__file__).resolve().parents[1]
HOURS = 730
IMAGE_GB = 5.0
"""Assumed size of what a repository holds, compressed: layers that images share are stored once."""
CALL_SECONDS, CALL_LOG_KB = 3.0, 3.0
"""Assumed of a scheduled call that finds nothing to do: a cold start each time, Lambda's own lines and two more."""
TEAM_AIM, PLATFORM_AIM = 2.0, 10.0


@dataclass(frozen=True)
class Rate:
    """A price in USD, of what, from where, as of when."""

    usd: float
    per: str
    source: str
    as_of: str


KEY = Rate(1.00, "KMS key and month", "https://aws.amazon.com/kms/pricing/", "2026-03")
ALARM = Rate(0.10, "metric of an alarm and month", "https://cloudburn.io/blog/amazon-cloudwatch-pricing", "2026-02")
DASHBOARD = Rate(
    3.00,
    "dashboard and month",
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    "2026-06",
)
LOGS = Rate(0.50, "GB of log lines", DASHBOARD.source, "2026-06")
COMPUTE = Rate(0.0000133334, "GB-second on arm64", "https://cloudchipr.com/blog/aws-lambda-pricing", "2024")
CALL = Rate(0.20 / 1e6, "Lambda request", "https://cloudchipr.com/blog/aws-lambda-pricing", "2024")
TRACE = Rate(5.00 / 1e6, "trace", "https://aws.amazon.com/xray/pricing/", "2026")
PARAMETER = Rate(
    0.05,
    "advanced parameter and month",
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
    "2025-10",
)
IMAGE = Rate(0.10, "GB of images and month", "https://cloudburn.io/blog/amazon-ecr-pricing", "2026-03")
RATES = (KEY, ALARM, DASHBOARD, LOGS, COMPUTE, CALL, TRACE, PARAMETER, IMAGE)

Price = Callable[[Resource, Template], float]


def _alarm(resource: Resource, _: Template) -> float:
    """Metric math counts every metric that it reads."""
    queries = resource["Properties"].get("Metrics") or [{"MetricStat": {}}]
    return ALARM.usd * sum("MetricStat" in each for each in queries)


def _parameter(resource: Resource, _: Template) -> float:
    return PARAMETER.usd if resource["Properties"].get("Tier") == "Advanced" else 0.0


def _rule(resource: Resource, template: Template) -> float:
    """A schedule's calls; a rule that waits for events of AWS's services costs nothing."""
    schedule = resource["Properties"].get("ScheduleExpression")
    if schedule is None:
        return 0.0
    targets = [_function(target, template) for target in resource["Properties"]["Targets"]]
    return calls_a_month(schedule) * sum(map(call_usd, targets))


def _function(target: Mapping[str, Any], template: Template) -> Resource:
    """The function that a rule's target names, by Fn::GetAtt."""
    function: Resource = template["Resources"][target["Arn"]["Fn::GetAtt"][0]]
    return function


def calls_a_month(schedule: str) -> float:
    """How often `rate(1 hour)` comes in a month. Raises ValueError for another form of schedule."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule)
    if found is None:
        raise ValueError(f"no rate: {schedule}")
    hours = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}[found[2]] * int(found[1])
    return HOURS / hours


def call_usd(function: Resource) -> float:
    """One call that finds nothing to do: time, request, trace, log."""
    gb = function["Properties"].get("MemorySize", 128) / 1024
    return COMPUTE.usd * gb * CALL_SECONDS + CALL.usd + TRACE.usd + LOGS.usd * CALL_LOG_KB / 1e6


def _constant(usd: float) -> Price:
    return lambda _resource, _template: usd


CHARGED: Mapping[str, Price] = {
    "AWS::KMS::Key": _constant(KEY.usd),
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _constant(DASHBOARD.usd),
    "AWS::SSM::Parameter": _parameter,
    "AWS::Events::Rule": _rule,
    "AWS::ECR::Repository": _constant(IMAGE.usd * IMAGE_GB),
}
BY_USE = "by use alone: a request, a run, a byte that is stored"
NOTHING = "has no price of its own"
FREE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "AWS::CodeBuild::Project",
            "AWS::DynamoDB::Table",
            "AWS::Lambda::Function",
            "AWS::Logs::LogGroup",
            "AWS::S3::Bucket",
            "AWS::SNS::Topic",
            "AWS::SNS::Subscription",
            "AWS::SQS::Queue",
            "AWS::StepFunctions::StateMachine",
        ),
        BY_USE,
    ),
    **dict.fromkeys(
        (
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::Policy",
            "AWS::IAM::Role",
            "AWS::KMS::Alias",
            "AWS::Lambda::LayerVersion",
            "AWS::Lambda::Permission",
            "AWS::Lambda::Version",
            "AWS::S3::BucketPolicy",
            "AWS::SNS::TopicPolicy",
            "AWS::SQS::QueuePolicy",
            "AWS::Chatbot::SlackChannelConfiguration",
            "AWS::CDK::Metadata",
            "Custom::TrainwrightImageBuild",
            "Custom::TrainwrightInstanceQuota",
            "Custom::TrainwrightLogRetention",
        ),
        NOTHING,
    ),
}


@dataclass(frozen=True)
class Bill:
    """USD a month by resource type, and how many resources of types that no table knows."""

    usd: Mapping[str, float]
    counts: Mapping[str, int]
    unknown: Mapping[str, int]

    @property
    def total(self) -> float:
        return sum(self.usd.values())


def bill(template: Template) -> Bill:
    """What a template costs at rest."""
    found = [(each["Type"], each) for each in template["Resources"].values()]
    usd: Counter[str] = Counter()
    for kind, resource in found:
        if kind in CHARGED:
            usd[kind] += CHARGED[kind](resource, template)  # type: ignore[assignment]  # Counter counts cents too
    counts = Counter(kind for kind, _ in found)
    unknown = {kind: number for kind, number in sorted(counts.items()) if kind not in CHARGED and kind not in FREE}
    return Bill({kind: value for kind, value in usd.items() if value}, counts, unknown)


def templates() -> dict[str, Template]:
    """The platform of app.py, its team without a key, and one with a key of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("CDK_VALIDATION", "false")
        return _synthesised(folder)


def _synthesised(folder: str) -> dict[str, Template]:
    import trainwright  # noqa: F401, PLC0415, I001  points jsii at a node
    import aws_cdk as cdk  # noqa: PLC0415
    from aws_cdk import aws_kms as kms  # noqa: PLC0415

    from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam  # noqa: PLC0415

    app = cdk.App(outdir=folder)
    image = TrainingImage.from_directory(str(ROOT / "training_image"))
    platform = TrainingPlatform(cdk.Stack(app, "platform"), "Platform", image=image)
    plain, keyed = cdk.Stack(app, "team"), cdk.Stack(app, "keyed")
    TrainingTeam(plain, "Team", platform=platform, policy=TeamPolicy(team="one"))
    key = kms.Key(keyed, "Key", enable_key_rotation=True)
    TrainingTeam(keyed, "Team", platform=platform, policy=TeamPolicy(team="two"), encryption_key=key)
    made = app.synth()
    return {name: made.get_stack_by_name(name).template for name in ("platform", "team", "keyed")}


def lines() -> Iterator[tuple[str, str]]:
    """Name and value of each figure, for `make bench`."""
    bills = {name: bill(template) for name, template in templates().items()}
    yield "a team at rest, USD a month", f"{bills['team'].total:.2f}"
    yield f"a team at rest with a key of its own (aim {TEAM_AIM:g})", f"{bills['keyed'].total:.2f}"
    yield "  and for each of the key's first two yearly rotations", f"+ {KEY.usd:.2f}"
    yield f"the platform at rest (aim {PLATFORM_AIM:g})", f"{bills['platform'].total:.2f}"
    for name in ("keyed", "platform"):
        for kind, usd in sorted(bills[name].usd.items(), key=lambda item: -item[1]):
            yield f"  {name}: {bills[name].counts[kind]} x {kind}", f"{usd:.3f}"
        for kind, number in bills[name].unknown.items():
            yield f"  {name}: {number} x {kind}", "unknown"


def main() -> int:
    for name, value in lines():
        print(f"{name:<58}{value}")  # noqa: T201 - what a benchmark is for
    for rate in RATES:
        print(f"  {rate.usd:.10f}".rstrip("0"), f"USD per {rate.per}, {rate.as_of}: {rate.source}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
