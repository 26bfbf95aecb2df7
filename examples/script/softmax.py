"""A linear classifier, small enough to be read: one matrix, trained by gradient descent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES, GREYS = 10, 16.0


def read(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """The images of all CSV files in `folder`, with a constant beside their grey values, and their labels."""
    rows = np.concatenate([np.loadtxt(file, delimiter=",", ndmin=2) for file in sorted(Path(folder).rglob("*.csv"))])
    return np.column_stack([rows[:, 1:] / GREYS, np.ones(len(rows))]), rows[:, 0].astype(int)


def probabilities(weights: np.ndarray, images: np.ndarray) -> np.ndarray:
    scores = images @ weights
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def step(weights: np.ndarray, images: np.ndarray, labels: np.ndarray, rate: float) -> np.ndarray:
    """The weights after one step down the gradient of the cross-entropy."""
    wrong = probabilities(weights, images) - np.eye(CLASSES)[labels]
    return weights - rate * images.T @ wrong / len(images)


def accuracy(weights: np.ndarray, images: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities(weights, images).argmax(axis=1) == labels).mean())
