"""`render` and `import` of what the SageMaker SDK was given: how the answers of `trainwright.cli.sdk` are shown."""

import io
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from trainwright.cli.sdk import Imported, Rendered, SdkRefusal
from trainwright_runtime.problems import Problem

RENDERED = Rendered({"TrainingJobName": "a"}, ["use_spot_instances without max_wait: AWS refuses it"])
IMPORTED = Imported(
    {"name": "a", "framework": "pytorch:2.8.0", "tags": {"version": "1.10"}},
    ["role: the platform sets the execution role", "a very long\nreason " + "x " * 100],
)


@pytest.fixture(params=["estimator", "trainer"])
def kind(request: pytest.FixtureRequest, here: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (here / "sdk.json").write_text('{"estimator": "PyTorch",\n "kwargs": {"x": 1}}')
    module = f"trainwright.cli.sdk.{request.param}"
    monkeypatch.setattr(f"{module}.render_{request.param}", answering(RENDERED))
    monkeypatch.setattr(f"{module}.import_{request.param}", answering(IMPORTED))
    return request.param


ESTIMATOR = {
    "estimator": "Estimator",
    "region": "us-west-2",
    "kwargs": {
        "role": "arn:aws:iam::123456789012:role/SageMakerRole",
        "image_uri": "123456789012.dkr.ecr.us-west-2.amazonaws.com/x:1",
        "instance_count": 1,
        "instance_type": "ml.m5.xlarge",
    },
    "fit": {"inputs": {"train": "s3://bucket/train/"}},
}


def answering(answer: object):
    def given(data: object) -> object:
        assert data == {"estimator": "PyTorch", "kwargs": {"x": 1}}
        return answer

    return given


def test_request_and_warnings_are_printed(invoke, kind: str) -> None:
    done = invoke("render", f"--{kind}", "sdk.json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"request": RENDERED.request, "warnings": RENDERED.warnings}


def test_standard_input(invoke, kind: str, here: Path) -> None:
    done = invoke("render", f"--{kind}", "-", stdin=(here / "sdk.json").read_text())
    assert json.loads(done.stdout)["request"] == RENDERED.request


def test_strict_refuses_each_warning(invoke, kind: str) -> None:
    done = invoke("render", f"--{kind}", "sdk.json", "--strict")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "sdk.json:1:1 TW301 (the document): use_spot_instances without max_wait: AWS refuses it",
        "1 problem.",
    ]


def test_what_the_sdk_would_refuse_is_pointed_at(invoke, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: object) -> None:
        raise SdkRefusal([Problem("TW102", ("kwargs", "x"), "no such argument"), Problem("TW101", ("fit",), "missing")])

    monkeypatch.setattr(f"trainwright.cli.sdk.{kind}.render_{kind}", refuse)
    done = invoke("render", f"--{kind}", "sdk.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "sdk.json:1:1 TW101 fit: missing",
        "sdk.json:2:13 TW102 kwargs.x: no such argument",
        "2 problems.",
    ]


def test_a_key_that_stands_twice_is_refused(invoke, kind: str, here: Path) -> None:
    (here / "sdk.json").write_text('{"region": "a",\n "region": "b"}')
    done = invoke("import", f"--{kind}", "sdk.json")
    assert done.stderr.startswith("sdk.json:2:2 TW111 region: ")


def test_import_prints_a_run_request_with_what_it_could_not_carry(invoke, kind: str) -> None:
    done = invoke("import", f"--{kind}", "sdk.json")
    assert done.exit_code == 0
    assert YAML(typ="safe", pure=True).load(io.StringIO(done.stdout)) == IMPORTED.run
    comments = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert "# Not carried: role: the platform sets the execution role" in comments
    assert all(len(line) <= 112 for line in comments)
    assert done.stderr.splitlines()[0] == "not carried: role: the platform sets the execution role"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", [(), ("--estimator", "sdk.json", "--trainer", "sdk.json")])
def test_import_takes_one_document(invoke, words: tuple[str, ...]) -> None:
    assert invoke("import", *words).exit_code == 2


def test_what_works_nowhere_is_left_out_of_the_import_and_said(invoke, here):
    """Compression works in Pipe mode only; the SDK sends it in any."""
    train = {"$": "sagemaker.inputs:TrainingInput", "*": ["s3://bucket/train/"], "compression": "Gzip"}
    (here / "estimator.json").write_text(json.dumps(ESTIMATOR | {"fit": {"inputs": {"train": train}}}))
    result = invoke("import", "--estimator", "estimator.json")
    assert result.exit_code == 0
    assert YAML(typ="safe", pure=True).load(result.stdout)["inputs"] == {"train": {"s3_uri": "s3://bucket/train/"}}
    assert "not carried: inputs.train.compression_type: this works in Pipe mode only" in result.stderr


def test_what_cannot_run_as_it_is_says_what_to_mend(invoke, here):
    given = ESTIMATOR | {"fit": {"inputs": {"train": "s3://UPPER/x/"}}}
    (here / "estimator.json").write_text(json.dumps(given))
    assert "# To mend before it can run: TW106 inputs.train" in invoke("import", "--estimator", "estimator.json").stdout
