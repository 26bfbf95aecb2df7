"""The sample's script in a container's place: it learns, and it survives what spot does to it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest

from trainwright.cli.rehearse.data import write_digits

IMAGE = Path(__file__).parents[2] / "training_image"
FAST = {"hidden_units": "32", "shifted_copies": "2"}


class Job:
    def __init__(self, base: Path, **hyperparameters: str):
        self.base = base
        write_digits(base / "input" / "data")
        config = base / "input" / "config"
        config.mkdir()
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        (config / "inputdataconfig.json").write_text(json.dumps({"train": {}, "validation": {}}))

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "trainkit.launch", "train.py", "train"],
            cwd=IMAGE,
            env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self) -> tuple[int, str]:
        process = self.start()
        out, _ = process.communicate(timeout=120)
        return process.returncode, out

    @property
    def progress(self) -> dict[str, object]:
        return json.loads((self.base / "checkpoints" / "progress.json").read_text())

    @property
    def starts(self) -> list[tuple[object, object]]:
        return [(start["resumed_from"], start["step"]) for start in self.progress["starts"]]

    @property
    def metrics(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.base / "checkpoints" / "metrics.jsonl").read_text().splitlines()]

    def predictions(self) -> np.ndarray:
        model = joblib.load(self.base / "model" / "model.joblib")
        rows = np.loadtxt(self.base / "input/data/validation/part-0.csv", delimiter=",")
        return model.predict_proba(rows[:, 1:] / 16)


def lines_until(process: subprocess.Popen[str], text: str) -> Iterator[str]:
    for line in process.stdout:
        yield line
        if text in line:
            return


def kill(process: subprocess.Popen[str], number: int) -> str:
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=60)
    return out


def test_it_learns_and_says_so(tmp_path: Path) -> None:
    job = Job(tmp_path, epochs="12")
    code, out = job.run()
    assert code == 0, out
    accuracy = float(out.rsplit("validation:accuracy=", 1)[1])
    assert accuracy > 0.95
    assert out.count("train:loss=") == 12
    assert (job.progress["step"], job.progress["total"], job.progress["resumed_from"]) == (12, 12, None)
    assert job.starts == [(None, 12)]
    assert [(line["step"], sorted(line["values"])) for line in job.metrics] == [
        (epoch, ["train:loss", "validation:accuracy"]) for epoch in range(1, 13)
    ]
    assert f"validation:accuracy={job.metrics[-1]['values']['validation:accuracy']:.4f}" in out
    assert len(list((tmp_path / "checkpoints").glob("*.ckpt"))) == 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = Job(tmp_path_factory.mktemp("undisturbed"), epochs="6", **FAST)
    assert job.run()[0] == 0
    return job


def test_after_sigkill_it_resumes_and_ends_with_the_very_same_model(tmp_path: Path, undisturbed: Job) -> None:
    job = Job(tmp_path, epochs="6", **FAST)
    process = job.start()
    list(lines_until(process, "epoch=3 "))
    kill(process, signal.SIGKILL)
    code, out = job.run()
    assert code == 0, out
    assert job.progress["resumed_from"] >= 3
    assert f"resumed after epoch {job.progress['resumed_from']}" in out
    assert [line["step"] for line in job.metrics] == [1, 2, 3, 4, 5, 6]
    assert [line["values"] for line in job.metrics] == [line["values"] for line in undisturbed.metrics]
    np.testing.assert_array_equal(job.predictions(), undisturbed.predictions())


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path: Path, undisturbed: Job) -> None:
    job = Job(tmp_path, epochs="4", **FAST)
    assert job.run()[0] == 0
    newest = max((tmp_path / "checkpoints").glob("*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    (tmp_path / "input/config/hyperparameters.json").write_text(json.dumps({"epochs": "6", **FAST}))
    code, out = job.run()
    assert code == 0, out
    assert (job.progress["step"], job.progress["resumed_from"]) == (6, 3)
    assert job.starts[-2:] == [(None, 4), (3, 6)]
    assert [line["step"] for line in job.metrics] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(job.predictions(), undisturbed.predictions())


def test_sigterm_saves_a_checkpoint_and_a_model_and_ends_well(tmp_path: Path) -> None:
    job = Job(tmp_path, epochs="500", **FAST)
    process = job.start()
    list(lines_until(process, "epoch=2 "))
    began = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert time.monotonic() - began < 30
    assert f"checkpoint {job.progress['step']} is saved" in out
    assert (tmp_path / "model" / "model.joblib").is_file()


def test_an_empty_channel_is_named(tmp_path: Path) -> None:
    job = Job(tmp_path, epochs="1")
    for file in (tmp_path / "input/data/validation").iterdir():
        file.unlink()
    code, _ = job.run()
    assert code == 1
    assert "no *.csv in this input channel" in (tmp_path / "output" / "failure").read_text()
