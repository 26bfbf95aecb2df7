"""report.json: a pure function of the run's record and of what else its run left."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime import curves, summary
from trainwright_runtime import record as records
from trainwright_runtime.hiding import without_secrets
from trainwright_runtime.report.advice import advise
from trainwright_runtime.report.checkpoints import checkpoints
from trainwright_runtime.report.clean import clean, mapping, mappings, seconds_between
from trainwright_runtime.report.comparison import compare
from trainwright_runtime.report.goodput import goodput
from trainwright_runtime.report.links import links
from trainwright_runtime.report.metrics import headline
from trainwright_runtime.report.profile import findings, profile
from trainwright_runtime.report.sources import Sources

Report = dict[str, Any]
SCHEMA = 3

_SINCE: Mapping[str, Any] = {"starts": [], "has_checkpoints": True}
"""What rows of attempts say that were written by this version; older ones do not."""


def build(record: Mapping[str, Any], sources: Sources) -> Report:
    """report.json of a settled run; see docs/report-json.md. Missing values are null, never absent, and everything in
    it is plain JSON."""
    report = {**_record(record), **_rows(record), **_documents(record, sources)}
    report |= _measured(report, sources)
    report |= _judged(report, sources)
    return dict(clean(report))


def _record(record: Mapping[str, Any]) -> Report:
    """What the record says."""
    as_it_is = ("run", "team", "name", "execution_arn", "status", "started_at", "ended_at", "image")
    found = ("diagnosis", "problems", "warnings")
    return {
        "schema": SCHEMA,
        **{name: record[name] for name in (*as_it_is, *found)},
        "seconds": seconds_between(record["started_at"], record["ended_at"]),
        "model": {"s3_uri": record["model"]} if record["model"] else None,
    }


def _rows(record: Mapping[str, Any]) -> Report:
    """What the attempts come to."""
    rows = records.rows(record)
    resume = summary.resume(rows)
    return {
        "attempts": [{**_SINCE, **row} for row in rows],
        "cost": summary.cost(rows, record["money"]),
        "restarted_from_zero": any(each["from_zero"] for each in resume),
        "resume": resume,
        "waits": summary.waits(rows),
        "decisions": summary.decisions(rows),
        "pool": summary.pool(rows),
        "goodput": goodput(rows, record["started_at"], record["ended_at"]),
    }


def _documents(record: Mapping[str, Any], sources: Sources) -> Report:
    """What the documents say."""
    prepared = mapping(sources.prepared)
    can_run = isinstance(sources.request, Mapping)
    return {
        "request": without_secrets(sources.request),
        "command": f"trainwright run --again {record['run']}" if can_run else None,
        "sent": None if sources.sent is None else without_secrets(sources.sent),
        "fields": mappings(prepared.get("fields")),
        "inputs": mapping(prepared.get("inputs")),
        "code": mapping(prepared.get("code")) or None,
        "metrics": curves.with_last(record["metrics"], sources.curves),
        "checkpoints": checkpoints(records.rows(record), sources.sent),
    }


def _measured(report: Report, sources: Sources) -> Report:
    """What was measured, and the figure that the run is judged by."""
    order = mapping(sources.curves).get("names") or ()
    before = mapping(mapping(sources.previous).get("metrics"))
    return {
        "findings": findings(sources),
        "profile": profile(sources),
        "headline": headline(report["metrics"], sources.sent, order, before),
    }


def _judged(report: Report, sources: Sources) -> Report:
    """What all of it comes to."""
    return {
        "verdict": summary.verdict(report),
        "comparison": compare(report, sources.previous),
        "advice": advise(report),
        "links": links(report, sources.folder),
    }
