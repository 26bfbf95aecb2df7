"""A fault that is misspelt must not be a fault that silently does not happen."""

from __future__ import annotations

import pytest

from trainwright.rehearsal.faults import (
    BusyQuota,
    FaultsError,
    JobFacts,
    MissingCapacity,
    SpotInterruption,
    fake_job,
    parse_faults,
    select,
)
from trainwright.rehearsal.faults.chance import happens

SECONDS = {"after": "seconds", "seconds": 1}
JUMP = {"clock": {"jump": True}}
CALL = {"service": "sagemaker", "operation": "CreateTrainingJob", "error": "ThrottlingException"}


def problems(data):
    with pytest.raises(FaultsError) as error:
        parse_faults(data)
    return error.value.problems


def test_no_faults_by_default():
    assert parse_faults({}).all() == []


def test_reads_a_spot_interruption():
    [fault] = parse_faults({"spot_interruptions": [{"after": "seconds", "seconds": 2}]}).spot_interruptions
    assert (fault.after, fault.seconds, fault.mode, fault.times) == ("seconds", 2, "hard", 1)
    assert fault.place == "spot_interruptions[0]"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(90, 90.0), ("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1.5 h", 5400.0), ("2d", 172800.0)],
)
def test_reads_durations(text, seconds):
    faults = parse_faults({"slow_starts": [{"seconds": text}]})
    assert faults.slow_starts[0].seconds == seconds


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"spot_interuptions": []}, "spot_interuptions: there is no fault field of this name; did you mean spot_"),
        ({"functions": [{"function": "f", "error": "time_out"}]}, "functions[0].error: this is none of 'unhandled', "),
        ({"functions": [{"function": "f", "error": "time_out"}]}, "did you mean timeout?"),
        ({"clock": {"sped": 2}}, "clock.sped: there is no fault field of this name; did you mean speed?"),
        ({"instance_types": {"ml.g5.xlrge": {}}}, "did you mean ml.g5.xlarge?"),
        ({"instance_types": {"ml.g5.xlarge": {"quta": 1}}}, "instance_types.ml.g5.xlarge.quta: there is no"),
        (
            {"slow_starts": [{"seconds": 1, "instance_types": ["ml.m5.*", "ml.p55.*"]}]},
            "instance_types[1]: no instance",
        ),
        ({"missing_capacity": [{"forever": True}]}, "did you mean for_ever?"),
        ({"api_errors": [{**CALL, "service": "sagmaker"}]}, "api_errors[0].service: no service is called so"),
        ({"api_errors": [{**CALL, "operation": "CreateTrainingJbo"}]}, "did you mean CreateTrainingJob?"),
        ({"api_errors": [{**CALL, "error": "ThrotlingException"}]}, "did you mean ThrottlingException?"),
        ({"api_errors": [{**CALL, "error": "SlowDown"}]}, "allowed: AccessDeniedException, "),
        ({"api_errors": [{**CALL, "service": "s3", "operation": "GetObject"}]}, "s3 GetObject cannot answer this"),
        ({"access_denied": [{"actions": ["s3:*", "sagmaker:*"]}]}, "actions[1]: no service has actions sagmaker:"),
        ({"access_denied": [{"actions": "GetObject"}]}, "allowed: service:Action"),
        ({"slow_starts": [{"seconds": "10 parsecs"}]}, "slow_starts[0].seconds: this is not a duration"),
        ({"slow_starts": {"seconds": 1}}, "slow_starts: this must be a list; begin the entry with a dash"),
        ({"lost_hosts": [{**SECONDS, "host": "2"}]}, "a host's name, as algo-2"),
        ({"busy_quotas": [{"in_use": 1}]}, "busy_quotas[0].limit: this is needed and is not there"),
        ({"seed": "seven"}, "seed: this must be a whole number (it is 'seven')"),
        ([], "faults: this must be an object of fields"),
    ],
)
def test_fails_on_a_mistake_with_the_nearest_name(data, problem):
    assert problem in "\n".join(problems(data))


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (
            {"spot_interruptions": [{"after": "seconds"}]},
            "spot_interruptions[0]",
        ),
        ({"spot_interruptions": [{"after": "step"}]}, "spot_interruptions[0]"),
        ({"spot_interruptions": [{**SECONDS, "step": 1}]}, "spot_interruptions[0].step"),
        ({"spot_interruptions": [{**SECONDS, "market": "on_demand"}]}, "spot_interruptions[0].market"),
        (JUMP, "clock.jump"),
        ({**JUMP, "clock": {"jump": True, "speed": 2}, "fake_jobs": {}}, "clock.speed"),
        ({"fake_jobs": {"steps": 5, "checkpoint_every": 6}}, "fake_jobs.checkpoint_every"),
        ({"fake_jobs": {"steps": 5, "exit_step": 6}}, "fake_jobs.exit_step"),
        ({"fake_jobs": {"failure_reason": "ClientError: no"}}, "fake_jobs.failure_reason"),
        ({"fake_jobs": {"others": [{"failure": "no"}]}}, "fake_jobs.others[0]"),
        ({"fake_jobs": {"steps": 5, "others": [{"exit_step": 6}]}}, "fake_jobs.others[0]"),
        ({"missing_capacity": [{}]}, "missing_capacity[0]"),
        ({"missing_capacity": [{"seconds": 1, "for_ever": True}]}, "missing_capacity[0].for_ever"),
        ({"busy_quotas": [{"limit": 1, "in_use": 2}]}, "busy_quotas[0].in_use"),
        ({"busy_quotas": [{"limit": 1, "seconds": 2}]}, "busy_quotas[0]"),
        ({"access_denied": [{"actions": "s3:GetObject", "kind": "key"}]}, "access_denied[0].actions[0]"),
        ({"functions": [{"function": "f", "error": "exit", "message": "no"}]}, "functions[0].message"),
        ({"functions": [{"function": "f", "error": "exit", "calls": [1], "times": 1}]}, "functions[0].times"),
        ({"functions": [{"function": "f", "error": "exit", "calls": [1, 0]}]}, "functions[0].calls[1]"),
        ({"events": [{}]}, "events[0]"),
        ({"events": [{"lost": True, "late": 3}]}, "events[0].late"),
    ],
)
def test_refuses_contradictions_where_they_stand(data, at):
    [problem] = problems(data)
    assert problem.startswith(f"{at}: ")


