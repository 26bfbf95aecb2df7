"""A team's metrics and the alarms on them: two tables, and the few lines that make constructs of them.

What metrics there are says `trainwright_runtime.run_metrics`; docs/monitoring.md shows both tables.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from trainwright_runtime.run_metrics import BY_NAME, DIMENSION, NAMESPACE

Comparison = cloudwatch.ComparisonOperator
Missing = cloudwatch.TreatMissingData
_FUNCTION_ERRORS = "Errors"
_LONGEST = 7 * 86400
"""Seconds that evaluation periods of an hour or more may cover; shorter ones a day.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""


@dataclass(frozen=True, kw_only=True)
class AlarmThreshold:
    """When an alarm of a team goes off, and what whoever hears of it should do.

    `metric`: a name in `trainwright_runtime.run_metrics.METRICS`; or `Errors`, of the Lambda function that `function`
    names. `period`: over how much time a value is taken. `evaluation_periods`: how many of them in a row must breach.
    `missing`: what periods without data count as; left out: as good ones, for a team without runs has no data.
    `description`: the alarm's text, in which `{team}`, `{threshold}` and `{period}` are filled in.
    """

    metric: str
    statistic: Literal["Sum", "Average", "Maximum", "Minimum", "SampleCount"]
    period: cdk.Duration
    threshold: float
    description: str
    evaluation_periods: int = 1
    comparison: cloudwatch.ComparisonOperator = Comparison.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
    missing: cloudwatch.TreatMissingData = Missing.NOT_BREACHING
    function: Literal["close", "report"] | None = None

    def __post_init__(self) -> None:
        if self.function is None and self.metric not in BY_NAME:
            raise ValueError(f"there is no metric {self.metric!r} of runs; there are {', '.join(sorted(BY_NAME))}")
        if self.function is not None and self.metric != _FUNCTION_ERRORS:
            raise ValueError(f"an alarm on a function watches {_FUNCTION_ERRORS!r}, not {self.metric!r}")
        seconds = self.period.to_seconds() * self.evaluation_periods
        if seconds > (_LONGEST if self.period.to_seconds() >= 3600 else 86400):
            raise ValueError(
                f"the evaluation periods of an alarm cover {seconds:g} seconds; CloudWatch takes a day, or 7 days "
                "where a period is an hour or more"
            )

    def text(self, team: str) -> str:
        """The description for one team."""
        known = {"{team}": team, "{threshold}": f"{self.threshold:g}", "{period}": _words(self.period)}
        return functools.reduce(lambda text, name: text.replace(name, known[name]), known, self.description)

    def but(self, **changes: Any) -> Self:
        """The same with other values: `DEFAULT_ALARMS["failed_runs"].but(threshold=10)`."""
        return replace(self, **changes)


DEFAULT_ALARMS: Mapping[str, AlarmThreshold] = {
    "restarted_from_zero": AlarmThreshold(
        metric="RestartedFromZero",
        statistic="Sum",
        period=cdk.Duration.minutes(5),
        threshold=1,
        description=(
            "A training job of team {team} began at step 0 although its run had a checkpoint: the time before it was "
            "paid for nothing. The run's report says which; the script does not load what is in /opt/ml/checkpoints, "
            "or cannot read it."
        ),
    ),
    "failed_by_platform": AlarmThreshold(
        metric="FailedByPlatformCount",
        statistic="Sum",
        period=cdk.Duration.minutes(5),
        threshold=1,
        description=(
            "A run of team {team} failed because of the platform, not of its user. `trainwright list` names it; read "
            "the diagnosis in its report and mend the platform. The run can be redriven then."
        ),
    ),
    "failed_runs": AlarmThreshold(
        metric="FailedCount",
        statistic="Sum",
        period=cdk.Duration.hours(1),
        threshold=3,
        description=(
            "{threshold} runs of team {team} or more failed within {period}. Compare the diagnoses in their reports: "
            "the same one each time is a broken image, data set or permission, and more runs cost money for nothing."
        ),
    ),
    "queue_time": AlarmThreshold(
        metric="QueueSeconds",
        statistic="Maximum",
        period=cdk.Duration.hours(1),
        threshold=4 * 3600,
        comparison=Comparison.GREATER_THAN_THRESHOLD,
        description=(
            "A run of team {team} waited for more than {threshold} seconds. Its report says for what: ask AWS for a "
            "larger quota, let runs name other instance types too, or let them fall back to on-demand capacity."
        ),
    ),
    "lost_work": AlarmThreshold(
        metric="LostWorkSeconds",
        statistic="Sum",
        period=cdk.Duration.days(1),
        threshold=4 * 3600,
        description=(
            "Runs of team {team} trained {threshold} seconds or more for nothing within {period}: what came after the "
            "last checkpoint when they were interrupted. Their reports say where; save checkpoints more often "
            "(`checkpoints.every`), or see why scripts do not go on from them."
        ),
    ),
    "budget_used": AlarmThreshold(
        metric="BudgetUsedPercent",
        statistic="Maximum",
        period=cdk.Duration.hours(1),
        threshold=80,
        description=(
            "Team {team} has spent or set aside {threshold} % of its month or more. At 100 % runs are refused: raise "
            "budget.monthly_usd in the team's policy, or tell the team."
        ),
    ),
    "close_errors": AlarmThreshold(
        metric=_FUNCTION_ERRORS,
        function="close",
        statistic="Sum",
        period=cdk.Duration.hours(1),
        threshold=3,  # Lambda tries an event three times, and a job that takes long to stop is one of the reasons
        description=(
            "The function that ends what an execution of team {team} left behind failed {threshold} times within "
            "{period}, which is as often as Lambda tries: a training job may be alive and cost money. Look for "
            "InProgress jobs of the team (`aws sagemaker list-training-jobs --name-contains {team}- --status-equals "
            "InProgress`) and into the function's log."
        ),
    ),
    "report_errors": AlarmThreshold(
        metric=_FUNCTION_ERRORS,
        function="report",
        statistic="Sum",
        period=cdk.Duration.minutes(5),
        threshold=1,
        description=(
            "The function that settles and reports runs of team {team} failed, and with it an execution whose run may "
            "have succeeded. Its log says why. The run is closed by itself; a redrive reports it anew."
        ),
    ),
}
"""The alarms that every team has, by name, unless it is given others. None has an action of its own."""


