"""Trains nothing: says `say`, waits for `seconds`, leaves a checkpoint and a model, raises what `fail` says."""

import json
import os
import signal
import sys
import time
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def _stop(number, frame):
    print("asked to stop", flush=True)
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, _stop)
    settings = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    (BASE / "checkpoints").mkdir(exist_ok=True)
    (BASE / "checkpoints" / "step-1.txt").write_text("1")
    print("started", flush=True)
    print(settings.get("say", ""), flush=True)
    time.sleep(float(settings.get("seconds", "0")))
    if settings.get("fail"):
        (BASE / "output" / "failure").write_text(f"RuntimeError: {settings['fail']}")
        raise RuntimeError(settings["fail"])
    (BASE / "model" / "model.txt").write_text("a model")


main()
