"""Time that several things claim: layers over a stretch of time, of which the topmost counts at every moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise


class Layer(IntEnum):
    """What an interval means; a later one covers an earlier one."""

    RUN = 0
    GAP = 1
    JOB = 2
    WAITING = 3
    STARTING = 4
    DOWNLOAD = 5
    UPLOAD = 6
    TRAINING = 7
    SCRIPT_START = 8
    CHECKPOINTS = 9
    LOST = 10

    @property
    def part(self) -> str:
        """The part of the goodput that its time belongs to."""
        return _PARTS[self]


_PARTS = {
    Layer.RUN: "start_up",
    Layer.GAP: "waiting",
    Layer.JOB: "start_up",
    Layer.WAITING: "waiting",
    Layer.STARTING: "start_up",
    Layer.DOWNLOAD: "download",
    Layer.UPLOAD: "upload",
    Layer.TRAINING: "productive",
    Layer.SCRIPT_START: "start_up",
    Layer.CHECKPOINTS: "checkpoints",
    Layer.LOST: "lost_work",
}


@dataclass(frozen=True)
class Interval:
    """From `start` to `end`, in epoch seconds."""

    start: float
    end: float
    layer: Layer


def seconds_by_part(intervals: Iterable[Interval], start: float, end: float) -> dict[str, float]:
    """How many seconds from `start` to `end` each part has; what no interval covers is the run's own layer."""
    kept = [each for each in (_clipped(each, start, end) for each in intervals) if each.start < each.end]
    changes: dict[float, Counter[Layer]] = defaultdict(Counter, {start: Counter({Layer.RUN: 1}), end: Counter()})
    for each in kept:
        changes[each.start][each.layer] += 1
        changes[each.end][each.layer] -= 1
    return _swept(changes)


def _swept(changes: dict[float, Counter[Layer]]) -> dict[str, float]:
    open_: Counter[Layer] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    for begin, end in pairwise(sorted(changes)):
        open_.update(changes[begin])
        topmost = max(layer for layer, count in open_.items() if count > 0)
        seconds[topmost.part] += end - begin
    return dict(seconds)


def _clipped(each: Interval, start: float, end: float) -> Interval:
    return Interval(max(each.start, start), min(each.end, end), each.layer)
