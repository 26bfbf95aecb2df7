"""`render` and `input`: what a request comes to, offline."""

import io
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
REQUEST = """\
name: digits
hyperparameters: {epochs: 12}
inputs: {train: data://digits/train/}
compute: {instance_type: ml.m5.large, spot: true}
limits: {max_runtime: 30m}
"""
POLICY = """\
team: vision
allow: {instance_types: [ml.m5.*], max_instance_count: 2}
default: {tags: {cost-centre: vision}}
always: {limits: {max_runtime: 20m}}
"""


@pytest.fixture
def request_file(here: Path) -> str:
    (here / "run.yaml").write_text(REQUEST)
    (here / "vision.yaml").write_text(POLICY)
    return "run.yaml"


def test_render_prints_run_attempts_and_warnings_in_a_sample_account(invoke, request_file: str) -> None:
    done = invoke("render", request_file)
    assert (done.exit_code, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert list(answer) == ["run", "attempts", "warnings"]
    assert answer["run"] == {"id": "sample-0123456789", "team": "sample", "name": "digits"}
    (attempt,) = answer["attempts"]
    assert attempt["capacity"] == "spot"
    assert attempt["request"]["TrainingJobName"] == "sample-0123456789-1"
    assert attempt["request"]["RoleArn"].startswith("arn:aws:iam::123456789012:role/")
    assert attempt["request"]["HyperParameters"] == {"epochs": "12"}


def test_a_teams_policy_fills_in_and_overrules(invoke, request_file: str) -> None:
    for option in ("--team", "--policy"):
        answer = json.loads(invoke("render", request_file, option, "vision.yaml").stdout)
        assert answer["run"]["team"] == "vision"
        request = answer["attempts"][0]["request"]
        assert request["StoppingCondition"]["MaxRuntimeInSeconds"] == 1200
        assert {"Key": "cost-centre", "Value": "vision"} in request["Tags"]
        assert "limits.max_runtime: the team's policy always sets" in answer["warnings"][0]


def test_strict_refuses_warnings(invoke, request_file: str) -> None:
    done = invoke("render", request_file, "--team", "vision.yaml", "--strict")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "limits.max_runtime: the team's policy always sets" in done.stderr
    assert invoke("render", request_file, "--strict").exit_code == 0


@pytest.mark.parametrize(
    ("words", "environment", "region"),
    [
        ((), {}, "us-east-1"),
        ((), {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ((), {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-central-1"}, "eu-central-1"),
        (("--region", "ap-south-1"), {"AWS_REGION": "eu-central-1"}, "ap-south-1"),
    ],
)
def test_the_region(invoke, request_file, monkeypatch, words, environment, region) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    request = json.loads(invoke("render", request_file, *words).stdout)["attempts"][0]["request"]
    assert f".dkr.ecr.{region}.amazonaws.com/" in request["AlgorithmSpecification"]["TrainingImage"]


def test_fails_when_a_region_has_no_image(invoke, here: Path) -> None:
    (here / "run.yaml").write_text("name: a\nalgorithm: xgboost:1.7-1\ncompute: {instance_type: ml.m5.large}\n")
    done = invoke("render", "run.yaml", "--region", "mars-east-1")
    assert done.exit_code == 2
    assert "run.yaml:2:1 TW303 algorithm: " in done.stderr and "mars-east-1" in done.stderr


def test_why_says_for_each_field_who_set_it(invoke, request_file: str) -> None:
    done = invoke("render", request_file, "--team", "vision.yaml", "--why")
    heading, *lines = (line.split(maxsplit=2) for line in done.stdout.splitlines())
    assert heading == ["FIELD", "SET", "BY   VALUE"]
    found = {field: (setter, value) for field, setter, value in lines}
    assert found["name"] == ("run", "digits")
    assert found["stopping_condition.max_runtime_in_seconds"] == ("policy", "1200")
    assert found["tags.cost-centre"] == ("policy", "vision")
    assert found["compute.volume_size_in_gb"] == ("default", "30")
    assert found["compute.enable_managed_spot_training"] == ("run", "true")


def test_why_as_json(invoke, request_file: str) -> None:
    answer = json.loads(invoke("render", request_file, "--why", "--json").stdout)
    assert answer["compute.instance_type"] == {"value": ["ml.m5.large"], "set_by": "run"}
    assert answer["compute.instance_count"] == {"value": 1, "set_by": "default"}
    assert {entry["set_by"] for entry in answer.values()} == {"run", "default"}


def test_canonical_has_long_names_and_comes_to_the_same(invoke, request_file: str, here: Path) -> None:
    done = invoke("render", request_file, "--canonical")
    canonical = YAML(typ="safe", pure=True).load(io.StringIO(done.stdout))
    assert canonical["compute"]["enable_managed_spot_training"] is True
    assert canonical["stopping_condition"] == {"max_runtime_in_seconds": 1800}
    assert json.loads(invoke("render", request_file, "--canonical", "--json").stdout) == canonical
    (here / "long.yaml").write_text(done.stdout)
    assert invoke("render", "long.yaml").stdout == invoke("render", request_file).stdout


def test_set_takes_the_files_place(invoke, request_file: str) -> None:
    words = ("--set", "compute.instance_count=2", "--set", "hyperparameters.learning_rate=1e-3", "--set", "name=other")
    answer = json.loads(invoke("render", request_file, *words).stdout)
    request = answer["attempts"][0]["request"]
    assert answer["run"]["name"] == "other"
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["HyperParameters"] == {"epochs": "12", "learning_rate": "0.001"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("compute.instace_type=ml.m5.large", " TW102 compute.instace_type: unknown field; did you mean instance_type?"),
        ("limits.max_runtime=30", " TW105 limits.max_runtime: "),
        ("tags.day=2026-11-21", " TW112 tags.day: "),
        ("compute.spot=[1", " TW113 (the document): this is not valid YAML"),
        ("compute={spot: true, spot: false}", " TW111 spot: this stands here twice"),
        ("compute", ": write --set FIELD=VALUE"),
        ("compute..spot=true", ": write --set FIELD=VALUE"),
        ("name.first=x", ": name is no section in run.yaml"),
    ],
)
def test_fails_when_what_is_set_is_wrong_and_names_the_option(invoke, request_file, option, said) -> None:
    done = invoke("render", request_file, "--set", option)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"--set {option}{said}" in done.stderr


def test_a_field_that_is_set_twice_is_the_last(invoke, request_file: str) -> None:
    words = ("--set", "compute.instance_count=0", "--set", "compute.instance_count=2")
    assert invoke("render", request_file, *words).exit_code == 0


def test_input_prints_the_execution_input_and_nothing_else(invoke, request_file: str) -> None:
    done = invoke("input", request_file)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "name": "digits",
        "hyperparameters": {"epochs": 12},
        "inputs": {"train": "data://digits/train/"},
        "compute": {"instance_type": "ml.m5.large", "spot": True},
        "limits": {"max_runtime": "30m"},
    }


def test_standard_input(invoke, here: Path) -> None:
    assert json.loads(invoke("input", "-", stdin=REQUEST).stdout)["name"] == "digits"
    done = invoke("input", "-", stdin="name: x\nnme: y\n")
    assert done.stderr.startswith("<stdin>:1:1 TW101 compute.instance_type: ")
    assert "<stdin>:2:1 TW102 nme: " in done.stderr


def test_a_policy_that_cannot_be_used_is_pointed_at(invoke, request_file: str, here: Path) -> None:
    (here / "vision.yaml").write_text("team: vision\nalow: {}\nallow: {instance_types: []}\n")
    done = invoke("input", request_file, "--team", "vision.yaml")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0].startswith("vision.yaml:2:1 TW102 alow: unknown field; did you mean allow?")
    assert done.stderr.splitlines()[1].startswith("vision.yaml:3:9 TW401 allow.instance_types: ")


def test_a_score_script_that_is_not_there(invoke, here: Path) -> None:
    (here / "run.yaml").write_text(REQUEST + "score: nope.py\n")
    done = invoke("input", "run.yaml")
    assert done.stderr.startswith('run.yaml:6:1 TW106 score: there is no such file; given: "nope.py"')


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("run.yaml", "--estimator", "e.json"),
        ("--estimator", "e.json", "--trainer", "t.json"),
        ("--trainer", "t.json", "--why"),
        ("run.yaml", "--why", "--canonical"),
    ],
)
def test_options_that_do_not_go_together(invoke, request_file: str, words: tuple[str, ...]) -> None:
    done = invoke("render", *words)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "example",
    [file for file in sorted((ROOT / "examples").glob("*/*.yaml")) if file.parent.name != "faults"],
    ids=lambda file: file.name,
)
def test_the_examples_come_to_something(invoke, example: Path) -> None:
    done = invoke("render", str(example))
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["attempts"]


def test_a_section_that_is_there_twice_is_one_problem(invoke, here):
    text = "name: t\ncompute:\n  instance_type: ml.m5.large\ncompute:\n  spot: true\n"
    (here / "twice.yaml").write_text(text)
    result = invoke("render", "twice.yaml")
    assert result.exit_code == 2
    assert [line.split()[1] for line in result.stderr.splitlines()[:-1]] == ["TW111"]
