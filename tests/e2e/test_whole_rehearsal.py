"""One whole rehearsal of the main job, from the checkout and from the wheel, in an empty folder, with an empty HOME."""

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module", params=["checkout", "wheel"])
def python(request: pytest.FixtureRequest) -> Path:
    return Path(sys.executable) if request.param == "checkout" else request.getfixturevalue("installed_python")


@pytest.fixture(scope="module")
def folder(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rehearsal")


@pytest.fixture(scope="module")
def output(python: Path, folder: Path) -> str:
    home = folder / "home"
    home.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "npm_", "NODE_EXTRA"))
    }
    env = kept | {"PATH": "/usr/bin:/bin", "HOME": str(home), "AWS_PROFILE": "of-the-user", "CI": "1"}
    done = subprocess.run(
        [python, "-m", "trainwright.cli", "rehearse"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def summary(folder: Path, output: str) -> dict:
    return json.loads((folder / ".rehearsal" / "last" / "summary.json").read_text())


def test_every_step_is_true_and_says_so(output: str) -> None:
    steps = [line.split()[1] for line in output.splitlines() if line.startswith("ok ")]
    assert steps == [str(number) for number in range(1, 11)]
    assert "epoch=" in output and "Interrupted" in output


def test_the_summary_has_the_shape_that_scripts_rely_on(summary: dict) -> None:
    assert set(summary) == {"execution", "attempts", "model", "report", "seconds"}
    assert set(summary["execution"]) == {"arn", "status"}
    attempt = {"job_name", "capacity", "status", "interruptions", "resumed_from_step", "training_seconds"}
    assert [set(item) for item in summary["attempts"]] == [attempt | {"billable_seconds", "cost_usd"}]
    assert set(summary["model"]) == {"s3_uri", "sha256", "path", "metrics"}
    assert set(summary["report"]) == {"html", "json"}
    assert set(summary["seconds"]) == {"synth", "deploy", "run", "total"}


def test_the_run_lost_its_instance_resumed_and_learned(summary: dict) -> None:
    assert summary["execution"]["status"] == "SUCCEEDED"
    (attempt,) = summary["attempts"]
    assert (attempt["capacity"], attempt["status"], attempt["interruptions"]) == ("spot", "Completed", 1)
    assert attempt["resumed_from_step"] > 0
    assert summary["model"]["metrics"]["validation_accuracy"] > 0.9


def test_the_model_and_the_report_are_where_the_summary_says(summary: dict) -> None:
    model = Path(summary["model"]["path"])
    assert hashlib.sha256(model.read_bytes()).hexdigest() == summary["model"]["sha256"]
    report = json.loads(Path(summary["report"]["json"]).read_text())
    assert report["status"] == "SUCCEEDED"
    assert report["attempts"][0]["job_name"] == summary["attempts"][0]["job_name"]
    assert report["run"] in Path(summary["report"]["html"]).read_text()


def test_the_report_says_where_the_time_went_and_how_the_metrics_developed(folder: Path, summary: dict) -> None:
    report, charts = (
        json.loads((folder / f".rehearsal/last/{name}.json").read_text()) for name in ("report", "charts")
    )
    goodput = report["goodput"]
    assert sum(goodput["parts"].values()) == pytest.approx(goodput["whole_seconds"], abs=0.1)
    assert goodput["notes"] == []
    assert all(goodput["parts"][part] > 0 for part in ("productive", "start_up", "download", "checkpoints", "upload"))
    assert charts["curves"]["resumes"] == [summary["attempts"][0]["resumed_from_step"]]
    for name in ("train:loss", "validation:accuracy"):
        steps = [step for step, _ in charts["curves"]["points"][name]]
        assert steps == list(range(1, 13))
        assert charts["curves"]["points"][name][-1][1] == report["metrics"][name]


def test_nothing_keeps_running(folder: Path, output: str) -> None:
    left = [entry for entry in Path("/proc").glob("[0-9]*") if str(folder) in words_of(entry)]
    assert left == []


def test_nothing_was_written_into_the_users_home_but_caches(folder: Path, output: str) -> None:
    assert {path.name for path in (folder / "home").iterdir()} <= {".cache", ".npm"}


def words_of(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_text()
    except OSError:
        return ""


def test_the_readme_shows_what_is_really_printed(folder: Path, output: str) -> None:
    """The recorded lines and these, but for times, names and learned figures: `tools/readme.py` records anew."""
    root = Path(__file__).parents[2]
    spec = importlib.util.spec_from_file_location("readme", root / "tools" / "readme.py")
    assert spec and spec.loader
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)
    shown = re.search(r"<!-- recorded: make rehearse -->\n```\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    assert shown
    printed = readme.recorded(folder / ".rehearsal" / "last" / "output.txt")
    assert masked(shown[1]) == masked(printed)


def masked(text: str) -> list[str]:
    without_names = re.sub(r"research-[0-9a-f]{10}|\d[\d.:-]*", "#", text)
    return [" ".join(line.split()) for line in without_names.splitlines()]
