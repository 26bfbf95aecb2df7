"""The folder of `--data`: whole or as it was, whatever happens while it is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwright.cli.account import folder
from trainwright.cli.account.folder import Bucket, Folder, Index, KeptObject, Table
from trainwright.cli.errors import BadInput, StepFailed

ITEM = {"run": {"S": "a"}, "B": {"B": b"\x00\xff"}, "m": {"M": {"BS": {"BS": [b"1", b"2"]}, "n": {"N": "1.5"}}}}


def index_of(*objects: KeptObject) -> Index:
    return Index({"stack/Data": Bucket("old-data", list(objects))}, {"stack/Runs": Table("old-runs", [ITEM])})


def filled(root: Path, *contents: bytes) -> Folder:
    with folder.opened(root) as opened:
        objects = [KeptObject(f"{number}", opened.add([each])) for number, each in enumerate(contents)]
        opened.replace(index_of(*objects))
    return opened


def test_what_was_kept_is_read_again_binary_values_too(tmp_path: Path) -> None:
    kept = KeptObject("a/ä", "d" * 64, {"Metadata": {"by": "me"}}, {"kind": "raw"})
    with folder.opened(tmp_path) as first:
        first.replace(index_of(kept))
    with folder.opened(tmp_path) as second:
        assert second.index == index_of(kept)
        assert (second.index.objects, second.index.items) == (1, 1)


def test_a_save_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    before = filled(tmp_path, b"one", b"two").index

    def breaks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with folder.opened(tmp_path) as opened, pytest.raises(ConnectionError):
        opened.add(breaks())
    (tmp_path / "kept.json.part").write_text('{"schema": 1, "buckets": {"sta')
    folder.check(tmp_path)
    with folder.opened(tmp_path) as opened:
        assert opened.index == before
        contents = [opened.content(each.digest).read_bytes() for each in before.buckets["stack/Data"].objects]
        assert contents == [b"one", b"two"]
        opened.replace(before)
    assert len(list((tmp_path / "objects").iterdir())) == 2, "the half content is gone"


def test_equal_contents_are_stored_once_and_unnamed_ones_removed(tmp_path: Path) -> None:
    opened = filled(tmp_path, b"same", b"same", b"other")
    assert len(list((tmp_path / "objects").iterdir())) == 2
    opened.replace(Index())
    assert list((tmp_path / "objects").iterdir()) == []


def test_fails_when_a_content_is_not_what_was_saved(tmp_path: Path) -> None:
    opened = filled(tmp_path, b"one")
    (content,) = (tmp_path / "objects").iterdir()
    assert opened.content(content.name) == content
    content.write_bytes(b"On")
    with pytest.raises(StepFailed, match="missing or damaged"):
        opened.content(content.name)
    content.unlink()
    with pytest.raises(StepFailed, match="missing or damaged"):
        opened.content(content.name)


def test_fails_when_another_account_has_the_folder(tmp_path: Path) -> None:
    with folder.opened(tmp_path), pytest.raises(BadInput, match="another account"), folder.opened(tmp_path):
        pass


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("thesis.txt", "", r"holds other files \(thesis.txt\)"),
        ("kept.json", "{", "cannot be read"),
        ("kept.json", '{"schema": 1, "buckets": []}', "cannot be read"),
        ("kept.json", '{"schema": 2}', r"another version \(schema 2, ours is 1\)"),
    ],
)
def test_fails_when_the_folder_is_not_ours(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        folder.check(tmp_path)


def test_fails_when_it_is_a_file_or_lies_in_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BadInput, match="is a file"):
        folder.check(file)
    with pytest.raises(BadInput, match="cannot be made"), folder.opened(file / "below"):
        pass
