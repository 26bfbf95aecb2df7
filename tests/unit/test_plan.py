"""The ladder of a run, what its starts may use, and what the state machine gets of each."""

import json
from dataclasses import replace

import pytest

from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.handlers.api_model import refusals
from trainwright_runtime.limits import Used, give
from trainwright_runtime.plan import Next, Plan, cannot_start, first, plan, previews, step_attempt
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked, check
from trainwright_runtime.rules.launch import not_known_to_pass

RUN = Run("vision-0123456789", "vision", "digits")
DEPLOYMENT = Deployment(
    team="vision",
    data_bucket="the-data",
    artifacts_bucket="the-artifacts",
    checkpoints_bucket="the-checkpoints",
    reports_bucket="the-reports",
    execution_role_arn="arn:aws:iam::123456789012:role/vision-execution",
)
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform@sha256:" + "a" * 64
PRICES = {"ml.m5.large": 0.1, "ml.m5.xlarge": 0.2, "ml.g5.xlarge": 1.0, "ml.g6.xlarge": 2.0}
BOTH = ["ml.g5.xlarge", "ml.g6.xlarge"]


def planned(policy=None, prices=PRICES, **fields):
    team = TeamPolicy.from_data({"team": "vision", **policy}) if policy else None
    result = check({"name": "digits", **fields}, team, price=prices.get)
    assert isinstance(result, Checked), result
    return plan(result.resolved, RunFacts(RUN, DEPLOYMENT, IMAGE, prices, team))


def ladder(laid_out):
    return [(rung.capacity, rung.instance_type) for rung in laid_out.rungs]


SPOT = {"instance_type": BOTH, "spot": True, "fallback": "on_demand"}


def test_spot_on_each_type_then_on_demand_on_each():
    laid_out = planned(compute=SPOT, limits={"max_runtime": "1h"})
    assert ladder(laid_out) == [(capacity, kind) for capacity in ("spot", "on_demand") for kind in BOTH]
    for rung in laid_out.rungs:
        assert rung.request["EnableManagedSpotTraining"] is (rung.capacity == "spot")
        assert ("MaxWaitTimeInSeconds" in rung.request["StoppingCondition"]) is (rung.capacity == "spot")


def test_spot_stays_spot_unless_the_run_wants_to_fall_back_and_the_policy_lets_it():
    compute = {**SPOT, "fallback": "none"}
    assert ladder(planned(compute=compute)) == [("spot", kind) for kind in BOTH]
    team = TeamPolicy(team="vision", allow={"fallback": False})
    resolved = check({"name": "x", "compute": SPOT}).resolved
    laid_out = plan(resolved, RunFacts(RUN, DEPLOYMENT, IMAGE, PRICES, team))
    assert ladder(laid_out) == [("spot", kind) for kind in BOTH]


def test_without_spot_each_type_is_tried_on_demand():
    assert ladder(planned(compute={"instance_type": BOTH})) == [("on_demand", kind) for kind in BOTH]


def test_groups_preferences_and_serverless_jobs_are_one_rung():
    group = {"instance_group_name": "a", "instance_type": "ml.g5.xlarge", "instance_count": 2}
    grouped = planned(compute={"instance_groups": [group, {**group, "instance_group_name": "b"}]})
    assert ladder(grouped) == [("on_demand", None)]
    assert grouped.rungs[0].usd_per_hour == 4.0
    preferred = planned(
        compute={"instance_preferences": [{"instance_type": kind} for kind in BOTH], "instance_count": 3}
    )
    assert ladder(preferred) == [("on_demand", None)]
    assert preferred.rungs[0].usd_per_hour == 6.0, "the dearest of them"


def test_a_policy_may_leave_the_choice_of_type_on_demand_to_sagemaker():
    laid_out = planned({"recovery": {"on_demand": "preferences"}}, compute=SPOT | {"instance_count": 2})
    assert ladder(laid_out) == [("spot", BOTH[0]), ("spot", BOTH[1]), ("on_demand", None)]
    last = laid_out.rungs[-1]
    resources = last.request["ResourceConfig"]
    assert resources["InstancePreferences"] == [{"InstanceType": kind} for kind in BOTH]
    assert (resources["InstanceCount"], "InstanceType" in resources, last.launch) == (2, False, "callback")
    assert refusals(previews(laid_out)[-1]["request"]) == []


