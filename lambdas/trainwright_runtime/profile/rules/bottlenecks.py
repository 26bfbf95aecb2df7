"""CPU and I/O bottleneck: readings in which the machine's expensive part has nothing to do, and why.

With GPUs as AWS's rules have it: every GPU of the host idle while a core is busy, or while a core waits for input
and output. Without GPUs a busy processor is work and no finding. There a reading counts where the cores together wait
longer than they work, or where they do next to nothing while input arrives from the network; for GPUs that are not
measured, only the former.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.rules import DOCUMENTATION, Context, catalogue
from trainwright_runtime.profile.rules.catalogue import Entry
from trainwright_runtime.profile.settings import Settings


@dataclass
class Hits:
    """How often something was so, and from when to when."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0

    def take(self, at: float) -> None:
        """Once more."""
        if not self.count:
            self.first = at
        self.count += 1
        self.last = at


class Bottlenecks:
    """Of one host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readings, self._with_gpus = 0, 0
        self._cpu, self._io = Hits(), Hits()
        self._waits, self._receives = Hits(), Hits()

    def take(self, reading: Reading) -> None:
        """One reading, taken while the job was training."""
        self._readings += 1
        if reading.gpus:
            self._with_gpus += 1
            if max(reading.gpus.values()) < self._settings.idle_gpu:
                self._idle(reading)
        elif reading.cpu is not None:
            self._without_gpus(reading, reading.cpu)

    def _idle(self, reading: Reading) -> None:
        if (reading.cpu_peak or 0) > self._settings.busy_core:
            self._cpu.take(reading.at)
        if (reading.io_peak or 0) > self._settings.waiting_core:
            self._io.take(reading.at)

    def _without_gpus(self, reading: Reading, cpu: float) -> None:
        if (reading.io_peak or 0) > self._settings.waiting_core and (reading.io_wait or 0) > cpu:
            self._waits.take(reading.at)
        elif self._is_idle(reading, cpu) and (reading.received or 0) > self._settings.receiving:
            self._receives.take(reading.at)

    def _is_idle(self, reading: Reading, cpu: float) -> bool:
        """No core has work either: one that computes alone is little of a big machine."""
        return cpu < self._settings.idle_cpu and (reading.cpu_peak or 0) < self._settings.waiting_core

    def found(self, host: str, context: Context) -> Iterator[Finding]:
        """In the end."""
        if self._readings <= self._settings.patience:
            return
        if self._with_gpus:
            yield from self._of_gpus(host, context)
        else:
            yield from self._of_cpus(host, context)

    def _of_gpus(self, host: str, context: Context) -> Iterator[Finding]:
        limits = self._settings
        idle = f"every GPU was used less than {limits.idle_gpu:g} %"
        busy = f"while {idle}, a core was used more than {limits.busy_core:g} %"
        waits = f"while {idle}, a core waited for input and output more than {limits.waiting_core:g} %"
        yield from self._judged(catalogue.CPU_BOTTLENECK, host, self._cpu, busy, context)
        yield from self._judged(catalogue.IO_BOTTLENECK, host, self._io, waits, context)

    def _of_cpus(self, host: str, context: Context) -> Iterator[Finding]:
        """The one of two signs that was seen more often; GPUs that nobody measured may work while input arrives."""
        limits, entry = self._settings, replace(catalogue.IO_BOTTLENECK, title="The processor waits for input")
        if context.gpus or self._waits.count >= self._receives.count:
            most = (
                f"the cores waited longer for input than they worked, one of them more than {limits.waiting_core:g} %"
            )
            yield from self._judged(entry, host, self._waits, most, context)
        else:
            idle = f"the processor was used less than {limits.idle_cpu:g} % while data arrived from the network"
            yield from self._judged(entry, host, self._receives, idle, context)

    def _judged(self, entry: Entry, host: str, hits: Hits, measured: str, context: Context) -> Iterator[Finding]:
        share = 100 * hits.count / self._readings
        if share > self._settings.bottleneck_share:
            yield Finding(
                rule=entry.rule,
                title=entry.title,
                severity=entry.severity,
                measured=f"{share:.0f} % of the time, {measured}",
                value=share,
                threshold=f"more than {self._settings.bottleneck_share:g} % of the time",
                change=catalogue.change(entry, context.channels),
                start=hits.first,
                end=hits.last,
                host=host,
                worth_seconds=context.seconds * share / 100,
                documentation=DOCUMENTATION,
            )
