"""Trains on nothing: writes what it was given into its model and counts up, going on where a checkpoint ends."""

import json
import os
import time
from pathlib import Path

ml = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
parameters = json.loads((ml / "input/config/hyperparameters.json").read_text())
checkpoint = ml / "checkpoints" / "epoch.txt"
start = int(checkpoint.read_text()) if checkpoint.exists() else 0
print(f"starting after epoch {start}", flush=True)
for epoch in range(start + 1, int(parameters.get("epochs", 3)) + 1):
    time.sleep(float(parameters.get("seconds", 0)))
    print(f"epoch {epoch} loss={1 / epoch:.4f}", flush=True)
    if checkpoint.parent.is_dir():
        temporary = checkpoint.with_suffix(".tmp")
        temporary.write_text(str(epoch))
        temporary.replace(checkpoint)
data = sorted(path.name for path in (ml / "input/data").rglob("*") if path.is_file())
(ml / "model" / "model.json").write_text(json.dumps({"data": data, "parameters": parameters, "resumed": start}))
