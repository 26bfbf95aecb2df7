"""The run request: what is read, what is filled in, what is refused and how that is said."""

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from trainwright_runtime.problems import Problem, kept, readable_list
from trainwright_runtime.request import REQUEST_WORDS, Checked, check

ROOT = Path(__file__).parents[2]
SMALLEST = {"name": "digits", "compute": {"instance_type": "ml.m5.large"}}


def request(**changes):
    return {**copy.deepcopy(SMALLEST), **changes}


def checked(data, **kwargs):
    result = check(data, **kwargs)
    assert isinstance(result, Checked), [problem.sentence() for problem in result]
    return result


def refused(data, **kwargs):
    result = check(data, **kwargs)
    assert isinstance(result, list)
    assert result
    return {problem.field: problem for problem in result}


def test_the_digits_example_is_a_good_request():
    document = YAML(typ="safe", pure=True).load((ROOT / "examples/digits/run.yaml").read_text(encoding="utf-8"))
    resolved = checked(document).resolved
    assert resolved.name == "digits"
    assert resolved.below("hyperparameters") == {"epochs": 12, "learning_rate": 0.1}
    addresses = [resolved.get("inputs", name, "s3_uri") for name in resolved.channels]
    assert addresses == ["data://digits/train/", "data://digits/validation/"]
    assert (resolved.spot, resolved.max_runtime, resolved.checkpoint_path) == (True, 1800, "/opt/ml/checkpoints")


def test_silence_is_filled_with_the_defaults():
    result = checked(request())
    resolved = result.resolved
    assert (resolved.image, resolved.instance_count) == ("platform", 1)
    assert resolved.get("compute", "volume_size_in_gb") == 30
    assert (resolved.spot, resolved.max_wait, resolved.checkpoint_path) == (False, None, None)
    assert resolved.max_runtime == 86_400
    assert result.provenance["compute.instance_type"] == "run"
    assert result.provenance["compute.volume_size_in_gb"] == "default"


def test_long_and_short_forms_mean_the_same():
    short = request(
        compute={"instance_type": "ml.m5.large", "volume": "50 GB", "spot": True},
        limits={"max_runtime": "2h", "max_wait": "3h"},
    )
    long = request(
        compute={"instance_type": "ml.m5.large", "volume_size_in_gb": 50, "enable_managed_spot_training": True},
        stopping_condition={"max_runtime_in_seconds": 7200, "max_wait_time_in_seconds": 10800},
    )
    assert checked(short).resolved == checked(long).resolved


@pytest.mark.parametrize(
    ("runtime", "wait"), [("30m", 5400), ("1h", 7200), ("10h", 72_000), ("20d", 27 * 86_400), ("28d", 30 * 86_400)]
)
def test_a_silent_spot_run_may_wait_as_long_as_it_trains_and_an_hour_at_least(runtime, wait):
    data = request(compute={"instance_type": "ml.m5.large", "spot": True}, limits={"max_runtime": runtime})
    assert checked(data).resolved.max_wait == wait


def test_an_input_may_be_an_address_or_a_section():
    inputs = {"a": "data://x/", "b": "plain/folder/", "c": {"s3_uri": "s3://bucket/key", "content_type": "text/csv"}}
    resolved = checked(request(inputs=inputs)).resolved
    assert {name: resolved.get("inputs", name, "s3_uri") for name in resolved.channels} == {
        "a": "data://x/",
        "b": "plain/folder/",
        "c": "s3://bucket/key",
    }
    assert resolved.get("inputs", "c", "content_type") == "text/csv"


@pytest.mark.parametrize(
    ("checkpoints", "path"),
    [(True, "/opt/ml/checkpoints"), (False, None), ({"local_path": "/ckpt"}, "/ckpt"), ({}, "/opt/ml/checkpoints")],
)
def test_checkpoints_are_a_switch_or_a_section(checkpoints, path):
    assert checked(request(checkpoints=checkpoints)).resolved.checkpoint_path == path


@pytest.mark.parametrize("data", [None, [], "run", 3, 1.5, True])
def test_what_is_no_object_is_one_clear_problem(data):
    problems = check(data)
    assert [problem.code for problem in problems] == ["TW109"]
    assert "not an object" in problems[0].problem


