"""An attempt's job in time: from its creation to its end, and the statuses that it went through.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html names the statuses, and
https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training-status.html their order on spot capacity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from trainwright_runtime.progress import Began, began
from trainwright_runtime.report.layers import Interval, Layer

_LAYERS = {
    "Pending": Layer.WAITING,
    "Interrupted": Layer.WAITING,
    "Starting": Layer.STARTING,
    "LaunchingMLInstances": Layer.STARTING,
    "PreparingTrainingStack": Layer.STARTING,
    "Restarting": Layer.STARTING,
    "Downloading": Layer.DOWNLOAD,
    "DownloadingTrainingImage": Layer.DOWNLOAD,
    "Training": Layer.TRAINING,
    "Updating": Layer.TRAINING,
    "Stopping": Layer.UPLOAD,
    "Uploading": Layer.UPLOAD,
    "MaxRuntimeExceeded": Layer.UPLOAD,
    "MaxWaitTimeExceeded": Layer.UPLOAD,
}
_ENDS = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True)
class Span:
    """One job, clipped to its run. `starts`: the processes that told of themselves; None where nobody looked. `told`:
    whether SageMaker told through which statuses it went."""

    number: int
    start: float
    end: float
    statuses: Sequence[Interval]
    starts: Sequence[Began] | None
    has_checkpoints: bool
    told: bool

    @property
    def training(self) -> list[Interval]:
        """When the script ran, one interval a start of it."""
        return [each for each in self.statuses if each.layer is Layer.TRAINING]

    def intervals(self) -> Iterator[Interval]:
        """What the job claims of its run's time."""
        yield Interval(self.start, self.end, Layer.JOB)
        yield from self.statuses


def moment(text: object) -> float | None:
    """ISO text in epoch seconds; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text)
        seconds = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None


def of_row(row: Mapping[str, Any], start: float, end: float) -> Span | None:
    """The job of an attempt's row within its run, None where none was made, or where it lies outside of the run. A job
    that has not ended lasts to the run's end."""
    created = moment(row.get("started_at"))
    if created is None:
        return None
    over = moment(row.get("ended_at"))
    first, last = max(created, start), min(end if over is None else over, end)
    if last < first:
        return None
    statuses = [each for each in _statuses(row.get("transitions") or (), first, last) if each.start < each.end]
    told = bool(row.get("transitions"))
    return Span(
        number=row["number"],
        start=first,
        end=last,
        statuses=statuses if told else [Interval(first, last, Layer.TRAINING)],
        starts=_starts(row),
        has_checkpoints=bool(row.get("has_checkpoints", True)),
        told=told,
    )


def _starts(row: Mapping[str, Any]) -> list[Began] | None:
    """A row of an earlier version has none."""
    found = row.get("starts")
    return None if found is None else [began(each) for each in found if isinstance(each, Mapping)]


def _statuses(transitions: Sequence[Mapping[str, Any]], first: float, last: float) -> Iterator[Interval]:
    """The statuses one after another: each ends where the next begins, whatever its own end says."""
    read = [(at, str(each.get("status"))) for each in transitions if (at := moment(each.get("start"))) is not None]
    trained = False
    for (at, status), (following, _) in pairwise([*sorted(read, key=lambda each: each[0]), (last, "")]):
        layer = _layer(status, trained=trained)
        trained = trained or layer is Layer.TRAINING
        if layer is not None:
            yield Interval(min(max(at, first), last), min(max(following, first), last), layer)


def _layer(status: str, *, trained: bool) -> Layer | None:
    """A status that is not known counts as training: what is not known is not held against a run."""
    if status in _ENDS:
        return None
    if status == "Stopping" and not trained:
        return Layer.STARTING  # there is nothing to upload yet
    return _LAYERS.get(status, Layer.TRAINING)
