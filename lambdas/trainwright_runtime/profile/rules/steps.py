"""Initialisation time and step outliers, from the steps that the script reported.

AWS's rules MaxInitializationTime and StepOutlier read framework profiling, which ended with PyTorch 2.0; these read
when `Progress.report` was called. A report may stand for many steps: what lies between two of them is shared out.
"""

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue

Steps = Sequence[tuple[int, float]]
Span = tuple[float, float]
SOURCE = "reported steps"
_FIRST, _LATE = catalogue.INITIALISATION_TIME, catalogue.STEP_OUTLIERS
_FEWEST = 20
"""Of fewer durations a standard deviation says little."""


class _Took(NamedTuple):
    step: int
    at: float
    seconds: float
    steps: int


def found(steps: Steps, training: Sequence[Span], context: Context) -> Iterator[Finding]:
    """Of all stretches of training."""
    stretches = [_within(steps, span) for span in training] or [sorted(steps, key=_at)]
    durations = [took for stretch in stretches for took in _durations(stretch)]
    yield from _outliers(durations, context)
    for span, stretch in zip(training, stretches, strict=False):
        yield from _initialisation(span, stretch, context)


def _within(steps: Steps, span: Span) -> list[tuple[int, float]]:
    return sorted((each for each in steps if span[0] <= each[1] <= span[1]), key=_at)


def _at(step: tuple[int, float]) -> float:
    return step[1]


def _durations(stretch: Steps) -> list[_Took]:
    return [
        _Took(step, at, (at - before) / (step - earlier), step - earlier)
        for (earlier, before), (step, at) in pairwise(stretch)
        if step > earlier and at > before
    ]


def _initialisation(span: Span, stretch: Steps, context: Context) -> Iterator[Finding]:
    """A report comes when its steps are over: the first of them began as long before as reports are apart."""
    between = [after[1] - before[1] for before, after in pairwise(stretch)]
    if not between:
        return
    began = stretch[0][1] - statistics.median(between)
    waited = began - span[0]
    if waited > context.settings.initialisation_seconds:
        yield Finding(
            rule=_FIRST.rule,
            title=_FIRST.title,
            severity=_FIRST.severity,
            measured=f"{waited / 60:.0f} minutes passed from the start of training to the first step",
            value=waited / 60,
            threshold=f"more than {context.settings.initialisation_seconds / 60:g} minutes",
            change=_FIRST.change,
            start=span[0],
            end=began,
            worth_seconds=waited,
            source=SOURCE,
            documentation=DOCUMENTATION,
        )


def _outliers(durations: Sequence[_Took], context: Context) -> Iterator[Finding]:
    if len(durations) < _FEWEST:
        return
    seconds = [took.seconds for took in durations]
    mean, deviation = statistics.fmean(seconds), statistics.pstdev(seconds)
    slow = [took for took in durations if took.seconds > mean + context.settings.outlier_deviations * deviation]
    if len(slow) <= context.settings.outliers or not deviation:
        return
    usual = statistics.median(seconds)
    yield Finding(
        rule=_LATE.rule,
        title=_LATE.title,
        severity=_LATE.severity,
        measured=f"{len(slow)} of {len(durations)} reports of steps came late: "
        f"{_took(statistics.median(took.seconds for took in slow))} a step, where {_took(usual)} is usual",
        value=float(len(slow)),
        threshold=f"more than {context.settings.outliers} that are over {context.settings.outlier_deviations:g} "
        "standard deviations above the mean",
        change=_change(slow),
        start=slow[0].at - slow[0].seconds * slow[0].steps,
        end=slow[-1].at,
        worth_seconds=sum((took.seconds - usual) * took.steps for took in slow),
        source=SOURCE,
        documentation=DOCUMENTATION,
    )


def _change(slow: Sequence[_Took]) -> str:
    apart = {after.step - before.step for before, after in pairwise(slow)}
    if len(apart) == 1:
        return (
            f"They come every {apart.pop()} steps: do less often what the script does there (a checkpoint, a "
            "validation), or do it beside the training."
        )
    return _LATE.change


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
