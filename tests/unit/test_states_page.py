"""docs/states.md, its cases and its faults files: each row of the page is run, and nothing is run that is no row."""

import importlib.util
import sys
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from trainwright.rehearsal.faults import parse_faults
from trainwright_runtime.outcome import Outcome

MATRIX = Path(__file__).parents[1] / "acceptance" / "matrix"


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"states_page_{name}", MATRIX / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page, rooms = loaded("page"), loaded("rooms")
ROWS, CASES = page.rows(), rooms.cases()


def test_every_row_of_the_page_has_a_case_and_a_faults_file_and_nothing_else_has():
    names = sorted(row.name for row in ROWS)
    assert names == sorted(case.row for case in CASES)
    files = {file.stem for file in MATRIX.glob("*.yaml")} - {"cases"}
    assert names == sorted(files)


def test_every_outcome_is_explained_on_the_page():
    lines = page.PAGE.read_text(encoding="utf-8").splitlines()
    for outcome in Outcome:
        (line,) = [line for line in lines if line.startswith(f"| `{outcome.label}` |")]
        _, fault, sentence, *_ = (cell.strip() for cell in line.strip("| ").split(" | "))
        assert (fault, sentence) == (outcome.fault.value, outcome.sentence)


def test_every_outcome_is_met_by_a_row():
    met = {start["ends"] for case in CASES for start in case.starts}
    assert {outcome.label for outcome in Outcome if not outcome.alive} - met == set()


def test_rows_that_share_an_account_are_told_apart_by_their_instance_types():
    """A row of an account of its own may have faults that name no type; its neighbours there have the very same."""
    (most, _), *_ = Counter(case.room for case in CASES).most_common()
    shared = [case for case in CASES if case.room == most]
    types = [kind for case in shared for kind in case.faults["instance_types"]]
    assert len(types) == len(set(types)) > 30
    for case in shared:
        own = set(case.faults["instance_types"])
        for entry in [*chain.from_iterable(rooms.lists(case.faults)), *case.faults["fake_jobs"].get("others", [])]:
            named = entry["instance_types"]
            assert {named} if isinstance(named, str) else set(named) <= own


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
def test_a_faults_file_can_be_used_as_it_is(case):
    parse_faults(case.faults)
    assert case.faults["clock"] == rooms.COMMON["clock"]
    assert case.faults["fake_jobs"].items() >= rooms.COMMON["fake_jobs"].items()
