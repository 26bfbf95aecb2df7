"""The index of runs: lines small and safe, months, and which run is the last of a name."""

import json
import math
from pathlib import Path

import pytest
from boto3.dynamodb.types import TypeSerializer

from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime import run_index
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers.store import _decimals

CORPUS = json.loads((Path(__file__).parent / "data" / "hostile.json").read_text(encoding="utf-8"))


def report(run="vision-0000000001", name="digits", started="2026-11-21T04:00:00.000Z", minutes=30, **changes):
    item = records.new(Run(run, "vision", name), f"arn:aws:states:eu-west-1:1:execution:m:{run}", started, started)
    ended = f"{started[:14]}{minutes:02}:00.000Z"
    record = {**item, "status": "SUCCEEDED", "ended_at": ended, **changes}
    return reports.build(record, reports.Sources({"name": name}))


def test_a_line_says_what_the_table_shows():
    found = run_index.line(report(metrics={"f1": 0.9}, diagnosis={"label": "stopped_by_user", "remedy": "x"}))
    assert found == {
        "run": "vision-0000000001",
        "name": "digits",
        "status": "SUCCEEDED",
        "started_at": "2026-11-21T04:00:00.000Z",
        "ended_at": "2026-11-21T04:30:00.000Z",
        "seconds": 1800.0,
        "cost_usd": None,
        "saved_usd": None,
        "goodput": None,
        "headline": {"name": "f1", "value": 0.9},
        "interruptions": 0,
        "attempts": 0,
        "instance_type": None,
        "diagnosis": "stopped_by_user",
        "findings": 0,
    }


def test_the_cost_of_kept_machines_is_part_of_a_lines_cost():
    made = report()
    made["cost"] |= {"usd": 1.5, "pool_usd": 0.5}
    assert run_index.line(made)["cost_usd"] == 2.0


@pytest.mark.parametrize("text", CORPUS)
def test_any_text_makes_a_line_that_dynamodb_takes(text):
    made = report(name=text, metrics={text: 1e300}, diagnosis={"label": text})
    made["headline"] = {"name": text * 50, "value": 1e300, "previous": None, "change": None}
    found = run_index.line(made)
    TypeSerializer().serialize(_decimals(found))
    encoded = json.dumps(found, ensure_ascii=False).encode()
    assert len(encoded) < 2000
    key = run_index.name_key(text)
    assert 0 < len(key.encode()) < 2048
    assert ":" in key


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, -1e300, 1e-300])
def test_a_number_that_dynamodb_does_not_take_is_left_out(value):
    made = report()
    made["headline"] = {"name": "f1", "value": value, "previous": None, "change": None}
    assert run_index.line(made)["headline"]["value"] in (None, 0)


def test_two_names_never_share_a_key():
    names = ["a", "A", "a:b", "sha256:x", "x" * 400, "x" * 401, "é", "\ud800", "?"]
    keys = {name: run_index.name_key(name) for name in names}
    assert len(set(keys.values())) == len(names) - 1, "what no encoding takes is a question mark, as records have it"
    assert keys["\ud800"] == keys["?"]


def test_twelve_months_back():
    months = run_index.months("2026-02-21T04:00:00Z")
    assert months[:3] == ["2026-02", "2026-01", "2025-12"]
    assert (months[-1], len(set(months))) == ("2025-03", 12)


def test_a_month_goes_on_in_another_item():
    assert [run_index.key("2026-11", page) for page in (1, 2, 10)] == [
        "index:2026-11",
        "index:2026-11:2",
        "index:2026-11:10",
    ]
    line = run_index.line(report())
    full = {"run": "index:2026-11", "count": run_index.LINES, "lines": {}}
    assert run_index.set_line(full, line) is None
    assert run_index.set_line({**full, "lines": {line["run"]: {}}}, line) is not None


def test_the_newest_runs_come_first_and_no_run_twice():
    lines = [run_index.line(report(f"vision-{n:010}", started=f"2026-11-{n:02}T04:00:00.000Z")) for n in (1, 3, 2)]
    items = [{"lines": {each["run"]: each for each in lines}}, {"lines": {lines[0]["run"]: lines[0]}}]
    assert [each["run"][-1] for each in run_index.newest(items)] == ["3", "2", "1"]
    many = {str(n): {**lines[0], "run": str(n)} for n in range(run_index.SHOWN + 5)}
    assert len(run_index.newest([{"lines": many}])) == run_index.SHOWN


# --- the last run of a name ---


def known(*told):
    """The item of a name after these reports, one after another."""
    item = None
    for each in told:
        call = run_index.remembered(item, each)
        if call:
            values = call["ExpressionAttributeValues"]
            item = {"run": call["Key"]["run"], "runs": values[":runs"], "version": values[":after"]}
    return item


def ending(run, minutes, **more):
    return report(f"vision-{run:010}", minutes=minutes, **more)


def last_before(item, minutes, run=9):
    return run_index.previous(item, ending(run, minutes))


def test_the_last_run_is_the_one_that_ended_last_before_this_one():
    item = known(ending(1, 10), ending(2, 30), ending(3, 20))
    assert last_before(item, 40) == "vision-0000000002"
    assert last_before(item, 25) == "vision-0000000003", "not one that ended after it"
    assert last_before(item, 10) is None
    assert last_before(None, 40) is None


def test_a_run_is_never_its_own_predecessor():
    item = known(ending(1, 10), ending(2, 30))
    assert last_before(item, 50, run=2) == "vision-0000000001", "after a redrive it ended later than it did"
    redriven = known(ending(1, 10), ending(2, 30), ending(2, 50))
    assert [each["ended_at"][14:16] for each in redriven["runs"]] == ["10", "50"], "one entry a run"
    assert last_before(redriven, 50, run=2) == "vision-0000000001"


def test_a_run_that_was_refused_is_nobodys_predecessor():
    item = known(ending(1, 10), ending(2, 30, status="REFUSED"))
    assert last_before(item, 40) == "vision-0000000001"


def test_what_is_known_is_not_written_again_and_a_few_are_enough():
    item = known(ending(1, 10))
    assert run_index.remembered(item, ending(1, 10)) is None
    assert run_index.remembered(None, report(name=None)) is None
    item = known(*(ending(run, run) for run in range(1, run_index.NAMED + 5)))
    assert len(item["runs"]) == run_index.NAMED
    assert last_before(item, 59) == f"vision-{run_index.NAMED + 4:010}"
