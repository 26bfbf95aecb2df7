"""Every command says what is wrong in one way: a line each, or JSON; and explains its codes."""

import json
from pathlib import Path

import pytest

from trainwright.cli.problems import Located, in_order, printable
from trainwright_runtime.problems import CATALOGUE, Edit, Problem

WRONG = """\
name: digits
compute:
  instace_type: ml.m5.large
  instance_count: 0
limits: {max_runtime: 30}
"""


@pytest.fixture
def wrong(here: Path) -> str:
    (here / "run.yaml").write_text(WRONG)
    return "run.yaml"


@pytest.mark.parametrize("command", ["render", "input"])
def test_a_line_each_in_order_of_place_then_how_many(invoke, wrong: str, command: str) -> None:
    done = invoke(command, wrong)
    assert done.exit_code == 2
    assert done.stdout == ""
    first, second, third, count = done.stderr.splitlines()
    assert first.startswith("run.yaml:3:3 TW102 compute.instace_type: unknown field; did you mean instance_type?")
    assert second.startswith("run.yaml:4:3 TW106 compute.instance_count: ")
    assert third.startswith("run.yaml:5:10 TW105 limits.max_runtime: ")
    assert "given: 30; allowed: a number with its unit" in third
    assert count == "3 problems."


def test_one_problem_is_one_problem(invoke, here: Path) -> None:
    (here / "run.yaml").write_text("name: x\n")
    assert invoke("render", "run.yaml").stderr.splitlines()[-1] == "1 problem."


@pytest.mark.parametrize("command", ["render", "input"])
def test_json_has_every_key_and_nothing_stands_beside_it(invoke, wrong: str, command: str) -> None:
    done = invoke(command, wrong, "--json")
    assert (done.exit_code, done.stderr) == (2, "")
    found = json.loads(done.stdout)["problems"]
    assert [(each["code"], each["line"], each["column"]) for each in found] == [
        ("TW102", 3, 3),
        ("TW106", 4, 3),
        ("TW105", 5, 10),
    ]
    assert set(found[0]) == {"code", "line", "column", "field", "problem", "fix", "sure", "edit"}
    assert found[0]["field"] == "compute.instace_type"
    assert found[0]["sure"] is True
    assert found[0]["edit"] == {
        "op": "rename",
        "path": ["compute", "instace_type"],
        "value": ["compute", "instance_type"],
    }
    assert found[2]["edit"] is None and found[2]["fix"].startswith("write 30s")


def test_what_stands_in_no_file_comes_last_and_nothing_twice() -> None:
    problem = Problem("TW106", ("a",), "no", edit=Edit("replace", ("a",), [1]))
    late, early, nowhere = (Located(problem, "f", place) for place in ((9, 1), (2, 5), None))
    assert in_order([nowhere, late, early, late]) == [early, late, nowhere]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\x07", r"a\nb\r\x07"),
        ("safe\u202etxt", r"safe\u202etxt"),
        ("Grüße, 世界 ✓", "Grüße, 世界 ✓"),
        ("\ud800", r"\ud800"),
    ],
)
def test_nothing_that_moves_a_terminal_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_control_characters_of_a_request_do_not_reach_the_terminal(invoke, here: Path) -> None:
    (here / "run.yaml").write_text('"na\\u001b[2Jme": x\n"a\\nb": "\\u202e"\n')
    done = invoke("render", "run.yaml")
    assert "\x1b" not in done.stderr and "\u202e" not in done.stderr
    assert all(line.startswith("run.yaml:") for line in done.stderr.splitlines()[:-1])


def test_every_code_is_explained(invoke) -> None:
    listed = invoke("explain").stdout.splitlines()
    assert [line.split()[0] for line in listed] == sorted(CATALOGUE)
    for code in CATALOGUE:
        assert CATALOGUE[code].title in invoke("explain", code).stdout


def test_a_code_is_explained_in_any_case(invoke) -> None:
    assert invoke("explain", "tw102").stdout == invoke("explain", "TW102").stdout
    assert CATALOGUE["TW102"].text.strip() in invoke("explain", "tw102").stdout


@pytest.mark.parametrize(("code", "near"), [("TW120", "TW11"), ("TW999", "TW"), ("102", "TW102"), ("x", "TW")])
def test_fails_when_there_is_no_such_code_and_names_near_ones(invoke, code: str, near: str) -> None:
    done = invoke("explain", code)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{code}: there is no such code; near are " in done.stderr
    assert near in done.stderr.partition("near are ")[2]
