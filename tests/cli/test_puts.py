"""`--put data://sales/=./sample`, and what a request needs that nothing fills."""

from pathlib import Path

import pytest

from trainwright.cli.errors import BadInput
from trainwright.cli.rehearse import data


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "a.csv").write_text("1\n")
    (tmp_path / "b.csv").write_text("2\n")
    return tmp_path


@pytest.mark.parametrize("address", ["data://sales/", "data://sales"])
def test_every_file_becomes_an_object_below_the_prefix(address: str, sample: Path) -> None:
    assert sorted(data.read_put(f"{address}={sample}").files()) == ["sales/2026/a.csv", "sales/b.csv"]


@pytest.mark.parametrize("text", ["sales=.", "data://sales", "data:///=.", "s3://bucket/x/=.", "data://x/="])
def test_fails_when_it_is_not_an_address_and_a_folder(text: str) -> None:
    with pytest.raises(BadInput, match="--put"):
        data.read_put(text)


def test_fails_when_the_folder_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a folder"):
        data.read_put(f"data://x/={tmp_path / 'nope'}")
    with pytest.raises(BadInput, match="holds no files"):
        data.read_put(f"data://x/={tmp_path}")


@pytest.mark.parametrize(
    ("source", "is_filled"),
    [
        ("data://sales/", True),
        ("data://sales/2026/", True),
        ("data://sales/2027/", False),
        ("sales/", True),
        ({"s3_uri": "data://elsewhere/"}, False),
        ("s3://another-bucket/x/", True),
        ({"input_mode": "File"}, True),
    ],
)
def test_inputs_that_nothing_fills_are_named(source: object, is_filled: bool, sample: Path) -> None:
    empty = data.empty_inputs({"inputs": {"train": source}}, [data.read_put(f"data://sales/={sample}")])
    assert [name for name, _ in empty] == ([] if is_filled else ["train"])


def test_the_digits_are_all_there_and_split_the_same_way_every_time(tmp_path: Path) -> None:
    data.write_digits(tmp_path / "one")
    data.write_digits(tmp_path / "two")
    counts = {}
    for channel, parts in data.DIGITS.items():
        files = sorted((tmp_path / "one" / channel).glob("part-*.csv"))
        assert len(files) == parts
        lines = [line for file in files for line in file.read_text().splitlines()]
        assert all(len(line.split(",")) == 65 for line in lines)
        assert {line.split(",")[0] for line in lines} == set("0123456789")
        counts[channel] = len(lines)
        for file in files:
            assert file.read_bytes() == (tmp_path / "two" / channel / file.name).read_bytes()
    assert counts == {"train": 1437, "validation": 360}
