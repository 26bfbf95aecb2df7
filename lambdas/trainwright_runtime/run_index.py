"""The index of a team's runs, in its runs table: the lines of runs.html by month, and the last runs of each name.

Items `index:<YYYY-MM>`, `index:<YYYY-MM>:2`, ... hold a map from run to line, `name:<name>` the last runs of a name
that have ended. Keys with a colon are no runs. Pure: reports and items in, lines and calls for the store out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainwright_runtime.record import Call, Item

LINES = 200
"""Lines of one item: a line has less than 1 KB, and an item 400 KB at most (DynamoDB developer guide, quotas)."""
PAGES = 100
"""Items of one month: 20,000 runs."""
SHOWN, MONTHS = 1000, 12
"""How many runs runs.html shows, and how far back it looks."""
NAMED = 20
"""Runs that are remembered of one name."""

_LONGEST_NAME = 300
"""Bytes of a name in a key; a longer one is hashed. A partition key has 2,048 bytes at most."""
_LONGEST_TEXT = 120
_LARGEST, _SMALLEST = 1e120, 1e-120
"""DynamoDB takes numbers from 1e-130 to 1e126 (developer guide, data types)."""


def line(report: Mapping[str, Any]) -> dict[str, Any]:
    """A run's line of runs.html, as small as it can be; every key always there."""
    rows = report["attempts"]
    cost, headline, goodput = report["cost"], report["headline"], report["goodput"] or {}
    spent = [usd for usd in (cost["usd"], cost["pool_usd"]) if usd is not None]
    types = [row["instance_type"] for row in rows if row["instance_type"]]
    return {
        "run": report["run"],
        "name": _text(report["name"]),
        "status": report["status"],
        "started_at": report["started_at"],
        "ended_at": report["ended_at"],
        "seconds": _number(report["seconds"]),
        "cost_usd": _number(sum(spent)) if spent else None,
        "saved_usd": _number(cost["saved_usd"]),
        "goodput": _number(goodput.get("share")),
        "headline": {"name": _text(headline["name"]), "value": _number(headline["value"])} if headline else None,
        "interruptions": sum(row["interruptions"] for row in rows),
        "attempts": sum(bool(row["job_arn"]) for row in rows),
        "instance_type": _text(types[-1]) if types else None,
        "diagnosis": _text((report["diagnosis"] or {}).get("label")),
        "findings": len(report["findings"]),
    }


def _text(value: object) -> str | None:
    """Text that any encoding takes: it may hold lone surrogates."""
    return None if value is None else str(value)[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) > _LARGEST:
        return None
    return value if abs(value) > _SMALLEST else 0


# --- lines by month ---


def month(report: Mapping[str, Any]) -> str:
    """The month that a run's line stands under, `2026-11`: that of its start, which no redrive changes."""
    return str(report["started_at"] or report["ended_at"])[:7]


def key(month: str, page: int) -> str:
    """The key of a month's item; pages count from 1."""
    return f"index:{month}" + (f":{page}" if page > 1 else "")


def put_item(key: str) -> Call:
    """PutItem that makes an item without lines, once."""
    return {
        "Item": {"run": key, "count": 0, "lines": {}},
        "ConditionExpression": "attribute_not_exists(#run)",
        "ExpressionAttributeNames": {"#run": "run"},
    }


def set_line(item: Item, line: Mapping[str, Any]) -> Call | None:
    """UpdateItem that puts a run's line into an item that was read, in the place of the one that the run has, or beside
    the others; None where the item is full. Its condition fails where somebody changed the item since: read it again
    then."""
    there = line["run"] in item["lines"]
    if not there and is_full(item):
        return None
    call: Call = {
        "Key": {"run": item["run"]},
        "UpdateExpression": "SET #lines.#line = :line",
        "ConditionExpression": "attribute_exists(#lines.#line)",
        "ExpressionAttributeNames": {"#lines": "lines", "#line": line["run"]},
        "ExpressionAttributeValues": {":line": dict(line)},
        "ReturnValues": "UPDATED_NEW",
    }
    if there:
        return call
    call["UpdateExpression"] += ", #count = #count + :one"
    call["ConditionExpression"] = "attribute_not_exists(#lines.#line) AND #count < :most"
    call["ExpressionAttributeNames"]["#count"] = "count"
    call["ExpressionAttributeValues"] |= {":one": 1, ":most": LINES}
    return call


def months(now: str) -> list[str]:
    """The months that runs.html looks at, the newest first. `now` is ISO text."""
    year, number = int(now[:4]), int(now[5:7])
    back = [year * 12 + number - 1 - past for past in range(MONTHS)]
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in back]


def is_full(item: Mapping[str, Any]) -> bool:
    """Whether there may be another item of the month after this one."""
    return bool(item["count"] >= LINES)


def newest(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of runs.html, the run that started last first."""
    lines = {run: each for item in items for run, each in (item.get("lines") or {}).items()}
    found = sorted(lines.values(), key=lambda each: (each.get("started_at") or "", each["run"]), reverse=True)
    return found[:SHOWN]


# --- the last runs of a name ---


def name_key(name: str) -> str:
    """The key under which the runs of a name are remembered; a long name by its hash."""
    encoded = name.encode("utf-8", "replace")
    if len(encoded) > _LONGEST_NAME:
        return f"name#sha256:{hashlib.sha256(encoded).hexdigest()}"
    return f"name:{encoded.decode()}"


def remembered(item: Item | None, report: Mapping[str, Any]) -> Call | None:
    """UpdateItem that remembers a run under its name; None where that is known already, or the run has no name. Its
    condition fails where somebody changed the item since it was read: read it again then."""
    if not report["name"]:
        return None
    known: Sequence[Mapping[str, Any]] = (item or {}).get("runs") or ()
    entry = {name: report[name] for name in ("run", "status", "started_at", "ended_at")}
    if entry in known:
        return None
    runs = [*(each for each in known if each["run"] != report["run"]), entry]
    before = (item or {}).get("version") or 0
    return {
        "Key": {"run": name_key(report["name"])},
        "UpdateExpression": "SET #runs = :runs, #version = :after",
        "ConditionExpression": "#version = :before" if item else "attribute_not_exists(#version)",
        "ExpressionAttributeNames": {"#runs": "runs", "#version": "version"},
        "ExpressionAttributeValues": {
            ":runs": sorted(runs, key=_ended)[-NAMED:],
            ":after": before + 1,
            **({":before": before} if item else {}),
        },
        "ReturnValues": "UPDATED_NEW",
    }


def previous(item: Item | None, record: Mapping[str, Any]) -> str | None:
    """The last run of a name that ended before this one and had begun to train; None where there is none."""
    known = (item or {}).get("runs") or ()
    before = [each for each in known if each["run"] != record["run"] and each["status"] != "REFUSED"]
    before = [each for each in before if _ended(each) < (record["ended_at"] or "")]
    run: str | None = max(before, key=_ended)["run"] if before else None
    return run


def _ended(entry: Mapping[str, Any]) -> str:
    return entry["ended_at"] or ""
