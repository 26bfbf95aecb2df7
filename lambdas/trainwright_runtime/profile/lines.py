"""A file of system metrics: from its bytes to rows, as fast as Python goes, and whatever the bytes are.

A file's lines are parsed as one JSON array, which takes a fifth of the time that `json.loads` takes for each of them;
where that fails, each line is tried by itself, and those that are no good are counted.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pydantic_core import from_json

Row = tuple[float, str, str, float, str]
"""Timestamp, dimension, name, value, host."""

CHUNK = 2**22
"""Bytes that are parsed together: their rows as Python's objects take some twenty times as much."""
LONGEST_LINE = 2**16
_PICK = itemgetter("Timestamp", "Dimension", "Name", "Value", "NodeId")
_AT, _DIMENSION, _NAME, _VALUE, _NODE = (itemgetter(place) for place in range(5))
_NUMBERS = {float, int}


@dataclass
class Tally:
    """What was met in all files so far."""

    lines: int = 0
    bad: int = 0
    """Among `lines`: those that are no rows of the file's host and of the job's time."""
    cut: int = 0
    """Files whose last line breaks off."""


def rows(content: bytes, host: str, first: float, last: float, tally: Tally, chunk: int = CHUNK) -> Iterator[list[Row]]:
    """The good rows of a file, in the order of their time within some `chunk` bytes.

    A row is good whose NodeId is `host`, whose time is from `first` to `last` and whose value is a number from 0 on.
    """
    for part, is_last in _parts(content, chunk):
        count = part.count(b"\n") + (not part.endswith(b"\n"))
        parsed = _at_once(part, count)
        if parsed is None:
            split = [line for line in part.split(b"\n") if line.strip()]
            count, parsed = len(split), [row for line in split for row in _alone(line)]
            tally.cut += bool(is_last and split and not part.endswith(b"\n") and not list(_alone(split[-1])))
        found = _good(parsed, host, first, last)
        tally.lines += count
        tally.bad += max(0, count - len(found))
        yield found


def _parts(content: bytes, size: int) -> Iterator[tuple[bytes, bool]]:
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin + size) + 1 or len(content)
        yield content[begin:end], end == len(content)
        begin = end


def _at_once(part: bytes, count: int) -> list[Any] | None:
    """All lines; None where one of them is no JSON."""
    if len(part) > count * LONGEST_LINE:
        return None
    try:
        parsed: list[Any] = from_json(b"[" + part.strip().replace(b"\n", b",") + b"]")
    except ValueError:
        return None
    return parsed if len(parsed) == count else None


def _alone(line: bytes) -> Iterator[Any]:
    """The row, if the line is one."""
    if len(line) <= LONGEST_LINE:
        with suppress(ValueError):
            yield from_json(line)


def _good(parsed: list[Any], host: str, first: float, last: float) -> list[Row]:
    """In the order of time. Every row is looked at by itself only where not all of them are good."""
    try:
        picked = [_PICK(row) for row in parsed]
        is_good = _are_good(picked, host, first, last)
    except (KeyError, TypeError, ValueError, OverflowError):
        picked, is_good = [each for row in parsed if (each := _picked(row)) is not None], False
    if not is_good:
        picked = [row for row in picked if _is_good(row, host, first, last)]
    picked.sort(key=_AT)
    return picked


def _are_good(picked: list[Any], host: str, first: float, last: float) -> bool:
    """Checked column by column, which costs a tenth of checking row by row; a sum is finite where all of them are."""
    times, values = list(map(_AT, picked)), list(map(_VALUE, picked))
    return (
        {*map(type, times), *map(type, values)} <= _NUMBERS
        and {*map(type, map(_NAME, picked)), *map(type, map(_DIMENSION, picked))} <= {str}
        and set(map(_NODE, picked)) <= {host}
        and math.isfinite(sum(times))
        and math.isfinite(sum(values))
        and first <= min(times, default=first)
        and max(times, default=last) <= last
        and min(values, default=0) >= 0
    )


def _picked(row: Any) -> tuple[Any, ...] | None:
    try:
        return tuple(_PICK(row))
    except (KeyError, TypeError):
        return None


def _is_good(row: tuple[Any, ...], host: str, first: float, last: float) -> bool:
    try:
        return _are_good([row], host, first, last)
    except (TypeError, ValueError, OverflowError):
        return False
