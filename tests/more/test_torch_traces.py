"""trainkit.torch_trace under torch: a run that asks for it leaves a trace that says what the steps did."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more
torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")

IMAGE = Path(__file__).parents[2] / "training_image"
SCRIPT = """
import torch
from trainkit import torch_trace

torch.set_num_threads(1)
model = torch.nn.Linear(8, 8)
with torch_trace(after=2, warm_up=1) as trace:
    for _ in range(STEPS):
        model(torch.randn(4, 8)).sum().backward()
        trace.step()
"""


def run(base: Path, steps: int, **hyperparameters: str) -> tuple[list[Path], str]:
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (base / "mine.py").write_text(SCRIPT.replace("STEPS", str(steps)))
    done = subprocess.run(
        [sys.executable, "-m", "trainkit.launch", str(base / "mine.py"), "train"],
        cwd=IMAGE,
        env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(base), "PYTHONPATH": str(IMAGE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return sorted((base / "output" / "data").rglob("*.json.gz")), done.stderr


def test_a_run_that_asks_leaves_a_trace_of_so_many_steps(tmp_path: Path) -> None:
    traces, said = run(tmp_path, 8, torch_trace_steps="3")
    assert [path.parent.name for path in traces] == ["traces"]
    assert traces[0].name.startswith("algo-1-rank-0.")
    events = json.loads(gzip.decompress(traces[0].read_bytes()))["traceEvents"]
    assert sum(event.get("name") == "aten::linear" for event in events) == 3
    assert "a trace was written to" in said


def test_a_loop_that_ends_too_early_says_so(tmp_path: Path) -> None:
    traces, said = run(tmp_path, 2, torch_trace_steps="3")
    assert traces == []
    assert "the loop made 2 steps, and the first 3 are not traced" in said


def test_a_run_that_does_not_ask_leaves_none(tmp_path: Path) -> None:
    assert run(tmp_path, 8)[0] == []
