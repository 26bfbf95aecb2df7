"""When an alarm on one metric goes off.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import pytest

from trainwright.rehearsal.metrics.judging import Rule, judge

NOW = 1_000_000_110.0  # in the middle of a minute


def rule(**changes):
    said = {"statistic": "Sum", "period": 60, "periods": 1, "to_alarm": 1, "threshold": 1.0}
    return Rule(**{**said, "comparison": "GreaterThanOrEqualToThreshold", **changes})


def state(asked, *samples, before="OK"):
    return judge(asked, samples, NOW, before).state


def test_a_value_over_the_threshold_is_told_with_its_minute():
    verdict = judge(rule(), [(1.0, NOW)], NOW, "OK")
    assert (verdict.state, verdict.points) == ("ALARM", (1.0,))
    assert verdict.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [1.0 (09/09/01 01:48:00)] was greater than or equal to the "
        "threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


@pytest.mark.parametrize(
    ("statistic", "threshold", "expected"),
    [
        ("Sum", 6, "ALARM"),
        ("Average", 2.1, "OK"),
        ("Maximum", 3, "ALARM"),
        ("Minimum", 2, "OK"),
        ("SampleCount", 3, "ALARM"),
    ],
)
def test_samples_of_one_period_make_one_statistic(statistic, threshold, expected):
    samples = [(1.0, NOW), (2.0, NOW - 1), (3.0, NOW + 1)]
    assert state(rule(statistic=statistic, threshold=float(threshold)), *samples) == expected


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanThreshold", ["OK", "OK", "ALARM"]),
        ("GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]),
        ("LessThanThreshold", ["ALARM", "OK", "OK"]),
        ("LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]),
    ],
)
def test_comparisons(comparison, states):
    assert [state(rule(comparison=comparison), (value, NOW)) for value in (0.0, 1.0, 2.0)] == states


def test_what_is_older_than_its_periods_counts_no_more():
    assert state(rule(), (5.0, NOW - 60)) == "INSUFFICIENT_DATA"
    assert state(rule(periods=2), (5.0, NOW - 60)) == "ALARM"


def test_so_many_of_the_last_ones_must_breach():
    asked = rule(periods=3, to_alarm=2, missing="notBreaching")
    assert state(asked, (1.0, NOW)) == "OK"
    assert state(asked, (1.0, NOW), (1.0, NOW - 120)) == "ALARM"
    assert state(asked, (1.0, NOW), (1.0, NOW - 10)) == "OK"  # the same minute


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("missing", "INSUFFICIENT_DATA"), ("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", "ALARM")],
)
def test_missing_data_is_treated_as_asked(missing, expected):
    assert state(rule(missing=missing), before="ALARM") == expected


def test_what_cannot_be_judged_is_known():
    assert not rule(statistic="p99").can_be_judged
    assert not rule(comparison="GreaterThanUpperThreshold").can_be_judged
