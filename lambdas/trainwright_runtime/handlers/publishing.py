"""Publishing: writing what a run leaves for people and programs, when it ends and whenever more of it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import page
from trainwright_runtime import record as records
from trainwright_runtime import report as reports
from trainwright_runtime.handlers import gather, measures, notify, run_index
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import logger

_TRIES = 3


@dataclass(frozen=True)
class Publisher:
    """Publishes the reports of one team's runs."""

    store: Store
    clients: Services
    environment: Environment

    def publish(self, record: records.Item, redrive: int = 0) -> dict[str, Any]:
        """Write the report of a settled record, tell of it, and answer what Report tells the state machine. As often
        as one likes: what is told once is not told again."""
        run = record["run"]
        report = self._written(record)
        logger.info("reported", extra={"run": run, "status": report["status"]})
        self._beside(lambda: run_index.keep(report, self.store))
        self._beside(lambda: measures.emit(report, record, self.store))
        notify.tell(report, self.store, self.clients, self.environment)
        return reports.answer(report, self.store.uri(run, "report.html"), self.store.uri(run, "report.json"), redrive)

    def _written(self, record: records.Item) -> reports.Report:
        """The report, written from documents that did not change meanwhile: a profile that is read at this moment
        would else be missing from the page until the next look."""
        run: str = record["run"]
        for _ in range(_TRIES):
            before = gather.stamp(run, self.store)
            report = self._write(record)
            if gather.stamp(run, self.store) == before:
                break
        return report

    def _write(self, record: records.Item) -> reports.Report:
        run: str = record["run"]
        sources = gather.sources(record, self.store, self.clients)
        report, charts = reports.build(record, sources), reports.charts(record, sources)
        self.store.put_data(run, "charts.json", charts)
        self.store.put_page(run, "report.html", page.html(report, charts))
        self.store.put_document(run, "report.json", report)
        return report

    def _beside(self, work: Callable[[], Any]) -> None:
        """What must not cost a run its end: said in the log if it fails."""
        try:
            work()
        except (ClientError, BotoCoreError) as error:
            logger.warning("not told", extra={"error": str(error)})
