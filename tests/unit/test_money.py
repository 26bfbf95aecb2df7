"""What a run may cost, what it cost, and the team's month as a model of the table's own conditions."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime import money, months, prices
from trainwright_runtime.facts import Run
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.rungs import Bounds, Plan, Rung

RUN = Run("vision-0123456789", "vision", "digits")
BOUNDS = Bounds(10 * 3600, 3600, 3600, None, 3, None, 100)


def rung(capacity="spot", usd_per_hour=2.0, keep_alive=None):
    resources = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "KeepAlivePeriodInSeconds": keep_alive}
    return Rung(capacity, "ml.g5.xlarge", "sync", usd_per_hour, True, {"ResourceConfig": resources})


def a_plan(*rungs, **bounds):
    return Plan(RUN, rungs or (rung(),), replace(BOUNDS, **bounds))


def a_row(status="Completed", capacity="spot", training=3600, billable=900, **more):
    return {
        "status": status, "capacity": capacity, "training_seconds": training, "billable_seconds": billable,
        "instance_type": "ml.g5.xlarge", "instance_count": 2, "warm_pool": None, **more,
    }  # fmt: skip


# --- before ---


def test_the_worst_case_is_the_dearest_rung_on_demand_for_all_the_time():
    assert money.worst_usd(a_plan(rung(), rung(usd_per_hour=3.0))) == 30.0


def test_the_worst_case_stops_at_the_cap():
    assert money.worst_usd(a_plan(cost_usd=12.5)) == 12.5
    assert money.worst_usd(a_plan(cost_usd=500.0)) == 20.0


def test_kept_machines_are_beside_the_cap():
    assert money.worst_usd(a_plan(rung("on_demand", 2.0, keep_alive=1800), cost_usd=5.0)) == 6.0


def test_what_was_used_is_no_longer_in_the_worst_case():
    planned = a_plan(cost_usd=15.0)
    assert money.worst_usd(planned, used_seconds=4 * 3600, used_usd=8.0) == 7.0
    assert money.worst_usd(planned, used_seconds=9 * 3600, used_usd=8.0) == 2.0
    assert money.worst_usd(planned, used_seconds=99 * 3600, used_usd=99.0) == 0.0


def test_a_rung_without_a_price_leaves_the_worst_case_unknown():
    assert money.worst_usd(a_plan(rung(), rung(usd_per_hour=None))) is None
    assert money.best_usd(a_plan(rung(usd_per_hour=None), rung())) is None


def test_the_best_case_is_a_labelled_assumption():
    assert money.best_usd(a_plan(), 0.3) == pytest.approx(6.0)
    assert "0.3 of the on-demand price (an assumption" in money.best_assumption(a_plan(), 0.3)
    on_demand = a_plan(rung("on_demand"))
    assert money.best_usd(on_demand, 0.3) == 20.0
    assert "assumption" not in money.best_assumption(on_demand, 0.3)


def test_the_record_keeps_what_the_month_and_the_report_need():
    policy = TeamPolicy.from_data(
        {"team": "vision", "time_zone": "Asia/Tokyo", "budget": {"monthly_usd": 100, "spot_price": 0.5}}
    )
    found = money.estimate(a_plan(cost_usd=9.0), policy, "2026-11-30T20:00:00Z", {"ml.g5.xlarge": 1.0}, "a list")
    assert (found["worst_usd"], found["reserved_usd"], found["best_usd"], found["cap_usd"]) == (9.0, 9.0, 9.0, 9.0)
    assert (found["month"], found["time_zone"], found["monthly_usd"]) == ("2026-12", "Asia/Tokyo", 100.0)
    assert (found["price_source"], found["prices"], found["settled_usd"]) == ("a list", {"ml.g5.xlarge": 1.0}, None)


# --- after ---


def test_an_attempt_on_spot_costs_its_billable_time_on_all_hosts():
    found = money.with_cost(a_row(), 2.0)
    assert (found["cost_usd"], found["on_demand_usd"], found["saved_usd"]) == (0.5, 2.0, 1.5)


def test_on_demand_there_is_nothing_to_save():
    found = money.with_cost(a_row(capacity="on_demand", billable=3600), 2.0)
    assert (found["cost_usd"], found["on_demand_usd"], found["saved_usd"]) == (2.0, 2.0, None)


def test_the_type_that_sagemaker_chose_counts_and_not_the_rungs():
    found = money.with_cost(a_row(), 99.0, {"ml.g5.xlarge": 1.5, "ml.p5.48xlarge": 49.5})
    assert (found["usd_per_hour"], found["cost_usd"]) == (3.0, 0.75)


@pytest.mark.parametrize(
    ("row", "hourly", "cost"),
    [
        (a_row(status=None, training=None, billable=None), 2.0, 0.0),
        (a_row(status=None, training=None, billable=None), None, 0.0),
        (a_row(status="Stopped", training=None, billable=None), 2.0, 0.0),
        (a_row(status="Failed", training=3600, billable=None), 2.0, 2.0),
        (a_row(status="InProgress", training=None, billable=None), 2.0, None),
        (a_row(status="Stopping", training=60, billable=60), 2.0, None),
        (a_row(), None, None),
    ],
    ids=["no job", "no job, no price", "never trained", "no billable time", "running", "stopping", "no price"],
)
def test_what_an_attempt_costs_when_aws_says_little(row, hourly, cost):
    assert money.with_cost(row, hourly)["cost_usd"] == cost


def test_cost_is_complete_when_no_job_runs_and_no_machines_are_kept():
    done = money.with_cost(a_row(), 2.0)
    kept = {**done, "warm_pool": {"status": "Available", "kept_usd": None}}
    ended = {**done, "warm_pool": {"status": "Terminated", "kept_usd": 0.25}}
    assert money.is_complete([done, ended])
    assert money.spent_usd([done, ended]) == 1.25
    assert not money.is_complete([done, kept])
    assert not money.is_complete([money.with_cost(a_row(status="InProgress"), 2.0)])
    assert not money.is_complete([money.with_cost(a_row(), None)])


# --- the month ---


@pytest.mark.parametrize(
    ("started", "zone", "month"),
    [
        ("2026-11-30T23:30:00Z", None, "2026-11"),
        ("2026-11-30T23:30:00Z", "Europe/Berlin", "2026-12"),
        ("2026-12-01T04:00:00.123Z", "America/New_York", "2026-11"),
        ("2026-11-30T23:30:00Z", "Nowhere/At_All", "2026-11"),
    ],
)
def test_a_run_counts_for_the_month_of_its_teams_clock(started, zone, month):
    assert months.month_of(started, zone) == month
    assert month in months.months_around(started)


def test_far_from_a_months_end_one_month_is_looked_at():
    assert months.months_around("2026-11-15T12:00:00Z") == ("2026-11",)


@pytest.mark.parametrize(("month", "day"), [("2026-11", "2026-12-01"), ("2026-12", "2027-01-01")])
def test_the_next_month_begins(month, day):
    assert months.first_day_after(month) == day


class Table:
    """One item, with the conditions that `months` writes, read as DynamoDB reads them."""

    def __init__(self):
        self.item = {}

    def update(self, call):
        names, values = call["ExpressionAttributeNames"], call["ExpressionAttributeValues"]
        share, condition = names["#share"], call["ConditionExpression"]
        if "attribute_not_exists(#share)" in condition and share in self.item:
            return False
        if "#share = :was" in condition and self.item.get(share) != values[":was"]:
            return False
        if ":room" in values and not self._fits(condition, values[":room"]):
            return False
        self.item["committed"] = self.item.get("committed", 0) + values[":change"]
        self.item[share] = values.get(":share")
        if "REMOVE #share" in call["UpdateExpression"]:
            del self.item[share]
        return True

    def _fits(self, condition, room):
        if "committed" not in self.item:
            return "attribute_not_exists(#committed) OR" in condition
        return self.item["committed"] <= room


@given(st.randoms(use_true_random=False), st.integers(0, 100))
@settings(max_examples=200, deadline=None)
def test_however_runs_come_and_end_the_month_holds_and_comes_to_what_they_cost(choose: random.Random, limit):
    table, reserved, cost = Table(), {}, {}
    for _ in range(60):
        run = f"vision-{choose.randrange(12)}"
        held = months.share(table.item, run)
        if held is None and run not in cost:
            amount = choose.randrange(40)
            if table.update(months.reserve(run, "2026-11", amount, limit)):
                reserved[run] = amount
        elif held is None:
            assert not table.update(months.settle(run, "2026-11", reserved[run], 1)), "a run settles once"
        elif choose.random() < 0.3:
            assert not table.update(months.reserve(run, "2026-11", 1, limit)), "a share is set aside once"
        elif choose.random() < 0.3:
            more = held + choose.randrange(10)
            reserved[run] = more if table.update(months.raise_share(run, "2026-11", held, more, limit)) else held
        else:
            cost[run] = choose.randrange(held + 1)
            assert table.update(months.settle(run, "2026-11", held, cost[run]))
        assert months.committed(table.item) <= limit
    for run in reserved.keys() - cost.keys():
        cost[run] = choose.randrange(reserved[run] + 1)
        assert table.update(months.settle(run, "2026-11", reserved[run], cost[run]))
    assert months.committed(table.item) == sum(cost.values())
    assert set(table.item) <= {"committed"}, "runs that have ended leave only their cost"


# --- the price list ---


@pytest.mark.parametrize(
    ("region", "asked"),
    [
        ("us-west-2", "us-east-1"),
        ("eu-north-1", "eu-central-1"),
        ("ap-southeast-2", "ap-south-1"),
        ("cn-north-1", "cn-northwest-1"),
        ("us-gov-west-1", None),
    ],
)
def test_the_price_list_is_asked_where_there_is_one(region, asked):
    assert prices.price_list_region(region) == asked


def test_the_table_lists_what_it_has():
    assert prices.listed(["ml.g5.xlarge", "ml.m99.large"]) == {"ml.g5.xlarge": 1.4084}