def metric(team: str, name: str, **options: Any) -> cloudwatch.Metric:
    """One of a team's own metrics. Options as for `cloudwatch.Metric`; left out: its own statistic over five minutes.

    Raises ValueError for a name that the table does not have.
    """
    if name not in BY_NAME:
        raise ValueError(f"there is no metric {name!r} of runs; there are {', '.join(sorted(BY_NAME))}")
    defaults = {"statistic": BY_NAME[name].statistic, "period": cdk.Duration.minutes(5)}
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map={DIMENSION: team}, **{**defaults, **options}
    )


def thresholds(changes: Mapping[str, AlarmThreshold | None] | None) -> dict[str, AlarmThreshold]:
    """The default table with a team's changes: another threshold, one more alarm, or None for one that it does without.

    Raises ValueError where None is said of an alarm that there is not.
    """
    given = dict(changes or {})
    if unknown := sorted(name for name, wish in given.items() if wish is None and name not in DEFAULT_ALARMS):
        raise ValueError(f"there is no alarm {', '.join(unknown)} to do without; there are {', '.join(DEFAULT_ALARMS)}")
    return {name: wish for name, wish in {**DEFAULT_ALARMS, **given}.items() if wish is not None}


def _words(period: cdk.Duration) -> str:
    minutes = int(period.to_minutes())
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


class TeamAlarms(Construct):
    """A team's alarms, one a row of the table. Each costs 0.10 USD a month.

    :param functions: the Lambda functions that rows may name.
    :param changes: see `thresholds`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        team: str,
        functions: Mapping[str, lambda_.IFunction],
        changes: Mapping[str, AlarmThreshold | None] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._team, self._functions, self._scope = team, functions, scope
        self.by_name = {name: self._alarm(name, row) for name, row in thresholds(changes).items()}

    def on_alarm(self, id: str, target: events.IRuleTarget, names: Sequence[str] | None) -> events.Rule:
        """A rule for alarms that go off; `names` left out: for any of them.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html"""
        detail: dict[str, Any] = {"state": {"value": ["ALARM"]}}
        pattern = events.EventPattern(
            source=["aws.cloudwatch"],
            detail_type=["CloudWatch Alarm State Change"],
            resources=[alarm.alarm_arn for alarm in self._chosen(names)],
            detail=detail,
        )
        return events.Rule(self._scope, id, description="An alarm went off", event_pattern=pattern, targets=[target])

    def send(self, topic: sns.ITopic, names: Sequence[str] | None) -> None:
        """Make a topic the action of alarms; `names` left out: of all. CloudWatch may publish to it then,
        and use its key.
        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services"""
        action = actions.SnsAction(topic)
        for alarm in self._chosen(names):
            alarm.add_alarm_action(action)
        topic.grant_publish(self._cloud_watch())

    def _cloud_watch(self) -> iam.IPrincipal:
        """CloudWatch on behalf of this account's alarms, nobody else's."""
        stack = cdk.Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        return iam.ServicePrincipal(
            "cloudwatch.amazonaws.com",
            conditions={"ArnLike": {"aws:SourceArn": alarms}, "StringEquals": {"aws:SourceAccount": stack.account}},
        )

    def _chosen(self, names: Sequence[str] | None) -> list[cloudwatch.Alarm]:
        return [self.named(name) for name in (self.by_name if names is None else names)]

    def named(self, name: str) -> cloudwatch.Alarm:
        """The alarm of that name. Raises ValueError where the team has none."""
        if name not in self.by_name:
            raise ValueError(f"team {self._team!r} has no alarm {name!r}; it has {', '.join(self.by_name) or 'none'}")
        return self.by_name[name]

    def _alarm(self, name: str, row: AlarmThreshold) -> cloudwatch.Alarm:
        return self._metric(row).create_alarm(
            self,
            "".join(part.capitalize() for part in name.split("_")),
            alarm_description=row.text(self._team),
            threshold=row.threshold,
            evaluation_periods=row.evaluation_periods,
            comparison_operator=row.comparison,
            treat_missing_data=row.missing,
        )

    def _metric(self, row: AlarmThreshold) -> cloudwatch.Metric:
        options: dict[str, Any] = {"statistic": row.statistic, "period": row.period}
        if row.function is None:
            return metric(self._team, row.metric, **options)
        return self._functions[row.function].metric_errors(**options)
