"""Run requests are YAML 1.2 or JSON, and every mistake has a line and a column."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.cli import yaml
from trainwright.cli.errors import BadInput

# eight times as many values with every line
GROWING = "a: &a [0,0,0,0,0,0,0,0]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 8)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
)


def parse(text: str) -> yaml.Document:
    return yaml.parse(text, "run.yaml")


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in parse(text).problems]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("3e-4", 3e-4),
        ("1e-1", 0.1),
        ("12", 12),
        ("4:30", "4:30"),
        ("06:30", "06:30"),
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
    read = parse(f"x: {text}").value["x"]
    assert read == meaning and type(read) is type(meaning)


def test_places_of_keys_and_items() -> None:
    document = parse("name: x\ncompute:\n  instance_types:\n    - a\n    - b\n")
    assert document.where(("compute", "instance_types")) == "run.yaml:3:3"
    assert document.where(("compute", "instance_types", 1)) == "run.yaml:5:7"
    assert document.where(("compute", "missing", "deep")) == "run.yaml:2:1"
    assert document.where(()) == "run.yaml:1:1"


def test_duplicate_keys_are_all_told_and_the_rest_is_read() -> None:
    text = "name: a\ncompute: {spot: true, spot: false}\nname: b\nlimits: {max_runtime: 1h}\nname: c\n"
    document = parse(text)
    assert document.value == {"name": "c", "compute": {"spot": False}, "limits": {"max_runtime": "1h"}}
    assert [str(problem) for problem in document.problems] == [
        "run.yaml:2:23 TW111 compute.spot: this stands here twice; the first is in line 2; keep one of the two",
        "run.yaml:3:1 TW111 name: this stands here twice; the first is in line 1; keep one of the two",
        "run.yaml:5:1 TW111 name: this stands here twice; the first is in line 1; keep one of the two",
    ]


def test_nothing_of_a_section_that_stands_twice_is_mixed_up() -> None:
    document = parse("compute: {spot: 2.10}\ncompute: {count: 1}\n")
    assert document.value == {"compute": {"count": 1}}
    assert document.where(("compute", "spot")) == "run.yaml:2:1"
    assert document.numbers == {("compute", "count"): "1"}


def test_duplicate_keys_of_json(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text('{\n\t"name": "a",\n\t"name": "b"\n}\n')
    (problem,) = yaml.read(file).problems
    assert str(problem).startswith(f"{file}:3:2 TW111 name: this stands here twice; the first is in line 2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: .nan", "run.yaml:1:4 TW104 a: this number cannot be said in JSON"),
        ("a: " + "9" * 5000, "run.yaml:1:4 TW104 a: this number cannot be said in JSON"),
        ("a: 1e999", "run.yaml:1:4 TW104 a: this number cannot be said in JSON"),
        ("1: x", 'run.yaml:1:1 TW104 1: a name must be text; given: 1; write "1"'),
        ("? [1]\n: x", "run.yaml:1:3 TW104 ?: a name must be text"),
        ("a: !!python/name:os.system x", "run.yaml:1:4 TW104 a: the tag python/name:os.system cannot be said in JSON"),
        ("a: &x [1, *x]", "run.yaml:1:4 TW113 a[1]: an alias of what it stands in has no end"),
        ("a: {<<: 3}", "run.yaml:1:5 TW104 a: << takes a section"),
    ],
)
def test_fails_when_it_is_not_what_json_can_say(text: str, said: str) -> None:
    (problem,) = complaints(text)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2", "run.yaml:2:2 TW113 (the document): this is not valid YAML: expected ',' or ']'"),
        ("a: 1\n---\nb: 2", "run.yaml:2:1 TW113"),
        ("a: 1\nb: \x00", "run.yaml:2:4 TW113 (the document): this is not valid YAML"),
        ("a: *x", "run.yaml:1:4 TW113 (the document): this is not valid YAML: found undefined alias"),
        ("[" * 5000, "run.yaml:1:1 TW113 (the document): this is nested too deeply"),
        (GROWING, "TW113 (the document): over 100,000 values"),
    ],
)
def test_fails_when_it_is_not_yaml(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)
    (problem,) = refused.value.problems
    assert said in str(problem)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": }', ":1:7 TW113 (the document): this is not valid JSON: Expecting value"),
        (b"a: 1", ":1:1 TW113 (the document): this is not valid JSON"),
        (b'{"a":\n "\xff"}', ":2:3 TW113 (the document): this is not UTF-8 text"),
    ],
)
def test_fails_when_a_json_file_is_not_json(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        yaml.read(file)
    assert str(refused.value.problems[0]).startswith(f"{file}{said}")


def test_fails_when_the_file_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        yaml.read(tmp_path / "run.yaml")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("﻿name: ü\nname: b\n".encode())))
    document = yaml.read(Path("-"))
    assert document.value == {"name": "b"}
    assert str(document.problems[0]).startswith("<stdin>:2:1 TW111")


def test_what_is_written_without_quotes_is_kept_as_it_was_written() -> None:
    document = parse('a: 2.10\nb: "2.10"\nc: [1.0, 2026-11-21]\nd: 0471\n')
    assert document.numbers == {("a",): "2.10", ("c", 0): "1.0", ("d",): "0471"}
    assert document.dates == {("c", 1): "2026-11-21"}


def test_merged_sections_are_merged_and_no_duplicates() -> None:
    document = parse("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\n")
    assert document.value["z"] == {"a": 1, "b": 1, "c": 3}
    assert document.problems == []


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
# YAML reads no key of over 1024 characters, and JSON spells a character with up to twelve
keys = st.text(max_size=80)
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)


@given(documents)
def test_json_is_read_as_json_reads_it(content: object) -> None:
    document = parse(json.dumps(content))
    assert document.value == content
    assert document.problems == []


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except BadInput as refused:
        assert len(refused.problems) == 1
