"""The proof of resume: what the progress file says about where each process of a run began."""

from datetime import UTC, datetime, timedelta

import pytest

from trainwright_runtime.progress import Began, Progress, began

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def progress(*starts, step=None):
    last = starts[-1] if starts else (None, step)
    return Progress(last[1], 12, last[0], tuple(Began(*each) for each in starts))


@pytest.mark.parametrize(
    ("said", "checkpoint_step", "earlier", "from_zero"),
    [
        pytest.param(progress((None, 6)), None, 0, False, id="the first process begins at nothing"),
        pytest.param(progress((None, 6), (6, 12)), None, 0, False, id="interrupted, and went on"),
        pytest.param(progress((None, 6), (None, 12)), None, 0, True, id="interrupted, and began again"),
        pytest.param(progress((None, 6), (0, 12)), None, 0, True, id="step 0 is nothing"),
        pytest.param(progress((None, 6), (6, 12)), 6, 1, False, id="the second attempt went on"),
        pytest.param(progress((None, 6), (None, 3)), 6, 1, True, id="the second attempt began again"),
        pytest.param(progress((None, 3)), 6, 1, True, id="the second attempt found no file at all"),
        pytest.param(progress((None, 6), (None, 9), (9, 12)), 9, 2, False, id="an earlier attempt's fault is its own"),
        pytest.param(Progress(12, 12, 6), 6, 0, False, id="a script without a list went on"),
        pytest.param(Progress(3, 12, None), 6, 0, True, id="a script without a list began again"),
        pytest.param(Progress(3, 12, None), None, 0, False, id="nothing was there to go on from"),
        pytest.param(Progress(), 6, 1, False, id="a script that says nothing is not accused"),
    ],
)
def test_a_start_from_zero_is_told_from_a_resume(said, checkpoint_step, earlier, from_zero):
    assert said.restarted_from_zero(checkpoint_step, earlier) is from_zero


@pytest.mark.parametrize("data", [None, [], "x", {"step": "3", "total": True, "resumed_from": 1.5, "starts": [1, "x"]}])
def test_a_file_of_another_form_says_nothing(data):
    assert Progress.from_data(data) == Progress()


def test_the_list_of_processes_is_read():
    data = {"step": 7, "total": 12, "resumed_from": 5, "starts": [{"resumed_from": None, "step": 5}, {"step": 7}]}
    assert Progress.from_data(data).starts == (Began(None, 5), Began(None, 7))


def test_the_times_of_a_process_are_read():
    times = {"began_at": 1.0, "ready_at": 2, "saved_at": 3.00049, "checkpoint_seconds": 0.5}
    read = Progress.from_data({"starts": [{"resumed_from": 5, "step": 7, **times}]}).starts[0]
    assert read == Began(5, 7, 1.0, 2.0, 3.0, 0.5)
    assert began(read.to_dict()) == read


HOSTILE = [float("nan"), float("inf"), -1, 1e300, 10**400, "1", True, [], {}, None]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_time_and_no_step_is_not_there(value):
    names = ("resumed_from", "step", "began_at", "ready_at", "saved_at", "checkpoint_seconds")
    assert Progress.from_data({"starts": [dict.fromkeys(names, value)]}).starts == (Began(None, None),)
    assert Progress.from_data({"step": value}).step is None


@pytest.mark.parametrize(("seconds", "own"), [(-1, False), (0, True), (0.9, True), (60, True)])
def test_a_file_from_before_the_attempt_is_not_the_attempts(seconds, own):
    asked_for = NOON + timedelta(microseconds=900_000)
    written = (NOON + timedelta(seconds=seconds)).replace(microsecond=0)
    assert Progress(3, written_at=written).written_since(asked_for) is own
