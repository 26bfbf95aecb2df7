"""close: whatever an execution died of, nothing runs on and nothing is unreported."""

import json

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, REQUEST, Context, assess_event, client_error, prepare_event, state

from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.close import StillAliveError, close
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.report import report

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"
START = 1795234932345


def event(status="ABORTED", **more):
    return {
        "executionArn": ARN,
        "stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
        "name": "first",
        "status": status,
        "startDate": START,
        "input": json.dumps(REQUEST),
        **more,
    }


def closed(team, detail, context=None):
    naps = []
    close(detail, team.store, team.services, team.environment, context or Context(), sleep=naps.append)
    return naps


def prepared(team):
    return prepare(prepare_event(), team.store, team.services, team.environment)


def test_a_stopped_execution_stops_its_job_and_gets_its_report(team):
    prepared(team)
    team.sagemaker.has(JOB, *[state("InProgress", "Training")] * 2, state("Stopping"), state("Stopped"))
    team.log(JOB, "epoch 3", "SIGTERM")
    naps = closed(team, event())
    assert team.sagemaker.stopped == [JOB]
    assert naps
    written = team.document(RUN, "report.json")
    assert written["status"] == "STOPPED"
    assert written["attempts"][0]["status"] == "Stopped"
    assert written["diagnosis"]["label"] == "stopped_by_user"
    assert written["diagnosis"]["log_tail"] == ["epoch 3", "SIGTERM"]
    assert "The run was stopped." in team.page(RUN)


def test_a_second_event_changes_nothing(team):
    prepared(team)
    team.sagemaker.has(JOB, state("Stopped"))
    closed(team, event())
    before = team.store.record(RUN)
    closed(team, event())
    assert team.store.record(RUN) == before
    assert team.sagemaker.stopped == []


def test_a_run_that_has_reported_is_left_alone(team):
    step = prepared(team)
    team.sagemaker.has(JOB, FAILED)
    assess(assess_event(step["run"], error="e", cause="c"), team.store, team.services, team.environment)
    report(Run.from_dict(step["run"]), team.store, team.services, team.environment)
    before = team.store.record(RUN)
    closed(team, event("FAILED"))
    assert team.store.record(RUN) == before


def test_a_refused_run_is_left_alone(team):
    step = prepare(prepare_event({"nam": 1}), team.store, team.services, team.environment)
    report(Run.from_dict(step["run"]), team.store, team.services, team.environment)
    before = team.store.record(RUN)
    closed(team, event("FAILED"))
    assert team.store.record(RUN) == before


def test_a_job_that_outlived_its_runs_report_is_stopped(team):
    step = prepared(team)
    team.sagemaker.has(JOB, state("InProgress"))
    store = team.store
    for _ in range(61):
        assess(assess_event(step["run"], error="States.Timeout"), store, team.services, team.environment)
    report(Run.from_dict(step["run"]), store, team.services, team.environment)
    diagnosis = store.record(RUN)["diagnosis"]
    team.sagemaker.has(JOB, *[state("InProgress")] * 2, state("Stopped"))
    closed(team, event("FAILED"))
    assert set(team.sagemaker.stopped) == {JOB}
    written = team.document(RUN, "report.json")
    assert (written["status"], written["attempts"][0]["status"]) == ("FAILED", "Stopped")
    assert written["diagnosis"] == diagnosis


def test_an_execution_that_timed_out_says_so(team):
    prepared(team)
    team.sagemaker.has(JOB, *[state("InProgress")] * 2, state("Stopped"))
    closed(team, event("TIMED_OUT"))
    written = team.document(RUN, "report.json")
    assert (written["status"], written["diagnosis"]["label"]) == ("FAILED", "timed_out")


def test_a_broken_platform_is_the_platforms_fault_and_the_model_is_not_lost(team):
    prepared(team)
    team.sagemaker.has(JOB, COMPLETED)
    closed(team, event("FAILED", error="LookupError", cause="Assess broke"))
    written = team.document(RUN, "report.json")
    assert (written["status"], written["diagnosis"]["label"]) == ("FAILED", "platform_error")
    assert written["diagnosis"]["evidence"] == "LookupError: Assess broke"
    assert written["model"] == {"s3_uri": "s3://the-artifacts/model.tar.gz"}


