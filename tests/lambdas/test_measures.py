"""The metrics of a run: one line in the embedded metric format, found by the team alone."""

import json

from trainwright_runtime.handlers import measures

ROWS = [
    {"job_arn": "arn", "then_wait_seconds": 0},
    {"job_arn": None, "then_wait_seconds": 60},
    {"job_arn": "arn", "then_wait_seconds": 30},
]


def emitted(capsys, monkeypatch, **cost):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "report")
    measures.emit({"team": "vision", "attempts": ROWS, "cost": {"usd": 1.5, "saved_usd": 3.0, **cost}})
    return json.loads(capsys.readouterr().out)


def test_a_run_says_what_it_took_under_its_teams_name_alone(capsys, monkeypatch):
    line = emitted(capsys, monkeypatch)
    [about] = line["_aws"]["CloudWatchMetrics"]
    assert (about["Namespace"], about["Dimensions"], line["team"]) == ("Trainwright", [["team"]], "vision")
    values = {metric["Name"]: line[metric["Name"]] for metric in about["Metrics"]}
    assert values == {"AttemptCount": [2.0], "QueueSeconds": [90.0], "CostUsd": [1.5], "SavedUsd": [3.0]}


def test_money_that_nobody_knows_is_no_metric(capsys, monkeypatch):
    line = emitted(capsys, monkeypatch, usd=None, saved_usd=None)
    assert not {"CostUsd", "SavedUsd"} & set(line)


def test_a_restart_from_zero_is_told_where_the_alarm_looks(capsys):
    measures.restarted_from_zero("vision")
    line = json.loads(capsys.readouterr().out)
    assert (line["team"], line["RestartedFromZero"]) == ("vision", [1.0])
