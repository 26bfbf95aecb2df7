"""A host's output: into CloudWatch Logs while it runs, and through the job's metric definitions.

Group and stream as https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html has them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

GROUP = "/aws/sagemaker/TrainingJobs"
#: CloudWatch Logs takes events of up to 1 MB; a line that is longer is cut into several.
LINE_BYTES = 256 * 1024

Put = Callable[[str, str, list[tuple[int, str]]], None]


@dataclass
class Metrics:
    """The last value of each metric that the log has shown (``FinalMetricDataList``); ``on_value`` hears of each."""

    patterns: Mapping[str, re.Pattern[str]]
    last: dict[str, tuple[float, float]] = field(default_factory=dict)
    on_value: Callable[[str, float, float], None] | None = None

    @classmethod
    def of(cls, definitions: Iterable[Mapping[str, str]]) -> Metrics:
        """From AlgorithmSpecification.MetricDefinitions; a pattern that Python cannot read matches nothing."""
        patterns = {}
        for definition in definitions:
            try:
                patterns[definition["Name"]] = re.compile(definition["Regex"])
            except re.error:
                continue
        return cls(patterns)

    def read(self, line: str, when: float) -> None:
        """Take what the line says; the value is the pattern's first group."""
        for name, pattern in self.patterns.items():
            for found in pattern.finditer(line):
                try:
                    self.last[name] = (float(found.group(1)), when)
                except (ValueError, IndexError, TypeError):
                    continue
                if self.on_value:
                    self.on_value(name, self.last[name][0], when)

    def describe(self) -> list[dict[str, object]]:
        """As DescribeTrainingJob gives them."""
        return [{"MetricName": name, "Value": value, "Timestamp": when} for name, (value, when) in self.last.items()]


class LogStream:
    """Collects bytes into lines and puts them in batches; ``put`` None: the role may not, the lines are dropped."""

    def __init__(self, stream: str, put: Put | None, metrics: Metrics) -> None:
        self.stream, self._put, self._metrics = stream, put, metrics
        self._rest = b""
        self._lines: list[tuple[int, str]] = []

    def feed(self, data: bytes) -> None:
        """Take what the host wrote."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._take(line)

    def flush(self) -> None:
        """Put the lines that are complete."""
        if self._lines and self._put is not None:
            self._put(GROUP, self.stream, self._lines)
        self._lines = []

    def close(self) -> None:
        """Put everything, a last line without its end too."""
        self._take(self._rest)
        self._rest = b""
        self.flush()

    def _take(self, raw: bytes) -> None:
        line = raw.decode(errors="replace").rstrip("\r")
        now = time.time()
        if line:
            self._lines.append((int(now * 1000), line))
            self._metrics.read(line, now)
