"""metrics.jsonl beside the checkpoints: the curves of the run report, a line each time the script reports values.

``{"step": 3, "time": 1700000000.1, "values": {"validation:accuracy": 0.98}}``. The file travels to S3 and back with the
checkpoints, so that the curves go on after an interruption.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainkit.paths import write_whole

NAME = "metrics.jsonl"
LIMIT = 5_000_000
"""Bytes that the file grows to; then it is thinned to half of that."""


@dataclass(frozen=True)
class _Line:
    step: int
    names: frozenset[str]
    raw: bytes


class MetricsFile:
    """The file of one run, written by one of its processes.

    Args:
        path: where it lies.
        resumed_from: the step this process restored at its start. Lines of later steps are dropped when the first one
            is written: those steps come again.
        limit: bytes that the file may have.
    """

    def __init__(self, path: Path, resumed_from: int | None, limit: int = LIMIT) -> None:
        self.path, self.limit = path, limit
        self._resumed_from = resumed_from or 0
        self._size: int | None = None
        self._published = True
        self._given_up = False

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Add a line. A disk that takes no more costs the curves, and not the run.

        Raises:
            ValueError: a value is no number.
        """
        line = _encoded(step, values)
        if not self._given_up:
            self._trying(lambda: self._append(line))

    def publish(self) -> None:
        """Let the file appear whole, as a checkpoint does: what copies it meanwhile finds no half of it."""
        if not (self._published or self._given_up):
            self._trying(lambda: write_whole(self.path, lambda copy: shutil.copyfile(self.path, copy)))
            self._published = True

    def _trying(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self._given_up = True
            said = f"{self.path} cannot be written: {error}; the run goes on without it"
            print(said, file=sys.stderr, flush=True)  # noqa: T201 - the job's log

    def _append(self, line: bytes) -> None:
        if self._size is None:
            self._size = self._go_on()
        if self._size + len(line) > self.limit:
            self._size = self._rewrite(_thinned(_read(self.path), self.limit // 2))
        with self.path.open("ab") as file:
            file.write(line)
        self._size += len(line)
        self._published = False

    def _go_on(self) -> int:
        """Drop what this process will report again, and a line that was cut off; answer how long the rest is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _read(self.path) if line.step <= self._resumed_from]
        there = self.path.stat().st_size if self.path.exists() else 0
        return there if _length(kept) == there else self._rewrite(kept)

    def _rewrite(self, lines: Iterable[_Line]) -> int:
        content = b"".join(line.raw for line in lines)
        write_whole(self.path, lambda path: path.write_bytes(content))
        return len(content)


def _encoded(step: int, values: Mapping[str, Any]) -> bytes:
    read = {str(name): _number(str(name), value) for name, value in values.items()}
    said = {"step": int(step), "time": round(time.time(), 3), "values": read}
    return json.dumps(said).encode() + b"\n"


def _number(name: str, value: Any) -> float | None:
    """JSON has no word for what is not finite: it is null."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"metrics: {name} is {value!r}, which is no number") from None
    return number if math.isfinite(number) else None


def _read(path: Path) -> list[_Line]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = (_line(raw) for raw in content.splitlines(keepends=True))
    return [line for line in lines if line]


def _line(raw: bytes) -> _Line | None:
    """A whole line; None for one that was cut off, or that says something else."""
    try:
        said = json.loads(raw)
        return _Line(int(said["step"]), frozenset(said["values"]), raw) if raw.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _thinned(lines: list[_Line], limit: int) -> list[_Line]:
    """So many lines that they fit: evenly spaced over the steps for each name; where that is not enough, every second
    one."""
    thin = lines
    for part in (2, 3, 4, 8, 16):
        if _length(thin) > limit:
            thin = _spaced(lines, most=max(len(lines) // part, 1))
    while len(thin) > 1 and _length(thin) > limit:
        thin = thin[::2]
    return thin


def _length(lines: list[_Line]) -> int:
    return sum(len(line.raw) for line in lines)


def _spaced(lines: list[_Line], most: int) -> list[_Line]:
    if not lines:
        return []
    gap = (max(line.step for line in lines) - min(line.step for line in lines)) / most
    newest = {name: place for place, line in enumerate(lines) for name in line.names}
    kept: list[_Line] = []
    before: dict[str, int] = {}
    for place, line in enumerate(lines):
        far = any(name not in before or abs(line.step - before[name]) >= gap for name in line.names)
        if far or any(newest[name] == place for name in line.names):
            kept.append(line)
            before |= dict.fromkeys(line.names, line.step)
    return kept
