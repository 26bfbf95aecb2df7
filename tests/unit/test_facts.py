"""Run ids and job names: the same from every road, unique, and within SageMaker's form."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.facts import Run, epoch_seconds
from trainwright_runtime.plan import job_name, run_id

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:name"
SAGEMAKER_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
TEAMS = st.from_regex(r"[a-z][a-z0-9]{0,23}", fullmatch=True)


def test_the_context_and_the_event_give_the_same_run():
    from_context = run_id(ARN, "2026-11-21T04:22:12.987Z", "vision")
    from_event = run_id(ARN, 1795234932987 / 1000, "vision")
    assert from_context == from_event == run_id(ARN, datetime(2026, 11, 21, 4, 22, 12, tzinfo=UTC), "vision")


def test_the_id_is_the_documented_hash():
    assert run_id(ARN, 1795234932, "vision") == "vision-" + _sha(f"{ARN}|1795234932")[:10]


def _sha(text):
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        epoch_seconds("2026-11-21T04:22:12")


@given(st.text(max_size=200), st.integers(0, 4_000_000_000), TEAMS, st.integers(1, 999), st.integers(0, 99))
def test_every_job_name_is_one_that_sagemaker_takes(arn, started, team, attempt, redrive):
    name = job_name(run_id(arn, started, team), attempt, redrive)
    assert SAGEMAKER_JOB_NAME.fullmatch(name)
    assert len(name) <= 63
    assert name == name.lower()
    assert name.startswith(f"{team}-")


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 40)), min_size=2, max_size=30, unique=True),
)
def test_no_two_attempts_of_a_run_share_a_name(attempts):
    names = {job_name("vision-0123456789", attempt, redrive) for attempt, redrive in attempts}
    assert len(names) == len(attempts)


def test_different_executions_get_different_runs():
    assert run_id(ARN, 1, "a") != run_id(ARN, 2, "a") != run_id(ARN + "2", 2, "a")


@pytest.mark.parametrize(("attempt", "redrive"), [(0, 0), (1, -1)])
def test_impossible_numbers_are_refused(attempt, redrive):
    with pytest.raises(ValueError, match="count from"):
        job_name("vision-0123456789", attempt, redrive)


def test_a_run_survives_its_travel():
    run = Run("vision-0123456789", "vision", None)
    assert Run.from_dict(run.to_dict()) == run
