"""Learns handwritten digits: a small neural network on CSV objects, a label and 64 grey values a line.

Reads the channels ``train`` and ``validation``, saves a checkpoint after every epoch and resumes from the newest whole
one: the network, its optimiser and its random state travel together, so an interrupted run ends with the model that an
undisturbed one would have had.
"""

# ruff: noqa: T201 - the job's log is what it prints

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from trainkit import Checkpoints, Progress, StopSignal

CLASSES = np.arange(10)
SIDE = 8
GREYS = 16.0

Examples = tuple[np.ndarray, np.ndarray]


def main() -> None:
    options = read_options()
    threadpool_limits(1)  # for matrices this small, threads cost many times what they bring
    train, validation = read_channel(options.train), read_channel(options.validation)
    checkpoints, stop = Checkpoints(keep=options.keep_checkpoints), StopSignal()
    restored = checkpoints.restore(joblib.load)
    first = restored.step if restored else 0
    model = restored.state if restored else new_model(options)
    progress = Progress(total=options.epochs, resumed_from=restored.step if restored else None)
    print(f"resumed after epoch {first}" if restored else "starting from nothing")

    for epoch in range(first + 1, options.epochs + 1):
        learn(model, train, options, epoch)
        accuracy = model.score(*validation)
        progress.log(epoch, {"train:loss": model.loss_, "validation:accuracy": accuracy})
        stopping = stop.requested
        if checkpoints.due() or stopping or epoch == options.epochs:
            checkpoints.save(epoch, lambda path: joblib.dump(model, path))
            progress.report(epoch)
        print(f"epoch={epoch} train:loss={model.loss_:.4f} validation:accuracy={accuracy:.4f}")
        if stopping:
            print(f"asked to stop: checkpoint {epoch} is saved")
            break

    joblib.dump(model, Path(options.model_dir, "model.joblib"))
    print(f"saved the model: validation:accuracy={model.score(*validation):.4f}")


def read_options() -> argparse.Namespace:
    """Hyperparameters arrive as arguments, folders as SM_* variables; both from the image's entry point."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=16, help="passes over the training images")
    parser.add_argument("--learning_rate", type=float, default=0.1, help="step size of gradient descent, 0.02 to 0.2")
    parser.add_argument("--batch_size", type=int, default=64, help="images a step")
    parser.add_argument("--hidden_units", type=int, default=256, help="units of the one hidden layer")
    parser.add_argument(
        "--shifted_copies", type=int, default=24, help="copies of each image an epoch, moved by up to a pixel"
    )
    parser.add_argument("--seed", type=int, default=0, help="of every random choice")
    parser.add_argument("--keep_checkpoints", type=int, help="how many of the newest stay on the disk, as the run asks")
    parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION"))
    options = parser.parse_args()
    for name in ("model_dir", "train", "validation"):
        if not getattr(options, name):
            parser.error(f"no --{name}: start this through trainkit.launch with an input channel of that name")
    return options


def read_channel(folder: str) -> Examples:
    """The images of all CSV files in `folder`, grey values from 0 to 1, and their labels."""
    files = sorted(Path(folder).rglob("*.csv"))
    if not files:
        raise FileNotFoundError(f"{folder}: no *.csv in this input channel")
    rows = np.concatenate([np.loadtxt(file, delimiter=",", dtype=np.float32, ndmin=2) for file in files])
    return rows[:, 1:] / GREYS, rows[:, 0].astype(int)


def new_model(options: argparse.Namespace) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(options.hidden_units,),
        solver="sgd",
        learning_rate_init=options.learning_rate,
        momentum=0.7,
        batch_size=options.batch_size,
        random_state=options.seed,
    )


def learn(model: MLPClassifier, train: Examples, options: argparse.Namespace, epoch: int) -> None:
    """One epoch: every image as it is, and some copies of it moved at random."""
    images, labels = zip(train, *shifted_copies(train, options, epoch), strict=True)
    model.partial_fit(np.concatenate(images), np.concatenate(labels), classes=CLASSES)


def shifted_copies(train: Examples, options: argparse.Namespace, epoch: int) -> Iterator[Examples]:
    """Seeded by the epoch, so that a resumed run sees what it would have seen."""
    chance = np.random.default_rng([options.seed, epoch])
    images, labels = train
    framed = np.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(framed, (SIDE, SIDE), axis=(1, 2))
    for _ in range(options.shifted_copies):
        down, right = chance.integers(0, 3, size=(2, len(images)))
        yield windows[np.arange(len(images)), down, right].reshape(images.shape), labels


if __name__ == "__main__":
    main()
