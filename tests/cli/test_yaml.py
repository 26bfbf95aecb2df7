"""Run requests are YAML 1.2, and every mistake has a line and a column."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput


def value(text: str) -> object:
    return yaml.parse(text, "run.yaml").value


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("3e-4", 3e-4),
        ("1e-1", 0.1),
        ("12", 12),
        ("4:30", "4:30"),
        ("no", "no"),
        ("true", True),
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        ("'12'", "12"),
        ("null", None),
        ("[1, two]", [1, "two"]),
    ],
)
def test_values_mean_what_they_look_like(text: str, meaning: object) -> None:
    read = value(f"x: {text}")["x"]
    assert read == meaning and type(read) is type(meaning)


def test_places_of_keys_and_items() -> None:
    document = yaml.parse("name: x\ncompute:\n  instance_types:\n    - a\n    - b\n", "run.yaml")
    assert document.where(("compute", "instance_types")) == "run.yaml:3:3"
    assert document.where(("compute", "instance_types", 1)) == "run.yaml:5:7"
    assert document.where(("compute", "missing", "deep")) == "run.yaml:2:1"
    assert document.where(()) == "run.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2", "run.yaml:2:2 is not valid YAML"),
        ("a: 1\na: 2", "run.yaml:2:1 is not valid YAML: found duplicate key"),
        ("a: .nan", "run.yaml:1:1 a: nan cannot be said in JSON"),
        ("1: x", 'run.yaml:1:1 1: a key must be text; write "1"'),
        ("a: 1\n---\nb: 2", "run.yaml:2:1 is not valid YAML"),
    ],
)
def test_fails_when_it_is_not_what_json_can_say(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        value(text)
    assert refused.value.problems[0].startswith(said)


def test_fails_when_the_file_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        yaml.read(tmp_path / "run.yaml")


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(documents)
def test_json_is_read_as_json_reads_it(content: object) -> None:
    assert value(json.dumps(content)) == content
