"""Where a report's curves come from: the script's file, else CloudWatch, else nowhere."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from team_in_memory import client_error

from trainwright_runtime.handlers import curves_look

RUN = "vision-0123456789"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
JOB = {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "x"}, {"Name": "odd", "Regex": "x"}]}}


def row(number, **changes):
    return {
        "number": number,
        "job_name": f"{RUN}-{number}",
        "job_arn": "arn",
        "started_at": BEGAN.isoformat(),
        "ended_at": (BEGAN + timedelta(minutes=8)).isoformat(),
        **changes,
    }


def record(*rows):
    return {"run": RUN, "attempts": {str(each["number"]): each for each in rows}}


class Metrics:
    """CloudWatch with values of two jobs, in pages."""

    def __init__(self):
        self.asked = []

    def get_metric_data(self, **asked):
        self.asked.append(asked)
        minute = int(asked.get("NextToken", "0"))
        known = [each for each in asked["MetricDataQueries"] if each["MetricStat"]["Metric"]["MetricName"] == "loss"]
        when = [BEGAN + timedelta(minutes=minute)]
        found = [{"Id": each["Id"], "Timestamps": when, "Values": [float(minute)]} for each in known]
        return {"MetricDataResults": found, **({"NextToken": str(minute + 1)} if minute < 2 else {})}


@pytest.fixture
def metrics(team):
    found = team.services.__dict__["cloudwatch"] = Metrics()
    return found


def write(team, content, key="metrics.jsonl"):
    team.services.s3.put_object(Bucket="the-checkpoints", Key=f"runs/{RUN}/{key}", Body=content)


def look(team, *rows):
    return curves_look.look(record(*rows), team.store, team.services)


def test_the_scripts_file_is_asked_first(team, metrics):
    write(team, json.dumps({"step": 1, "time": 1.0, "values": {"loss": 0.5}}).encode() + b"\n")
    assert look(team, row(1))["points"] == {"loss": [[1, 0.5]]}
    assert metrics.asked == []


def test_of_a_long_file_the_end_is_read(team, monkeypatch):
    monkeypatch.setattr("trainwright_runtime.handlers.store.METRICS_LIMIT", 1000)
    lines = [json.dumps({"step": step, "time": 1.0, "values": {"loss": 1}}).encode() + b"\n" for step in range(1000)]
    write(team, b"".join(lines))
    points = look(team)["points"]["loss"]
    assert points[-1] == [999, 1.0]
    assert 10 < len(points) < 25


def test_an_empty_file_is_none(team):
    write(team, b"")
    assert look(team, row(1)) is None


def test_without_a_file_cloudwatch_says_it_by_time(team, metrics):
    team.store.put_document(RUN, "attempts/2.json", JOB)
    found = look(team, row(1), row(2), row(3, job_arn=None, started_at=None, ended_at=None))
    assert (found["axis"], found["names"]) == ("time", ["loss"])
    moments = [(BEGAN + timedelta(minutes=minute)).timestamp() for minute in (0, 0, 1, 1, 2, 2)]
    assert found["points"]["loss"] == [[moment, float(place // 2)] for place, moment in enumerate(moments)]
    first = metrics.asked[0]
    assert {each["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for each in first["MetricDataQueries"]} == {
        f"{RUN}-1",
        f"{RUN}-2",
    }
    assert {each["MetricStat"]["Period"] for each in first["MetricDataQueries"]} == {60}
    assert first["StartTime"] < BEGAN < first["EndTime"]


def test_a_long_or_old_run_is_asked_for_in_longer_periods(team, metrics):
    team.store.put_document(RUN, "attempts/1.json", JOB)
    days = [(1, 2), (30, 30.1)]
    for began, ended in days:
        moments = [(datetime.now(UTC) - timedelta(days=ago)).isoformat() for ago in (ended, began)]
        look(team, row(1, started_at=moments[0], ended_at=moments[1]))
    periods = [
        each["MetricDataQueries"][0]["MetricStat"]["Period"] for each in metrics.asked if "NextToken" not in each
    ]
    assert periods == [120, 300]


def test_a_job_without_definitions_is_not_asked_about(team, metrics):
    team.store.put_document(RUN, "attempts/1.json", {"AlgorithmSpecification": {}})
    assert look(team, row(1)) is None
    assert metrics.asked == []


def test_what_cannot_be_read_costs_the_curves_only(team, metrics, monkeypatch):
    def denied(**_):
        raise client_error("AccessDenied", "no", "GetMetricData")

    team.store.put_document(RUN, "attempts/1.json", JOB)
    monkeypatch.setattr(metrics, "get_metric_data", denied)
    assert look(team, row(1)) is None
