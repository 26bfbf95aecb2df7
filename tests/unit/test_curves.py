"""Metrics over steps: read from whatever the script left, bounded, with their extremes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime import curves
from trainwright_runtime.report import Sources, charts


def line(step, time=1700000000.0, **values):
    return json.dumps({"step": step, "time": time, "values": values}).encode() + b"\n"


def test_curves_are_points_by_name_in_the_order_of_their_steps():
    content = line(2, loss=0.25) + line(1, loss=0.5) + line(2, accuracy=0.9)
    assert curves.of_lines(content) == {
        "axis": "step",
        "names": ["loss", "accuracy"],
        "left_out": 0,
        "points": {"loss": [[1, 0.5], [2, 0.25]], "accuracy": [[2, 0.9]]},
    }


def test_a_step_that_was_reported_twice_counts_as_it_was_last():
    assert curves.of_lines(line(1, loss=1) + line(1, loss=2))["points"] == {"loss": [[1, 2.0]]}


def test_no_line_is_no_curve():
    assert curves.of_lines(b"") is None
    assert curves.of_lines(line(1)) is None
    assert curves.last(None) == {}


HOSTILE = [
    b"{",
    b'{"step": 3, "time": 17',
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"[" * 100_000,
    b'{"step": true, "time": 1, "values": {"loss": 1}}',
    b'{"step": -1, "time": 1, "values": {"loss": 1}}',
    b'{"step": 1e3, "time": 1, "values": {"loss": 1}}',
    b'{"step": 99999999999999999999, "time": 1, "values": {"loss": 1}}',
    b'{"step": 1, "time": 1, "values": [1]}',
    b'{"step": 1, "time": 1, "values": {"loss": "1"}}',
    b'{"step": 1, "time": 1, "values": {"loss": NaN, "other": Infinity, "third": 1e999, "null": null}}',
    b'{"step": 1, "time": 1, "values": {"loss": 1' + b"0" * 400 + b"}}",
    b'{"time": 1, "values": {"loss": 1}}',
    b'{"step": 1}',
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: each[:40].decode("latin-1"))
def test_a_line_of_another_form_is_passed_over(hostile):
    content = line(1, good=1) + hostile + b"\n" + line(2, good=2)
    assert curves.of_lines(content)["points"] == {"good": [[1, 1.0], [2, 2.0]]}


@given(st.binary(max_size=300))
def test_no_bytes_break_it(content):
    curves.of_lines(content)
    curves.steps(content)


def test_many_names_and_long_ones_are_bounded():
    content = b"".join(line(1, **{f"{number:03}{'x' * 300}": 1.0}) for number in range(50))
    found = curves.of_lines(content)
    assert (len(found["names"]), found["left_out"]) == (curves.MOST_NAMES, 30)
    assert {len(name) for name in found["names"]} == {curves.LONGEST_NAME}


def test_a_long_curve_is_thinned_and_keeps_its_extremes_and_its_ends():
    values = {step: step % 7 for step in range(10_000)} | {0: 0.5, 9_999: 0.25, 1234: 77.0, 5678: -77.0}
    found = curves.of_lines(b"".join(line(step, loss=value) for step, value in values.items()))["points"]["loss"]
    assert 900 <= len(found) <= curves.MOST_POINTS
    assert [found[0], found[-1]] == [[0, 0.5], [9_999, 0.25]]
    assert [1234, 77.0] in found
    assert [5678, -77.0] in found
    assert found == sorted(found)


points = st.lists(st.tuples(st.integers(0, 10**6), st.floats(-1e9, 1e9)), max_size=200).map(sorted)


@given(points, st.integers(6, 50))
def test_thinning_keeps_peaks_and_the_last_value_whatever_comes(given_, most):
    found = curves.thinned(given_, most)
    assert len(found) <= max(most, 0)
    assert set(found) <= set(given_)
    if given_:
        assert found[0] == given_[0]
        assert found[-1] == given_[-1]
        for pick in (min, max):
            assert pick(value for _, value in found) == pick(value for _, value in given_)


def test_steps_say_when_each_was_reported():
    content = line(1, 10.5, loss=1) + line(2, 20, loss=1) + line(2, 21, accuracy=1) + line(3, "x", loss=1)
    assert curves.steps(content) == [(1, 10.5), (2, 21.0)]


def test_last_values_fill_in_what_sagemaker_did_not_read():
    found = curves.of_lines(line(1, loss=0.5, accuracy=0.8) + line(2, loss=0.25))
    assert curves.with_last({"accuracy": 0.9}, found) == {"accuracy": 0.9, "loss": 0.25}
    assert curves.with_last({"accuracy": 0.9}, None) == {"accuracy": 0.9}


def test_values_by_time_are_a_curve_too():
    assert curves.of_times({"loss": [(20.0, 2.0), (10.0, 1.0), (30.0, float("nan"))], "none": []}) == {
        "axis": "time",
        "names": ["loss"],
        "left_out": 0,
        "points": {"loss": [[10.0, 1.0], [20.0, 2.0]]},
    }


def test_charts_have_every_attempt_and_the_steps_that_were_gone_on_from():
    rows = {
        "1": {"number": 1, "starts": [{"resumed_from": None}, {"resumed_from": 6}]},
        "2": {"number": 2},
        "3": {"number": 3, "starts": [{"resumed_from": 9}]},
    }
    found = curves.of_lines(line(1, loss=0.5))
    series = {"start": 0, "step": 60, "hosts": {}}
    made = charts({"attempts": rows}, Sources(profiles={2: {"series": series}}, curves=found))
    assert made == {
        "schema": 1,
        "attempts": [{"number": 1, "series": None}, {"number": 2, "series": series}, {"number": 3, "series": None}],
        "curves": {**found, "resumes": [6, 9]},
    }
    assert charts({"attempts": {}}, Sources())["curves"] is None
