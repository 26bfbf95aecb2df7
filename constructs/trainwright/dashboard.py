"""The platform's dashboard: one for all teams, with a list from which the team is chosen.

The teams in the list are those whose runs have written metrics, in this app or another one; nothing here knows their
stacks. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from trainwright import monitoring
from trainwright_runtime.run_metrics import BY_NAME, DIMENSION, NAMESPACE

_DAY = cdk.Duration.days(1)
_SHOWN = cdk.Duration.days(28)
_WIDTH, _HEIGHT, _TOP, _INTRODUCTION = 6, 6, 3, 2
_SHARE = "100 * succeeded / (succeeded + failed)"
_SHARE_OF = {"succeeded": "SucceededCount", "failed": "FailedCount"}


@dataclass(frozen=True)
class Chart:
    """One chart: metrics of the chosen team a day, by their own statistic.

    `share`: the share of runs that succeeded instead. `by_team`: one line for each team instead, of a metric. `line`:
    the alarm whose default threshold is drawn in.
    """

    title: str
    metrics: tuple[str, ...] = ()
    axis: str = ""
    stacked: bool = False
    share: bool = False
    by_team: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class Row:
    """Three charts, and beside them what to do about what they show, as Markdown."""

    charts: tuple[Chart, Chart, Chart]
    advice: str


SUMMARY = ("SucceededCount", "FailedCount", "CostUsd", "SavedUsd", "GoodputPercent", "GpuUtilizationPercent")
"""What stands on top as numbers, over the whole time that is shown; the share of successes is between them."""

ROWS = (
    Row(
        (
            Chart(
                "Runs by end", ("SucceededCount", "FailedCount", "StoppedCount", "RefusedCount"), "runs", stacked=True
            ),
            Chart("Runs that succeeded", axis="%", share=True),
            Chart("What the platform answers for", ("FailedByPlatformCount", "RestartedFromZero"), "runs"),
        ),
        "### Runs\n"
        "* **Many failed**: open the reports. The same diagnosis again and again is an image, a data set or a right, "
        "not bad luck.\n"
        "* **Many refused**: people guess. Give them an example that the policy allows.\n"
        "* **Failed by the platform**: any is one too many; its diagnosis says which part.\n"
        "* **Restarted from zero**: a script does not load its checkpoint.",
    ),
    Row(
        (
            Chart("Longest wait in a run", ("QueueSeconds",), "seconds", line="queue_time"),
            Chart("Goodput", ("GoodputPercent",), "%"),
            Chart("Training done again", ("LostWorkSeconds",), "seconds", line="lost_work"),
        ),
        "### Time\n"
        "* **Long waits**: ask for quota, allow more instance types, or on-demand capacity as a fallback.\n"
        "* **Low goodput**: the reports split each run's time; waiting, start-up and download have different cures.\n"
        "* **Training done again**: save checkpoints more often than spot capacity is taken away.",
    ),
    Row(
        (
            Chart("Spot interruptions and training jobs", ("InterruptionCount", "AttemptCount"), "times"),
            Chart("GPU use of profiled runs", ("GpuUtilizationPercent",), "%"),
            Chart("Time of a run", ("RunSeconds",), "seconds"),
        ),
        "### Machines\n"
        "* **Many interruptions**: name other instance types as well; their capacity comes and goes separately.\n"
        "* **Low GPU use**: the findings in a report name the cause: input, batch size, CPU. Runs say `profiler: "
        "true` to be measured.\n"
        "* **Longer runs**: a report compares its run with the one before of that name.",
    ),
    Row(
        (
            Chart("Cost and spot savings", ("CostUsd", "SavedUsd"), "USD"),
            Chart("Share of the month's budget", ("BudgetUsedPercent",), "%", line="budget_used"),
            Chart("Cost by team", axis="USD", by_team="CostUsd"),
        ),
        "### Money\n"
        "* **Nothing saved**: let runs take spot capacity; checkpoints make interruptions cheap.\n"
        "* **The month runs out**: at 100 % runs are refused until the next one.\n"
        "* Cost is from the on-demand prices when a run ends; the bill has the last word.",
    ),
)

_INTRODUCTION_TEXT = (
    "## Training runs\n"
    "Choose the team on top; a team is in the list once a run of its has ended. A value belongs to the day on which "
    "its run ended. What each number means: docs/monitoring.md of Trainwright."
)


class TrainingDashboard(Construct):
    """The dashboard, 3 USD a month.

    :param team: the team that is shown until another one is chosen.
    """

    def __init__(self, scope: Construct, id: str, *, team: str) -> None:
        super().__init__(scope, id)
        self._team = team
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            default_interval=_SHOWN,
            variables=[self._chooser()],
            widgets=[[_text(_INTRODUCTION_TEXT, 24, _INTRODUCTION)], self._summary(), *map(self._row, ROWS)],
        )

    def _chooser(self) -> cloudwatch.DashboardVariable:
        """Changes the dimension `team` of every metric on the page."""
        return cloudwatch.DashboardVariable(
            id=DIMENSION,
            type=cloudwatch.VariableType.PROPERTY,
            value=DIMENSION,
            input_type=cloudwatch.VariableInputType.SELECT,
            label="Team",
            values=cloudwatch.Values.from_search(_search("AttemptCount"), DIMENSION),
            default_value=cloudwatch.DefaultValue.value(self._team),
        )

    def _summary(self) -> list[cloudwatch.IWidget]:
        numbers: list[cloudwatch.IMetric] = [self._metric(name) for name in SUMMARY]
        shown = [*numbers[:2], self._share(), *numbers[2:]]
        return [
            cloudwatch.SingleValueWidget(
                title="The whole time that is shown",
                metrics=shown,
                set_period_to_time_range=True,
                width=24,
                height=_TOP,
            )
        ]

    def _row(self, row: Row) -> list[cloudwatch.IWidget]:
        return [*map(self._chart, row.charts), _text(row.advice, _WIDTH, _HEIGHT)]

    def _chart(self, chart: Chart) -> cloudwatch.IWidget:
        return cloudwatch.GraphWidget(
            title=chart.title,
            left=self._lines(chart),
            left_y_axis=cloudwatch.YAxisProps(label=chart.axis, min=0, show_units=False),
            left_annotations=_annotations(chart.line),
            stacked=chart.stacked,
            period=_DAY,
            width=_WIDTH,
            height=_HEIGHT,
        )

    def _lines(self, chart: Chart) -> list[cloudwatch.IMetric]:
        if chart.share:
            return [self._share()]
        if chart.by_team:
            return [_by_team(chart.by_team)]
        return [self._metric(name) for name in chart.metrics]

    def _metric(self, name: str) -> cloudwatch.Metric:
        return monitoring.metric(self._team, name, period=_DAY, label=BY_NAME[name].title)

    def _share(self) -> cloudwatch.MathExpression:
        """Stopped and refused runs are neither."""
        return cloudwatch.MathExpression(
            expression=_SHARE,
            using_metrics={label: self._metric(name) for label, name in _SHARE_OF.items()},
            label="Succeeded, %",
            period=_DAY,
        )


def _by_team(name: str) -> cloudwatch.IMetric:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-search-expressions.html"""
    seconds = int(_DAY.to_seconds())
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{_search(name)}', '{BY_NAME[name].statistic}', {seconds})", label="", period=_DAY
    )


def _search(name: str) -> str:
    return f'{{{NAMESPACE},{DIMENSION}}} MetricName="{name}"'


def _annotations(alarm: str | None) -> list[cloudwatch.HorizontalAnnotation]:
    if alarm is None:
        return []
    value = monitoring.DEFAULT_ALARMS[alarm].threshold
    return [cloudwatch.HorizontalAnnotation(value=value, label="an alarm goes off")]


def _text(markdown: str, width: int, height: int) -> cloudwatch.IWidget:
    return cloudwatch.TextWidget(markdown=markdown, width=width, height=height)