def test_types_that_need_other_requests_are_no_preferences():
    """AWS's own container for a GPU is another than that for a CPU."""
    compute = {"instance_type": ["ml.m5.large", "ml.g5.xlarge"]}
    laid_out = planned(
        {"recovery": {"on_demand": "preferences"}},
        compute=compute,
        framework="pytorch:2.8.0",
        source_code={"source_dir": "data://source/0/sourcedir.tar.gz", "entry_script": "train.py"},
        checkpoints={"reshard": True},
    )
    assert ladder(laid_out) == [("on_demand", "ml.m5.large"), ("on_demand", "ml.g5.xlarge")]


def test_machines_are_kept_on_demand_only():
    laid_out = planned(compute={**SPOT, "keep_alive": "20m"})
    kept = [rung.request["ResourceConfig"].get("KeepAlivePeriodInSeconds") for rung in laid_out.rungs]
    assert kept == [None, None, 1200, 1200]


def test_raw_fields_that_make_two_rungs_the_same_leave_one():
    raw = {"ResourceConfig": {"InstanceType": "ml.g6.xlarge"}, "StoppingCondition": {"MaxRuntimeInSeconds": 600}}
    laid_out = planned(compute={"instance_type": BOTH}, overrides=raw)
    assert ladder(laid_out) == [("on_demand", "ml.g6.xlarge")]
    assert laid_out.bounds.runtime_seconds == 600


@pytest.mark.parametrize(
    ("fields", "launch"),
    [
        ({}, "sync"),
        ({"environment": {"A": "b"}, "hyperparameters": {"a": 1}, "inputs": {"t": "data://t/"}}, "sync"),
        ({"health": {"retries": 3}}, "sync"),
        ({"health": {"infra_check": True}}, "callback"),
        ({"profiler": True}, "callback"),
        ({"compute": {"instance_type": "ml.g5.xlarge", "keep_alive": "20m"}}, "callback"),
        ({"limits": {"max_pending": "1h"}}, "callback"),
        ({"overrides": {"SomethingNew": {"A": 1}}}, "callback"),
        ({"overrides": {"AlgorithmSpecification": {"ContainerArguments": ["a"]}}}, "callback"),
    ],
)
def test_a_field_that_the_integration_may_not_know_is_started_by_the_function(fields, launch):
    laid_out = planned(**{"compute": {"instance_type": "ml.g5.xlarge"}, **fields})
    assert [rung.launch for rung in laid_out.rungs] == [launch]


def test_a_policy_may_start_every_job_by_the_function():
    laid_out = planned({"recovery": {"launch": "callback"}}, compute={"instance_type": "ml.m5.large"})
    assert [rung.launch for rung in laid_out.rungs] == ["callback"]


def test_a_field_that_may_not_pass_is_named_with_its_block():
    request = {
        "ResourceConfig": {"InstanceType": "x", "KeepAlivePeriodInSeconds": 1},
        "Tags": [{"Key": "Odd"}],
        "New": 1,
    }
    assert not_known_to_pass(request) == ("ResourceConfig.KeepAlivePeriodInSeconds", "New")


def test_a_plan_survives_its_file():
    laid_out = planned(compute=SPOT, limits={"max_cost_usd": 9})
    assert Plan.from_dict(json.loads(json.dumps(laid_out.to_dict()))) == laid_out


def test_all_rungs_keep_the_same_checkpoints():
    prefixes = {rung.request["CheckpointConfig"]["S3Uri"] for rung in planned(compute=SPOT).rungs}
    assert prefixes == {"s3://the-checkpoints/runs/vision-0123456789/"}


def test_bounds_are_the_requests_and_the_policys():
    policy = {"recovery": {"queue": "2h", "internal_errors": 1, "bigger_volume": False}, "budget": {"max_cost_usd": 5}}
    bounds = planned(policy, compute=SPOT, limits={"max_runtime": "1h", "max_wait": "3h"}).bounds
    assert (bounds.runtime_seconds, bounds.waiting_seconds, bounds.queue_seconds) == (3600, 7200, 7200)
    assert (bounds.cost_usd, bounds.internal_errors, bounds.volume_gb) == (5, 1, None)
    silent = planned(compute={"instance_type": "ml.m5.large"}, limits={"max_runtime": "1h"}).bounds
    assert (silent.waiting_seconds, silent.queue_seconds, silent.cost_usd, silent.volume_gb) == (0, 43_200, None, 1024)


def test_only_volumes_that_count_grow():
    grows = {kind: planned(compute={"instance_type": kind}).rungs[0].grows for kind in ("ml.m5.large", "ml.g5.xlarge")}
    assert grows == {"ml.m5.large": True, "ml.g5.xlarge": False}


def test_a_single_spot_rung_waits_as_long_as_asked():
    laid_out = planned(compute={**SPOT, "instance_type": BOTH[0]}, limits={"max_runtime": "1h", "max_wait": "4h"})
    assert first(laid_out) == Next(0, 3600, 14_400, None, None)


