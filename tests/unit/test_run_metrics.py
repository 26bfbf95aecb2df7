"""What a report says in numbers, and that each number counts once however often the report is written."""

import math

import pytest

from trainwright_runtime import run_metrics
from trainwright_runtime.run_metrics import METRICS, budget_percent, news, values

ROWS = [
    {"job_arn": "arn", "then_wait_seconds": 0, "interruptions": 2},
    {"job_arn": None, "then_wait_seconds": 60, "interruptions": 0},
    {"job_arn": "arn", "then_wait_seconds": 30, "interruptions": 1},
]


def a_report(**changes):
    said = {
        "team": "vision",
        "status": "SUCCEEDED",
        "seconds": 1000,
        "attempts": ROWS,
        "cost": {"usd": 1.5, "saved_usd": 3.0},
        "diagnosis": None,
        "goodput": {"whole_seconds": 1000, "share": 0.8, "parts": {"waiting": 120, "lost_work": 50}},
        "profile": {
            "status": "complete",
            "summary": {"algo-1": {"gpu": {"mean": 40.0}}, "algo-2": {"gpu": {"mean": 60}}},
        },
    }
    return said | changes


def test_a_whole_report_gives_every_metric_but_the_one_of_assess():
    found = values(a_report(), budget_used=12.5)
    assert found == {
        "SucceededCount": 1,
        "FailedCount": 0,
        "StoppedCount": 0,
        "RefusedCount": 0,
        "FailedByPlatformCount": 0,
        "AttemptCount": 2,
        "InterruptionCount": 3,
        "QueueSeconds": 120,
        "RunSeconds": 1000,
        "LostWorkSeconds": 50,
        "GoodputPercent": 80,
        "GpuUtilizationPercent": 50,
        "CostUsd": 1.5,
        "SavedUsd": 3.0,
        "BudgetUsedPercent": 12.5,
    }
    assert {metric.name for metric in METRICS} - found.keys() == {"RestartedFromZero"}


@pytest.mark.parametrize(
    ("status", "name"),
    [("FAILED", "FailedCount"), ("STOPPED", "StoppedCount"), ("REFUSED", "RefusedCount")],
)
def test_a_run_ends_in_one_way(status, name):
    found = values(a_report(status=status))
    ends = ("SucceededCount", "FailedCount", "StoppedCount", "RefusedCount")
    assert {each: found[each] for each in ends} == {each: float(each == name) for each in ends}


@pytest.mark.parametrize(
    ("status", "fault", "expected"),
    [("FAILED", "platform", 1), ("FAILED", "code", 0), ("STOPPED", "platform", 0), ("FAILED", None, 0)],
)
def test_the_platforms_failures_are_those_of_failed_runs_that_it_caused(status, fault, expected):
    diagnosis = {"fault": fault} if fault else None
    assert values(a_report(status=status, diagnosis=diagnosis))["FailedByPlatformCount"] == expected


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"cost": {"usd": None, "saved_usd": None}}, {"CostUsd", "SavedUsd"}),
        ({"seconds": None}, {"RunSeconds"}),
        ({"goodput": None}, {"GoodputPercent", "LostWorkSeconds"}),
        ({"goodput": {"parts": {}, "share": None}}, {"GoodputPercent", "LostWorkSeconds"}),
        ({"profile": None}, {"GpuUtilizationPercent"}),
        ({"profile": {"status": "off", "summary": {}}}, {"GpuUtilizationPercent"}),
        ({"profile": {"status": "complete", "summary": {"algo-1": {"cpu": {"mean": 5}}}}}, {"GpuUtilizationPercent"}),
        ({"profile": {"status": "complete", "summary": {"algo-1": {"gpu": None}}}}, {"GpuUtilizationPercent"}),
        ({"cost": {"usd": math.nan, "saved_usd": math.inf}}, {"CostUsd", "SavedUsd"}),
    ],
)
def test_what_is_not_known_is_no_metric(changes, names):
    whole = values(a_report())
    assert whole.keys() - values(a_report(**changes)).keys() == names


def test_gpu_use_waits_for_the_whole_profile():
    summary = {"algo-1": {"gpu": {"mean": 40.0}}}
    assert "GpuUtilizationPercent" not in values(a_report(profile={"status": "pending", "summary": summary}))
    assert values(a_report(profile={"status": "partial", "summary": summary}))["GpuUtilizationPercent"] == 40


def test_waits_between_attempts_are_the_queue_where_nothing_better_is_known():
    assert values(a_report(goodput=None))["QueueSeconds"] == 90


def test_a_report_that_is_written_again_says_nothing_new():
    found = values(a_report())
    fresh, state = news(found, 0, None)
    assert fresh == found
    assert news(found, 0, state)[0] == {}


def test_what_becomes_known_later_is_said_then_and_a_total_that_grows_by_how_much():
    unknown = a_report(profile={"status": "pending", "summary": {}}, cost={"usd": 1.5, "saved_usd": None})
    _, state = news(values(unknown), 0, None)
    later = a_report(cost={"usd": 1.7, "saved_usd": 3.0}, goodput={**a_report()["goodput"], "share": 0.75})
    fresh, state = news(values(later), 0, state)
    assert fresh == {"CostUsd": 0.2, "SavedUsd": 3.0, "GpuUtilizationPercent": 50}
    assert news(values(later), 0, state)[0] == {}


def test_a_redriven_run_ends_again_and_its_totals_only_grow():
    _, state = news(values(a_report(status="FAILED")), 0, None)
    found = values(a_report(seconds=1500, cost={"usd": 2.0, "saved_usd": 3.0}))
    fresh, state = news(found, 1, state)
    assert (fresh["SucceededCount"], fresh["FailedCount"], fresh["GoodputPercent"]) == (1, 0, 80)
    assert (fresh["RunSeconds"], fresh["CostUsd"]) == (500, 0.5)
    assert not {"AttemptCount", "SavedUsd", "QueueSeconds"} & fresh.keys()
    assert news(found, 1, state)[0] == {}


def test_the_sum_over_all_that_is_said_is_the_last_total():
    state, told = None, 0.0
    for redrive, usd in [(0, 1.1), (0, 1.3), (1, 2.6), (1, 2.6), (2, 2.45)]:
        fresh, state = news(values(a_report(cost={"usd": usd, "saved_usd": None})), redrive, state)
        told += fresh.get("CostUsd", 0.0)
    assert told == pytest.approx(2.45)


def test_each_state_counts_one_more():
    _, first = news(values(a_report()), 0, None)
    _, second = news(values(a_report(seconds=1001)), 0, first)
    assert (first["version"], second["version"]) == (1, 2)


@pytest.mark.parametrize(("limit", "expected"), [(200.0, 25.0), (None, None), (0.0, None)])
def test_a_month_without_a_limit_is_never_used_up(limit, expected):
    assert budget_percent(50.0, limit) == expected


def test_the_table_is_small_and_names_no_metric_twice():
    assert len(run_metrics.BY_NAME) == len(METRICS) == 16