def test_a_job_that_failed_by_itself_keeps_its_own_diagnosis(team):
    prepared(team)
    team.sagemaker.has(JOB, state("Failed", FailureReason="AlgorithmError: , exit code: 137"))
    closed(team, event("FAILED", error="x"))
    assert team.document(RUN, "report.json")["diagnosis"]["label"] == "host_out_of_memory"


def test_a_run_that_prepare_never_wrote_gets_its_record(team):
    closed(team, event("FAILED", error="NotDeployedError", cause="The parameter /x does not exist"))
    record = team.store.record(RUN)
    assert (record["status"], record["name"]) == ("FAILED", "digits")
    assert record["started_at"].startswith("2026-11-21T04:22:12")
    written = team.document(RUN, "report.json")
    assert written["request"] == REQUEST
    assert "The parameter /x does not exist" in written["diagnosis"]["evidence"]
    closed(team, event("FAILED"))


def test_what_the_event_leaves_out_is_asked_for(team):
    team.states.answer = {"input": json.dumps(REQUEST), "error": "Sandbox.Timedout", "cause": "too slow"}
    closed(team, event("FAILED", input=None))
    written = team.document(RUN, "report.json")
    assert written["request"] == REQUEST
    assert written["diagnosis"]["evidence"] == "Sandbox.Timedout: too slow"


def test_an_input_that_is_no_json_is_reported_as_it_is(team):
    closed(team, event("FAILED", input="{broken"))
    assert team.document(RUN, "report.json")["request"] == "{broken"


def test_a_job_that_appears_late_is_stopped_too(team):
    prepared(team)
    appears = [None, None, state("InProgress"), state("Stopping"), state("Stopped")]

    def describe(**_):
        if (found := appears.pop(0) if len(appears) > 1 else appears[0]) is None:
            raise client_error("ResourceNotFound", "not there", "DescribeTrainingJob")
        return dict(found)

    team.sagemaker.describe_training_job = describe
    closed(team, event())
    assert team.sagemaker.stopped == [JOB]
    assert team.document(RUN, "report.json")["attempts"][0]["status"] == "Stopped"


def test_a_job_that_does_not_end_in_time_is_reported_and_tried_again(team):
    prepared(team)
    team.sagemaker.has(JOB, state("Stopping"))
    with pytest.raises(StillAliveError, match="is Stopping"):
        closed(team, event(), Context(milliseconds=60_000))
    assert team.document(RUN, "report.json")["status"] == "STOPPED"
    assert "had not ended" in team.page(RUN)
    team.sagemaker.has(JOB, state("Stopped"))
    closed(team, event())  # what Lambda's own retry does
    assert team.document(RUN, "report.json")["attempts"][0]["status"] == "Stopped"
    assert "had not ended" not in team.page(RUN)


def test_a_job_that_ended_just_before_it_was_stopped_is_no_error(team):
    prepared(team)
    team.sagemaker.has(JOB, *[state("InProgress")] * 2, state("Stopped"))

    def refused(**_):
        raise client_error("ValidationException", "The job is in status Stopped", "StopTrainingJob")

    team.sagemaker.stop_training_job = refused
    closed(team, event())
    assert team.document(RUN, "report.json")["status"] == "STOPPED"


def test_news_of_an_end_before_a_redrive_stops_nothing(team):
    prepared(team)
    team.sagemaker.has(JOB, state("InProgress", "Training"))
    team.states.answer = {"status": "RUNNING"}
    before = team.store.record(RUN)
    closed(team, event("FAILED"))
    assert (team.sagemaker.stopped, team.store.record(RUN)) == ([], before)


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "AccessDeniedException"])
def test_an_execution_that_is_not_there_any_more_is_closed(team, code, monkeypatch):
    prepared(team)
    team.sagemaker.has(JOB, *[state("InProgress")] * 2, state("Stopped"))

    def gone(**_):
        raise client_error(code, "no", "DescribeExecution")

    monkeypatch.setattr(team.states, "describe_execution", gone)
    closed(team, event())
    assert team.document(RUN, "report.json")["status"] == "STOPPED"
