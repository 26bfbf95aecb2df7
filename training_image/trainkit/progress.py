"""How far a script is, in files beside its checkpoints: they travel to S3 with them and tell the run report where a job
resumed, where its time went, and how its metrics developed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainkit.checkpoints import spent
from trainkit.metrics import NAME, MetricsFile
from trainkit.paths import checkpoint_dir, write_whole

_KEPT_STARTS = 100
_BEGAN_AT = time.time()
"""About when this process began: scripts import this package at their top."""


class Progress:
    """Writes ``progress.json``: ``{"step": 7, "total": 12, "resumed_from": 5, "starts": [...]}``, and to
    ``metrics.jsonl`` the metrics that it is given. Make it right before the first step; call it from one process only.

    ``starts`` holds, for each process that has trained so far, where it began and how far it came: the proof that an
    interrupted run went on from its checkpoint. ``began_at``, ``ready_at`` (when this object was made) and ``saved_at``
    (epoch seconds) and ``checkpoint_seconds`` say where its time went. The files are restored with the checkpoints, so
    the list and the curves go on.

    Args:
        total: how many steps there will be; None where that is not known.
        resumed_from: the step this process restored at its start; None when it started from nothing.
        directory: where the files lie; by default the folder that SageMaker synchronises with S3.
    """

    def __init__(
        self, total: int | None = None, resumed_from: int | None = None, directory: str | Path | None = None
    ) -> None:
        self.total = total
        self.resumed_from = resumed_from
        folder = Path(directory) if directory else checkpoint_dir()
        self.path = folder / "progress.json"
        self._earlier = _starts(self.path)
        self._metrics = MetricsFile(folder / NAME, resumed_from)
        self._ready_at = time.time()
        self._spent_before = spent.seconds

    def report(self, step: int, metrics: Mapping[str, float] | None = None) -> None:
        """Say that `step` is done. Call it after the checkpoint of that step is saved, never before.

        Args:
            step: the step.
            metrics: its metrics, as for `log`.
        """
        if metrics:
            self.log(step, metrics)
        self._metrics.publish()
        own = {"resumed_from": self.resumed_from, "step": step, **self._times()}
        said = {"step": step, "total": self.total, "resumed_from": self.resumed_from, "starts": [*self._earlier, own]}
        content = json.dumps(said)
        write_whole(self.path, lambda path: path.write_text(content, encoding="utf-8"))

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics of a step, for the report's curves: ``{"validation:accuracy": 0.98}``. As often as the script likes,
        checkpoint or not; anything that `float` takes is a value.

        Raises:
            ValueError: a value is no number.
        """
        self._metrics.write(step, metrics)

    def _times(self) -> dict[str, float]:
        """When this process began, was ready and saved last, and how long it spent on saving."""
        saved_at = spent.saved_at if spent.saved_at and spent.saved_at >= self._ready_at else time.time()
        times = {"began_at": _BEGAN_AT, "ready_at": self._ready_at, "saved_at": saved_at}
        return {
            **{name: round(moment, 3) for name, moment in times.items()},
            "checkpoint_seconds": round(spent.seconds - self._spent_before, 3),
        }


def _starts(path: Path) -> list[Any]:
    """What earlier processes of the run wrote; nothing where there is no file, or one of another form."""
    try:
        starts = json.loads(path.read_text(encoding="utf-8"))["starts"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return starts[1 - _KEPT_STARTS :] if isinstance(starts, list) else []
