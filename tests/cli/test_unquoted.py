"""Numbers and dates without quotes, where text is meant."""

import json
from pathlib import Path

import pytest

from trainwright.cli import requests
from trainwright.cli.errors import BadInput

BASE = "name: x\ncompute: {instance_type: ml.g5.xlarge}\n"


@pytest.fixture
def refused(here: Path):
    """The problems of a request with these further lines, in order."""

    def read(lines: str, base: str = BASE) -> list:
        (here / "run.yaml").write_text(base + lines)
        try:
            requests.read(Path("run.yaml"))
        except BadInput as error:
            return [located.problem for located in error.problems]
        return []

    return read


@pytest.mark.parametrize(
    ("lines", "path", "quoted"),
    [
        ("environment: {VERSION: 1.10}", ("environment", "VERSION"), "1.10"),
        ("environment: {VERSION: 1.0}", ("environment", "VERSION"), "1.0"),
        ("environment: {CODE: 0471}", ("environment", "CODE"), "0471"),
        ("environment: {MASK: 0x1F}", ("environment", "MASK"), "0x1F"),
        ("tags: {release: 2.10}", ("tags", "release"), "2.10"),
        ("tags: {day: 2026-11-21}", ("tags", "day"), "2026-11-21"),
        ("hyperparameters: {cutoff: 2026-11-21}", ("hyperparameters", "cutoff"), "2026-11-21"),
        ("hyperparameters: {when: [2026-11-21T10:00:00Z]}", ("hyperparameters", "when", 0), "2026-11-21T10:00:00Z"),
        ("experiment: 2024", ("experiment",), "2024"),
    ],
)
def test_the_quoted_form_is_a_sure_fix_that_is_accepted(refused, lines: str, path: tuple, quoted: str) -> None:
    (problem,) = refused(lines)
    assert (problem.code, problem.path, problem.sure) == ("TW112", path, True)
    assert problem.remedy == f'write "{quoted}", in quotes'
    assert (problem.edit.op, problem.edit.path, problem.edit.value) == ("replace", path, quoted)
    assert refused(lines.replace(quoted, json.dumps(quoted))) == []


@pytest.mark.parametrize(
    "lines",
    [
        "hyperparameters: {a: 1.10, b: 1.0, c: 3e-4, d: [1.10, 0.50]}",
        "environment: {RATE: 1e-3, COUNT: 12, HALF: 0.5, ZONE: 06:30}",
        "tags: {cost-centre: 4711}",
        "limits: {max_cost_usd: 90.00}",
        "limits: {max_cost_usd: 1_000}",
        'hyperparameters: {cutoff: "2026-11-21", month: 2026-11}',
    ],
)
def test_numbers_that_are_meant_as_numbers_pass(refused, lines: str) -> None:
    assert refused(lines) == []


def test_a_version_that_quotes_alone_do_not_mend_is_no_sure_fix(refused) -> None:
    (problem,) = refused("framework: 2.10\nsource_code: {source_dir: s3://b/sourcedir.tar.gz, entry_script: a.py}\n")
    assert (problem.code, problem.path, problem.sure) == ("TW112", ("framework",), False)
    assert "2.10 is the same number as 2.1" in problem.problem


def test_other_problems_do_not_make_it_one(refused) -> None:
    found = refused("framework: 2.10\n", BASE.replace("instance_type", "instace_type"))
    assert [(problem.code, problem.sure) for problem in found if problem.path == ("framework",)] == [("TW112", False)]


def test_a_version_of_its_own_is_refused_with_its_zero(refused) -> None:
    lines = (
        "framework: {name: pytorch, version: 2.10}\nsource_code: {source_dir: s3://b/s.tar.gz, entry_script: a.py}\n"
    )
    (problem,) = refused(lines)
    assert (problem.code, problem.path) == ("TW112", ("framework", "version"))
    assert problem.remedy == 'write "2.10", in quotes'


def test_a_name_that_is_a_number(refused) -> None:
    (problem,) = refused("", BASE.replace("name: x", "name: 2024"))
    assert (problem.code, problem.path, problem.sure) == ("TW112", ("name",), True)


@pytest.mark.parametrize(
    ("lines", "code"),
    [("limits: {max_runtime: 1.50}", "TW105"), ("checkpoints: 2.10", "TW104"), ("score: [1.10]", "TW104")],
)
def test_what_misses_something_else_than_quotes_keeps_its_problem(refused, lines: str, code: str) -> None:
    (problem,) = refused(lines)
    assert problem.code == code


def test_a_document_that_is_a_number_is_no_request(refused) -> None:
    (problem,) = refused("", "2.10\n")
    assert problem.code == "TW109"


def test_a_policy_is_read_the_same_way(here: Path) -> None:
    (here / "team.yaml").write_text(
        "team: a\nteam: b\nalways: {tags: {centre: 0471}}\ndefault: {tags: {day: 2026-11-21}}\n"
    )
    with pytest.raises(BadInput) as refused:
        requests.read_policy(Path("team.yaml"))
    assert [str(each).partition(":")[2].split(":")[:2][0] for each in refused.value.problems] == ["2", "3", "4"]
    codes = [each.problem.code for each in refused.value.problems]
    assert codes == ["TW111", "TW112", "TW112"]
