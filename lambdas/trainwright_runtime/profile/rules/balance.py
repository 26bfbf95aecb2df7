"""Load imbalance: GPUs whose use is spread differently from one another's, on one host or on several."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue
from trainwright_runtime.profile.series import Spread

_ENTRY = catalogue.LOAD_IMBALANCE
_BINS = 50
"""Steps of 2 %, as AWS's rule has them; 98 % and more are the last."""
_MOST_GPUS = 128


@dataclass(frozen=True)
class _Gpu:
    host: str
    name: str
    mean: float
    bins: Sequence[float]


class Loads:
    """How much each GPU of one host had to do, and when."""

    def __init__(self) -> None:
        self.spreads: dict[str, Spread] = {}
        self.readings = 0
        self.first = self.last = 0.0

    def take(self, reading: Reading) -> None:
        """One reading, taken while the job was training."""
        if not reading.gpus:
            return
        self.readings += 1
        self.first, self.last = self.first or reading.at, reading.at
        for name, value in reading.gpus.items():
            spread = self.spreads.get(name) or self.spreads.setdefault(name, Spread(is_percent=True))
            spread.take(value)


def found(hosts: Mapping[str, Loads], context: Context) -> Iterator[Finding]:
    """The pair that is furthest apart, if that is too far."""
    judged = {host: loads for host, loads in hosts.items() if loads.readings > context.settings.patience}
    gpus = [
        _Gpu(host, name, spread.mean, _histogram(spread))
        for host, loads in sorted(judged.items())
        for name, spread in sorted(loads.spreads.items())
    ]
    pairs = list(_apart(gpus[:_MOST_GPUS], context))
    if pairs:
        apart, busy, idle = max(pairs, key=lambda pair: pair[0])
        yield _finding(apart, busy, idle, judged[idle.host], context)


def _apart(gpus: Sequence[_Gpu], context: Context) -> Iterator[tuple[float, _Gpu, _Gpu]]:
    for one, other in itertools.combinations(gpus, 2):
        busy, idle = (one, other) if one.mean >= other.mean else (other, one)
        if busy.mean - idle.mean > context.settings.imbalance_use:
            apart = distance(busy.bins, idle.bins)
            if apart > context.settings.imbalance:
                yield apart, busy, idle


def _finding(apart: float, busy: _Gpu, idle: _Gpu, loads: Loads, context: Context) -> Finding:
    names = [f"{gpu.name} of {gpu.host}" for gpu in (busy, idle)]
    return Finding(
        rule=_ENTRY.rule,
        title=_ENTRY.title,
        severity=_ENTRY.severity,
        measured=f"{names[0]} was used {busy.mean:.0f} % in the mean, {names[1]} {idle.mean:.0f} %; "
        f"their use is {apart:.2f} apart",
        value=apart,
        threshold=f"more than {context.settings.imbalance:g} apart (Jensen-Shannon distance)",
        change=_ENTRY.change,
        start=loads.first,
        end=loads.last,
        host=idle.host,
        device=idle.name,
        worth_seconds=context.seconds * (busy.mean - idle.mean) / 2 / busy.mean,
        documentation=DOCUMENTATION,
    )


def _histogram(spread: Spread) -> list[float]:
    bins = [0.0] * _BINS
    for place, count in spread.bins.items():
        bins[min(place // 2, _BINS - 1)] += count / spread.count
    return bins


def distance(p: Sequence[float], q: Sequence[float]) -> float:
    """The Jensen-Shannon distance (natural logarithm) between two distributions."""
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return math.sqrt(max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2))


def _divergence(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
