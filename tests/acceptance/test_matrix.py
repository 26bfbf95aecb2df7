"""Every row of docs/states.md on the deployed state machine, on the clock that jumps: see matrix/rooms.py."""

import importlib.util
import re
import sys
from itertools import takewhile
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "matrix"


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"matrix_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page, rooms = loaded("page"), loaded("rooms")
ROWS = {row.name: row for row in page.rows()}
CASES = {case.row: case for case in rooms.cases()}
every_row = pytest.mark.parametrize("row", ROWS)
pytestmark = pytest.mark.timeout(900)  # the first test of a row waits for the account that the row is run in


@pytest.fixture(scope="module")
def house(request, tmp_path_factory):
    """Accounts for the rows that are asked for in this session."""
    params = (getattr(item, "callspec", None) for item in request.session.items if item.module is request.module)
    wanted = {known.params["row"] for known in params if known}
    cases = [case for case in CASES.values() if case.row in wanted]
    with rooms.House(tmp_path_factory.mktemp("matrix"), cases) as opened:
        yield opened


@pytest.fixture
def result(house, row):
    return house.result(row)


@every_row
def test_each_of_its_faults_has_struck(row, result):
    assert result.idle == []


@every_row
def test_it_ends_as_the_page_says(row, result):
    said, diagnosis = ROWS[row], result.record["diagnosis"]
    assert result.record["status"] == said.status
    assert result.execution["status"] == CASES[row].execution
    assert (diagnosis or {}).get("label") == said.label, diagnosis
    assert (diagnosis or {}).get("fault") == said.fault
    assert (diagnosis or {}).get("summary") == said.sentence


@every_row
def test_it_makes_the_starts_that_it_should(row, result):
    made = [told(attempt) for attempt in result.rows]
    fewest, most = ROWS[row].starts
    assert fewest <= len(made) <= most
    for start, (least, longest) in wanted(CASES[row]):
        count = len(list(takewhile(lambda each, like=start: each == like, made)))
        assert least <= count <= longest, (start, made)
        del made[:count]
    assert not made


def told(attempt):
    """A start in the words of cases.yaml."""
    return {
        attempt["capacity"]: attempt["instance_type"],
        "ends": attempt["outcome"],
        "from": attempt["resumed_from_step"],
        "redrive": attempt["redrive"],
        "gb": attempt["volume_gb"],
    }


def wanted(case):
    """Each kind of start in its order, with the fewest and the most of them."""
    usual = {"from": None, "redrive": 0, "gb": 30}
    for start in case.starts:
        times = start.get("times", 1)
        words = {name: value for name, value in start.items() if name != "times"}
        yield {**usual, **words}, (times if isinstance(times, list) else [times, times])


@every_row
def test_no_name_is_used_twice(row, result):
    names = [attempt["job_name"] for attempt in result.rows]
    assert len(set(names)) == len(names)
    for number, (name, attempt) in enumerate(zip(names, result.rows, strict=True), start=1):
        assert attempt["number"] == number
        again = f"r{attempt['redrive']}" if attempt["redrive"] else ""
        assert name == f"{result.run}-{number}{again}"
    assert re.fullmatch(rf"{CASES[row].team}-[0-9a-f]{{10}}", result.run)


@every_row
def test_every_start_has_the_same_checkpoints(row, result):
    own = [job for job in result.jobs if is_own(job, result)]
    prefixes = {job["CheckpointConfig"]["S3Uri"] for job in own}
    assert len(prefixes) == (1 if own else 0)
    assert all(prefix.endswith(f"/runs/{result.run}/") for prefix in prefixes)


@every_row
def test_it_costs_what_its_jobs_cost(row, result):
    prices = CASES[row].faults["instance_types"]
    for attempt in result.rows:
        jobs = [job for job in result.jobs if job["TrainingJobName"] == attempt["job_name"] and is_own(job, result)]
        cost = sum(usd(job, prices) for job in jobs)
        assert attempt["cost_usd"] == pytest.approx(cost, abs=1e-5), attempt["job_name"]


@every_row
def test_its_time_is_accounted_for(row, result):
    goodput = result.report["goodput"]
    parts = goodput["parts"]
    assert all(seconds >= 0 for seconds in parts.values())
    assert sum(parts.values()) == pytest.approx(goodput["whole_seconds"], abs=1)
    trained = sum(attempt["training_seconds"] or 0 for attempt in result.rows)
    assert parts["productive"] + parts["lost_work"] + parts["checkpoints"] <= trained + len(result.rows)
    # a job that began at step 0 again threw away the five minutes before it
    assert (parts["lost_work"] >= 290) == CASES[row].from_zero
    waited = sum(attempt["then_wait_seconds"] for attempt in result.rows)
    assert parts["waiting"] >= min(waited, goodput["whole_seconds"]) - 1


@every_row
def test_it_keeps_to_its_cap(row, result):
    """To the second: only the time that a stopped job takes to save and end (`stop_seconds`) comes on top."""
    cap = CASES[row].request.get("limits", {}).get("max_cost_usd")
    if cap is not None:
        dearest = max(known["price"] for known in CASES[row].faults["instance_types"].values())
        assert sum(attempt["cost_usd"] for attempt in result.rows) <= cap + dearest / 3600 + 1e-5


def usd(job, prices):
    resources = job["ResourceConfig"]
    hourly = prices[resources["InstanceType"]]["price"] * resources["InstanceCount"]
    return hourly * job.get("BillableTimeInSeconds", 0) / 3600


def is_own(job, result):
    """Whether the run made it: a job that only has its name has not its checkpoints."""
    return result.run in job.get("CheckpointConfig", {}).get("S3Uri", "")


@every_row
def test_it_leaves_nothing_running_and_nothing_reserved(row, result):
    alive = [job["TrainingJobName"] for job in result.jobs if job["TrainingJobStatus"] in rooms.ALIVE]
    assert not alive
    assert result.run not in result.month, "its share of the month's money is still set aside"
    assert result.report["status"] == result.record["status"]


@every_row
def test_it_keeps_no_machines(row, result):
    pools = [job["WarmPoolStatus"] for job in result.jobs if "WarmPoolStatus" in job]
    longest = CASES[row].pool_kept_seconds
    assert bool(pools) is (longest is not None)
    for pool in pools:
        assert pool["Status"] == "Terminated"
        assert pool["ResourceRetainedBillableTimeInSeconds"] <= longest, "its own time ended it"


@every_row
def test_it_says_where_a_start_began_at_step_0_although_there_was_a_checkpoint(row, result):
    from_zero = [attempt["number"] for attempt in result.rows if attempt["restarted_from_zero"]]
    assert bool(from_zero) is CASES[row].from_zero
    assert result.report["restarted_from_zero"] is CASES[row].from_zero
    assert [each["attempt"] for each in result.report["resume"] if each["from_zero"]] == from_zero
    assert ("RestartedFromZero" in result.alarms) is CASES[row].from_zero
