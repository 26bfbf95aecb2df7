"""trainkit under torch: a script that is killed resumes with its optimiser and ends with the same weights."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more
torch = pytest.importorskip("torch", reason="torch is not installed: pip install -r tools/requirements-more.txt")

IMAGE = Path(__file__).parents[2] / "training_image"
EPOCHS = 8
SCRIPT = """
import os, sys
from pathlib import Path

import torch
from trainkit import Checkpoints, Progress, StopSignal

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 1)).sin()
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
checkpoints, stop = Checkpoints(keep=2), StopSignal()
restored = checkpoints.restore(lambda path: torch.load(path, weights_only=True))
if restored:
    model.load_state_dict(restored.state["model"])
    optimizer.load_state_dict(restored.state["optimizer"])
progress = Progress(total=int(sys.argv[2]), resumed_from=restored.step if restored else None)
for epoch in range(restored.step + 1 if restored else 1, int(sys.argv[2]) + 1):
    for part in range(4):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x[part::4]), y[part::4])
        loss.backward()
        optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    checkpoints.save(epoch, lambda path: torch.save(state, path))
    progress.report(epoch)
    print(f"epoch={epoch} train:loss={loss.item():.6f}", flush=True)
    if os.environ.get("PAUSE") and epoch == 3:
        print("paused", flush=True)
        import time; time.sleep(60)
torch.save(model.state_dict(), Path(os.environ["SM_MODEL_DIR"], "model.pt"))
"""


def start(base: Path, **environment: str) -> subprocess.Popen[str]:
    config = base / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps({"epochs": str(EPOCHS)}))
    (base / "mine.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, "-m", "trainkit.launch", str(base / "mine.py"), "train"],
        cwd=IMAGE,
        env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(base), "PYTHONPATH": str(IMAGE), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_killed_torch_script_resumes_to_the_very_same_weights(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    out, _ = (process := start(undisturbed)).communicate(timeout=120)
    assert process.returncode == 0, out

    process = start(killed, PAUSE="1")
    assert any("paused" in line for line in process.stdout)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    out, _ = (process := start(killed)).communicate(timeout=120)
    assert process.returncode == 0, out

    progress = json.loads((killed / "checkpoints" / "progress.json").read_text())
    assert (progress["step"], progress["total"], progress["resumed_from"]) == (EPOCHS, EPOCHS, 3)
    assert (progress["starts"][-1]["resumed_from"], progress["starts"][-1]["step"]) == (3, EPOCHS)
    one, other = (torch.load(base / "model" / "model.pt", weights_only=True) for base in (undisturbed, killed))
    assert all(torch.equal(one[name], other[name]) for name in one)
