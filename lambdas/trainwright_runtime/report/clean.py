"""Anything as plain JSON: what a run's documents hold may be of any form, and a report is to be read by any program."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trainwright_runtime.attempts import iso
from trainwright_runtime.hiding import TOO_DEEP

_DEEPEST = 60


def clean(value: object, depth: int = 0) -> Any:
    """The value as JSON has it: keys are text, a number that is none (NaN, Infinity) is null."""
    if depth > _DEEPEST:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {str(name): clean(entry, depth + 1) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean(entry, depth + 1) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else iso(value)


def number(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list; none for anything else."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def seconds_between(start: object, end: object) -> float | None:
    """Seconds from one moment to another, both ISO text; None where either is not known."""
    begun, ended = _moment(start), _moment(end)
    return None if begun is None or ended is None else max((ended - begun).total_seconds(), 0.0)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def moment(epoch_seconds: object) -> str | None:
    """Epoch seconds as ISO text in UTC; None for anything else."""
    known = number(epoch_seconds)
    try:
        return None if known is None else iso(datetime.fromtimestamp(known, UTC))
    except (ValueError, OverflowError, OSError):
        return None
