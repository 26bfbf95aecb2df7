"""Keeping the index of a team's runs, and the page that is made of it: runs.html in the root of the reports bucket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright_runtime import page, run_index
from trainwright_runtime import record as records
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.report.clean import mapping

PAGE = "runs.html"
_TRIES = 5
_REPORT_LIMIT = 8 << 20
"""Bytes of a report.json: one of a run with hundreds of attempts has a megabyte or two."""


def keep(report: Mapping[str, Any], store: Store) -> None:
    """Note a run that has ended: its line, and that it is the last of its name. As often as one likes. Then write the
    page: whoever comes second reads after both have noted their lines, so no run is missing from it for long."""
    _keep_line(report, store)
    _remember(report, store)
    refresh(report["team"], store)


def refresh(team: str, store: Store) -> bool:
    """Write runs.html where the index says something else than the page there is; whether it did."""
    lines = run_index.newest(_items(store))
    mark = hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()
    if not lines or store.mark(PAGE) == mark:
        return False
    store.put_marked(PAGE, page.runs_html(team, lines), mark)
    return True


def previous(record: records.Item, store: Store) -> Any:
    """report.json of the last run of that name that ended before this one; None where there is none.

    A run that has told already to which it compares itself goes on comparing itself to that one.
    """
    if not record["name"]:
        return None
    told = mapping(mapping(_report(record["run"], store)).get("comparison")).get("run")
    run = told or run_index.previous(store.record(run_index.name_key(record["name"])), record)
    return _report(run, store) if run else None


def _report(run: str, store: Store) -> Any:
    return store.document(run, "report.json", _REPORT_LIMIT)


def _keep_line(report: Mapping[str, Any], store: Store) -> None:
    """Into the first item of the month that has the run's line, or room for it."""
    line, month = run_index.line(report), run_index.month(report)
    if not any(_kept(run_index.key(month, number), line, store) for number in range(1, run_index.PAGES + 1)):
        logger.warning("not in the index", extra={"month": month, "run": report["run"]})


def _kept(key: str, line: Mapping[str, Any], store: Store) -> bool:
    """Whether the line is in this item now; not where it is full."""
    for _ in range(_TRIES):
        item = store.record(key)
        if item is None:
            store.put(run_index.put_item(key))
            continue
        call = run_index.set_line(item, line)
        if call is None:
            return False
        if store.update(call) is not None:
            return True
    return False


def _remember(report: Mapping[str, Any], store: Store) -> None:
    for _ in range(_TRIES):
        item = store.record(run_index.name_key(report["name"])) if report["name"] else None
        call = run_index.remembered(item, report)
        if call is None or store.update(call) is not None:
            return
    logger.warning("not remembered under its name", extra={"run": report["run"]})


def _items(store: Store) -> Iterator[records.Item]:
    """The items of the index, from the newest month back, until there are lines enough."""
    read = 0
    for month in run_index.months(now()):
        for number in range(1, run_index.PAGES + 1):
            item = store.record(run_index.key(month, number))
            if item is None:
                break
            read += len(item["lines"])
            yield item
            if not run_index.is_full(item):
                break
        if read >= run_index.SHOWN:
            return
