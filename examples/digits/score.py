"""Scores a model of this example on the objects of its validation channel.

``trainwright rehearse`` calls it as ``python score.py --model-dir DIR --data-dir DIR``: the unpacked model.tar.gz, and
a folder for each input channel, downloaded from S3. It prints one line of JSON: the metrics by name.
"""

# ruff: noqa: T201 - what it prints is its answer

from __future__ import annotations

import argparse
import json
from pathlib import Path

import joblib
import numpy as np

GREYS = 16.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    options = parser.parse_args()
    model = joblib.load(options.model_dir / "model.joblib")
    files = sorted((options.data_dir / "validation").rglob("*.csv"))
    rows = np.concatenate([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])
    accuracy = float(model.score(rows[:, 1:] / GREYS, rows[:, 0].astype(int)))
    print(json.dumps({"validation_accuracy": accuracy}))


if __name__ == "__main__":
    main()
