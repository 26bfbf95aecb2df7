"""Goodput: the run's time split into parts that sum to the whole, whatever SageMaker and the script said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime.report.goodput import PARTS, goodput

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds):
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(seconds):
    return NOON.timestamp() + seconds


def process(began, ready, saved, *, resumed=None, step=None, spent=0.0):
    return {
        "resumed_from": resumed,
        "step": step,
        "began_at": epoch(began),
        "ready_at": epoch(ready),
        "saved_at": epoch(saved),
        "checkpoint_seconds": spent,
    }


def statuses(*pairs, end=None):
    """Transitions from (status, second) pairs, each until the next."""
    ends = [*(second for _, second in pairs[1:]), end]
    return [
        {"status": status, "start": at(second), "end": None if until is None else at(until), "message": "m"}
        for (status, second), until in zip(pairs, ends, strict=True)
    ]


def attempt(number, begin=None, end=None, transitions=(), starts=(), **more):
    return {
        "number": number,
        "redrive": 0,
        "started_at": None if begin is None else at(begin),
        "ended_at": None if end is None else at(end),
        "then_wait_seconds": 0,
        "transitions": list(transitions),
        "starts": list(starts),
        "has_checkpoints": True,
        **more,
    }


def parts(rows, end, start=0):
    found = goodput(rows, at(start), at(end))
    assert sum(found["parts"].values()) == pytest.approx(found["whole_seconds"], abs=0.01)
    return {name: round(value, 1) for name, value in found["parts"].items() if value}, found


WHOLE = statuses(("Starting", 10), ("Downloading", 70), ("Training", 100), ("Uploading", 400), ("Completed", 430))


def test_a_run_of_one_job_has_each_of_its_statuses():
    rows = [attempt(1, 10, 430, WHOLE, [process(101, 120, 395, step=12, spent=15)])]
    found, whole = parts(rows, 440)
    assert found == {
        "start_up": 10 + 60 + 20 + 10,  # Prepare, Starting, until the script was ready, Report
        "download": 30,
        "productive": 265,
        "checkpoints": 15,
        "upload": 30,
    }
    assert (whole["share"], whole["notes"]) == (round(265 / 440, 4), [])


def test_an_old_image_says_nothing_of_its_work_and_a_note_says_so():
    found, whole = parts([attempt(1, 10, 430, WHOLE)], 440)
    assert found == {"start_up": 80, "download": 30, "productive": 300, "upload": 30}
    assert whole["notes"] == [
        "Attempt 1: it is not known when the script's work began and when it was saved (trainkit's Progress says it), "
        "so that what cannot be told apart counts as productive."
    ]


def interrupted(*starts, **more):
    passed = statuses(
        ("Starting", 0),
        ("Training", 100),
        ("Interrupted", 200),
        ("Starting", 230),
        ("Downloading", 240),
        ("Training", 250),
        ("Completed", 400),
    )
    return attempt(1, 0, 400, passed, starts, **more)


def test_an_interruption_loses_what_came_after_the_checkpoint_that_the_next_start_went_on_from():
    row = interrupted(process(101, 110, 180, step=6, spent=5), process(251, 255, 390, resumed=6, step=12))
    found, whole = parts([row], 400)
    assert found == {
        "start_up": 100 + 10 + 10 + 5,
        "waiting": 30,
        "download": 10,
        "lost_work": 20,
        "checkpoints": 5,
        "productive": 65 + 145,
    }
    assert whole["notes"] == []


def test_a_start_from_zero_loses_all_work_before_it():
    first = attempt(1, 0, 100, statuses(("Training", 0), ("Failed", 100)), [process(0, 10, 90, step=9)])
    second = attempt(
        2, 100, 200, statuses(("Training", 100), ("Failed", 200)), [process(100, 110, 190, resumed=9, step=18)]
    )
    third = attempt(3, 200, 300, statuses(("Training", 200), ("Completed", 300)), [process(200, 210, 290, step=12)])
    found, _ = parts([first, second, third], 300)
    assert found == {"start_up": 30, "lost_work": 180, "productive": 90}


def test_a_checkpoint_that_the_next_start_did_not_find_is_lost_too():
    row = interrupted(process(101, 110, 190, step=8), process(251, 251, 390, resumed=4, step=12))
    found, whole = parts([row], 400)
    assert found["lost_work"] == 50, "half of the 80 seconds before its last checkpoint, and the 10 after it"
    assert whole["notes"] == [
        "Attempt 1: the next start went on from an earlier step than the last one saved; when that step was reached is "
        "estimated."
    ]


def test_a_process_that_ended_before_its_first_checkpoint_lost_all_of_it():
    row = interrupted(process(251, 255, 390, step=12))
    assert parts([row], 400)[0]["lost_work"] == 100
    never = attempt(1, 0, 100, statuses(("Training", 0), ("Failed", 100)))
    later = attempt(2, 100, 200, statuses(("Training", 100), ("Completed", 200)), [process(100, 100, 190, step=12)])
    assert parts([never, later], 200)[0] == {"lost_work": 100, "productive": 100}


def test_a_job_without_checkpoints_loses_everything_to_the_next_one():
    rows = [
        attempt(1, 0, 100, statuses(("Training", 0), ("Failed", 100)), has_checkpoints=False),
        attempt(2, 100, 300, statuses(("Training", 100), ("Completed", 300)), has_checkpoints=False),
    ]
    found, whole = parts(rows, 300)
    assert (found, whole["notes"]) == ({"lost_work": 100, "productive": 200}, [])


def test_the_last_start_loses_nothing_to_a_next_one():
    row = attempt(1, 0, 100, statuses(("Training", 0), ("Stopped", 100)), [process(0, 0, 50, step=5)])
    assert parts([row], 100)[0] == {"productive": 100}


def test_waits_that_were_decided_are_waiting_and_the_rest_between_jobs_is_overhead():
    rows = [
        attempt(1, then_wait_seconds=60),
        attempt(2, then_wait_seconds=120),
        attempt(3, 200, 300, statuses(("Training", 200), ("Failed", 300)), [process(200, 200, 300, step=3)], **WAITS),
        attempt(4, 350, 400, statuses(("Training", 350), ("Completed", 400)), [process(350, 350, 400, resumed=3)]),
    ]
    assert parts(rows, 405)[0] == {"waiting": 180 + 30, "start_up": 20 + 20 + 5, "productive": 150}


WAITS = {"then_wait_seconds": 30}


def test_a_run_that_was_stopped_while_it_waited():
    assert parts([attempt(1, then_wait_seconds=3600)], 100)[0] == {"waiting": 100}


def test_pending_and_the_wait_for_new_machines_are_waiting():
    passed = statuses(("Pending", 0), ("Starting", 300), ("Training", 310), ("Stopping", 350), ("Stopped", 360))
    assert parts([attempt(1, 0, 360, passed)], 360)[0] == {
        "waiting": 300,
        "start_up": 10,
        "productive": 40,
        "upload": 10,
    }


def test_a_warm_start_has_next_to_no_start():
    passed = statuses(("Starting", 2), ("Training", 3), ("Uploading", 60), ("Completed", 61))
    found, _ = parts([attempt(1, 2, 61, passed, [process(3, 4, 59, step=1)])], 62)
    assert found == {"start_up": 5, "productive": 56, "upload": 1}


def test_a_job_that_was_stopped_before_it_trained_uploads_nothing():
    passed = statuses(("Starting", 0), ("Stopping", 20), ("Stopped", 30))
    assert parts([attempt(1, 0, 30, passed)], 30)[0] == {"start_up": 30}


def test_days_between_an_end_and_its_redrive_are_waiting():
    day = 86_400
    rows = [
        attempt(1, 0, 100, statuses(("Training", 0), ("Failed", 100)), [process(0, 0, 100, step=5)]),
        attempt(2, 2 * day, 2 * day + 100, (), [], redrive=1),
    ]
    found, whole = parts(rows, 2 * day + 100)
    assert found["waiting"] == 2 * day - 100
    assert "Redrive 1: the time since the attempt before it counts as waiting." in whole["notes"]


def test_a_job_that_nobody_tells_of_counts_as_productive():
    found, whole = parts([attempt(1, 10, 110)], 120)
    assert found == {"start_up": 20, "productive": 100}
    assert whole["notes"] == [
        "Attempt 1: SageMaker does not say what the job's time went into; it counts as productive."
    ]


def test_a_job_that_is_still_alive_lasts_to_the_end():
    row = attempt(1, 10, None, statuses(("Starting", 10), ("Training", 50)))
    assert parts([row], 100)[0] == {"start_up": 50, "productive": 50}


def test_a_refused_run_spent_its_time_on_starting():
    found, whole = parts([], 3)
    assert (found, whole["share"]) == ({"start_up": 3}, None)


def test_a_run_without_a_start_or_an_end_has_none():
    assert goodput([], None, at(1)) is None
    assert goodput([], at(1), None) is None
    assert goodput([], at(1), "soon") is None
    assert goodput([], at(1), at(0)) is None


def test_a_run_of_no_length_has_no_share():
    assert goodput([attempt(1)], at(0), at(0))["share"] is None


def test_rows_of_an_earlier_version_are_read():
    row = attempt(1, 0, 100, statuses(("Training", 0), ("Completed", 100)))
    del row["starts"], row["has_checkpoints"]
    assert parts([row], 100)[0] == {"productive": 100}


def test_a_script_on_another_clock_is_placed_by_its_order():
    row = interrupted(process(90_000, 90_010, 90_090, step=6), process(91_000, 91_001, 91_002))
    found, whole = parts([row], 400)
    assert found["lost_work"] == 100, "the second one began at nothing"
    assert "not known" in whole["notes"][0]


def test_of_many_processes_the_first_are_not_taken_for_lost():
    """A row keeps the last twenty processes; those before may have told of themselves too."""
    passed = [pair for number in range(30) for pair in (("Training", number * 10), ("Interrupted", number * 10 + 9))]
    starts = [
        process(number * 10, number * 10, number * 10 + 9, resumed=number, step=number + 1) for number in range(10, 30)
    ]
    found, whole = parts([attempt(1, 0, 300, statuses(*passed, end=300), starts)], 300)
    assert found == {"productive": 270, "waiting": 30}
    assert "Attempt 1: it is not known" in whole["notes"][0]


def test_a_note_names_a_few_attempts():
    rows = [attempt(number, number, number + 1, statuses(("Training", number))) for number in range(1, 9)]
    assert parts(rows, 20)[1]["notes"][0].startswith("Attempts 1, 2, 3, 4, 5 and 3 more: ")


# --- whatever comes ---

moments = st.none() | st.integers(-5000, 5000).map(at) | st.sampled_from(["", "soon", "2026-11-21T12:00:05"])
numbers = st.none() | st.integers(-5000, 5000).map(epoch) | st.sampled_from([0.0, 1e11])
names = st.sampled_from(
    ["Starting", "Pending", "Downloading", "Training", "Interrupted", "Uploading", "Stopping", "Failed", "News", None]
)
transition = st.fixed_dictionaries({"status": names, "start": moments, "end": moments, "message": st.none()})
start = st.fixed_dictionaries(
    {
        "resumed_from": st.none() | st.integers(0, 9),
        "step": st.none() | st.integers(0, 9),
        "began_at": numbers,
        "ready_at": numbers,
        "saved_at": numbers,
        "checkpoint_seconds": st.none() | st.floats(0, 1e6),
    }
)
row = st.fixed_dictionaries(
    {
        "redrive": st.integers(0, 2),
        "started_at": moments,
        "ended_at": moments,
        "then_wait_seconds": st.integers(0, 5000),
        "transitions": st.lists(transition, max_size=6),
        "starts": st.none() | st.lists(start, max_size=4),
        "has_checkpoints": st.booleans(),
    }
)


@settings(max_examples=300)
@given(st.lists(row, max_size=5), st.integers(0, 6000))
def test_parts_are_never_negative_and_sum_to_the_whole(rows, length):
    rows = [{**row, "number": number} for number, row in enumerate(rows, 1)]
    found = goodput(rows, at(0), at(length))
    assert list(found["parts"]) == list(PARTS)
    assert all(value >= 0 for value in found["parts"].values())
    assert abs(sum(found["parts"].values()) - length) < 0.01
    assert found["whole_seconds"] == length
    assert found["share"] is None or 0 <= found["share"] <= 1
