"""Checkpoints that are whole or absent, and a restore that never trusts a file it has not checked.

A checkpoint is one file whose name carries its step and the SHA-256 of its content, so that SageMaker's copy to S3 and
back, which is made file by file and may be cut off anywhere, cannot pair a checkpoint with the wrong checksum.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from trainkit.paths import TEMPORARY, checkpoint_dir, publish, stage

T = TypeVar("T")

KEEP, EVERY = "TRAINWRIGHT_CHECKPOINT_KEEP", "TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS"
DEFAULT_KEEP = 3
_NAME = re.compile(r"step-(?P<step>\d{10})-(?P<digest>[0-9a-f]{32})\.ckpt")


@dataclass(frozen=True)
class Restored(Generic[T]):
    """A checkpoint that was read back: the step it was saved at, and what `load` returned for it."""

    step: int
    state: T


@dataclass
class Spent:
    """What this process has spent on saving checkpoints: seconds, and when the last one was saved (epoch seconds)."""

    seconds: float = 0.0
    saved_at: float | None = None


spent = Spent()
"""Of all `Checkpoints` together; `Progress` tells of it."""


class Checkpoints:
    """The checkpoints of one training job.

    Args:
        directory: where they lie; by default the folder that SageMaker synchronises with S3.
        keep: how many of the newest stay on the disk, at least 1. Two or more leave something to fall back to.
            SageMaker never deletes in S3 what is deleted here; the bucket's lifecycle does. By default what the run
            asks for (``TRAINWRIGHT_CHECKPOINT_KEEP``), else 3.
        every: how many seconds lie between two checkpoints, for `due`. By default what the run asks for
            (``TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS``), else 0: every time is due.
    """

    def __init__(
        self, directory: str | Path | None = None, keep: int | None = None, every: float | None = None
    ) -> None:
        self.keep = int(_number(KEEP, DEFAULT_KEEP)) if keep is None else keep
        self.every = _number(EVERY, 0.0) if every is None else every
        if self.keep < 1:
            raise ValueError(f"keep: {self.keep} is not allowed; write 1 or more")
        if self.every < 0:
            raise ValueError(f"every: {self.every} is not allowed; write seconds, 0 or more")
        self.directory = Path(directory) if directory else checkpoint_dir()
        self._saved_at = time.monotonic()
        for left_over in self.directory.glob(TEMPORARY.format("*")):
            left_over.unlink(missing_ok=True)

    def due(self) -> bool:
        """Whether `every` seconds have passed since the last save, or since the start.

        Save also at the end and when a stop is asked for, due or not. Clocks of several processes differ: let the first
        one ask and tell the others.
        """
        return time.monotonic() - self._saved_at >= self.every

    def save(self, step: int, write: Callable[[Path], object]) -> Path:
        """Save the state after `step`; `write` gets the path to write one file to. Then drop what is older than `keep`.

        The file appears under its name only once all of it is on the disk; if `write` raises, nothing has changed.
        """
        if not 0 <= step < 10**10:
            raise ValueError(f"step: {step} is not allowed; write a number from 0 to 9999999999")
        began = time.monotonic()
        temporary = stage(self.directory, write)
        path = publish(temporary, self.directory / f"step-{step:010d}-{_digest(temporary)}.ckpt")
        self._prune(saved=path)
        self._saved_at = time.monotonic()
        spent.seconds += self._saved_at - began
        spent.saved_at = time.time()
        return path

    def steps(self) -> list[int]:
        """The steps that have a file, oldest first; whether the files are whole is only known after reading them."""
        return [_step(path) for path in self._paths()]

    def restore(self, load: Callable[[Path], T]) -> Restored[T] | None:
        """The newest checkpoint whose content matches its checksum and that `load` can read; None where there is none.

        A checkpoint that fails either test is named on stderr and the one before it is tried. One whose content does
        not match is deleted; one that `load` refuses stays, because the mistake may be in the script.
        """
        for path in reversed(self._paths()):
            if not _is_whole(path):
                _complain(path, f"its {path.stat().st_size} bytes do not match its checksum; deleted")
                path.unlink()
                continue
            try:
                return Restored(_step(path), load(path))
            except Exception as error:  # noqa: BLE001 - whatever `load` raises, the one before is worth a try
                _complain(path, f"{type(error).__name__}: {error}")
        return None

    def _prune(self, saved: Path) -> None:
        """Newer ones stay too: they are another script's or a mistake's, and not ours to delete."""
        older = [path for path in self._paths() if path.name < saved.name]
        for path in older[: max(0, len(older) - self.keep + 1)]:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        if not self.directory.is_dir():
            return []
        return sorted(path for path in self.directory.iterdir() if _NAME.fullmatch(path.name))


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    try:
        return float(text) if text else default
    except ValueError:
        raise ValueError(f"{variable}: {text} is not a number") from None


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match  # noqa: S101 - _paths lists no other names
    return int(match["step"])


def _is_whole(path: Path) -> bool:
    return path.stem.endswith(f"-{_digest(path)}")


def _complain(path: Path, why: str) -> None:
    print(f"checkpoint {path.name} cannot be used: {why}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
