"""What people read about the faults file is what the account takes: the page, the schema, the examples."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from trainwright.cli import yaml
from trainwright.cli.rehearse.options import faults as option
from trainwright.rehearsal.faults import parse_faults
from trainwright.rehearsal.faults.model import FAULT_LISTS, Faults

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("faults_page", ROOT / "tools/faults_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(pages):
    hint = "python tools/faults_page.py page > docs/faults.md"
    assert (ROOT / "docs/faults.md").read_text(encoding="utf-8") == pages.page(), hint


def test_the_schema_is_current(pages):
    hint = "python tools/faults_page.py schema > docs/faults.schema.json"
    assert (ROOT / "docs/faults.schema.json").read_text(encoding="utf-8") == pages.schema(), hint


def test_every_kind_of_fault_has_an_example_a_description_and_a_source(pages):
    text = pages.page()
    for name in (*FAULT_LISTS, "clock", "instance_types", "quota_requests", "fake_jobs"):
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE).group(1)
        assert "```yaml" in section
        assert name not in FAULT_LISTS or "Source: <https://docs.aws.amazon.com/" in section, name


def test_the_pages_examples_can_be_used(pages, tmp_path):
    for name, text in pages.EXAMPLES.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        assert getattr(parse_faults(option.read(file)), name)


@pytest.mark.parametrize("file", sorted((ROOT / "examples/faults").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_files_to_copy_can_be_used(file):
    assert parse_faults(option.read(file)).all()


def test_every_field_of_the_schema_says_what_it_is():
    schema = Faults.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        silent = [name for name, field in section["properties"].items() if not field.get("description")]
        assert not silent, section["title"]
    assert "_place" not in json.dumps(schema)


def test_an_editor_takes_what_the_account_takes(pages, tmp_path):
    editor = Draft202012Validator(json.loads((ROOT / "docs/faults.schema.json").read_text(encoding="utf-8")))
    files = [(file.name, file.read_text(encoding="utf-8")) for file in (ROOT / "examples/faults").glob("*.yaml")]
    for name, text in [*files, *pages.EXAMPLES.items()]:
        assert not list(editor.iter_errors(yaml.parse(text, name).value)), name
    assert list(editor.iter_errors({"spot_interuptions": []}))
    assert list(editor.iter_errors({"slow_starts": [{"seconds": "10 parsecs"}]}))
