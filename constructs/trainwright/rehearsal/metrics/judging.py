"""When an alarm on one metric goes off: pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
BREACHING, NOT_BREACHING, IGNORE = "breaching", "notBreaching", "ignore"
_OPERATORS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
#: A value and when it was, in seconds since the epoch.
Sample = tuple[float, float]


@dataclass(frozen=True)
class Rule:
    """What an alarm watches for; ``period`` in seconds, ``missing`` is TreatMissingData ("missing" by default)."""

    statistic: str
    period: int
    periods: int
    to_alarm: int
    comparison: str
    threshold: float
    missing: str = "missing"

    @property
    def can_be_judged(self) -> bool:
        """Whether it is one of the simple kind."""
        return self.statistic in _STATISTICS and self.comparison in _OPERATORS and self.period > 0

    def window_begins(self, now: float) -> float:
        """The first instant whose samples count now."""
        return (now // self.period - self.periods + 1) * self.period


@dataclass(frozen=True)
class Verdict:
    """The state that the alarm should be in, and why; ``points`` are the values that it was judged by."""

    state: str
    reason: str
    points: tuple[float, ...] = ()
    began: float | None = None


def judge(rule: Rule, samples: Sequence[Sample], now: float, before: str) -> Verdict:
    """What the samples of the last periods say; ``before`` is the alarm's state until now."""
    points = _points(rule, samples, now)
    exceeds, words = _OPERATORS[rule.comparison]
    breaching = [point for point in points if exceeds(point[0], rule.threshold)]
    absent = rule.periods - len(points)
    if not points and rule.missing not in (BREACHING, NOT_BREACHING):
        if rule.missing == IGNORE:
            return Verdict(before, "")
        return Verdict(INSUFFICIENT_DATA, f"Insufficient Data: {_count(absent, 'datapoint')} {_were(absent)} unknown.")
    count = len(breaching) + (absent if rule.missing == BREACHING else 0)
    state = ALARM if count >= rule.to_alarm else OK
    began = points[-1][1] if points else None
    return Verdict(state, _reason(rule, points, state, before, words), tuple(value for value, _ in points), began)


def _points(rule: Rule, samples: Sequence[Sample], now: float) -> list[Sample]:
    """The statistic of each period that has samples, with the period's beginning; the newest first."""
    values: dict[float, list[float]] = {}
    for value, when in samples:
        if when >= rule.window_begins(now):
            values.setdefault(when // rule.period * rule.period, []).append(value)
    return [(float(_STATISTICS[rule.statistic](values[begin])), begin) for begin in sorted(values, reverse=True)]


def _reason(rule: Rule, points: Sequence[Sample], state: str, before: str, words: str) -> str:
    if not points:
        kind = "Breaching" if rule.missing == BREACHING else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {_count(rule.periods, 'period')} and "
            f"{_count(rule.periods, 'missing datapoint')} {_were(rule.periods)} treated as [{kind}]."
        )
    shown = ", ".join(f"{value} ({datetime.fromtimestamp(when, UTC):%d/%m/%y %H:%M:%S})" for value, when in points)
    verb = _were(len(points)) if state == ALARM else f"{_were(len(points))} not"
    return (
        f"Threshold Crossed: {len(points)} out of the last {rule.periods} datapoints [{shown}] {verb} {words} the "
        f"threshold ({rule.threshold}) (minimum {_count(rule.to_alarm, 'datapoint')} for {before} -> {state} "
        "transition)."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
