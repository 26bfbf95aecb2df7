"""The machines of an attempt: what their readings come to, as series, in short, and for the rules."""

from collections.abc import Iterator, Sequence
from typing import Any

from trainwright_runtime.profile.findings import Finding
from trainwright_runtime.profile.readings import Reading
from trainwright_runtime.profile.rules import Context, balance
from trainwright_runtime.profile.rules.bottlenecks import Bottlenecks
from trainwright_runtime.profile.rules.memory import MemoryGrowth
from trainwright_runtime.profile.rules.use import Use
from trainwright_runtime.profile.series import Axis, Buckets, Spread
from trainwright_runtime.profile.settings import Settings

Span = tuple[float, float]
#: In the order in which a page shows them.
METRICS = ("cpu", "io_wait", "memory", "gpu", "gpu_memory", "disk", "received", "sent")
BYTES = "bytes/s"
_IN_BYTES = ("received", "sent")


class Machine:
    """One host."""

    def __init__(self, axis: Axis, settings: Settings) -> None:
        self.loads = balance.Loads()
        self._rules = (Bottlenecks(settings), Use(settings), MemoryGrowth(settings))
        self._axis = axis
        self._units: dict[str, str] = {}
        self.buckets: dict[str, Buckets] = {}
        self.spreads: dict[str, Spread] = {}

    def take(self, reading: Reading, *, trains: bool) -> None:
        """One reading; the rules and the summary are of those while the job was training."""
        index = self._axis.index(reading.at)
        for metric, value, low, high in _values(reading):
            self.value(metric, index, value, low, high, trains=trains)
        if trains:
            self.loads.take(reading)
            for rule in self._rules:
                rule.take(reading)

    def value(self, metric: str, index: int, value: float, low: float, high: float, *, trains: bool) -> None:
        """One value of one metric, between the least and the most of what it is the mean of."""
        if metric not in self.buckets:
            self.buckets[metric] = Buckets(self._axis.count, BYTES if metric in _IN_BYTES else "%")
            self.spreads[metric] = Spread(is_percent=metric not in _IN_BYTES)
        self.buckets[metric].take(index, value, low, high)
        if trains:
            self.spreads[metric].take(value, high)

    def found(self, host: str, context: Context) -> Iterator[Finding]:
        """What the rules of one host found."""
        for rule in self._rules:
            yield from rule.found(host, context)


def _values(reading: Reading) -> Iterator[tuple[str, float, float, float]]:
    cpu, io, memory, received, sent = reading.cpu, reading.io_wait, reading.memory, reading.received, reading.sent
    if cpu is not None:
        yield "cpu", cpu, cpu, cpu
    if io is not None:
        yield "io_wait", io, io, io if reading.io_peak is None else reading.io_peak
    if memory is not None:
        yield "memory", memory, memory, memory
    for metric, devices in (("gpu", reading.gpus), ("gpu_memory", reading.gpu_memory)):
        if devices:
            of_each = devices.values()
            yield metric, sum(of_each) / len(of_each), min(of_each), max(of_each)
    if received is not None:
        yield "received", received, received, received
    if sent is not None:
        yield "sent", sent, sent, sent


class Machines:
    """All hosts of an attempt."""

    def __init__(self, axis: Axis, settings: Settings, training: Sequence[Span] = ()) -> None:
        self.axis, self.settings = axis, settings
        self._training = [(float(begin), float(end)) for begin, end in training]
        self._hosts: dict[str, Machine] = {}
        self._first: float | None = None
        self._last = 0.0

    def take(self, host: str, readings: Sequence[Reading]) -> None:
        """Readings of one host, in the order of their time."""
        machine = self._machine(host)
        for reading in readings:
            machine.take(reading, trains=self.trains(reading.at))
        if readings:
            begin = readings[0].at
            self._first = begin if self._first is None else min(self._first, begin)
            self._last = max(self._last, readings[-1].at)

    def disk(self, host: str, at: float, percent: float) -> None:
        """How full the volume was; CloudWatch alone says it."""
        if self.axis.start <= at <= self.axis.start + self.axis.count * self.axis.step:
            index, trains = self.axis.index(at), self.trains(at)
            self._machine(host).value("disk", index, percent, percent, percent, trains=trains)

    def trains(self, at: float) -> bool:
        """Whether the job was training then; always, where nobody knows."""
        return not self._training or any(begin <= at <= end for begin, end in self._training)

    @property
    def seconds(self) -> float:
        """How long the job was training; as long as it was measured, where nobody knows."""
        if self._training:
            return sum(max(0.0, end - begin) for begin, end in self._training)
        return self._last - self._first if self._first is not None else 0.0

    @property
    def has_gpus(self) -> bool:
        """Whether any GPU was measured."""
        return any("gpu" in machine.buckets for machine in self._hosts.values())

    def found(self, context: Context) -> Iterator[Finding]:
        """What the platform's rules found, host by host and between them."""
        for host, machine in self._sorted():
            yield from machine.found(host, context)
        yield from balance.found({host: machine.loads for host, machine in self._sorted()}, context)

    def series(self) -> dict[str, Any] | None:
        """From the first bucket with a value to the last; None where there is none."""
        used = [span for _, machine in self._sorted() for each in machine.buckets.values() if (span := each.used())]
        if not used:
            return None
        first, last = min(span[0] for span in used), max(span[1] for span in used)
        hosts = {
            host: {metric: machine.buckets[metric].data(first, last) for metric in METRICS if metric in machine.buckets}
            for host, machine in self._sorted()
        }
        start = self.axis.start + first * self.axis.step
        return {"start": start, "step": self.axis.step, "hosts": {host: said for host, said in hosts.items() if said}}

    def summary(self) -> dict[str, Any]:
        """Mean, 95th percentile and most of each metric while training."""
        return {host: said for host, machine in self._sorted() if (said := _summary(machine))}

    def _machine(self, host: str) -> Machine:
        return self._hosts.get(host) or self._hosts.setdefault(host, Machine(self.axis, self.settings))

    def _sorted(self) -> list[tuple[str, Machine]]:
        return sorted(self._hosts.items(), key=lambda item: (len(item[0]), item[0]))


def _summary(machine: Machine) -> dict[str, Any]:
    known = {metric: machine.spreads.get(metric) for metric in METRICS}
    return {metric: spread.data() for metric, spread in known.items() if spread and spread.count}
