"""Where SageMaker puts things, and how a file gets there whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# torch refuses names that begin with a dot.
TEMPORARY = "saving-{}.tmp"


def base_dir() -> Path:
    """``/opt/ml``, or what SAGEMAKER_BASE_DIR says: the same variable that AWS's own training toolkit reads."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")


def checkpoint_dir() -> Path:
    """The folder that SageMaker keeps in step with S3, in both directions, when the job has a CheckpointConfig."""
    return base_dir() / "checkpoints"


def cache_dir() -> Path | None:
    """A folder of this machine that the next job on its warm pool finds as it was left; None where there is none.

    SageMaker names it where a job keeps its machines: downloaded models and compiled code are well kept there, once
    the next job has checked that they are whole. It is gone when the pool ends ("Train Using SageMaker Managed Warm
    Pools", SageMaker developer guide).
    """
    folder = os.environ.get("SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY")
    return Path(folder) if folder else None


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it: a reader sees the old file or the new one.

    The data is on the disk before the name is, so a machine that is switched off leaves no half file under `path`.
    """
    temporary = stage(path.parent, write)
    return publish(temporary, path)


def stage(directory: Path, write: Callable[[Path], object]) -> Path:
    """A finished temporary file in `directory`, flushed to the disk, not yet under its name."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / TEMPORARY.format(f"{os.getpid()}-{os.urandom(4).hex()}")
    try:
        write(temporary)
        _check_written(temporary)
        _flush(temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def publish(temporary: Path, path: Path) -> Path:
    """Give a staged file its name, and make the name last."""
    temporary.replace(path)
    _flush(path.parent)
    return path


def _check_written(temporary: Path) -> None:
    """numpy.save, for one, adds .npy to a path; it needs an open file instead."""
    if not temporary.is_file():
        raise FileNotFoundError(f"nothing was written to {temporary}: write one file, to exactly the path given")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