def test_spot_rungs_share_the_waiting_that_is_left():
    laid_out = planned(compute=SPOT, limits={"max_runtime": "1h", "max_wait": "3h"})
    assert first(laid_out).max_wait == 3600 + 3600
    assert give(laid_out, 1, Used(waiting_seconds=1200)).max_wait == 3600 + 6000
    assert give(laid_out, 1, Used(waiting_seconds=9000)).max_wait == 3600
    assert give(laid_out, 2, Used(waiting_seconds=9000)).max_wait is None


def test_time_already_used_counts():
    laid_out = planned(compute={"instance_type": "ml.m5.large"}, limits={"max_runtime": "1h"})
    assert give(laid_out, 0, Used(training_seconds=3000)) == Next(0, 600, None, None, "time")
    assert give(laid_out, 0, Used(training_seconds=3541)) == "time"


def test_a_cap_cuts_each_start_to_what_is_left_of_it():
    laid_out = planned(compute={"instance_type": BOTH}, limits={"max_runtime": "3h", "max_cost_usd": 1.5})
    assert first(laid_out) == Next(0, 5400, None, None, "money")
    assert give(laid_out, 1, Used(cost_usd=0.5)) == Next(1, 1800, None, None, "money")
    assert give(laid_out, 0, Used(cost_usd=1.4999)) == "money"
    assert give(laid_out, 0, Used(training_seconds=9000)).cut_by == "time"


def test_a_run_begins_on_the_first_rung_that_it_can_afford():
    laid_out = planned(compute={"instance_type": list(reversed(BOTH))}, limits={"max_cost_usd": 0.02})
    assert first(laid_out).rung == 1
    poor = replace(laid_out, bounds=replace(laid_out.bounds, cost_usd=0.001))
    with pytest.raises(ValueError, match="buy no start"):
        first(poor)
    assert (cannot_start(laid_out), cannot_start(poor).field) == (None, "limits.max_cost_usd")


def test_machines_without_a_price_cannot_be_held_to_a_cap():
    raw = {"ResourceConfig": {"InstanceType": "ml.c5.large"}}
    laid_out = planned(compute={"instance_type": "ml.m5.large"}, limits={"max_cost_usd": 9}, overrides=raw)
    assert laid_out.rungs[0].usd_per_hour is None
    assert cannot_start(laid_out).field == "limits.max_cost_usd"


def test_a_run_of_seconds_may_be_as_short_as_it_asks():
    laid_out = planned(compute={"instance_type": "ml.m5.large"}, limits={"max_runtime": "20s"})
    assert first(laid_out).max_runtime == 20


def test_an_attempt_is_what_the_state_machine_needs():
    laid_out = planned(compute=SPOT, limits={"max_runtime": "1h", "max_wait": "3h"})
    attempt = step_attempt(laid_out, Next(1, 600, 900, 60, "time"), 7, redrive_count=2)
    assert list(attempt) == [
        "number", "redrive", "rung", "job_name", "capacity", "launch", "timeout_seconds", "request",
    ]  # fmt: skip
    assert (attempt["number"], attempt["redrive"], attempt["rung"]) == (7, 2, 1)
    assert attempt["job_name"] == attempt["request"]["TrainingJobName"] == "vision-0123456789-7r2"
    assert attempt["request"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900}
    assert attempt["request"]["ResourceConfig"]["VolumeSizeInGB"] == 60
    assert attempt["request"]["ResourceConfig"]["InstanceType"] == BOTH[1]
    assert attempt["request"]["Tags"][-1] == {"Key": "trainwright:attempt", "Value": "7"}
    assert laid_out.rungs[1].request["StoppingCondition"]["MaxRuntimeInSeconds"] == 3600, "the plan stays as it is"


def test_the_time_out_is_above_the_jobs_own_limits():
    spot = planned(compute={**SPOT, "instance_type": "ml.m5.large"}, limits={"max_runtime": "1h", "max_wait": "3h"})
    assert [each["timeout_seconds"] for each in previews(spot)] == [3 * 3600 + 3600, 3600 + 2 * 3600 + 3600]
    patient = planned(compute={"instance_type": "ml.g5.xlarge"}, limits={"max_runtime": "1h", "max_pending": "2d"})
    assert previews(patient)[0]["timeout_seconds"] == 3600 + 2 * 86_400 + 3600


def test_every_rung_passes_the_apis_own_model():
    laid_out = planned(compute={**SPOT, "keep_alive": "20m"}, inputs={"t": "data://t/"}, hyperparameters={"a": 1})
    for attempt in previews(laid_out):
        assert refusals(attempt["request"]) == []
