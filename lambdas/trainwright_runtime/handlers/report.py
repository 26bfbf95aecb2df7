"""Report: settle the run's record once, write its report, and tell the state machine how it ended."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers.aws import services
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    return report(Run.from_dict(event["run"]), Store(services, environments.read()))


def report(run: Run, store: Store) -> Event:
    """Settle and report. A run that is settled already keeps its status, and its report is written again the same."""
    record = store.record(run.id)
    if record is None:
        raise LookupError(f"there is no record of run {run.id}: Prepare writes it before any report")
    settled = store.update(records.settle(run.id, records.final_status(record), record["diagnosis"], now()))
    return publish(settled or store.record(run.id) or record, store)


def publish(record: records.Item, store: Store) -> Event:
    """Write both forms of the report of a settled record, and answer what Report tells the state machine."""
    run = record["run"]
    report = reports.build(record, store.document(run, "request.json"))
    html_uri = store.put_page(run, "report.html", reports.html(report))
    json_uri = store.put_document(run, "report.json", report)
    logger.info("reported", extra={"run": run, "status": report["status"]})
    return reports.answer(report, html_uri, json_uri)