def test_all_problems_come_at_once_with_path_value_allowed_and_remedy():
    found = refused(
        {
            "compute": {"instace_type": "ml.m5.large", "instance_count": 0, "volume": 30, "spot": "yes"},
            "limits": {"max_runtime": 30},
            "schedule": "daily",
            "environment": {"layers": [1, 2], "NOTHING": None},
        }
    )
    assert found["compute.instace_type"].problem == "unknown field; did you mean instance_type?"
    assert found["compute.instace_type"].sure
    assert "greater than or equal to 1" in found["compute.instance_count"].problem
    assert (found["compute.volume"].value, found["compute.volume"].remedy) == ("30", "write 30 GB")
    assert found["compute.spot"].remedy == "write true, without quotes"
    assert found["limits.max_runtime"].remedy == "write 30s if these are seconds, else 30m or 30h"
    assert found["schedule"].code == "TW103"
    assert "not supported yet" in found["schedule"].problem
    assert "JSON text" in found["environment.layers"].remedy
    assert found["environment.NOTHING"].code == "TW110"
    assert found["name"].code == "TW101"
    assert "compute.instance_type" not in found  # misspelt, which is said already


@pytest.mark.parametrize(
    "path",
    [
        "accept",
        "register",
        "deadline",
        "limits.deadline",
        "tuner",
        "schedule",
        "inputs.train.newer_than",
        "inputs.train.optional",
    ],
)
def test_what_comes_later_is_refused_by_name(path):
    data = request(inputs={"train": {"s3_uri": "data://x/"}})
    *sections, name = path.split(".")
    owner = data
    for section in sections:
        owner = owner.setdefault(section, {})
    owner[name] = "1h"
    problem = refused(data)[path]
    assert problem.code == "TW103"
    assert problem.problem.startswith("not supported yet: ")


@pytest.mark.parametrize("name", ["role_arn", "output_path", "training_job_name", "checkpoint_s3_uri"])
def test_what_is_the_platforms_is_never_the_users(name):
    assert refused(request(**{name: "x"}))[name].code == "TW202"


def test_types_in_order_are_a_ladder():
    result = checked(request(compute={"instance_type": ["ml.g5.xlarge", "ml.g6.xlarge"]}))
    assert result.resolved.instance_types == ("ml.g5.xlarge", "ml.g6.xlarge")
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("use_spot_instances", "compute.spot"),
        ("max_run", "limits.max_runtime"),
        ("volume_size", "compute.volume_size_in_gb"),
        ("vpc_config", "network"),
        ("entry_point", "source_code.entry_script"),
        ("image_uri", "image"),
        ("instance_type", "compute.instance_type"),
        ("hyperparameter", "hyperparameters"),
        ("enviroment", "environment"),
    ],
)
def test_other_names_lead_to_the_right_one(name, meant):
    assert f"did you mean {meant}?" in refused(request(**{name: 1}))[name].problem


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hyperparameters": {"k": "v" * 2501}}, "hyperparameters.k"),
        ({"hyperparameters": {"k": "two\nlines"}}, "hyperparameters.k"),
        ({"hyperparameters": {f"k{n}": n for n in range(101)}}, "hyperparameters"),
        ({"hyperparameters": {"k" * 257: 1}}, "hyperparameters." + "k" * 80 + "..."),
        ({"environment": {"K": "v" * 513}}, "environment.K"),
        ({"environment": {"1K": "v"}}, "environment.1K"),
        ({"environment": {"TRAINING_JOB_NAME": "v"}}, "environment.TRAINING_JOB_NAME"),
        ({"environment": {"TRAINWRIGHT_X": "v"}}, "environment.TRAINWRIGHT_X"),
        ({"environment": {f"K{n}": "" for n in range(101)}}, "environment"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": {f"c{n}": "data://x/" for n in range(21)}}, "inputs"),
        ({"inputs": {"a b": "data://x/"}}, "inputs.a b"),
        ({"inputs": {"c" * 65: "data://x/"}}, "inputs." + "c" * 65),
        ({"inputs": {"t": "./local"}}, "inputs.t"),
        ({"inputs": {"t": "/home/me"}}, "inputs.t"),
        ({"inputs": {"t": "C:\\data"}}, "inputs.t"),
        ({"inputs": {"t": "data://../other"}}, "inputs.t"),
        ({"inputs": {"t": "https://example.com/x"}}, "inputs.t"),
        ({"inputs": {"t": "s3://B/x"}}, "inputs.t"),
        ({"inputs": {"t": "run://digits/latest/model"}}, "inputs.t"),
        ({"inputs": {"t": {"content_type": "text/csv"}}}, "inputs.t.s3_uri"),
        ({"tags": {"aws:x": "1"}}, "tags.aws:x"),
        ({"tags": {"AWS:x": "1"}}, "tags.AWS:x"),
        ({"tags": {"trainwright:run": "1"}}, "tags.trainwright:run"),
        ({"tags": {"k": "<b>"}}, "tags.k"),
        ({"tags": {f"k{n}": "" for n in range(46)}}, "tags"),
        ({"image": "nginx:latest"}, "image"),
        ({"image": "docker.io/library/nginx"}, "image"),
        ({"name": "a name"}, "name"),
        ({"name": 3}, "name"),
        ({"checkpoints": {"local_path": "relative"}}, "checkpoints.local_path"),
        ({"checkpoints": {"local_path": "/opt/ml/model/ckpt"}}, "checkpoints.local_path"),
        ({"checkpoints": 3}, "checkpoints"),
        ({"hyperparameters": {"k": float("inf")}}, "hyperparameters.k"),
        ({"limits": {"max_runtime": "29d"}}, "limits.max_runtime"),
        ({"limits": {"max_wait": "2h"}}, "limits.max_wait"),
        (
            {"stopping_condition": {"max_wait_time_in_seconds": 40 * 86_400}},
            "stopping_condition.max_wait_time_in_seconds",
        ),
        ({"compute": {"instance_type": "m5.large"}}, "compute.instance_type"),
        ({"compute": 3}, "compute"),
        ({"compute": {}}, "compute.instance_type"),
    ],
)
def test_what_sagemaker_would_not_take_is_refused_at_its_path(changes, field):
    assert field in refused(request(**changes))


