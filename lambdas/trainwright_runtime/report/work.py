"""What became of the time in which scripts ran: their own start, their checkpoints, and work that was lost.

A stretch is one process of the script. Its work is lost from where the next one went on: after its last checkpoint, or
earlier where that one was not found, or all of it where the next one began at nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from trainwright_runtime.attempts import KEPT_STARTS
from trainwright_runtime.progress import SLACK, Began
from trainwright_runtime.report.layers import Interval, Layer
from trainwright_runtime.report.spans import Span

_NAMED = 5
"""Attempts that a note names."""


@dataclass(frozen=True)
class Worked:
    """What is known of the scripts' work: intervals that lie over the training, and what is not known in sentences."""

    intervals: Sequence[Interval]
    notes: Sequence[str]


@dataclass(frozen=True)
class _Stretch:
    """One process of the script, from `begin` to `end`. `start`: what it told of itself, None for one that did not.
    `silent`: it left nothing although others of its attempt did, so that it ended before its first checkpoint.
    `keeps`: its job keeps checkpoints."""

    attempt: int
    begin: float
    end: float
    start: Began | None = None
    silent: bool = False
    keeps: bool = True

    @property
    def ready(self) -> float:
        """When its first step could begin."""
        found = self.start.ready_at if self.start else None
        return self.begin if found is None else self._within(found)

    @property
    def saved(self) -> float | None:
        """When it saved its last checkpoint."""
        found = self.start.saved_at if self.start else None
        return None if found is None else max(self._within(found), self.ready)

    @property
    def is_unknown(self) -> bool:
        """Whether nobody told when its work began."""
        return (self.start is None or self.start.ready_at is None) and self.keeps and not self.silent

    @property
    def from_step(self) -> int | None:
        """The step that it went on from; None where that is not known."""
        if not self.keeps:
            return 0
        return (self.start.resumed_from or 0) if self.start else None

    def _within(self, moment: float) -> float:
        return min(max(moment, self.begin), self.end)


def worked(spans: Sequence[Span]) -> Worked:
    """What is known of the work of a run's jobs, in their order."""
    tells = any(_told(span) for span in spans)
    stretches = [stretch for span in spans for stretch in _stretches(span, tells=tells)]
    intervals = [interval for stretch in stretches for interval in _own(stretch)]
    unknown = {each.attempt for each in stretches if each.is_unknown}
    estimated = set()
    for stretch, went_on in zip(stretches[:-1], _went_on(stretches), strict=True):
        lost = _lost(stretch, went_on)
        if lost is None:
            unknown.add(stretch.attempt)
            continue
        intervals.append(Interval(lost.since, stretch.end, Layer.LOST))
        if lost.estimated:
            estimated.add(stretch.attempt)
    return Worked(intervals, list(_notes(spans, unknown, estimated)))


def _went_on(stretches: Sequence[_Stretch]) -> list[int | None]:
    """For each but the last, the earliest step that one after it went on from; None where none of them told."""
    found: list[int | None] = []
    earliest: int | None = None
    for stretch in reversed(stretches[1:]):
        known = [step for step in (earliest, stretch.from_step) if step is not None]
        earliest = min(known, default=None)
        found.append(earliest)
    return found[::-1]


def _own(stretch: _Stretch) -> Iterator[Interval]:
    """Its start, and its checkpoints: where they lie is not known, but that it is before the last one was saved."""
    if stretch.start is None:
        return
    yield Interval(stretch.begin, stretch.ready, Layer.SCRIPT_START)
    spent, until = stretch.start.checkpoint_seconds or 0.0, stretch.saved
    if until is None:
        until = min(stretch.ready + spent, stretch.end)
    yield Interval(max(until - spent, stretch.ready), until, Layer.CHECKPOINTS)


@dataclass(frozen=True)
class _Since:
    """The moment from which on work was lost; `estimated`: between two steps whose times are known."""

    since: float
    estimated: bool = False


def _lost(stretch: _Stretch, went_on: int | None) -> _Since | None:
    """From when on the work of a process was lost that others came after; None where that cannot be told."""
    if stretch.silent or not stretch.keeps:
        return _Since(stretch.ready)
    if stretch.start is None:
        return None
    begun = stretch.start.resumed_from or 0
    reached = begun if stretch.start.step is None else stretch.start.step
    if went_on is not None and went_on < reached:
        return _from_earlier(stretch, begun, went_on, reached)
    return None if stretch.saved is None else _Since(stretch.saved)


