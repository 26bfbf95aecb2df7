"""Durations, sizes and scalar texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.units import parse_duration, parse_size_gb, scalar_text, spell_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("6h", 21600), ("2d", 172800), ("1h30m", 5400), ("1.5h", 5400), ("1 h 30 m", 5400)],
)
def test_durations_with_a_unit_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "h", "-1h", "1w", "1:30", "0.1s", "١h", "6H", "1h;", "1e3s"])
def test_what_has_no_clear_unit_is_no_duration(text):
    assert parse_duration(text) is None


@given(st.integers(min_value=1, max_value=30 * 86_400))
def test_a_spelled_duration_reads_back(seconds):
    assert parse_duration(spell_duration(seconds)) == seconds


@given(st.text(max_size=30))
def test_no_text_makes_the_readers_raise(text):
    assert parse_duration(text) is None or parse_duration(text) >= 0
    assert parse_size_gb(text) is None or parse_size_gb(text) >= 0


@pytest.mark.parametrize(("text", "size"), [("30 GB", 30), ("30GB", 30), ("1 TB", 1024), ("1.5 TB", 1536)])
def test_sizes_with_a_unit_are_read(text, size):
    assert parse_size_gb(text) == size


@pytest.mark.parametrize("text", ["30", "30 gb", "30 GiB", "0.5 GB", "GB", "-3 GB"])
def test_what_is_no_whole_size_is_refused(text):
    assert parse_size_gb(text) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (0.1, "0.1"),
        (2.0, "2"),
        (3e-05, "3e-5"),
        (1e22, "1e22"),
        (-0.5, "-0.5"),
        (True, "true"),
        (False, "false"),
        ("0.10", "0.10"),
        ("", ""),
    ],
)
def test_scalars_take_their_shortest_spelling(value, text):
    assert scalar_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_keeps_its_value_through_text_and_json(value):
    assert float(scalar_text(value)) == float(value) if abs(value) < 1e300 else True
    assert scalar_text(json.loads(json.dumps(value))) == scalar_text(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        scalar_text(value)
