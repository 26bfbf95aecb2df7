"""A script of one's own for the platform's image: ``source_code: {source_dir: ..., entry_script: train.py}``.

trainkit is in the image. What the run asks for (how often checkpoints are saved, how many are kept) reaches the script
through it; hyperparameters are arguments, channels and the model's folder are SM_* variables.
"""

# ruff: noqa: T201 - the job's log is what it prints

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np
import softmax
from trainkit import Checkpoints, Progress, StopSignal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning_rate", type=float, default=1.0)
    options = parser.parse_args()
    train = softmax.read(os.environ["SM_CHANNEL_TRAIN"])
    validation = softmax.read(os.environ["SM_CHANNEL_VALIDATION"])

    checkpoints, stop = Checkpoints(), StopSignal()
    restored = checkpoints.restore(np.load)
    first = restored.step if restored else 0
    weights = restored.state if restored else np.zeros((train[0].shape[1], softmax.CLASSES))
    progress = Progress(total=options.epochs, resumed_from=first or None)

    for epoch in range(first + 1, options.epochs + 1):
        weights = softmax.step(weights, *train, options.learning_rate)
        progress.log(epoch, {"validation:accuracy": softmax.accuracy(weights, *validation)})
        stopping = stop.requested
        if checkpoints.due() or stopping or epoch == options.epochs:
            checkpoints.save(epoch, partial(save, weights))
            progress.report(epoch)
        if stopping:
            break
    save(weights, Path(os.environ["SM_MODEL_DIR"], "weights.npy"))
    print(f"validation:accuracy={softmax.accuracy(weights, *validation):.4f}")


def save(weights: np.ndarray, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, weights)


if __name__ == "__main__":
    main()
