"""What a script leaves beside its checkpoints for the report: times, and metrics that go on after an interruption."""

import json
import math
import time
from itertools import pairwise
from pathlib import Path

import pytest
from trainkit import Checkpoints, Progress
from trainkit.metrics import MetricsFile


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def steps(folder: Path) -> list[object]:
    return [line["step"] for line in lines(folder)]


def started(folder: Path) -> dict[str, float]:
    return json.loads((folder / "progress.json").read_text())["starts"][-1]


def test_times_say_when_it_was_ready_and_what_checkpoints_took(tmp_path: Path) -> None:
    before = time.time()
    checkpoints, progress = Checkpoints(tmp_path), Progress(4, directory=tmp_path)
    for step in (1, 2):
        checkpoints.save(step, lambda path: (time.sleep(0.05), path.write_bytes(b"state")))
        progress.report(step)
    own = started(tmp_path)
    assert own["began_at"] <= own["ready_at"] <= own["saved_at"] <= time.time()
    assert own["ready_at"] >= before - 0.001
    assert own["checkpoint_seconds"] >= 0.1
    assert own["checkpoint_seconds"] <= time.time() - before + 0.001


def test_a_script_that_saves_by_itself_says_when_it_reported(tmp_path: Path) -> None:
    progress = Progress(directory=tmp_path)
    before = time.time()
    progress.report(1)
    assert started(tmp_path)["saved_at"] >= round(before, 3)
    assert started(tmp_path)["checkpoint_seconds"] == 0


def test_metrics_are_a_line_a_report(tmp_path: Path) -> None:
    progress = Progress(directory=tmp_path)
    progress.log(1, {"train:loss": 0.5})
    progress.report(2, metrics={"train:loss": 0.25, "validation:accuracy": 1})
    assert [(line["step"], line["values"]) for line in lines(tmp_path)] == [
        (1, {"train:loss": 0.5}),
        (2, {"train:loss": 0.25, "validation:accuracy": 1.0}),
    ]
    assert all(abs(line["time"] - time.time()) < 60 for line in lines(tmp_path))


def test_without_metrics_there_is_no_file(tmp_path: Path) -> None:
    Progress(directory=tmp_path).report(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["progress.json"]


def test_a_resumed_process_drops_what_comes_again_and_keeps_the_times_of_the_rest(tmp_path: Path) -> None:
    first = Progress(directory=tmp_path)
    for step in range(1, 6):
        first.log(step, {"loss": step})
    kept = lines(tmp_path)[:3]
    second = Progress(resumed_from=3, directory=tmp_path)
    assert len(lines(tmp_path)) == 5, "a process that reports nothing changes nothing"
    second.log(4, {"loss": 40})
    assert lines(tmp_path)[:3] == kept
    assert [line["values"]["loss"] for line in lines(tmp_path)] == [1, 2, 3, 40]


def test_a_process_that_began_at_nothing_keeps_nothing(tmp_path: Path) -> None:
    Progress(directory=tmp_path).log(1, {"loss": 1})
    Progress(directory=tmp_path).log(1, {"loss": 2})
    assert [line["values"]["loss"] for line in lines(tmp_path)] == [2]


@pytest.mark.parametrize("cut", [b'{"step": 3, "ti', b"\x00\xff\n", b"[1]\n", b'{"step": 2}\n', b'{"step": 3}', b"1"])
def test_a_line_that_a_kill_cut_off_does_not_break_the_next_start(tmp_path: Path, cut: bytes) -> None:
    Progress(directory=tmp_path).log(1, {"loss": 1})
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(cut)
    Progress(resumed_from=3, directory=tmp_path).log(4, {"loss": 4})
    assert steps(tmp_path) == [1, 4]


def test_what_json_has_no_word_for_is_null(tmp_path: Path) -> None:
    Progress(directory=tmp_path).log(1, {"a": math.nan, "b": -math.inf})
    assert lines(tmp_path)[0]["values"] == {"a": None, "b": None}
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_a_value_that_is_no_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="metrics: accuracy is 'good', which is no number"):
        Progress(directory=tmp_path).log(1, {"accuracy": "good"})


def test_a_full_disk_costs_the_curves_and_not_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(directory=tmp_path)
    (tmp_path / "metrics.jsonl").mkdir()
    for step in (1, 2):
        progress.report(step, metrics={"loss": 1})
    assert started(tmp_path)["step"] == 2
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_a_long_file_is_thinned_evenly_and_keeps_rare_metrics_and_the_last_values(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", None, limit=20_000)
    for step in range(2000):
        file.write(step, {"train:loss": step})
        if step % 400 == 0:
            file.write(step, {"validation:accuracy": step})
    assert (tmp_path / "metrics.jsonl").stat().st_size <= 20_000
    found = lines(tmp_path)
    losses = [line["step"] for line in found if "train:loss" in line["values"]]
    assert (losses[0], losses[-1]) == (0, 1999)
    assert max(b - a for a, b in pairwise(losses)) < 60, "old steps are not thinned away"
    rare = [line["step"] for line in found if "validation:accuracy" in line["values"]]
    assert rare == [0, 400, 800, 1200, 1600]


@pytest.mark.parametrize("name", [lambda step: f"loss of {step}", lambda _: "loss"])
def test_no_way_of_reporting_makes_the_file_grow_forever(tmp_path: Path, name: object) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", None, limit=5000)
    for step in range(500):
        file.write(7, {name(step): 1.0})
    assert (tmp_path / "metrics.jsonl").stat().st_size <= 5000


def test_the_file_is_whole_when_its_checkpoint_is(tmp_path: Path) -> None:
    """Whoever copies the folder meanwhile takes a file that was renamed into its place for whole at once."""
    progress = Progress(directory=tmp_path)
    progress.log(1, {"loss": 1})
    written = (tmp_path / "metrics.jsonl").stat().st_ino
    progress.report(1)
    assert (tmp_path / "metrics.jsonl").stat().st_ino != written
    assert steps(tmp_path) == [1]
