"""Warm pools: what a wish to keep machines comes to, and what a pool that was kept cost."""

import pytest

from trainwright_runtime import facts, open_pools
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked, check
from trainwright_runtime.warm_pool import is_open, keep_alive, pool_of

POOL = {"instance_type": "ml.g5.xlarge", "instances": 2}
HOUR = {"instance_type": "ml.g5.xlarge", "instance_count": 2, "keep_alive": "1h"}


def policy(**pool):
    return TeamPolicy.from_data({"team": "vision", "capabilities": {"keep_alive": "1h"}, "warm_pool": POOL | pool})


def asked(team_policy, **compute):
    checked = check({"name": "digits", "compute": HOUR | compute}, team_policy)
    assert isinstance(checked, Checked), checked
    return checked.resolved


def kept(quota, team_policy=None, data=None, **compute):
    chosen = team_policy or policy()
    return keep_alive(asked(chosen, **compute), chosen, lambda name, kind: quota, data)


def seconds(found):
    return found.resolved.get("compute", "keep_alive_period_in_seconds")


def test_with_a_quota_the_wish_stays_and_nothing_is_said():
    found = kept(2)
    assert (seconds(found), found.warnings, found.problems) == (3600, (), ())


@pytest.mark.parametrize("quota", [0, 1])
def test_without_a_quota_for_all_hosts_the_wish_is_dropped_with_a_warning(quota):
    found = kept(quota)
    assert (seconds(found), found.problems) == (None, ())
    assert f"ml.g5.xlarge for training warm pool usage is {quota}" in found.warnings[0]
    assert found.resolved.instance_types == ("ml.g5.xlarge",)


def test_a_policy_may_refuse_instead():
    document = {"compute": {"keep_alive_period_in_seconds": 3600}}
    found = kept(0, policy(without_quota="refuse"), document)
    (problem,) = found.problems
    assert (problem.code, problem.field) == ("TW306", "compute.keep_alive_period_in_seconds")
    assert seconds(found) == 3600


def test_a_quota_that_nobody_knows_changes_nothing():
    found = kept(None, policy(without_quota="refuse"))
    assert (seconds(found), found.warnings, found.problems) == (3600, (), ())


def test_no_wish_asks_no_quota():
    def never(name, kind):
        raise AssertionError(name)

    resolved = check({"name": "digits", "compute": {"instance_type": "ml.g5.xlarge"}}, policy()).resolved
    assert keep_alive(resolved, policy(), never).resolved is resolved


def test_one_type_of_several_without_a_quota_is_a_warning():
    chosen = policy()
    resolved = asked(chosen, instance_type=["ml.g5.xlarge", "ml.g5.2xlarge"])
    found = keep_alive(resolved, chosen, lambda name, kind: 2 if name == "ml.g5.xlarge" else 0)
    assert seconds(found) == 3600
    assert "ml.g5.2xlarge for training warm pool usage is 0" in found.warnings[0]


@pytest.mark.parametrize(
    ("compute", "word"),
    [
        ({"instance_count": 1}, "instance_count: 1"),
        ({"instance_type": "ml.g5.2xlarge"}, "instance_type: ml.g5.2xlarge"),
        ({"volume": "90 GB"}, "volume_size_in_gb: 90"),
    ],
)
def test_machines_that_the_teams_other_runs_cannot_take_over_are_told(compute, word):
    (warning,) = kept(2, **compute).warnings
    assert word in warning
    assert "2 x ml.g5.xlarge" in warning


def test_isolation_differs_too():
    chosen = policy()
    document = {"name": "digits", "compute": HOUR, "network": {"enable_network_isolation": True}}
    resolved = check(document, chosen).resolved
    (warning,) = keep_alive(resolved, chosen, lambda name, kind: 2).warnings
    assert "enable_network_isolation: true" in warning


def test_what_the_policy_sets_for_all_runs_is_usual():
    chosen = TeamPolicy.from_data(
        {
            "team": "vision",
            "capabilities": {"keep_alive": "1h"},
            "warm_pool": POOL,
            "default": {"compute": {"volume": "90 GB"}},
        }
    )
    assert kept(2, chosen).warnings == ()


def test_what_a_pool_cost_is_its_kept_time_at_the_price_of_all_hosts():
    job = {"WarmPoolStatus": {"Status": "Reused", "ResourceRetainedBillableTimeInSeconds": 1800, "ReusedByJob": "b-1"}}
    assert pool_of(job, 2.5) == {
        "status": "Reused",
        "reused_by": "b-1",
        "kept_billable_seconds": 1800,
        "kept_usd": 1.25,
    }
    assert pool_of(job, None)["kept_usd"] is None
    assert pool_of({}, 2.5) is None
    assert pool_of(None, 2.5) is None


@pytest.mark.parametrize(("status", "expected"), [("Available", True), ("InUse", True), ("Reused", False)])
def test_a_pool_is_open_until_it_ended_or_was_taken_over(status, expected):
    assert is_open(pool_of({"WarmPoolStatus": {"Status": status}}, None)) is expected
    assert not is_open(None)


@pytest.mark.parametrize(
    ("job", "found"),
    [
        ("vision-0123456789-12", ("vision-0123456789", 12)),
        ("vision-0123456789-3r2", ("vision-0123456789", 3)),
        ("visions-0123456789-1", None),
        ("somebodys-job", None),
    ],
)
def test_a_jobs_name_leads_to_its_run_and_attempt(job, found):
    assert facts.attempt_of(job, "vision") == found


def test_the_longest_kept_pool_is_looked_at_first():
    jobs = {
        name: {"run": "r", "number": 1, "usd_per_hour": None, "since": since}
        for name, since in (("b", "2026-11-21T05:00:00Z"), ("a", "2026-11-21T04:00:00Z"))
    }
    assert [pool.job for pool in open_pools.listed({"jobs": jobs})] == ["a", "b"]
    assert open_pools.listed(None) == []
