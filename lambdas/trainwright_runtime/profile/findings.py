"""A finding: what a rule measured, against which threshold, when and where, and the one thing to try."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

Severity = Literal["high", "medium", "low"]
SYSTEM_METRICS = "system metrics"
_RANK = {"high": 0, "medium": 1, "low": 2}
_MOST = 30
#: What a finding, where there is one, says better: GPUs that wait for input are little used, too.
_EXPLAINED_BY = {
    "low_gpu_use": ("io_bottleneck", "cpu_bottleneck", "batch_size", "load_imbalance"),
    "batch_size": ("io_bottleneck", "cpu_bottleneck", "load_imbalance"),
}


@dataclass(frozen=True)
class Finding:
    """One finding of one attempt; `start` and `end` are epoch seconds."""

    rule: str
    title: str
    severity: Severity
    measured: str
    value: float | None
    threshold: str
    change: str
    start: float | None = None
    end: float | None = None
    host: str | None = None
    device: str | None = None
    worth_seconds: float | None = None
    """Time that the change could save at the very most; None where nobody can say."""
    source: str = SYSTEM_METRICS
    documentation: str | None = None

    def data(self, attempt: int) -> dict[str, Any]:
        """As profile/<attempt>.json has it."""
        times = {"start": iso(self.start), "end": iso(self.end)}
        rounded = {"value": _rounded(self.value, 3), "worth_seconds": _rounded(self.worth_seconds, 1)}
        return {**asdict(self), **times, **rounded, "attempt": attempt}


def iso(moment: float | None) -> str | None:
    """UTC to the second; None for what is no time of this calendar."""
    try:
        found = datetime.fromtimestamp(moment, UTC) if moment is not None else None
    except (ValueError, OverflowError, OSError):
        return None
    return found.isoformat(timespec="seconds").replace("+00:00", "Z") if found else None


def settled(own: Iterable[Finding], of_aws: Iterable[Finding]) -> list[Finding]:
    """One finding a rule, worst first: hosts put together, AWS's beside ours, and none that another explains."""
    named = _by_rule(own)
    for theirs in of_aws:
        ours = named.get(theirs.rule)
        named[theirs.rule] = replace(ours, source=_both(ours.source, theirs.source)) if ours else theirs
    said = [found for found in named.values() if not any(rule in named for rule in _EXPLAINED_BY.get(found.rule, ()))]
    return sorted(said, key=_order)[:_MOST]


def _by_rule(findings: Iterable[Finding]) -> dict[str, Finding]:
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.rule, []).append(finding)
    return {rule: _together(found) for rule, found in grouped.items()}


def _together(found: Sequence[Finding]) -> Finding:
    """The worst one, which says where else it was found."""
    worst = min(found, key=_order)
    others = sorted({each.host for each in found if each.host} - {worst.host})
    devices = len({(each.host, each.device) for each in found if each.device})
    said = worst.measured
    if others:
        hosts = "host" if len(others) == 1 else "hosts"
        said += f" (found on {len(others)} more {hosts}: {', '.join(str(host) for host in others[:4])}"
        said += ", ...)" if len(others) > 4 else ")"
    elif devices > 1:
        said += f" (found for {devices} GPUs of this host; this is the worst)"
    return replace(worst, measured=said)


def _both(first: str, second: str) -> str:
    return first if second in first.split(" and ") else f"{first} and {second}"


def _order(finding: Finding) -> tuple[int, float, str, str, str]:
    worth = finding.worth_seconds if finding.worth_seconds is not None else 0.0
    return _RANK[finding.severity], -worth, finding.rule, finding.host or "", finding.device or ""


def _rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None else None
