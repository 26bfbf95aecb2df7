"""What a platform's policies promise of instances, when AWS is asked for more, and what people are told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.quota_request import (
    Increase,
    Quota,
    Wish,
    is_asked,
    pending,
    promises,
    text,
    warning,
    wishes,
)

G5, M5 = "ml.g5.xlarge", "ml.m5.large"


def team(name="vision", **sections):
    return TeamPolicy.from_data({"team": name, **sections})


def compute(**fields):
    return {"default": {"compute": fields}}


# --- what is promised ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "promised"),
    [
        ({}, {}),
        ({"allow": {"instance_types": ["ml.g5.*"], "max_instance_count": 8}}, {}),
        (compute(spot=True), {}),
        (compute(instance_type=G5), {(G5, "training"): 1}),
        (compute(instance_type=[G5, M5], instance_count=2), {(G5, "training"): 2, (M5, "training"): 2}),
        (compute(instance_type=G5, spot=True), {(G5, "spot"): 1}),
        (
            compute(instance_type=G5, spot=True, fallback="on_demand", instance_count=3),
            {(G5, "spot"): 3, (G5, "training"): 3},
        ),
        ({"default": {"compute": {"instance_type": G5}}, "always": {"compute": {"spot": True}}}, {(G5, "spot"): 1}),
        (
            compute(
                instance_groups=[
                    {"instance_group_name": "a", "instance_type": G5, "instance_count": 2},
                    {"instance_group_name": "b", "instance_type": M5, "instance_count": 1},
                    {"instance_group_name": "c", "instance_type": G5, "instance_count": 1},
                ]
            ),
            {(G5, "training"): 3, (M5, "training"): 1},
        ),
        (
            compute(instance_preferences=[{"instance_type": G5}, {"instance_type": M5}], instance_count=2),
            {(G5, "training"): 2, (M5, "training"): 2},
        ),
    ],
)
def test_a_policy_promises_what_it_names(sections, promised):
    assert promises([team(**sections)]) == promised


def test_machines_of_a_training_plan_are_counted_elsewhere():
    plan = "arn:aws:sagemaker:eu-west-1:123456789012:training-plan/p"
    capabilities = {"training_plans": [plan]}
    reserved = team(**compute(instance_type="ml.p5.48xlarge", training_plan=plan), capabilities=capabilities)
    assert promises([reserved]) == {}


def pooled(name, instances, **fields):
    kept = {"warm_pool": {"instance_type": G5, "instances": instances}, "capabilities": {"keep_alive": "1h"}}
    return team(name, **kept, **compute(**fields))


def test_a_warm_pool_needs_both_quotas_and_its_instances_are_those_that_the_next_run_trains_on():
    assert promises([pooled("a", 2)]) == {(G5, "training"): 2, (G5, "warm_pool"): 2}
    assert promises([pooled("a", 2, instance_type=G5, instance_count=3)])[G5, "training"] == 3
    assert promises([pooled("a", 3, instance_type=G5, instance_count=2)])[G5, "training"] == 3
    assert promises([pooled("a", 2, instance_type=M5)]) == {
        (G5, "training"): 2,
        (G5, "warm_pool"): 2,
        (M5, "training"): 1,
    }


def test_promises_add_up_over_the_teams():
    teams = [pooled("a", 2), pooled("b", 1, instance_type=G5, instance_count=4), team("c", **compute(instance_type=G5))]
    assert promises(teams) == {(G5, "training"): 2 + 4 + 1, (G5, "warm_pool"): 3}
    assert promises(reversed(teams)) == promises(teams)


# --- when AWS is asked ---------------------------------------------------------------------------------------------


def wish(instances=4, value=1.0, last=None, *, adjustable=True):
    return Wish(G5, "spot", instances, Quota("L-1", value, adjustable), last and Increase(*last))


def asked(looked, *, cases=False, again=False):
    return is_asked(looked, support_case_allowed=cases, again=again)


def test_nothing_is_asked_for_that_is_there_or_cannot_be_had():
    assert asked(wish())
    assert not asked(wish(value=4))
    assert not asked(wish(value=9), again=True)
    assert not asked(wish(adjustable=False))
    assert not asked(Wish(G5, "spot", 4))


@pytest.mark.parametrize("status", ["PENDING", "CASE_OPENED"])
@pytest.mark.parametrize("desired", [2, 4, 9])
def test_an_open_request_is_never_repeated(status, desired):
    assert not asked(wish(last=(desired, status)), cases=True, again=True)


@pytest.mark.parametrize("status", ["DENIED", "NOT_APPROVED", "CASE_CLOSED", "APPROVED"])
def test_a_decided_request_is_repeated_only_when_somebody_wants_more_or_wants_it_again(status):
    assert not asked(wish(last=(4, status)))
    assert asked(wish(last=(3, status)))
    assert asked(wish(last=(4, status)), again=True)


def test_a_support_case_that_is_allowed_now_is_a_reason_to_ask_again():
    assert asked(wish(last=(4, "NOT_APPROVED")), cases=True)
    assert not asked(wish(last=(4, "DENIED")), cases=True)


@given(
    value=st.integers(0, 50),
    instances=st.integers(1, 50),
    cases=st.booleans(),
    again=st.booleans(),
    last=st.none() | st.tuples(st.integers(0, 50), st.sampled_from(["PENDING", "DENIED", "APPROVED", "NOT_APPROVED"])),
)
def test_no_request_would_lower_a_quota_or_be_a_second_one(value, instances, cases, again, last):
    looked = wish(instances, value, last)
    if asked(looked, cases=cases, again=again):
        assert instances > value
        assert last is None or last[1] != "PENDING"


# --- what people are told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looked", "told"),
    [
        (wish(value=4, last=(4, "PENDING")), None),
        (wish(), "is 1 and should be 4; nothing was asked for"),
        (wish(last=(4, "PENDING")), "the request for 4 is open (PENDING)"),
        (wish(last=(2, "CASE_OPENED")), "a request for 2 is open (CASE_OPENED), and AWS takes no second one"),
        (wish(last=(4, "DENIED")), "AWS turned the request for 4 down (DENIED); ask AWS Support"),
        (wish(last=(4, "APPROVED")), "the request for 4 is approved and not in force yet"),
        (wish(adjustable=False), "AWS raises this quota for nobody"),
        (Wish(G5, "warm_pool", 1), "ml.g5.xlarge for training warm pool usage: there is no quota of this name here"),
        (replace(wish(), refusal="QuotaExceededException"), "AWS did not take the request: QuotaExceededException"),
    ],
)
def test_a_warning_says_what_is_missing_and_how_far_it_got(looked, told):
    said = warning(looked)
    assert (said is None) if told is None else (told in said)
    if told:
        assert said.startswith(looked.name)
        assert "\n" not in said


def test_what_waits_for_aws_is_counted():
    waiting, denied, met = wish(last=(4, "PENDING")), wish(last=(4, "DENIED")), wish(value=4, last=(4, "PENDING"))
    assert pending([waiting, denied, met]) == 1


def test_quotas_are_found_by_name_and_their_newest_request_by_code():
    quotas = {"ml.g5.xlarge for spot training job usage": Quota("L-1", 1, adjustable=True)}
    newest = {"L-1": Increase(4, "PENDING"), "L-2": Increase(1, "DENIED")}
    spot, training = wishes({(G5, "spot"): 4, (G5, "training"): 2}, quotas, newest)
    assert (spot.quota.code, spot.increase.status) == ("L-1", "PENDING")
    assert (training.quota, training.increase) == (None, None)


def test_many_warnings_fit_a_custom_resources_answer():
    lines = [f"{number} " + "x" * 150 for number in range(100)]
    said = text(lines).splitlines()
    assert len("\n".join(said).encode()) < 3000
    assert said[-1] == f"and {100 - (len(said) - 1)} more, in the function's log"
    assert text(lines[:2]) == "\n".join(lines[:2])
    assert text([]) == "none"
