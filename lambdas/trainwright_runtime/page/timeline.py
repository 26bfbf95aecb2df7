"""The run's attempts on one line of time: what each was doing when, and where it was interrupted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.page import figures

Row = Mapping[str, Any]

ROWS = 60
"""Rows that a page draws; the table of attempts has them all."""
KINDS = {
    "training": "Training",
    "start_up": "Starting",
    "download": "Downloading",
    "upload": "Uploading or stopping",
    "waiting": "Waiting",
    "lost_work": "Interrupted",
}
"""What the colours of the timeline stand for."""

_KIND_OF = {
    "Starting": "start_up",
    "LaunchingMLInstances": "start_up",
    "PreparingTrainingStack": "start_up",
    "Updating": "start_up",
    "Restarting": "start_up",
    "Downloading": "download",
    "DownloadingTrainingImage": "download",
    "Training": "training",
    "Uploading": "upload",
    "Stopping": "upload",
    "Pending": "waiting",
    "Interrupted": "waiting",
}
"""SecondaryStatus of a training job (botocore's model of SageMaker), by what it is to those who wait for the run. The
others are ends, which take no time."""


@dataclass(frozen=True)
class _Span:
    kind: str
    start: float
    end: float
    said: str


_Group = tuple[Sequence[Row], list[_Span]]


def timeline(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rows of the drawing, in per cent of the run's time, and its axis; None where no attempt has a time."""
    known = [(group, _spans(group)) for group in summary.lines(report["attempts"])]
    groups = [(group, spans) for group, spans in _with_queues(known) if spans]
    every = [span for _, spans in groups for span in spans]
    if not every:
        return None
    start = min([*_seconds(report["started_at"]), *(span.start for span in every)])
    end = max([*_seconds(report["ended_at"]), *(span.end for span in every), start + 0.001])
    used = {span.kind for span in every}
    return {
        "rows": [_row(group, spans, start, end) for group, spans in groups[:ROWS]],
        "left_out": max(len(groups) - ROWS, 0),
        "ticks": _ticks(start, end),
        "legend": [(kind, words) for kind, words in KINDS.items() if kind in used or _interrupted(kind, every)],
    }


def _with_queues(groups: Sequence[_Group]) -> Iterable[_Group]:
    """Starts that were refused have no times of their own: they lie between what came before and what came after."""
    before: float | None = None
    for place, (group, spans) in enumerate(groups):
        after = next((later[0].start for _, later in groups[place + 1 :] if later), None)
        found = spans
        if not spans and before is not None and after is not None and after > before:
            found = [_Span("waiting", before, after, _waiting(group))]
        yield group, found
        before = max((span.end for span in found), default=before)


def _waiting(group: Sequence[Row]) -> str:
    return f"Waited for {summary.waited_for(group[0])}"


def _interrupted(kind: str, spans: Iterable[_Span]) -> bool:
    return kind == "lost_work" and any(span.said.startswith("Interrupted") for span in spans)


def _row(group: Sequence[Row], spans: Sequence[_Span], start: float, end: float) -> dict[str, Any]:
    first, last = group[0]["number"], group[-1]["number"]
    scale = 100 / (end - start)
    return {
        "title": f"Attempt {first}" if first == last else f"Attempts {first} to {last}",
        "spans": [_drawn(span, start, scale) for span in spans],
        "words": "; ".join(f"{span.said} {figures.seconds(span.end - span.start)}" for span in spans),
    }


def _drawn(span: _Span, start: float, scale: float) -> dict[str, Any]:
    return {
        "kind": span.kind,
        "at": round((span.start - start) * scale, 3),
        "width": round(max((span.end - span.start) * scale, 0.05), 3),
        "interrupted": span.said.startswith("Interrupted"),
        "title": f"{span.said}: {figures.seconds(span.end - span.start)}, from {_clock(span.start)} UTC",
    }


def _spans(group: Sequence[Row]) -> list[_Span]:
    return [span for row in group for span in (*_worked(row), *_waited(row))]


def _worked(row: Row) -> Iterable[_Span]:
    """A state without an end went on until the job ended."""
    for each in row["transitions"]:
        kind = _KIND_OF.get(str(each.get("status")))
        times = [*_seconds(each.get("start")), *_seconds(each.get("end") or row["ended_at"])]
        if kind and len(times) == 2 and times[1] >= times[0]:
            yield _Span(kind, times[0], times[1], str(each["status"]))


def _waited(row: Row) -> Iterable[_Span]:
    ended = _seconds(row["ended_at"])
    if row["then_wait_seconds"] and ended:
        yield _Span("waiting", ended[0], ended[0] + row["then_wait_seconds"], _waiting([row]))


def _seconds(value: object) -> list[float]:
    """The time as a list of one; empty where there is none."""
    found = figures.parsed(value)
    return [found.timestamp()] if found else []


def _ticks(start: float, end: float) -> list[dict[str, Any]]:
    anchors = ("start", "middle", "middle", "middle", "end")
    return [
        {"at": part * 25, "anchor": anchor, "text": _label(start + (end - start) * part / 4, end - start)}
        for part, anchor in enumerate(anchors)
    ]


def _label(moment: float, whole: float) -> str:
    found = datetime.fromtimestamp(moment, UTC)
    if whole >= 86_400:
        return f"{found.day} {found:%b %H:%M}"
    return f"{found:%H:%M:%S}" if whole < 3_600 else f"{found:%H:%M}"


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"
