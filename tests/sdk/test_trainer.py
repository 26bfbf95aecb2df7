"""`render_trainer`: what the SDK v3 was recorded to send or to refuse, field by field.

cases.json is written by tests/more/test_sdk_v3.py, which asks the SDK itself; recordings/ holds further ones.
"""

import copy
import json
import random
from pathlib import Path

import pytest
from botocore.validate import ParamValidator

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.trainer import import_trainer, render_trainer
from trainwright_runtime import problems as codes
from trainwright_runtime import request, shapes
from trainwright_runtime.handlers.api_model import create_training_job_shape

HERE = Path(__file__).parent / "v3"
RECORDINGS = [json.loads(file.read_text()) for file in sorted((HERE / "recordings").glob("*.json"))]
CASES = json.loads((HERE / "cases.json").read_text())
SENT = [case for case in [*RECORDINGS, *CASES] if "request" in case]
REFUSED = [case for case in CASES if "error" in case]


def name_of(case):
    return case["case"]


@pytest.mark.parametrize("case", SENT, ids=name_of)
def test_the_request_is_the_sdks_field_by_field(case):
    rendered = render_trainer(case).request
    for block in sorted(set(rendered) | set(case["request"])):
        assert rendered.get(block) == case["request"].get(block), block


@pytest.mark.parametrize("case", REFUSED, ids=name_of)
def test_what_the_sdk_raises_for_is_refused(case):
    with pytest.raises(SdkRefusal) as refusal:
        render_trainer(case)
    assert refusal.value.problems
    assert all(problem.problem for problem in refusal.value.problems)


@pytest.mark.parametrize("case", SENT, ids=name_of)
def test_every_request_passes_botocore_and_what_its_model_refuses_is_warned_of(case):
    rendered = render_trainer(case)
    shape = create_training_job_shape()
    assert not ParamValidator().validate(rendered.request, shape).has_errors()
    if shapes.problems_of(shape, rendered.request):
        assert rendered.warnings


@pytest.mark.parametrize("case", SENT, ids=name_of)
def test_the_imported_run_is_written_as_runs_are(case):
    """What AWS refuses is refused of the run too; but every field has a name, a type and a unit that runs have."""
    checked = request.check(import_trainer(case).run)
    form = {codes.MISSING, codes.UNKNOWN_FIELD, codes.NOT_SUPPORTED, codes.WRONG_TYPE, codes.UNIT_MISSING}
    form |= {codes.BOTH_FORMS, codes.NOT_A_DOCUMENT, codes.EMPTY}
    found = checked if isinstance(checked, list) else []
    assert [problem.sentence() for problem in found if problem.code in form] == []


def test_the_document_is_left_as_it_was():
    for case in SENT[:40]:
        before = copy.deepcopy(case)
        render_trainer(case)
        assert case == before


EDITS = [None, "", "x", 0, -1, 1.5, True, [], ["x"], {}, {"x": 1}, {"$": "sagemaker.train.configs:Tag"}, {"$": 5}, [[]]]


