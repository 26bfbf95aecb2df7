"""Checkpoints: whole or absent, the newest N kept, damaged ones passed over."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

trainkit = pytest.importorskip("trainkit")


def put(content: bytes):
    return lambda path: path.write_bytes(content)


def read(path: Path) -> bytes:
    return path.read_bytes()


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(st.integers(0, 10**6), min_size=1, max_size=12, unique=True).map(sorted), keep=st.integers(1, 5))
def test_the_newest_n_are_kept_and_the_newest_is_restored(steps: list[int], keep: int) -> None:
    with TemporaryDirectory() as folder:
        checkpoints = trainkit.Checkpoints(folder, keep=keep)
        for step in steps:
            checkpoints.save(step, put(f"state {step}".encode()))
        assert checkpoints.steps() == steps[-keep:]
        restored = trainkit.Checkpoints(folder, keep=keep).restore(read)
        assert (restored.step, restored.state) == (steps[-1], f"state {steps[-1]}".encode())


@settings(deadline=None, max_examples=60)
@given(data=st.data(), contents=st.lists(st.binary(min_size=1, max_size=200), min_size=2, max_size=5))
def test_whatever_happens_to_the_newest_the_one_before_is_restored(data: st.DataObject, contents: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        checkpoints = trainkit.Checkpoints(folder, keep=5)
        paths = [checkpoints.save(step, put(content)) for step, content in enumerate(contents)]
        damaged = bytearray(contents[-1])
        position = data.draw(st.integers(0, len(damaged) - 1))
        cut = data.draw(st.booleans())
        damaged[position] ^= 0xFF
        paths[-1].write_bytes(bytes(damaged[:position]) if cut else bytes(damaged))
        restored = checkpoints.restore(read)
        assert (restored.step, restored.state) == (len(contents) - 2, contents[-2])


def test_a_save_that_fails_changes_nothing(tmp_path: Path) -> None:
    checkpoints = trainkit.Checkpoints(tmp_path, keep=1)
    checkpoints.save(1, put(b"good"))

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoints.save(2, fail)
    assert [path.name[:15] for path in tmp_path.iterdir()] == ["step-0000000001"]
    assert checkpoints.restore(read).state == b"good"


def test_a_half_written_file_is_never_seen_under_a_checkpoints_name(tmp_path: Path) -> None:
    seen: list[list[int]] = []
    checkpoints = trainkit.Checkpoints(tmp_path)
    checkpoints.save(1, lambda path: (path.write_bytes(b"half"), seen.append(checkpoints.steps())))
    assert seen == [[]]


def test_what_an_interrupted_save_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "saving-123-abcd.tmp").write_bytes(b"half")
    trainkit.Checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_load_refuses_stays_and_the_one_before_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = trainkit.Checkpoints(tmp_path)
    checkpoints.save(1, put(b"one"))
    checkpoints.save(2, put(b"two"))

    def load(path: Path) -> bytes:
        if read(path) == b"two":
            raise KeyError("optimizer")
        return read(path)

    assert checkpoints.restore(load).step == 1
    assert checkpoints.steps() == [1, 2]
    assert "KeyError: 'optimizer'" in capsys.readouterr().err


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert trainkit.Checkpoints(tmp_path / "not there yet").restore(read) is None


def test_a_save_that_writes_elsewhere_is_told_so(tmp_path: Path) -> None:
    checkpoints = trainkit.Checkpoints(tmp_path)
    with pytest.raises(FileNotFoundError, match="exactly the path given"):
        checkpoints.save(1, lambda path: path.with_suffix(".npy").write_bytes(b"as numpy.save does"))


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints = trainkit.Checkpoints(tmp_path, keep=1)
    for step in range(3):
        checkpoints.save(step, put(b"x"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("keep", [0, -1])
def test_fails_when_nothing_would_be_kept(keep: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        trainkit.Checkpoints(tmp_path, keep=keep)


def began(content: dict[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(start["resumed_from"], start["step"]) for start in content["starts"]]


def test_progress_lies_beside_the_checkpoints_and_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    progress = trainkit.Progress(total=12, resumed_from=5)
    replaced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: replaced.append("flushed"))
    progress.report(6)
    progress.report(7)
    content = json.loads((tmp_path / "checkpoints" / "progress.json").read_text())
    assert {name: content[name] for name in ("step", "total", "resumed_from")} == {
        "step": 7,
        "total": 12,
        "resumed_from": 5,
    }
    assert began(content) == [(5, 7)]
    assert replaced, "a name that appears before its content is on the disk is no promise"
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["progress.json"]


def test_progress_goes_on_with_the_list_of_processes_that_trained(tmp_path: Path) -> None:
    trainkit.Progress(directory=tmp_path).report(5)
    trainkit.Progress(directory=tmp_path, resumed_from=5).report(6)
    content = json.loads((tmp_path / "progress.json").read_text())
    assert began(content) == [(None, 5), (5, 6)]


@pytest.mark.parametrize("content", ["", "[]", '{"starts": 3}', "null"])
def test_a_progress_file_of_another_form_is_replaced(content: str, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(content)
    trainkit.Progress(directory=tmp_path).report(1)
    assert began(json.loads((tmp_path / "progress.json").read_text())) == [(None, 1)]