def test_time_limits_that_contradict_each_other_are_refused():
    compute = {"instance_type": "ml.m5.large", "spot": True}
    found = refused(request(compute=compute, limits={"max_runtime": "2h", "max_wait": "1h"}, checkpoints=False))
    assert "less than limits.max_runtime" in found["limits.max_wait"].problem
    assert "without checkpoints" in found["checkpoints"].problem


def test_a_refused_field_causes_no_second_problem_elsewhere():
    data = request(compute={"instance_type": "ml.m5.large", "spot": "yes"}, limits={"max_wait": "2h"})
    assert list(refused(data)) == ["compute.spot"]


def test_both_forms_of_a_setting_are_refused():
    data = request(compute={"instance_type": "ml.m5.large", "volume": "30 GB", "volume_size_in_gb": 30})
    assert refused(data)["compute.volume_size_in_gb"].code == "TW107"


def test_the_value_of_a_variable_is_never_said():
    problem = refused(request(environment={"DATABASE": "hunter2" * 100}))["environment.DATABASE"]
    assert "hunter2" not in problem.sentence()


def test_names_that_are_not_text_are_refused():
    assert "hyperparameters.1" in refused(request(hyperparameters={1: "one"}))


def test_the_api_is_asked_when_all_else_is_well():
    problem = Problem("TW301", ("compute", "instance_type"), "SageMaker does not have this")
    assert check(request(), api=lambda resolved: [problem]) == [problem]
    assert isinstance(check(request(), api=lambda resolved: []), Checked)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = sorted({name for names in REQUEST_WORDS.names.values() for name in names})
FIELDS = st.sampled_from(NAMES)


SECTION = st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=5), max_size=5)


@given(JSON | st.dictionaries(FIELDS, JSON | SECTION | st.lists(SECTION, max_size=2), max_size=8))
@settings(max_examples=600, deadline=None)
def test_no_json_at_all_makes_the_check_raise(data):
    result = check(data)
    if isinstance(result, list):
        assert result
        assert all(problem.sentence() and problem.to_dict() for problem in result)
        assert len(readable_list(result)) <= 32_000


def test_a_very_long_list_is_cut_and_says_so():
    problems = [Problem("TW102", ("compute", f"field{n}"), "unknown field", value="x" * 100) for n in range(1000)]
    text = readable_list(problems)
    assert len(text) <= 32_000
    assert text.startswith("1000 problems")
    listed = text.count("- TW102")
    assert f"and {1000 - listed} more" in text
    assert len(str(kept(problems * 10))) < 200_000
    assert "left out" in kept(problems * 10)[-1]["problem"]


def test_a_flood_of_unknown_fields_is_cut_and_says_so():
    problems = check({f"field_{number}": 1 for number in range(5000)})
    assert len(problems) < 1100
    assert any(problem.problem == "4000 more problems are not listed" for problem in problems)


def test_a_problem_survives_the_record():
    problem = Problem("TW106", ("inputs", "train"), "bad", '"x"', "good", "mend it", sure=True)
    assert Problem.from_dict(problem.to_dict()) == problem


def test_a_conflict_is_told_beside_a_problem_that_has_nothing_to_do_with_it():
    compute = {"instance_type": "ml.m5.large", "spot": True, "colour": "red"}
    found = refused(request(compute=compute, limits={"max_runtime": "2h", "max_wait": "1h"}))
    assert sorted(found) == ["compute.colour", "limits.max_wait"]


def test_a_conflict_waits_until_what_it_looks_at_can_be_read():
    compute = {"instance_type": "ml.m5.large", "sopt": True}
    assert list(refused(request(compute=compute, limits={"max_wait": "2h"}))) == ["compute.sopt"]
