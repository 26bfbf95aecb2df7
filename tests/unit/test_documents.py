"""What is generated or pinned and committed is current: schemas, the layer's wheels, and who may import what."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

from trainwright_runtime import schemas

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "lambdas" / "trainwright_runtime"
IO_MODULES = {"boto3", "botocore", "aws_lambda_powertools", "urllib", "socket", "subprocess", "os", "requests", "time"}


@pytest.mark.parametrize("document", sorted(schemas.DOCUMENTS))
def test_the_committed_schema_is_current(document):
    committed = (ROOT / "docs" / f"{document}.schema.json").read_text(encoding="utf-8")
    hint = f"python -m trainwright_runtime.schemas {document} > docs/{document}.schema.json"
    assert committed == schemas.text(document), hint


def test_the_schema_knows_what_the_reader_knows():
    schema = json.loads(schemas.text("run-request"))
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name"]
    assert "null" not in json.dumps(schema)


def _pins(file):
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return dict(re.match(r"([\w.-]+)==([^ ;]+)", line).groups() for line in lines if re.match(r"[\w.-]+==", line))


def test_the_layer_has_the_very_versions_that_are_tested():
    layer, tested = _pins("lambdas/layer-requirements.txt"), _pins("constraints.txt")
    assert layer == {name: tested[name] for name in layer}
    assert {"pydantic", "pydantic-core", "aws-lambda-powertools", "jinja2"} <= set(layer)
    assert not {"boto3", "botocore"} & set(layer)


def test_each_wheel_of_the_layer_is_pinned_by_one_hash():
    lines = (ROOT / "lambdas/layer-requirements.txt").read_text(encoding="utf-8").splitlines()
    wheels = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+ --hash=sha256:[0-9a-f]{64}", line) for line in wheels)


def _imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module


@pytest.mark.parametrize("file", sorted(RUNTIME.rglob("*.py")), ids=lambda file: file.relative_to(RUNTIME).as_posix())
def test_the_brain_imports_neither_the_constructs_nor_aws(file):
    roots = {name.split(".")[0] for name in _imports(file)}
    assert not {"aws_cdk", "trainwright", "moto", "constructs"} & roots
    if file.parent == RUNTIME:
        assert not IO_MODULES & roots
        assert not [name for name in _imports(file) if name.startswith("trainwright_runtime.handlers")]


@pytest.mark.parametrize("document", ["run-request", "team-policy", "report-json"])
def test_the_reference_of_settings_is_current(document):
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    hint = f"python tools/reference.py {document} > docs/{document}.md"
    assert (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8") == reference.page(document), hint