def test_says_all_problems_at_once_with_their_paths():
    entry = {"after": "cheeckpoint", "secnds": 1, "times": 0}
    text = "\n".join(problems({"spot_interruptions": [entry, SECONDS, {"after": "step"}], **JUMP}))
    assert "spot_interruptions[0].secnds: there is no fault field of this name; did you mean seconds?" in text
    assert "spot_interruptions[0].after" in text and "'cheeckpoint'" in text and "'checkpoint'" in text
    assert "spot_interruptions[0].times" in text
    assert "spot_interruptions[2]: with after: step" in text
    assert "clock.jump: " in text
    assert "spot_interruptions[1]" not in text


# --- when a fault is due ---


def due(fault, **reached):
    state = {"training_seconds": 0.0, "checkpoint_seconds": None, "step": None, "total": None, **reached}
    return fault.is_due(**state)


def test_after_checkpoint_waits_for_one_in_s3():
    fault = SpotInterruption(after="checkpoint")
    assert not due(fault, training_seconds=1000.0)
    assert not due(fault, checkpoint_seconds=0.1)  # progress.json may be on its way
    assert due(fault, checkpoint_seconds=1.0)


def test_after_checkpoint_waits_for_the_fraction_where_the_total_is_known():
    fault = SpotInterruption(after="checkpoint", fraction=0.25)
    assert not due(fault, checkpoint_seconds=0.0, step=4, total=20)
    assert due(fault, checkpoint_seconds=0.0, step=5, total=20)
    assert not due(fault, checkpoint_seconds=None, step=5, total=20)


def test_after_seconds_and_after_step():
    assert due(SpotInterruption(after="seconds", seconds=1.5), training_seconds=1.5)
    assert not due(SpotInterruption(after="seconds", seconds=1.5), training_seconds=1.4)
    assert due(SpotInterruption(after="step", step=3), step=3)
    assert not due(SpotInterruption(after="step", step=3))


