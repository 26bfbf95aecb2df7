"""GPU memory growth: what a GPU holds at the end, against what it held once the training was under way.

AWS's rule speaks at any window whose mean is five points above that of the window before, as at the first validation.
This one compares the ends: the means over windows, of their first tenth after the patience and of their last. So a slow
leak is found, too, which never jumps.
"""

from array import array
from collections.abc import Iterator, Sequence

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue
from trainwright_runtime.profile.settings import Settings

_ENTRY = catalogue.MEMORY_GROWTH
_FEWEST_WINDOWS = 4
_NEARLY_FULL = 90


class _Gpu:
    """The means of the windows of one GPU; 24 hours at 500 ms are 17,280 of them."""

    def __init__(self) -> None:
        self.means = array("f")
        self.total, self.count = 0.0, 0

    def take(self, value: float, window: int) -> None:
        self.total += value
        self.count += 1
        if self.count == window:
            self.means.append(self.total / window)
            self.total, self.count = 0.0, 0


class MemoryGrowth:
    """Of one host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readings = 0
        self._first = self._last = 0.0
        self._gpus: dict[str, _Gpu] = {}

    def take(self, reading: Reading) -> None:
        """One reading, taken while the job was training."""
        if not reading.gpu_memory:
            return
        self._readings += 1
        if self._readings <= self._settings.patience:
            return
        self._first, self._last = self._first or reading.at, reading.at
        for name, value in reading.gpu_memory.items():
            gpu = self._gpus.get(name) or self._gpus.setdefault(name, _Gpu())
            gpu.take(value, self._settings.memory_window)

    def found(self, host: str, context: Context) -> Iterator[Finding]:
        """In the end."""
        for name, gpu in sorted(self._gpus.items()):
            if len(gpu.means) >= _FEWEST_WINDOWS:
                before, after = _ends(gpu.means)
                if after - before > self._settings.memory_growth:
                    yield self._finding(host, name, before, after)

    def _finding(self, host: str, name: str, before: float, after: float) -> Finding:
        return Finding(
            rule=_ENTRY.rule,
            title=_ENTRY.title,
            severity="medium" if after > _NEARLY_FULL else _ENTRY.severity,
            measured=f"used GPU memory grew from {before:.0f} % to {after:.0f} % while training",
            value=after - before,
            threshold=f"more than {self._settings.memory_growth:g} percentage points",
            change=_ENTRY.change,
            start=self._first,
            end=self._last,
            host=host,
            device=name,
            documentation=DOCUMENTATION,
        )


def _ends(means: Sequence[float]) -> tuple[float, float]:
    tenth = max(1, len(means) // 10)
    return sum(means[:tenth]) / tenth, sum(means[-tenth:]) / tenth
