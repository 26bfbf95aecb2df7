"""`make bench`: what the main job costs, from one rehearsal and one run of its script alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from trainwright import project
from trainwright.cli.rehearse.data import write_digits

LAST = Path(".rehearsal") / "last"


def main() -> int:
    done = subprocess.run([sys.executable, "-m", "trainwright.cli", "rehearse"], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.stdout.buffer.write(done.stdout)
        return done.returncode
    summary = json.loads((LAST / "summary.json").read_text(encoding="utf-8"))
    events = json.loads((LAST / "history.json").read_text(encoding="utf-8"))
    for name, value in [*seconds(summary), *overhead(summary), *calls(events)]:
        print(f"{name:<58}{value}")  # noqa: T201 - what a benchmark is for
    return 0


def seconds(summary: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f"{name}, seconds", f"{value:.1f}") for name, value in summary["seconds"].items()]


def overhead(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The run against its own script, started by hand, on the same machine, in the same minute."""
    alone, run = script_alone(), summary["seconds"]["run"]
    trained = sum(attempt["training_seconds"] for attempt in summary["attempts"])
    return [
        ("the training script alone, seconds", f"{alone:.1f}"),
        ("run / script alone (with one interruption and resume)", f"{run / alone:.2f}"),
        ("seconds of the run in which no job was training", f"{run - trained:.1f}"),
    ]


def script_alone() -> float:
    """The same script with the same data and hyperparameters, uninterrupted, without anything around it."""
    config = json.loads((LAST / "report.json").read_text(encoding="utf-8"))["request"].get("hyperparameters", {})
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        write_digits(base / "input" / "data")
        files: dict[str, dict[str, Any]] = {
            "hyperparameters": {name: str(value) for name, value in config.items()},
            "inputdataconfig": {"train": {}, "validation": {}},
        }
        (base / "input" / "config").mkdir()
        for name, content in files.items():
            (base / "input" / "config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-m", "trainkit.launch", "train.py"]
        env = os.environ | {"SAGEMAKER_BASE_DIR": folder}
        began = time.monotonic()
        subprocess.run(command, cwd=project.path("training_image"), env=env, stdout=subprocess.DEVNULL, check=True)
        return time.monotonic() - began


def calls(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What AWS bills a run by, counted in the execution's own history."""
    lambdas = [event["id"] for event in events if is_task(event, "lambda")]
    submitted = [event["id"] for event in events if event["type"] == "TaskSubmitted"]
    ended = [event["id"] for event in events if event["type"] in ("TaskSucceeded", "TaskFailed") and is_job(event)]
    while_training = [
        number for number in lambdas for start, end in zip(submitted, ended, strict=False) if start < number < end
    ]
    return [
        ("state transitions", str(sum(event["type"].endswith("StateEntered") for event in events))),
        ("Lambda calls", str(len(lambdas))),
        ("Lambda calls before the job exists", str(sum(number < min(submitted) for number in lambdas))),
        ("Lambda calls while it trains", str(len(while_training))),
    ]


def is_task(event: dict[str, Any], kind: str) -> bool:
    if event["type"] == "LambdaFunctionScheduled":
        return kind == "lambda"
    scheduled: dict[str, Any] = event.get("taskScheduledEventDetails", {})
    return bool(scheduled.get("resourceType") == kind)


def is_job(event: dict[str, Any]) -> bool:
    details = event.get("taskSucceededEventDetails") or event.get("taskFailedEventDetails") or {}
    return bool(details.get("resourceType") == "sagemaker")


if __name__ == "__main__":
    sys.exit(main())
