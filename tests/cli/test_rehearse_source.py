"""A rehearsal of a request that brings its own folder of scripts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import json, os, pathlib, time

base = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
checkpoints = base / "checkpoints"
checkpoints.mkdir(exist_ok=True)
done = max([int(file.stem) for file in checkpoints.glob("*.step")], default=0)
for step in range(done + 1, 5):
    time.sleep(0.4)
    (checkpoints / f"{step}.step").write_text("state")
    progress = {"step": step, "total": 4, "resumed_from": done or None}
    (checkpoints / "progress.json").write_text(json.dumps(progress))
    print("mine, step", step, flush=True)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("learned")
"""
REQUEST = """\
name: mine
source_code: {source_dir: src, entry_script: mine.py}
compute: {instance_type: ml.m5.large, spot: true}
limits: {max_runtime: 30m}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text(SCRIPT)
    (tmp_path / "run.yaml").write_text(REQUEST)
    return tmp_path


def rehearse(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainwright.cli", "rehearse", "run.yaml"]
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "npm_"))}
    env = kept | {"PATH": os.environ["PATH"], "HOME": str(folder), "CI": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240, check=False)


def test_the_users_script_runs_in_the_platforms_image_and_resumes(folder: Path) -> None:
    done = rehearse(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "src as source/" in done.stdout
    assert "mine, step 1" in done.stdout
    summary = json.loads((folder / ".rehearsal" / "last" / "summary.json").read_text())
    assert summary["execution"]["status"] == "SUCCEEDED"
    assert summary["attempts"][0]["resumed_from_step"] > 0
    assert (folder / ".rehearsal" / "last" / "model" / "model.txt").read_text() == "learned"


def test_fails_when_the_script_imports_what_the_python_lacks(folder: Path) -> None:
    (folder / "src" / "mine.py").write_text("import trainkit\nimport helper\nimport nosuchmodule\n")
    (folder / "src" / "helper.py").write_text("import nosuch_either\n")
    done = rehearse(folder)
    assert done.returncode == 2
    assert "src/mine.py:3:1 import nosuchmodule: " in done.stderr
    assert "src/helper.py:1:1 import nosuch_either: " in done.stderr
    assert done.stderr.splitlines()[-1] == "2 problems. Nothing was started."
    assert not (folder / ".rehearsal").exists()


def test_what_requirements_bring_along_is_not_missed(folder: Path) -> None:
    (folder / "src" / "mine.py").write_text("import nosuchmodule\n")
    (folder / "src" / "requirements.txt").write_text("nosuchmodule\n")
    (folder / "run.yaml").write_text(REQUEST + "inputs: {train: data://nothing/}\n")
    done = rehearse(folder)
    assert done.returncode == 2
    assert "nosuchmodule" not in done.stderr
    assert done.stderr.startswith("run.yaml:5:10 TW101 inputs.train: nothing lies under data://nothing/")


def test_fails_when_the_folder_is_not_there(folder: Path) -> None:
    (folder / "run.yaml").write_text(REQUEST.replace("source_dir: src", "source_dir: scr"))
    done = rehearse(folder)
    assert done.returncode == 2
    assert done.stderr.startswith("run.yaml:2:15 TW106 source_code.source_dir: there is no such folder")
