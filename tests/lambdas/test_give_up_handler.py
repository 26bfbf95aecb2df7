"""GiveUp: a failed run's last state fails with the report's words; a redrive goes on from there."""

import pytest
from team_in_memory import ARN, FAILED, REQUEST, assess_event, prepare_event

from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.give_up import give_up
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.report import report

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"


@pytest.fixture
def failed(team):
    """A run whose script failed, up to its report."""
    return failed_run(team)


def failed_run(team, request=None, policy=None):
    if policy:
        team.parameter("/trainwright/teams/vision/policy", policy)
    run = prepare(prepare_event(request), team.store, team.services, team.environment)["run"]
    team.sagemaker.has(JOB, {**FAILED, "TrainingTimeInSeconds": 600, "BillableTimeInSeconds": 600})
    assess(assess_event(run), team.store, team.services, team.environment)
    return report(Run.from_dict(run), team.store, team.services, team.environment)


def event(outcome, redrives=0):
    return {
        "schema": 2,
        "run": {"id": RUN, "team": "vision", "name": "digits"},
        "token": f"token {redrives}",
        "redrive_count": redrives,
        "reported_redrive": outcome["redrive"],
        "error": outcome["error"],
        "cause": outcome["cause"],
    }


def given_up(team, outcome, redrives=0):
    give_up(event(outcome, redrives), team.store, team.services, team.environment)
    return team.states.answered[-1]


def test_the_execution_fails_with_the_reports_words(team, failed):
    assert given_up(team, failed) == ("token 0", "TrainingFailed", failed["cause"])
    assert team.store.record(RUN)["status"] == "FAILED"


def test_a_redrive_goes_on_with_a_new_job_and_the_same_checkpoints(team, failed):
    token, step = given_up(team, failed, redrives=1)
    assert (token, step["next"]) == ("token 1", "train")
    assert (step["attempt"]["number"], step["attempt"]["redrive"]) == (2, 1)
    assert step["attempt"]["job_name"] == f"{RUN}-2r1"
    assert step["attempt"]["request"]["CheckpointConfig"]["S3Uri"] == f"s3://the-checkpoints/runs/{RUN}/"
    assert step["attempt"]["request"]["StoppingCondition"]["MaxRuntimeInSeconds"] == 1200  # of 30 minutes, 10 are used
    record = team.store.record(RUN)
    assert (record["status"], record["redrive"], record["current"]["number"]) == ("RUNNING", 1, 2)


def test_a_second_call_for_the_same_redrive_answers_the_same(team, failed):
    first, second = (given_up(team, failed, redrives=1) for _ in range(2))
    assert first[1]["attempt"] == second[1]["attempt"]


def test_a_redriven_run_that_fails_again_ends_again(team, failed):
    given_up(team, failed, redrives=1)
    team.sagemaker.has(f"{RUN}-2r1", FAILED)
    run = {"id": RUN, "team": "vision", "name": "digits"}
    again = assess_event(run, attempt=2, redrive=1, redrives=1)
    assert assess(again, team.store, team.services, team.environment)["next"] == "report"
    outcome = report(Run.from_dict(run), team.store, team.services, team.environment, 1)
    assert (outcome["end"], outcome["redrive"]) == ("failed", 1)
    assert given_up(team, outcome, redrives=1)[1] == "TrainingFailed"
    assert [row["job_name"] for row in team.document(RUN, "report.json")["attempts"]] == [JOB, f"{RUN}-2r1"]


def test_a_redrive_without_time_left_ends_and_says_so(team):
    outcome = failed_run(team, {**REQUEST, "limits": {"max_runtime": "10m"}})
    _, step = given_up(team, outcome, redrives=1)
    assert step["next"] == "report"
    record = team.store.record(RUN)
    assert (record["status"], record["diagnosis"]["label"]) == ("FAILED", "nothing_left")
    assert "max_runtime" in record["diagnosis"]["summary"]


def test_a_redrive_sets_money_aside_again_or_ends(team):
    compute = {"instance_type": "ml.m5.xlarge"}
    request = {**REQUEST, "compute": compute, "checkpoints": True}
    outcome = failed_run(team, request, '{"team": "vision", "budget": {"monthly_usd": 0.12}}')
    assert team.store.record(RUN)["money"]["settled_usd"] == pytest.approx(0.23 / 6, abs=1e-6)
    team.services.dynamodb.update_item(  # other runs have taken the rest of the month meanwhile
        TableName="runs",
        Key={"run": {"S": "money:2026-11"}},
        UpdateExpression="ADD committed :more",
        ExpressionAttributeValues={":more": {"N": "60000"}},
    )
    _, step = given_up(team, outcome, redrives=1)
    assert step["next"] == "report"
    assert team.store.record(RUN)["diagnosis"]["label"] == "no_money"