def test_capacity_is_missing_from_a_moment_for_a_time_or_for_ever():
    [fault] = parse_faults({"missing_capacity": [{"from": "10s", "seconds": 5}]}).missing_capacity
    assert [fault.is_missing(now) for now in (9.9, 10.0, 14.9, 15.0)] == [False, True, True, False]
    assert MissingCapacity(for_ever=True).is_missing(1e9)


def test_a_quota_is_free_again_when_others_have_ended():
    fault = BusyQuota(limit=4, in_use=3, seconds=60.0)
    assert [fault.used_by_others(now) for now in (0, 59.9, 60.0)] == [3, 3, 0]
    assert BusyQuota(limit=4, in_use=3).used_by_others(1e9) == 3


# --- which jobs a fault is about ---


def test_a_job_of_its_own_goes_as_all_others_but_for_what_is_said():
    others = [{"jobs": "*-2", "steps": 3}, {"jobs": "*-1", "exit_code": 0}, {"jobs": "*", "resume": False}]
    said = {"steps": 50, "checkpoint_every": 10, "exit_code": 1, "failure": "no", "others": others}
    faults = parse_faults({"fake_jobs": said})
    [first, second, third] = [fake_job(faults, JobFacts(f"job-{n}", "ml.m5.large", is_spot=True)) for n in (1, 2, 3)]
    assert (first.exit_code, first.failure, first.steps) == (0, "", 50)
    assert (second.steps, second.checkpoint_every, second.failure, second.resume) == (3, 1, "no", True)
    assert (third.steps, third.failure, third.resume) == (50, "no", False)
    assert fake_job(parse_faults({}), JobFacts("job-1", "ml.m5.large", is_spot=True)) is None


def test_a_larger_volume_is_spared():
    faults = parse_faults({"full_disks": [{"free_mb": 1, "volume_below": 60}]})
    meant = [
        bool(select(faults, JobFacts("job", "ml.m5.large", is_spot=True, volume_gb=size)).full_disks)
        for size in (59, 60, None)
    ]
    assert meant == [True, False, False]


SPOT = JobFacts("vision-1", "ml.g5.xlarge", is_spot=True)
ON_DEMAND = JobFacts("speech-1", "ml.m5.large", is_spot=False)


@pytest.mark.parametrize(
    ("selectors", "spot", "on_demand"),
    [
        ({}, True, True),
        ({"jobs": "vision-*"}, True, False),
        ({"jobs": ["speech-?", "other"]}, False, True),
        ({"instance_types": "ml.m5.*"}, False, True),
        ({"market": "spot"}, True, False),
        ({"market": "on_demand", "jobs": "vision-*"}, False, False),
    ],
)
def test_selectors_choose_jobs(selectors, spot, on_demand):
    faults = parse_faults({"internal_errors": [{**SECONDS, **selectors}]})
    assert [bool(select(faults, job).internal_errors) for job in (SPOT, ON_DEMAND)] == [spot, on_demand]


def test_only_spot_jobs_are_interrupted_and_only_their_own_hosts_are_lost():
    faults = parse_faults({"spot_interruptions": [SECONDS], "lost_hosts": [{**SECONDS, "host": "algo-2"}]})
    assert select(faults, SPOT).spot_interruptions and not select(faults, ON_DEMAND).spot_interruptions
    two_hosts = JobFacts("vision-1", "ml.g5.xlarge", is_spot=True, hosts=2)
    assert select(faults, two_hosts).lost_hosts and not select(faults, SPOT).lost_hosts


def test_a_chance_is_drawn_from_seed_place_and_name_and_nothing_else():
    def struck(seed, order, before=()):
        faults = parse_faults({"seed": seed, "slow_starts": [*before, {"seconds": 1, "chance": 0.3}]})
        jobs = [JobFacts(f"job-{number}", "ml.m5.large", is_spot=True) for number in order]
        place = f"slow_starts[{len(before)}]"
        return {job.name for job in jobs if place in [fault.place for fault in select(faults, job).slow_starts]}

    some = struck(7, range(200))
    assert some == struck(7, reversed(range(200)))
    assert 30 < len(some) < 90
    assert some != struck(8, range(200))
    assert some != struck(7, range(200), before=[{"seconds": 2}])


def test_a_certain_fault_needs_no_lot():
    assert all(happens(1.0, 0, str(number)) for number in range(50))