def _from_earlier(stretch: _Stretch, begun: int, went_on: int, reached: int) -> _Since | None:
    """The next one did not go on from the last checkpoint: work is lost from where it did go on."""
    if went_on <= begun:
        return _Since(stretch.ready)
    if stretch.saved is None:
        return None
    share = (went_on - begun) / (reached - begun)
    return _Since(stretch.ready + share * (stretch.saved - stretch.ready), estimated=True)


def _notes(spans: Sequence[Span], unknown: set[int], estimated: set[int]) -> Iterator[str]:
    untold = [span.number for span in spans if not span.told]
    if untold:
        yield f"{_attempts(untold)}: SageMaker does not say what the job's time went into; it counts as productive."
    if silent := unknown.difference(untold):
        yield (
            f"{_attempts(silent)}: it is not known when the script's work began and when it was saved (trainkit's "
            "Progress says it), so that what cannot be told apart counts as productive."
        )
    if estimated:
        yield (
            f"{_attempts(estimated)}: the next start went on from an earlier step than the last one saved; when that "
            "step was reached is estimated."
        )


def _attempts(numbers: Iterable[int]) -> str:
    """`Attempt 2`, `Attempts 1 and 2`, `Attempts 1, 2, 3 and 4 more`."""
    known = [str(number) for number in sorted(numbers)]
    if len(known) == 1:
        return f"Attempt {known[0]}"
    if len(known) > _NAMED:
        known = [*known[:_NAMED], f"{len(known) - _NAMED} more"]
    return f"Attempts {', '.join(known[:-1])} and {known[-1]}"


# --- which process belongs to which training ---


def _stretches(span: Span, *, tells: bool) -> list[_Stretch]:
    """A job's processes, in their order. `tells`: the run's script tells of itself once it has saved."""
    if span.has_checkpoints and tells and span.starts == []:
        return [_Stretch(span.number, each.start, each.end, silent=True) for each in span.training]
    return [replace(each, keeps=span.has_checkpoints) for each in _timed(span) or _in_order(span)]


def _told(span: Span) -> list[Began]:
    """The processes that told when they began."""
    return [start for start in span.starts or () if start.began_at is not None]


def _timed(span: Span) -> list[_Stretch]:
    """By the times that the processes told; empty where they told none, or none that SageMaker's agree with."""
    told = _told(span)
    placed = [(_nearest(span.training, start.began_at or 0.0), start) for start in told]
    if not told or len(told) < len(span.starts or ()) or any(place is None for place, _ in placed):
        return []
    found = [
        stretch
        for place, interval in enumerate(span.training)
        for stretch in _divided(span, interval, [start for at, start in placed if at == place])
    ]
    known = next(place for place, stretch in enumerate(found) if stretch.start)
    # the row keeps the last processes only: those before may have told of themselves
    first = known if len(told) >= KEPT_STARTS else 0
    return [replace(each, silent=each.start is None and place >= first) for place, each in enumerate(found)]


def _divided(span: Span, interval: Interval, starts: Sequence[Began]) -> Iterator[_Stretch]:
    """The processes of one stretch of training: each lasts until the next begins."""
    if not starts:
        yield _Stretch(span.number, interval.start, interval.end)
        return
    begins = [interval.start, *(min(max(start.began_at or 0.0, interval.start), interval.end) for start in starts[1:])]
    for begin, end, start in zip(begins, [*begins[1:], interval.end], starts, strict=True):
        yield _Stretch(span.number, begin, max(begin, end), start)


def _nearest(training: Sequence[Interval], at: float) -> int | None:
    """The training in which a process began, as far as two clocks agree."""
    away = [max(each.start - at, at - each.end, 0.0) for each in training]
    place = min(range(len(away)), key=away.__getitem__, default=None)
    return place if place is not None and away[place] <= SLACK else None


def _in_order(span: Span) -> list[_Stretch]:
    """One after another, where there are as many processes as stretches of training; their times say nothing."""
    training, starts = span.training, span.starts or ()
    if len(training) != len(starts):
        return [_Stretch(span.number, each.start, each.end) for each in training]
    return [
        _Stretch(span.number, each.start, each.end, Began(start.resumed_from, start.step))
        for each, start in zip(training, starts, strict=True)
    ]
