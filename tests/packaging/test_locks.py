"""The locks pin everything and name no host: they must work with anybody's package index."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["constraints.txt", "lambdas/layer-requirements.txt", "package-lock.json", "package.json"]
)
def test_no_lock_names_an_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"^\s*--?(index-url|i|extra-index-url|find-links|f)\b", text, re.MULTILINE)
    for url in re.findall(r"(?:https?|git|file)[:+]+//[^\s\"']+", text):
        assert "funding" in text[max(0, text.index(url) - 200) : text.index(url)], f"{name} names {url}"


def test_every_node_package_is_pinned_by_its_hash_and_none_by_its_place() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        if name:
            assert "integrity" in package and "resolved" not in package, name


def test_the_cdk_cli_is_pinned_to_one_version_of_the_2_line() -> None:
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", pinned), "npm's tag `latest` of aws-cdk is an accidental 3.0.0"


def test_constraints_pin_every_line() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] not in "#"]
    assert all(re.match(r"[a-z0-9._-]+(\[.+\])?==\S+", line, re.IGNORECASE) for line in lines)
