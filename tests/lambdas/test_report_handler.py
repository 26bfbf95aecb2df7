"""Report: the run's end, written once, told to the state machine."""

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, assess_event, prepare_event, state

from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.report import report

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"


def run_to_report(team, job_state=None, request=None):
    step = prepare(prepare_event(request), team.store, team.services, team.environment)
    if job_state:
        team.sagemaker.has(JOB, job_state)
        assess(assess_event(step["run"]), team.store, team.services, team.environment)
    return reported(team, Run.from_dict(step["run"]))


def reported(team, run, redrive=0):
    return report(run, team.store, team.services, team.environment, redrive)


def test_a_run_that_succeeded(team):
    answer = run_to_report(team, COMPLETED)
    assert (answer["schema"], answer["end"], answer["error"], answer["cause"]) == (2, "succeeded", "", "")
    output = answer["output"]
    assert output["report"] == {
        "html": f"s3://the-reports/runs/{RUN}/report.html",
        "json": f"s3://the-reports/runs/{RUN}/report.json",
    }
    written = team.document(RUN, "report.json")
    assert (written["status"], written["model"]) == ("SUCCEEDED", {"s3_uri": "s3://the-artifacts/model.tar.gz"})
    assert [{**row, "transitions": ...} for row in written["attempts"]] == [
        {**row, "transitions": ...} for row in output["attempts"]
    ]
    assert written["started_at"] == "2026-11-21T04:22:12.345Z"
    assert written["ended_at"]
    assert "The run succeeded." in team.page(RUN)


def test_the_page_is_served_as_a_page(team):
    run_to_report(team, COMPLETED)
    head = team.services.s3.head_object(Bucket="the-reports", Key=f"runs/{RUN}/report.html")
    assert head["ContentType"] == "text/html; charset=utf-8"


def test_a_run_that_failed(team):
    answer = run_to_report(team, FAILED)
    assert (answer["end"], answer["error"], answer["redrive"]) == ("failed", "TrainingFailed", 0)
    assert team.store.record(RUN)["status"] == "FAILED"
    assert team.document(RUN, "report.json")["model"] is None


def test_a_run_that_a_person_stopped(team):
    assert run_to_report(team, state("Stopped"))["error"] == "TrainingStopped"


def test_a_run_that_was_refused(team):
    answer = run_to_report(team, request={"name": "digits", "compute": {"instace_type": "x"}})
    assert answer["error"] == "InvalidRunRequest"
    assert "did you mean instance_type?" in answer["cause"]
    written = team.document(RUN, "report.json")
    assert (written["status"], written["attempts"]) == ("REFUSED", [])
    assert "refused before anything started" in team.page(RUN)


def test_a_request_that_is_no_object_is_reported_too(team):
    answer = run_to_report(team, request=["not", "an", "object"])
    assert answer["error"] == "InvalidRunRequest"
    assert team.document(RUN, "report.json")["request"] == ["not", "an", "object"]


def test_a_retried_report_says_the_same(team):
    first = run_to_report(team, COMPLETED)
    written = team.document(RUN, "report.json")
    assert reported(team, Run(RUN, "vision", "digits")) == first
    assert team.document(RUN, "report.json") == written


def test_a_report_without_a_record_is_an_error(team):
    with pytest.raises(LookupError, match="no record of run"):
        reported(team, Run("vision-0000000000", "vision", None))
