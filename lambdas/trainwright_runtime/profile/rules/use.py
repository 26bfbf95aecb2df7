"""Low GPU use and batch size: percentiles over windows of readings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue
from trainwright_runtime.profile.settings import Settings

_LOW, _BATCH = catalogue.LOW_GPU_USE, catalogue.BATCH_SIZE
_UNSTEADY = "The GPUs are used by fits and starts"


@dataclass
class _Gpu:
    """Of one GPU: the window that is filling, and what came of those before."""

    use: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    windows: int = 0
    low: int = 0
    unsteady: int = 0
    highest_p95: float = 0.0
    low_span: tuple[float, float] | None = None
    total: float = 0.0
    readings: int = 0


class Use:
    """Of one host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readings = 0
        self._cpu: list[float] = []
        self._began = self._at = 0.0
        self._gpus: dict[str, _Gpu] = {}
        self._windows = self._small = 0
        self._small_span: tuple[float, float] | None = None
        self._memory_p95 = 0.0

    def take(self, reading: Reading) -> None:
        """One reading, taken while the job was training."""
        if not reading.gpus:
            return
        if not self._cpu:
            self._began = reading.at
        self._readings += 1
        self._at = reading.at
        self._cpu.append(reading.cpu if reading.cpu is not None else 100.0)
        for name, value in reading.gpus.items():
            gpu = self._gpus.get(name) or self._gpus.setdefault(name, _Gpu())
            gpu.use.append(value)
            gpu.memory.append(reading.gpu_memory.get(name, 100.0))
        if len(self._cpu) >= self._settings.window:
            self._close()

    def _close(self) -> None:
        """Judge the window, and begin the next."""
        span, limits = (self._began, self._at), self._settings
        is_small = percentile(self._cpu, 95) < limits.batch_cpu_p95
        for gpu in self._gpus.values():
            if not gpu.use:
                continue
            high, low, memory = percentile(gpu.use, 95), percentile(gpu.use, 5), percentile(gpu.memory, 95)
            self._count(gpu, high, low, span)
            self._memory_p95 = max(self._memory_p95, memory)
            is_small = is_small and high < limits.batch_gpu_p95 and memory < limits.batch_gpu_memory_p95
        self._windows += 1
        if is_small:
            self._small += 1
            self._small_span = _joined(self._small_span, span)
        self._cpu = []

    def _count(self, gpu: _Gpu, high: float, low: float, span: tuple[float, float]) -> None:
        limits = self._settings
        gpu.windows += 1
        gpu.total += sum(gpu.use)
        gpu.readings += len(gpu.use)
        gpu.highest_p95 = max(gpu.highest_p95, high)
        is_low, is_unsteady = high < limits.low_use_p95, high >= limits.low_use_p95 and low < limits.low_use_p5
        gpu.low += is_low
        gpu.unsteady += is_unsteady
        if is_low or is_unsteady:
            gpu.low_span = _joined(gpu.low_span, span)
        gpu.use, gpu.memory = [], []

    def found(self, host: str, context: Context) -> Iterator[Finding]:
        """In the end. A window that is not full counts only where there is no other."""
        if self._readings <= self._settings.patience:
            return
        if not self._windows:
            self._close()
        yield from self._batch_size(host, context)
        for name, gpu in sorted(self._gpus.items()):
            yield from self._low_use(host, name, gpu, context)

    def _low_use(self, host: str, name: str, gpu: _Gpu, context: Context) -> Iterator[Finding]:
        if not self._is_most(gpu.low + gpu.unsteady, gpu.windows):
            return
        limits, share = self._settings, 100 * (gpu.low + gpu.unsteady) / gpu.windows
        mean = gpu.total / gpu.readings
        title, threshold = _LOW.title, f"95th percentile of use below {limits.low_use_p95:g} %"
        measured = f"95th percentile of use {gpu.highest_p95:.0f} % at most, {mean:.0f} % in the mean"
        if gpu.low < gpu.unsteady:
            title, threshold = _UNSTEADY, f"5th percentile of use below {limits.low_use_p5:g} %"
            measured = f"use swings between nearly nothing and {gpu.highest_p95:.0f} %, {mean:.0f} % in the mean"
        yield Finding(
            rule=_LOW.rule,
            title=title,
            severity=_LOW.severity,
            measured=f"{measured}, in {share:.0f} % of the windows of {limits.window} readings",
            value=mean,
            threshold=threshold,
            change=_LOW.change if gpu.low >= gpu.unsteady else catalogue.IO_BOTTLENECK.change,
            start=gpu.low_span[0] if gpu.low_span else None,
            end=gpu.low_span[1] if gpu.low_span else None,
            host=host,
            device=name,
            worth_seconds=context.seconds * (1 - mean / 100),
            documentation=DOCUMENTATION,
        )

    def _batch_size(self, host: str, context: Context) -> Iterator[Finding]:
        if not self._is_most(self._small, self._windows) or not any(gpu.readings for gpu in self._gpus.values()):
            return
        limits, share = self._settings, 100 * self._small / self._windows
        mean = sum(gpu.total for gpu in self._gpus.values()) / sum(gpu.readings for gpu in self._gpus.values())
        fits = int(90 / self._memory_p95) if self._memory_p95 >= 1 else 0
        room = f": about {fits} times as much fits into the GPUs' memory" if 1 < fits < 50 else ""
        yield Finding(
            rule=_BATCH.rule,
            title=_BATCH.title,
            severity=_BATCH.severity,
            measured=f"95th percentiles of CPU, GPU and GPU memory (at most {self._memory_p95:.0f} %) all low in "
            f"{share:.0f} % of the windows of {limits.window} readings",
            value=self._memory_p95,
            threshold=f"below {limits.batch_cpu_p95:g}, {limits.batch_gpu_p95:g} and {limits.batch_gpu_memory_p95:g} %",
            change=f"Raise the batch size (a hyperparameter){room}; or choose a smaller `compute.instance_type`.",
            start=self._small_span[0] if self._small_span else None,
            end=self._small_span[1] if self._small_span else None,
            host=host,
            worth_seconds=context.seconds * (1 - mean / 100),
            documentation=DOCUMENTATION,
        )

    def _is_most(self, count: int, windows: int) -> bool:
        return windows > 0 and 100 * count / windows > self._settings.window_share


def percentile(values: Sequence[float], share: float) -> float:
    """Between the two nearest values; there is at least one."""
    ordered = sorted(values)
    place = share / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _joined(before: tuple[float, float] | None, span: tuple[float, float]) -> tuple[float, float]:
    return (before[0], span[1]) if before else span
