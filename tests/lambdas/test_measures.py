"""The metrics of a run: lines in the embedded metric format, found by the team alone, each value said once."""

import json

import pytest
from team_in_memory import ARN, COMPLETED, FAILED, assess_event, prepare_event

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers import measures
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.report import report

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
POLICY = "/trainwright/teams/vision/policy"


@pytest.fixture(autouse=True)
def as_a_function(monkeypatch):
    """Powertools would make the function's name a second dimension."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "report")


def ended(team, *states):
    step = prepare(prepare_event(), team.store, team.services, team.environment)
    for number, each in enumerate(states, 1):
        team.sagemaker.has(f"{RUN}-{number}", each)
        assess(assess_event(step["run"], attempt=number), team.store, team.services, team.environment)
    return Run.from_dict(step["run"])


def said(capsys):
    """What was written since the last look, a metric's values by its name."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    found = {}
    for line in lines:
        [about] = line["_aws"]["CloudWatchMetrics"]
        assert (about["Namespace"], about["Dimensions"], line["team"]) == ("Trainwright", [["team"]], "vision")
        for metric in about["Metrics"]:
            found.setdefault(metric["Name"], []).extend(line[metric["Name"]])
    return found


def test_a_run_says_what_it_took_under_its_teams_name_alone(team, capsys):
    run = ended(team, COMPLETED)
    report(run, team.store, team.services, team.environment)
    found = said(capsys)
    assert (found["SucceededCount"], found["FailedCount"], found["AttemptCount"]) == ([1.0], [0.0], [1.0])
    assert found["CostUsd"][0] > 0


def test_units_are_the_tables(team, capsys):
    report(ended(team, COMPLETED), team.store, team.services, team.environment)
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    units = {metric["Name"]: metric["Unit"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert (units["SucceededCount"], units["QueueSeconds"], units["CostUsd"]) == ("Count", "Seconds", "None")


def test_a_repeated_report_says_nothing(team, capsys):
    run = ended(team, FAILED)
    report(run, team.store, team.services, team.environment)
    assert said(capsys)["FailedCount"] == [1.0]
    report(run, team.store, team.services, team.environment)
    assert said(capsys) == {}


def test_one_of_two_at_once_says_it(team, capsys):
    """The second has read the record before the first wrote what it said."""
    run = ended(team, COMPLETED)
    report(run, team.store, team.services, team.environment)
    written, record = team.document(RUN, "report.json"), team.store.existing(RUN)
    said(capsys)
    stale = {key: value for key, value in record.items() if key != "measured"}
    measures.emit(written, stale, team.store)
    assert said(capsys) == {}


def test_a_cost_that_is_known_later_is_added(team, capsys):
    run = ended(team, COMPLETED)
    report(run, team.store, team.services, team.environment)
    written = team.document(RUN, "report.json")
    before = said(capsys)["CostUsd"][0]
    dearer = {**written, "cost": {**written["cost"], "usd": before + 0.25}}
    for _ in range(2):
        measures.emit(dearer, team.store.existing(RUN), team.store)
    assert said(capsys) == {"CostUsd": [pytest.approx(0.25)]}


def test_a_team_with_a_month_says_how_much_of_it_is_used(team, capsys):
    team.parameter(POLICY, json.dumps({"team": "vision", "budget": {"monthly_usd": 0.01}}))
    run = ended(team)
    report(run, team.store, team.services, team.environment)
    assert "BudgetUsedPercent" not in said(capsys)  # refused: nothing was set aside, there is no money of the run

    team.parameter(POLICY, json.dumps({"team": "vision", "budget": {"monthly_usd": 10.0}}))
    arn = f"{ARN}-again"
    step = prepare(prepare_event(arn=arn), team.store, team.services, team.environment)
    run = Run.from_dict(step["run"])
    team.sagemaker.has(f"{run.id}-1", COMPLETED)
    assess(assess_event(step["run"]), team.store, team.services, team.environment)
    report(run, team.store, team.services, team.environment)
    cost = team.document(run.id, "report.json")["cost"]["usd"]
    assert said(capsys)["BudgetUsedPercent"] == [pytest.approx(cost / 10 * 100)]


def test_a_team_without_a_month_has_no_share_of_it(team, capsys):
    report(ended(team, COMPLETED), team.store, team.services, team.environment)
    assert "BudgetUsedPercent" not in said(capsys)


def test_a_restart_from_zero_is_told_where_the_alarm_looks(capsys):
    measures.restarted_from_zero("vision")
    assert said(capsys) == {"RestartedFromZero": [1.0]}


def test_what_was_said_stays_with_the_record(team):
    run = ended(team, COMPLETED)
    report(run, team.store, team.services, team.environment)
    kept = team.store.existing(RUN)["measured"]
    assert (kept["version"], kept["redrive"], kept["said"]["SucceededCount"]) == (1, 0, 1)
    assert team.store.update(records.put_measured(RUN, kept)) is None, "a version is written once"
