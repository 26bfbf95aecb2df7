"""What runs say about themselves as CloudWatch metrics, and the alarm on training that was thrown away.

Assess and Report write the metrics into their logs in CloudWatch's embedded metric format, one dimension each: `team`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

NAMESPACE = "Trainwright"
RESTARTED_FROM_ZERO = "RestartedFromZero"
COST_USD = "CostUsd"


def metric(team: str, name: str, **options: Any) -> cloudwatch.Metric:
    """One of a team's own metrics. Options as for `cloudwatch.Metric`; left out: the sum over five minutes."""
    defaults = {"statistic": "Sum", "period": cdk.Duration.minutes(5)}
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map={"team": team}, **{**defaults, **options}
    )


def restarted_from_zero_alarm(scope: Construct, id: str, team: str) -> cloudwatch.Alarm:
    """Goes off when an attempt began at step 0 although a checkpoint existed: the time before it was paid for nothing.

    It has no action of its own; see `on_alarm`.
    """
    return metric(team, RESTARTED_FROM_ZERO).create_alarm(
        scope,
        id,
        alarm_description=(
            f"A training job of team {team} began at step 0 although its run had a checkpoint. The run's report says "
            "which; the script does not load what is in /opt/ml/checkpoints, or cannot read it."
        ),
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def on_alarm(scope: Construct, id: str, alarm: cloudwatch.Alarm, target: events.IRuleTarget) -> events.Rule:
    """A rule for an alarm that goes off.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html"""
    detail: dict[str, Any] = {"state": {"value": ["ALARM"]}}
    pattern = events.EventPattern(
        source=["aws.cloudwatch"],
        detail_type=["CloudWatch Alarm State Change"],
        resources=[alarm.alarm_arn],
        detail=detail,
    )
    return events.Rule(scope, id, description="An alarm went off", event_pattern=pattern, targets=[target])
