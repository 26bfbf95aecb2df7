"""The folder of `--data`: what a journal makes of an index, and what is refused in plain words."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainwright.cli.account import folder
from trainwright.cli.account.folder import Folder
from trainwright.cli.errors import BadInput, StepFailed
from trainwright.rehearsal.keeping import folder as kept
from trainwright.rehearsal.keeping.folder import Bucket, Index, KeptObject, Table

ROW = {"run": {"S": "a"}, "B": {"B": base64.b64encode(b"\x00\xff").decode()}, "m": {"M": {"n": {"N": "1.5"}}}}


def put(root: Path, content: bytes) -> str:
    digest = kept.new_hash()
    digest.update(content)
    kept.content_file(root, digest.hexdigest()).write_bytes(content)
    return str(digest.hexdigest())


def index_of(*objects: KeptObject) -> Index:
    rows = {kept.identity(ROW, ["run"]): ROW}
    bucket = Bucket(["older-data", "old-data"], {each.key: each for each in objects})
    return Index({"stack/Data": bucket}, {"stack/Runs": Table(["old-runs"], ["run"], rows)})


def filled(root: Path, *contents: bytes) -> Folder:
    with folder.opened(root) as opened:
        objects = [KeptObject(f"{number}", put(root, each)) for number, each in enumerate(contents)]
        opened.begin(index_of(*objects))
    return opened


def write(root: Path, *lines: list[dict[str, Any]], torn: str = "") -> None:
    """What an account writes while it is open."""
    with kept.journal(root).open("a") as journal:  # type: ignore[union-attr]
        journal.write("".join(json.dumps(line) + "\n" for line in lines) + torn)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    known = KeptObject("a/ä", "d" * 48, {"Metadata": {"by": "me"}}, {"kind": "raw"})
    with folder.opened(tmp_path) as first:
        first.begin(index_of(known))
    with folder.opened(tmp_path) as second:
        assert second.index == index_of(known)
        assert (second.index.objects, second.index.items) == (1, 1)


def test_the_journal_goes_on_from_the_index_up_to_its_last_whole_line(tmp_path: Path) -> None:
    filled(tmp_path, b"one", b"two")
    new = put(tmp_path, b"new")
    row, other = {"run": {"S": "a"}, "x": {"N": "1"}}, {"run": {"S": "b"}}
    write(
        tmp_path,
        [{"bucket": "old-data", "put": {"key": "1", "digest": new, "settings": {}, "tags": {}}}],
        [{"bucket": "old-data", "delete": "0"}],
        [{"bucket": "made", "place": "/made"}],
        [{"bucket": "made", "put": {"key": "m", "digest": new, "settings": {}, "tags": {}}}],
        [{"table": "old-runs", "item": row}, {"table": "old-runs", "item": other}],
        torn='[{"bucket": "old-data", "delete": "1"',
    )
    with folder.opened(tmp_path) as opened:
        found = opened.index
        assert {key: each.digest for key, each in found.buckets["stack/Data"].objects.items()} == {"1": new}
        assert list(found.buckets["/made"].objects) == ["m"]
        assert list(found.tables["stack/Runs"].items.values()) == [row, other]
        opened.begin(found)
    assert {path.name for path in (tmp_path / "objects").iterdir()} == {new}, "what nothing names is removed"
    write(tmp_path, [{"table": "old-runs", "remove": {"run": {"S": "a"}}}], [{"bucket": "made", "drop": True}])
    assert list(kept.read(tmp_path).tables["stack/Runs"].items.values()) == [other]
    assert "/made" not in kept.read(tmp_path).buckets


def test_a_number_is_one_key_however_it_is_spelled() -> None:
    assert kept.identity({"n": {"N": "1"}, "x": {"S": "y"}}, ["n"]) == kept.identity({"n": {"N": "1.0"}}, ["n"])
    assert kept.identity({"n": {"N": "1"}}, ["n"]) != kept.identity({"n": {"S": "1"}}, ["n"])


@pytest.mark.parametrize(("waiting", "left"), [(True, ["1", "new"]), (False, ["new"])])
def test_a_new_bucket_replaces_one_that_was_deployed_and_goes_on_for_one_that_was_not(
    waiting: bool, left: list[str], tmp_path: Path
) -> None:
    one = KeptObject("1", "d" * 48)
    with folder.opened(tmp_path) as opened:
        opened.begin(Index({"stack/Data": Bucket(["old-data"], {"1": one}, waiting)}, {}))
    new = {"key": "new", "digest": "d" * 48, "settings": {}, "tags": {}}
    write(tmp_path, [{"bucket": "new-data", "place": "stack/Data"}], [{"bucket": "new-data", "put": new}])
    assert list(kept.read(tmp_path).buckets["stack/Data"].objects) == left
    write(tmp_path, [{"bucket": "old-data", "drop": True}] if not waiting else [])
    assert kept.read(tmp_path).buckets["stack/Data"].names[-1] == "new-data"


def test_a_start_that_is_killed_while_it_begins_leaves_what_was_there(tmp_path: Path) -> None:
    filled(tmp_path, b"one", b"two")
    write(tmp_path, [{"bucket": "old-data", "delete": "0"}])
    before = kept.read(tmp_path)
    (tmp_path / "kept.json.part").write_text('{"schema": 2, "buckets": {"sta')
    (tmp_path / "journal-2").write_text("[]\n")
    (tmp_path / "objects" / "half.part").write_text("hal")
    folder.check(tmp_path)
    with folder.opened(tmp_path) as opened:
        assert opened.index == before
        opened.begin(before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "lock", "objects"]
    assert len(list((tmp_path / "objects").iterdir())) == 1
    assert kept.read(tmp_path) == before, "and nothing of the other journal"


def test_a_folder_of_the_first_schema_opens(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    digest = hashlib.sha256(b"one").hexdigest()
    (tmp_path / "objects" / digest).write_bytes(b"one")
    bucket = {"name": "old-data", "objects": [{"key": "a", "digest": digest, "settings": {}, "tags": {}}]}
    table = {"name": "old-runs", "items": [ROW, {"run": {"S": "b"}}]}
    content = {"schema": 1, "buckets": {"stack/Data": bucket}, "tables": {"stack/Runs": table}}
    (tmp_path / "kept.json").write_text(json.dumps(content))
    with folder.opened(tmp_path) as opened:
        assert (opened.index.objects, opened.index.items) == (1, 2)
        assert opened.content(digest).read_bytes() == b"one"
        opened.begin(opened.index)
        assert kept.read(tmp_path) == opened.index
        assert opened.content(digest).read_bytes() == b"one"


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


def test_fails_when_an_account_whose_command_is_gone_still_writes(tmp_path: Path, monkeypatch: Any) -> None:
    filled(tmp_path, b"one")
    journal = os.open(kept.journal(tmp_path) or "", os.O_WRONLY | os.O_CREAT)
    assert kept.lock(journal)
    monkeypatch.setattr(folder, "WAIT_SECONDS", 0.1)
    with pytest.raises(BadInput, match="has not ended"), folder.opened(tmp_path):
        pass
    os.close(journal)
    with folder.opened(tmp_path) as opened:
        assert opened.index.objects == 1


def test_fails_when_it_cannot_be_written(tmp_path: Path) -> None:
    opened = filled(tmp_path, b"one")
    (tmp_path / "kept.json.part").mkdir()
    with pytest.raises(StepFailed, match="cannot be written"):
        opened.begin(Index())
    assert kept.read(tmp_path).objects == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("thesis.txt", "", r"holds other files \(thesis.txt\)"),
        ("kept.json", "{", "cannot be read"),
        ("kept.json", '{"schema": 1, "buckets": []}', "cannot be read"),
        ("kept.json", '{"schema": 3}', r"another version \(schema 3, ours is 2\)"),
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


def test_the_format_loads_without_moto() -> None:
    program = "import sys, trainwright.rehearsal.keeping.folder; assert not {'moto', 'boto3'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
