"""Estimators of the SDK v2 are rendered as the SDK sends them: every recording and every recorded case, field by field.

tests/sdk/v2/recordings are CreateTrainingJob requests of sagemaker 2.257.7; tests/sdk/v2/cases.json holds further ones
and what the SDK refuses (tests/more/test_sdk_v2.py asks the SDK itself, and writes them).
"""

import json
from pathlib import Path

import pytest

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.estimator import render_estimator

HERE = Path(__file__).parent / "v2"
RECORDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "recordings").glob("*.json")}
CASES = {case["case"]: case for case in json.loads((HERE / "cases.json").read_text(encoding="utf-8"))}

FLAT_KEYS = ("s002_flat_smddp_key_silently_ignored", "s002_flat_smp_key_silently_ignored")
NAMED_BY_THE_CLOCK = "s001_custom_image_autoname"
PLAIN = sorted(set(RECORDINGS) - {*FLAT_KEYS, NAMED_BY_THE_CLOCK})
SENT = sorted(name for name, case in CASES.items() if "request" in case)
REFUSED = sorted(set(CASES) - set(SENT))
DETAILED = "DetailedProfilerProcessingJobConfig-"


def question(recorded: dict) -> dict:
    """What is asked, without the answer."""
    return {key: recorded[key] for key in ("case", "estimator", "region", "kwargs", "fit")}


def comparable(request: dict) -> dict:
    """Without a clock's time in a rule's name, and collections, a set in the SDK, in one order."""
    request = json.loads(json.dumps(request))
    request.get("DebugHookConfig", {}).get("CollectionConfigurations", []).sort(key=json.dumps)
    for rule in request.get("ProfilerRuleConfigurations", ()):
        if rule["RuleConfigurationName"].startswith(DETAILED):
            rule["RuleConfigurationName"] = f"{DETAILED}TIME"
    return request


def test_there_are_as_many_recordings_as_there_should_be():
    assert len(RECORDINGS) == 30
    assert len(SENT) >= 180
    assert len(REFUSED) >= 60


@pytest.mark.parametrize("name", PLAIN)
def test_a_recording_is_rendered_field_by_field(name):
    rendered = render_estimator(question(RECORDINGS[name])).request
    assert comparable(rendered) == comparable(RECORDINGS[name]["request"])


@pytest.mark.parametrize("name", SENT)
def test_a_recorded_case_is_rendered_field_by_field(name):
    assert comparable(render_estimator(question(CASES[name])).request) == CASES[name]["request"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_sdk_raises_for_is_refused_with_a_problem_that_names_its_place(name):
    with pytest.raises(SdkRefusal) as refused:
        render_estimator(question(CASES[name]))
    assert refused.value.problems
    for problem in refused.value.problems:
        assert problem.path[:1] in (("kwargs",), ("fit",), ("region",)), problem.sentence()


@pytest.mark.parametrize("name", FLAT_KEYS)
def test_flat_keys_are_understood_as_the_nested_ones_they_were_meant_to_be(name):
    data = "smddp" in name
    library = "dataparallel" if data else "modelparallel"
    recorded = RECORDINGS[name]["request"]
    rendered = render_estimator(question(RECORDINGS[name]))
    added = dict(rendered.request["HyperParameters"].items() - recorded["HyperParameters"].items())

    assert {**rendered.request, "HyperParameters": None} == {**recorded, "HyperParameters": None}
    assert recorded["HyperParameters"].items() <= rendered.request["HyperParameters"].items()
    assert added == {
        "sagemaker_distributed_dataparallel_enabled": "true" if data else "false",
        "sagemaker_instance_type": '"ml.p3.16xlarge"',
        **({"sagemaker_distributed_dataparallel_custom_mpi_options": '""'} if data else {}),
    }
    assert any(f"distribution.smdistributed.{library}" in warning for warning in rendered.warnings)


def test_a_job_without_a_name_is_named_after_its_image_and_a_fixed_time():
    recorded = RECORDINGS[NAMED_BY_THE_CLOCK]
    rendered = render_estimator({**question(recorded), "case": None}).request
    expected = {**recorded["request"], "TrainingJobName": "my-custom-image-2026-01-01-00-00-00-000"}
    assert rendered == expected


def test_the_name_comes_from_the_document_then_from_fit_then_from_the_case():
    recorded = question(RECORDINGS["warm_pool"])
    named = {**recorded, "fit": {**recorded["fit"], "job_name": "by-fit"}}

    def name(document):
        request = render_estimator(document).request
        assert f'"{request["TrainingJobName"]}"' == request["HyperParameters"]["sagemaker_job_name"]
        return request["TrainingJobName"]

    assert name({**named, "job_name": "by-document"}) == "by-document"
    assert name(named) == "by-fit"
    assert name(recorded) == "golden-warm-pool"
    assert name({**recorded, "case": None}) == "pytorch-training-2026-01-01-00-00-00-000"


def test_a_long_base_name_is_cut_so_that_the_time_fits():
    recorded = question(RECORDINGS["s001_custom_image"])
    recorded = {**recorded, "case": None, "kwargs": {**recorded["kwargs"], "base_job_name": "b" * 80}}
    name = render_estimator(recorded).request["TrainingJobName"]
    assert len(name) == 63
    assert name.endswith("b-2026-01-01-00-00-00-000")


def test_the_default_bucket_is_of_the_roles_account():
    recorded = question(RECORDINGS["s000_spot_checkpoint"])
    role = "arn:aws:iam::999999999999:role/service-role/R"
    rendered = render_estimator({**recorded, "kwargs": {**recorded["kwargs"], "role": role}}).request
    assert rendered["OutputDataConfig"] == {"S3OutputPath": "s3://sagemaker-us-west-2-999999999999/"}
