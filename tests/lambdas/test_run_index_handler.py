"""The index of a team's runs and runs.html, from the handlers that publish reports."""

import json
import re

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, assess_event, client_error, prepare_event

from trainwright_runtime import run_index as index
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import run_index
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.reconcile import reconcile
from trainwright_runtime.handlers.report import report
from trainwright_runtime.report import form


def ran(team, number=1, job=COMPLETED, request=None):
    """A run from its request to its report; its id."""
    event = prepare_event(request, arn=f"{ARN}-{number}")
    run = prepare(event, team.store, team.services, team.environment)["run"]
    if job:
        team.sagemaker.has(f"{run['id']}-1", job)
        assess(assess_event(run), team.store, team.services, team.environment)
    published(team, run["id"])
    return run["id"]


def published(team, run):
    report(Run(run, "vision", "digits"), team.store, team.services, team.environment)


def table(team):
    """The runs of runs.html, in its order."""
    body = team.services.s3.get_object(Bucket="the-reports", Key="runs.html")["Body"].read().decode()
    return list(dict.fromkeys(re.findall(r"vision-[0-9a-f]{10}", body)))


def lines(team):
    return {run: line for item in run_index._items(team.store) for run, line in item["lines"].items()}


def test_every_run_that_ended_has_a_line_whatever_its_end(team):
    runs = [ran(team, 1), ran(team, 2, FAILED), ran(team, 3, None, {"name": "digits", "compute": {"x": 1}})]
    found = lines(team)
    assert [found[run]["status"] for run in runs] == ["SUCCEEDED", "FAILED", "REFUSED"]
    assert sorted(table(team)) == sorted(runs)
    head = team.services.s3.head_object(Bucket="the-reports", Key="runs.html")
    assert head["ContentType"] == "text/html; charset=utf-8"


def test_a_run_that_is_published_again_has_one_line(team):
    run = ran(team)
    before = team.store.record("index:2026-11")
    published(team, run)
    assert team.store.record("index:2026-11") == before
    assert list(before["lines"]) == [run]
    assert before["count"] == 1


def test_a_full_item_is_followed_by_another(team, monkeypatch):
    monkeypatch.setattr(index, "LINES", 2)
    runs = [ran(team, number) for number in (1, 2, 3, 4, 5)]
    keys = ["index:2026-11", "index:2026-11:2", "index:2026-11:3"]
    assert [len(team.store.record(key)["lines"]) for key in keys] == [2, 2, 1]
    assert sorted(table(team)) == sorted(runs)
    published(team, runs[4])
    assert [len(team.store.record(key)["lines"]) for key in keys] == [2, 2, 1]


def test_the_page_is_written_only_where_the_index_says_something_new(team):
    run = ran(team)
    assert run_index.refresh("vision", team.store) is False
    team.services.s3.delete_object(Bucket="the-reports", Key="runs.html")
    assert reconcile(team.store, team.services, team.environment)["pools"] == []
    assert table(team) == [run], "the hourly look heals what two writers made of it"


def test_a_team_without_runs_gets_no_page(team):
    assert run_index.refresh("vision", team.store) is False
    assert "Contents" not in team.services.s3.list_objects_v2(Bucket="the-reports")


def test_an_index_that_cannot_be_written_costs_no_run_its_report(team, monkeypatch):
    def full(*_):
        raise client_error("ProvisionedThroughputExceededException", "too fast", "UpdateItem")

    monkeypatch.setattr(run_index, "_keep_line", full)
    run = ran(team)
    assert team.document(run, "report.json")["status"] == "SUCCEEDED"


def test_a_run_is_compared_to_the_last_of_its_name_and_stays_so(team):
    first, other = ran(team, 1), ran(team, 2, request={**REQUEST, "name": "letters"})
    second = ran(team, 3, request={**REQUEST, "hyperparameters": {"epochs": 20}})
    compared = team.document(second, "report.json")["comparison"]
    assert compared["run"] == first
    assert compared["changes"] == [{"what": "settings", "field": "hyperparameters.epochs", "was": 12, "is": 20}]
    assert team.document(first, "report.json")["comparison"] is None
    assert team.document(other, "report.json")["comparison"] is None
    ran(team, 4)
    team.services.dynamodb.delete_item(TableName="runs", Key={"run": {"S": "name:digits"}})
    published(team, second)
    assert team.document(second, "report.json")["comparison"] == compared


def test_a_report_that_is_gone_is_compared_to_nothing(team):
    first = ran(team, 1)
    team.services.s3.delete_object(Bucket="the-reports", Key=f"runs/{first}/report.json")
    assert team.document(ran(team, 2), "report.json")["comparison"] is None


REQUEST = prepare_event()["request"]


def test_a_whole_report_has_the_documented_form_and_says_what_was_sent(team):
    request = {**REQUEST, "environment": {"API_TOKEN": "hunter2"}, "metrics": {"f1": "f1=([0-9.]+)"}}
    metric = {**COMPLETED, "FinalMetricDataList": [{"MetricName": "f1", "Value": 0.5}, {"MetricName": "a", "Value": 1}]}
    run = ran(team, 1, metric, request)
    written = team.document(run, "report.json")
    form.Report.model_validate(written, strict=True)
    assert written["headline"]["name"] == "f1"
    assert written["sent"]["TrainingJobName"] == f"{run}-1"
    assert "hunter2" not in json.dumps(written)
    assert written["checkpoints"]["s3_uri"] == f"s3://the-checkpoints/runs/{run}/"
    assert {each["title"] for each in written["links"]} >= {"Execution", "Training job", "Log", "Report and documents"}
    by = {each["field"]: each["set_by"] for each in written["fields"]}
    assert (by["hyperparameters.epochs"], by["training_image"]) == ("run", "default")


def test_data_that_grew_between_two_runs_is_told(team):
    ran(team, 1)
    team.services.s3.put_object(Bucket="the-data", Key="digits/train/b.csv", Body=b"22")
    compared = team.document(ran(team, 2), "report.json")["comparison"]
    assert compared["changes"] == [
        {
            "what": "data",
            "field": "inputs.train",
            "was": "1 object, 1 byte",
            "is": "2 objects, 3 bytes: 1 more object, 2 bytes more",
        }
    ]


@pytest.mark.parametrize("plan", [None, {"schema": 1, "run": {}}])
def test_a_plan_that_cannot_be_read_costs_no_report(team, plan):
    run = ran(team)
    if plan is None:
        team.services.s3.delete_object(Bucket="the-reports", Key=f"runs/{run}/plan.json")
    else:
        team.store.put_document(run, "plan.json", plan)
    published(team, run)
    assert team.document(run, "report.json")["sent"] is None
