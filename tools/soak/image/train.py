"""Learns y = 2 x + 1 by gradient descent; `steps` steps of `seconds` each, a checkpoint after every one."""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHECKPOINTS = BASE / "checkpoints"


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    steps, seconds = int(settings.get("steps", "4")), float(settings.get("seconds", "0"))
    CHECKPOINTS.mkdir(exist_ok=True)
    state, resumed = load()
    for step in range(state["step"] + 1, steps + 1):
        state = learn(state, step)
        time.sleep(seconds)
        save("state.json", whole(state))
        save("progress.json", {"step": step, "total": steps, "resumed_from": resumed})
    model = {"slope": state["slope"], "offset": state["offset"], "steps": steps}
    (BASE / "model" / "model.json").write_text(json.dumps(model))


def learn(state, step):
    draw = random.Random(step)
    slope, offset = state["slope"], state["offset"]
    for _ in range(400):
        x = draw.uniform(-1, 1)
        error = slope * x + offset - (2 * x + 1)
        slope, offset = slope - 0.05 * error * x, offset - 0.05 * error
    return {"step": step, "slope": slope, "offset": offset}


def whole(state):
    text = json.dumps(state, sort_keys=True)
    return {"state": state, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def load():
    try:
        state = json.loads((CHECKPOINTS / "state.json").read_text())["state"]
    except FileNotFoundError:
        return {"step": 0, "slope": 0.0, "offset": 0.0}, None
    return state, state["step"]


def save(name, content):
    temporary = CHECKPOINTS / f"{name}.tmp"
    temporary.write_text(json.dumps(content))
    temporary.replace(CHECKPOINTS / name)


main()