def places(value, path=()):
    """Every path in a document."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def edited(document, chance):
    """The document with one value changed for another, or left out."""
    copied = copy.deepcopy(document)
    path = chance.choice([path for path in places(copied) if path])
    parent = copied
    for part in path[:-1]:
        parent = parent[part]
    if chance.random() < 0.2:
        del parent[path[-1]]
    else:
        parent[path[-1]] = copy.deepcopy(chance.choice(EDITS))
    return copied


def test_whatever_a_document_holds_the_answer_is_a_request_or_problems():
    chance = random.Random(7)
    answers = []
    for _ in range(1500):
        case = chance.choice(SENT)
        document = edited({key: case[key] for key in ("region", "kwargs", "fit", "with") if key in case}, chance)
        for answer in (render_trainer, import_trainer):
            try:
                answers.append(answer(document))
            except SdkRefusal as refusal:
                assert refusal.problems, document
    assert 500 < len(answers) < 2700


def refusals(document):
    with pytest.raises(SdkRefusal) as refusal:
        render_trainer(document)
    return {problem.field: problem for problem in refusal.value.problems}


IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/my-algo:1"


def trainer(**kwargs):
    kwargs = {"training_image": IMAGE, "role": "arn:aws:iam::123456789012:role/R", **kwargs}
    return {"estimator": "ModelTrainer", "region": "us-west-2", "kwargs": kwargs, "fit": {}}


def test_all_problems_are_told_at_once():
    document = trainer(
        compute={"$": "sagemaker.train.configs:Compute", "instance_typ": "ml.m5.large", "instance_count": "two"},
        hyperparameters="params.json",
        use_spot_instances=True,
        rules=[],
    )
    found = refusals(document)
    assert set(found) == {
        "kwargs.compute.instance_typ",
        "kwargs.compute.instance_count",
        "kwargs.hyperparameters",
        "kwargs.use_spot_instances",
        "kwargs.rules",
    }
    assert found["kwargs.compute.instance_typ"].remedy == "did you mean instance_type?"
    assert found["kwargs.compute.instance_count"].allowed == "a whole number"
    assert "compute.enable_managed_spot_training" in found["kwargs.use_spot_instances"].remedy
    assert "neither profiler nor debugger" in found["kwargs.rules"].remedy


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"estimator": "PyTorch"}, "estimator", "not the SDK v3's trainer"),
        ({"estimator": "ModelTrainer.from_recipe"}, "estimator", "read from S3"),
        ({"region": None}, "region", "missing"),
        ({"region": 5}, "region", "wrong type"),
        ({"kwarg": {}}, "kwarg", "unknown key"),
        ({"tuner": {}}, "tuner", "tuning job"),
        ({"kwargs": ["x"]}, "kwargs", "wrong type"),
        ({"fit": {"inputs": []}}, "fit.inputs", "train has no argument"),
        ({"fit": {"input_data_config": [{"channel_name": "t", "data_source": ""}]}}, "fit.input_data_config", "empty"),
        ({"account": "12"}, "account", "no AWS account"),
        ({"with": 3}, "with", "wrong type"),
        ({"with": {"with_spot": None}}, "with.with_spot", "no method"),
        ({"with": [["with_retry_strategy", [1, 2]]]}, "with[0]", "takes one argument"),
    ],
)
def test_a_document_that_describes_no_trainer_is_refused(change, field, words):
    assert words in refusals(trainer() | change)[field].problem


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_what_is_no_mapping_is_refused(data):
    assert "(the document)" in refusals(data)


def test_what_only_the_sdks_machine_knows_is_refused():
    session = {"$": "sagemaker.core.workflow.pipeline_context:PipelineSession"}
    assert "kwargs.sagemaker_session" in refusals(trainer(sagemaker_session=session))
    pipeline = {"$": "sagemaker.core.workflow.parameters:ParameterString", "name": "x"}
    assert "kwargs.base_job_name" in refusals(trainer(base_job_name=pipeline))
    assert "kwargs.hyperparameters.lr" in refusals(trainer(hyperparameters={"lr": pipeline}))
    assert "local mode" in refusals(trainer(training_mode="LOCAL_CONTAINER"))["kwargs.training_mode"].problem


RETRY = {"$": "sagemaker.train.configs:RetryStrategy", "maximum_retry_attempts": 3}
METRICS = [{"$": "sagemaker.train.configs:MetricDefinition", "name": "loss", "regex": "loss=(.*)"}]


@pytest.mark.parametrize(
    "calls",
    [
        {"with_retry_strategy": RETRY, "with_infra_check_config": None, "with_metric_definitions": METRICS},
        {"with_retry_strategy": [RETRY], "with_infra_check_config": [], "with_metric_definitions": [METRICS]},
        [["with_retry_strategy", RETRY], "with_infra_check_config", ["with_metric_definitions", METRICS]],
        [
            {"with_retry_strategy": {"retry_strategy": RETRY}},
            ["with_infra_check_config"],
            {"with_metric_definitions": {"metric_definitions": METRICS}},
        ],
    ],
)
def test_the_with_methods_are_read_as_a_mapping_and_as_a_list(calls):
    request = render_trainer(trainer() | {"with": calls}).request
    assert request["RetryStrategy"] == {"MaximumRetryAttempts": 3}
    assert request["InfraCheckConfig"] == {"EnableInfraCheck": True}
    assert request["AlgorithmSpecification"]["MetricDefinitions"] == [{"Name": "loss", "Regex": "loss=(.*)"}]


def test_a_job_name_and_an_account_can_be_given():
    checkpoints = {"$": "sagemaker.train.configs:CheckpointConfig"}
    document = trainer(checkpoint_config=checkpoints) | {"job_name": "run-7", "account": "210987654321"}
    request = render_trainer(document).request
    assert request["TrainingJobName"] == "run-7"
    uri = "s3://sagemaker-us-west-2-210987654321/my-algo-job/run-7/checkpoints"
    assert request["CheckpointConfig"]["S3Uri"] == uri


def test_a_trainer_without_a_role_is_rendered_with_a_warning():
    document = trainer(role=None)
    rendered = render_trainer(document)
    assert rendered.request["RoleArn"] == "arn:aws:iam::123456789012:role/SageMakerRole"
    assert any(warning.startswith("role:") for warning in rendered.warnings)
