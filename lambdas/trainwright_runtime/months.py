"""A team's money by month, as pure data: what runs reserve before they start, and settle when they have ended.

One item a month in the runs table (`money:<YYYY-MM>`). `committed` is what the month's runs cost and may cost still, in
whole micro-dollars; each run that may cost more has an attribute of its name beside it, with its share of that. An
update touches the share and the sum at once, on one condition: a hundred runs that start together cannot reserve more
than there is, and whoever comes twice changes nothing. A run that has ended leaves only its cost in the sum: the item
stays small.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Call = dict[str, Any]

MICRO = 1_000_000
COMMITTED = "committed"
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)


def key(month: str) -> str:
    """The key of a month's item; a run's id has no colon."""
    return f"money:{month}"


def month_of(started: str, time_zone: str | None) -> str:
    """The month in which an execution started, such as `2026-11`, by the team's clock; UTC where the team names no time
    zone, or one that this machine does not know."""
    return datetime.fromisoformat(started).astimezone(_zone(time_zone)).strftime("%Y-%m")


def months_around(started: str) -> tuple[str, ...]:
    """The months that a start may count for, whatever the time zone: one, or two near a month's end."""
    moment = datetime.fromisoformat(started).astimezone(UTC)
    return tuple(sorted({(moment + offset).strftime("%Y-%m") for offset in (_WEST, _EAST)}))


def first_day_after(month: str) -> str:
    """The day on which the next month begins, such as `2026-12-01`."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}-01"


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def micro(usd: float) -> int:
    """US dollars as whole micro-dollars."""
    return round(usd * MICRO)


def committed(item: Mapping[str, Any] | None) -> int:
    """Micro-dollars that the month's runs cost and may cost still."""
    return int((item or {}).get(COMMITTED, 0))


def reserved(item: Mapping[str, Any] | None) -> int:
    """Micro-dollars of the sum that runs hold which may cost more still; what is told of the month has a colon in its
    name, and no run has."""
    held = {key: value for key, value in (item or {}).items() if key not in ("run", COMMITTED) and ":" not in key}
    return sum(int(value) for value in held.values())


def share(item: Mapping[str, Any] | None, run: str) -> int | None:
    """Micro-dollars that a run holds; None for one that holds none, or has settled."""
    found = (item or {}).get(run)
    return None if found is None else int(found)


def reserve(run: str, month: str, amount: int, limit: int | None, settled: int = 0) -> Call:
    """UpdateItem that gives a run its share and adds it to the month, if the month then holds no more than `limit`
    (None: whatever it holds). One that has a share already is refused as one without room: look which it is.

    `settled` is what this run has settled before, which its new share counts in. All in micro-dollars.
    """
    call = _change(run, month, amount, amount - settled)
    call["ConditionExpression"] = "attribute_not_exists(#share)"
    _hold_to(call, limit, amount - settled)
    return call


def raise_share(run: str, month: str, was: int, amount: int, limit: int | None) -> Call:
    """UpdateItem that makes a run's share larger, on the same terms as `reserve`."""
    call = _replacing(run, month, was, amount)
    _hold_to(call, limit, amount - was)
    return call


def settle(run: str, month: str, was: int, cost: int, rest: int = 0) -> Call:
    """UpdateItem that puts what a run cost in the place of its share `was`, once; it keeps a share where it may cost
    `rest` more."""
    call = _replacing(run, month, was, cost + rest)
    if not rest:
        call["UpdateExpression"] = "SET #committed = #committed + :change REMOVE #share"
        del call["ExpressionAttributeValues"][":share"], call["ExpressionAttributeValues"][":zero"]
    return call


def _replacing(run: str, month: str, was: int, amount: int) -> Call:
    call = _change(run, month, amount, amount - was)
    call["ConditionExpression"] = "#share = :was"
    call["ExpressionAttributeValues"][":was"] = was
    return call


def _change(run: str, month: str, amount: int, change: int) -> Call:
    return {
        "Key": {"run": key(month)},
        "UpdateExpression": "SET #share = :share, #committed = if_not_exists(#committed, :zero) + :change",
        "ExpressionAttributeNames": {"#share": run, "#committed": COMMITTED},
        "ExpressionAttributeValues": {":share": amount, ":change": change, ":zero": 0},
        "ReturnValues": "ALL_NEW",
    }


def _hold_to(call: Call, limit: int | None, more: int) -> None:
    """A condition cannot add, so the sum is compared with what the limit leaves."""
    if limit is None:
        return
    room = limit - more
    empty = "attribute_not_exists(#committed) OR " if room >= 0 else ""
    call["ConditionExpression"] += f" AND ({empty}#committed <= :room)"
    call["ExpressionAttributeValues"][":room"] = room


def has_room(item: Mapping[str, Any] | None, limit: int | None, more: int) -> bool:
    """Whether a month as it stands can hold so much more."""
    return limit is None or committed(item) + more <= limit
