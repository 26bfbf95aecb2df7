"""Figures as people read them: with their unit, as exact as they need, a dash where nothing is known."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeGuard

from trainwright_runtime import summary

UNKNOWN = "—"


def seconds(value: float | None) -> str:
    """`2.4 s` below ten seconds, `12 s`, `3 min 20 s`, `1 h 5 min`."""
    if not known(value):
        return UNKNOWN
    return f"{number(round(value, 1))} s" if value < 10 else summary.duration_words(round(value))


def percent(share: float | None) -> str:
    """A share (0 to 1) as `62 %`; one digit more below one per cent and where it would read as the whole."""
    if not known(share):
        return UNKNOWN
    exact = share * 100
    return f"{exact:.1f} %" if 0 < exact < 1 or 99 < exact < 100 else f"{exact:.0f} %"


def number(value: object) -> str:
    """A metric's value with five significant digits: `0.98891`, `1,234.5`, `3.2e-07`. Whole numbers as they are."""
    if not known(value):
        return UNKNOWN if value is None or isinstance(value, float) else str(value)
    if abs(value) < 1e15 and float(value).is_integer():
        return f"{int(value):,}"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 12:
        return f"{value:.4g}"
    exact = f"{value:,.{max(4 - size, 0)}f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def signed(value: float | None) -> str:
    """A difference: `+0.012`, `−3`, `no change`."""
    if not known(value):
        return UNKNOWN
    return "No change" if value == 0 else f"{'+' if value > 0 else '−'}{number(abs(value))}"


def amount(value: float | None, unit: str) -> str:
    """A measured value with its unit: `81.2 %`, `12.4 MB/s`."""
    if not known(value):
        return UNKNOWN
    if unit == "B/s":
        return _bytes(value) + "/s"
    return f"{value:.1f} %" if unit == "%" else f"{number(value)} {unit}".rstrip()


def size(value: float | None) -> str:
    """Bytes as `12.4 MB`, in steps of 1,000."""
    return _bytes(value) if known(value) else UNKNOWN


def moment(text: object) -> str:
    """An ISO time as `21 Nov 2026 15:29:01 UTC`; what is none as it is."""
    found = parsed(text)
    if found is None:
        return UNKNOWN if text is None else str(text)
    return f"{_day(found)} {found:%H:%M:%S} UTC"


def span(start: object, end: object) -> str:
    """Two ISO times as one: `21 Nov 2026 15:29:01 to 15:31:10 UTC`."""
    first, last = parsed(start), parsed(end)
    if first is None or last is None:
        return moment(start if first else end)
    until = "" if first.date() == last.date() else f"{_day(last)} "
    return f"{_day(first)} {first:%H:%M:%S} to {until}{last:%H:%M:%S} UTC"


def epoch(value: object) -> str:
    """Seconds since 1970, or an ISO time, as `21 Nov 2026 15:29:01 UTC`."""
    if isinstance(value, str):
        return moment(value)
    try:
        return moment(datetime.fromtimestamp(value, UTC).isoformat()) if known(value) else UNKNOWN
    except (OverflowError, ValueError, OSError):
        return UNKNOWN


def took(span_: Mapping[str, object]) -> float | None:
    """The seconds between `start` and `end`, ISO times both; None where one is missing."""
    start, end = parsed(span_["start"]), parsed(span_["end"])
    return (end - start).total_seconds() if start and end else None


def parsed(text: object) -> datetime | None:
    """An ISO time in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def known(value: object) -> TypeGuard[float]:
    """Whether a value is a number that can be shown."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _day(found: datetime) -> str:
    return f"{found.day} {found:%b %Y}"


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
