"""Where a run's time went: what share of it moved the training forward, and what took the rest.

A sweep over the time from the run's start to its end. Every moment belongs to the topmost layer that covers it, so
that parts cannot overlap and none is missed. What is not known counts as productive, and is said in a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.report.layers import Interval, Layer, seconds_by_part
from trainwright_runtime.report.spans import Span, moment, of_row
from trainwright_runtime.report.work import worked

Row = Mapping[str, Any]

PARTS = ("productive", "waiting", "start_up", "download", "lost_work", "checkpoints", "upload")


@dataclass(frozen=True)
class _Gap:
    """Time of the run in which none of its jobs was there, and what it waited for on purpose meanwhile."""

    start: float
    end: float
    wait: float
    redrive: int | None = None

    def intervals(self) -> Iterator[Interval]:
        """A redriven run waited for the person who did it; else the pause is what was decided, and the rest is the
        state machine's."""
        wait = self.end - self.start if self.redrive else min(self.wait, self.end - self.start)
        yield Interval(self.end - wait, self.end, Layer.GAP)


def goodput(rows: Sequence[Row], started_at: object, ended_at: object) -> dict[str, Any] | None:
    """The `goodput` of report.json: seconds by part, which add up to `whole_seconds`, the productive share (null for a
    run that made no attempt), and notes on what is not known; null for a run without a start or an end.

    `rows`: the attempts (`attempts.row`). `started_at`, `ended_at`: the run's, as ISO text.
    """
    start, end = moment(started_at), moment(ended_at)
    if start is None or end is None or end < start:
        return None
    spans = [span for row in rows if (span := of_row(row, start, end))]
    gaps = list(_gaps(rows, {span.number: span for span in spans}, start, end))
    found = worked(spans)
    intervals = [
        *(interval for gap in gaps for interval in gap.intervals()),
        *(interval for span in spans for interval in span.intervals()),
        *found.intervals,
    ]
    seconds = seconds_by_part(intervals, start, end)
    parts = {part: round(seconds.get(part, 0.0), 3) for part in PARTS}
    return {
        "whole_seconds": round(end - start, 3),
        "parts": parts,
        "share": round(parts["productive"] / (end - start), 4) if rows and end > start else None,
        "notes": [*_redriven(gaps), *found.notes],
    }


def _gaps(rows: Sequence[Row], spans: Mapping[int, Span], start: float, end: float) -> Iterator[_Gap]:
    """The time before, between and after the jobs. Attempts that never became a job lie in it with their pauses."""
    since, wait, redrive, redriven = start, 0.0, 0, None
    for row in rows:
        if int(row.get("redrive") or 0) > redrive:
            redrive = redriven = int(row["redrive"])
        if span := spans.get(row["number"]):
            if span.start > since:
                yield _Gap(since, span.start, wait, redriven)
            since, wait, redriven = max(since, span.end), 0.0, None
        wait += float(row.get("then_wait_seconds") or 0)
    if end > since:
        yield _Gap(since, end, wait, redriven)


def _redriven(gaps: Sequence[_Gap]) -> list[str]:
    return [
        f"Redrive {gap.redrive}: the time since the attempt before it counts as waiting." for gap in gaps if gap.redrive
    ]
