"""Values over time, made small without losing their peaks: 720 buckets at most of mean, least and most."""

import math
from array import array
from typing import Any

BUCKETS = 720
_HOSTS_AT_FULL_LENGTH = 16
_FEWEST = 60
#: Lengths of a bucket that a person can read on an axis.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_LOG = 8


class Axis:
    """The time of an attempt in equal steps; a range that is empty has one."""

    def __init__(self, start: float, end: float, hosts: int = 1) -> None:
        most = max(_FEWEST, min(BUCKETS, BUCKETS * _HOSTS_AT_FULL_LENGTH // max(1, hosts)))
        self.start = start
        self.step = next((step for step in _STEPS if (end - start) / step <= most), _longest(end - start, most))
        self.count = max(1, math.ceil((end - start) / self.step))

    def index(self, at: float) -> int:
        """The bucket of a moment; the first or last one for what lies outside."""
        return min(max(0, int((at - self.start) / self.step)), self.count - 1)


def _longest(seconds: float, most: int) -> int:
    return math.ceil(seconds / most / 3600) * 3600


class Buckets:
    """One metric of one host over an axis, and how its values are spread."""

    def __init__(self, count: int, unit: str) -> None:
        self.unit = unit
        self._counts = array("Q", bytes(8 * count))
        self._totals = array("d", bytes(8 * count))
        self._lows = array("d", [math.inf]) * count
        self._highs = array("d", [-math.inf]) * count

    def take(self, index: int, value: float, low: float, high: float) -> None:
        """A value, and the least and the most of what it is the mean of."""
        self._counts[index] += 1
        self._totals[index] += value
        self._lows[index] = min(self._lows[index], low)
        self._highs[index] = max(self._highs[index], high)

    def used(self) -> tuple[int, int] | None:
        """The first and the last bucket with a value."""
        filled = [place for place, count in enumerate(self._counts) if count]
        return (filled[0], filled[-1]) if filled else None

    def data(self, first: int, last: int) -> dict[str, Any]:
        """Those buckets as the page's charts want them; None where there is no value."""
        digits = 1 if self.unit == "%" else None
        places = range(first, last + 1)

        def of(values: "array[float]") -> list[float | None]:
            return [round(values[place], digits) if self._counts[place] else None for place in places]

        means = array("d", (total / (count or 1) for total, count in zip(self._totals, self._counts, strict=True)))
        return {"unit": self.unit, "mean": of(means), "min": of(self._lows), "max": of(self._highs)}


class Spread:
    """How values are distributed: percentages by the whole per cent, bytes by eighths of a power of two."""

    def __init__(self, *, is_percent: bool) -> None:
        self.is_percent = is_percent
        self.count, self.total, self.most = 0, 0.0, 0.0
        self.bins: dict[int, int] = {}

    def take(self, value: float, high: float | None = None) -> None:
        """One more; `high`: the most of what the value is the mean of."""
        self.count += 1
        self.total += value
        self.most = max(self.most, value if high is None else high)
        place = int(value) if self.is_percent else int(_LOG * math.log2(value + 1))
        self.bins[place] = self.bins.get(place, 0) + 1

    @property
    def mean(self) -> float:
        """0 where there is none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """The upper end of the bin in which that share of the values is reached, and no more than the most."""
        left = share / 100 * self.count
        for place in sorted(self.bins):
            left -= self.bins[place]
            if left <= 0:
                upper = place + 1 if self.is_percent else 2 ** ((place + 1) / _LOG) - 1
                return min(float(upper), self.most)
        return self.most

    def data(self) -> dict[str, float]:
        """Of the whole, in short."""
        digits = 1 if self.is_percent else 0
        said = {"mean": self.mean, "p95": self.percentile(95), "max": self.most}
        return {name: round(value, digits) for name, value in said.items()}
