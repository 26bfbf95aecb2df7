"""Metrics in log lines: what the embedded metric format says, and what is left out.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from datetime import UTC, datetime, timedelta

import pytest

from trainwright.rehearsal.metrics import emf

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COST = {"Name": "cost", "Unit": "None"}


def line(*, directives=None, dimensions=None, metrics=None, when=NOW, **targets):
    directive = {"Namespace": "Own", "Dimensions": dimensions or [["team"]], "Metrics": metrics or [COST]}
    meta = {"Timestamp": int(when.timestamp() * 1000), "CloudWatchMetrics": directives or [directive]}
    return json.dumps({"_aws": meta, "team": "vision", "cost": 1.5, **targets})


def found(text):
    return [(each.namespace, each.datum) for each in emf.metrics(text, NOW)]


def test_a_value_under_its_dimension():
    [(namespace, datum)] = found(line())
    assert namespace == "Own"
    assert datum == {
        "MetricName": "cost",
        "Dimensions": [{"Name": "team", "Value": "vision"}],
        "Values": [1.5],
        "Unit": "None",
        "Timestamp": NOW,
    }


def test_every_set_of_dimensions_has_every_metric_and_a_list_all_its_values():
    metrics = [COST, {"Name": "seconds", "Unit": "Seconds"}]
    data = [
        datum
        for _, datum in found(
            line(dimensions=[["team"], ["team", "run"], []], run="r", metrics=metrics, seconds=[1, 2])
        )
    ]
    assert [(datum["MetricName"], len(datum["Dimensions"]), datum["Values"]) for datum in data] == [
        ("cost", 1, [1.5]),
        ("cost", 2, [1.5]),
        ("cost", 0, [1.5]),
        ("seconds", 1, [1, 2]),
        ("seconds", 2, [1, 2]),
        ("seconds", 0, [1, 2]),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '{"_aws": ',
        '{"_aws": {}}',
        json.dumps({"message": "_aws"}),
        line(when=NOW - timedelta(days=15)),
        line(when=NOW + timedelta(hours=3)),
        line(cost="1.5"),
        line(cost=True),
        line(cost=float("nan")),
        line(cost=[]),
        line(cost=list(range(101))),
        line(team=7),
        line(dimensions=[["nobody"]]),
        line(dimensions=[[f"d{number}" for number in range(31)]], **{f"d{number}": "x" for number in range(31)}),
        line(metrics=[{"Name": "cost", "Unit": "Parsecs"}]),
        line(metrics=[{"Name": "nothing"}]),
        line(directives=[{"Dimensions": [["team"]], "Metrics": [COST]}]),
        line(directives=["none"]),
    ],
)
def test_what_is_malformed_has_no_metrics(text):
    assert found(text) == []


def test_one_bad_value_spoils_no_other():
    metrics = [COST, {"Name": "bad"}, {"Name": "good", "Unit": "Count"}]
    names = [datum["MetricName"] for _, datum in found(line(metrics=metrics, bad="x", good=2))]
    assert names == ["cost", "good"]
