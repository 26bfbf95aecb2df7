"""`make bench`: what the main job costs, from one rehearsal and one run of its script alone; what a check costs; and
what the templates cost while nobody trains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench_profile
import price_at_rest
from ruamel.yaml import YAML

from trainwright import project
from trainwright.cli.rehearse.data import write_digits
from trainwright_runtime.handlers.api_model import check_request
from trainwright_runtime.plan import plan, previews
from trainwright_runtime.request import Checked, check
from trainwright_runtime.spec import SAMPLE_FACTS

LAST = Path(".rehearsal") / "last"


def main() -> int:
    done = subprocess.run([sys.executable, "-m", "trainwright.cli", "rehearse"], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.stdout.buffer.write(done.stdout)
        return done.returncode
    summary = json.loads((LAST / "summary.json").read_text(encoding="utf-8"))
    events = json.loads((LAST / "history.json").read_text(encoding="utf-8"))
    for name, value in [
        *seconds(summary),
        *overhead(summary),
        *calls(events),
        *checks(),
        *opening(),
        *bench_profile.rows(0.25),
        *price_at_rest.lines(),
    ]:
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


def checks() -> list[tuple[str, str]]:
    """What Prepare costs before it calls AWS: its import, beside boto3's alone, and a request checked and rendered."""
    prepare, boto3 = importing("trainwright_runtime.handlers.prepare"), importing("boto3")
    return [
        ("importing Prepare, seconds (best of 5)", f"{prepare:.2f}"),
        ("importing Prepare / importing boto3 alone", f"{prepare / boto3:.1f}"),
        ("checking and rendering a request, warm, milliseconds", f"{rendering() * 1000:.1f}"),
    ]


def opening() -> list[tuple[str, str]]:
    """An empty account, from the command to the lines that its users paste."""
    command = [sys.executable, "-m", "trainwright.cli", "account", "up", "--no-deploy"]
    taken = []
    for _ in range(3):
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as up:
            assert up.stdout is not None  # noqa: S101 - it was asked for
            next(line for line in up.stdout if "export AWS_ENDPOINT_URL" in line)
            taken.append(time.monotonic() - began)
            up.send_signal(signal.SIGINT)
            up.communicate()
    return [("account up, seconds to its export lines (best of 3)", f"{min(taken):.1f}")]


def importing(module: str) -> float:
    """Seconds that an import takes in a new process, the interpreter's own start left out."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    taken = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return min(float(done.stdout) for done in taken)


def rendering() -> float:
    """Seconds for one of the largest examples, from parsed YAML to the job's request."""
    document = YAML(typ="safe", pure=True).load(project.path("examples/runs/finetune.yaml").read_text(encoding="utf-8"))
    document["source_code"]["source_dir"] = "data://source/0123/sourcedir.tar.gz"
    rounds = 200
    for warm in (False, True):
        began = time.perf_counter()
        for _ in range(rounds if warm else 1):
            checked = check(document, None, check_request)
            if not isinstance(checked, Checked):
                raise SystemExit("\n".join(problem.sentence() for problem in checked))
            previews(plan(checked.resolved, SAMPLE_FACTS))
    return (time.perf_counter() - began) / rounds


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
