"""Report: a run has come to its end. Leave nothing running, settle record and money, write the report, and answer how
the execution ends."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import ledger, orphans, pools, profiles
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.look import describe
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.reopening import reopen
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling
from trainwright_runtime.warm_pool import is_open

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> Event:
    """The Lambda function; see docs/states.md for what comes in and goes out."""
    environment = environments.read()
    store = Store(services, environment)
    return report(Run.from_dict(event["run"]), store, services, environment, int(event["redrive_count"]))


def report(run: Run, store: Store, clients: Services, environment: environments.Environment, redrive: int = 0) -> Event:
    """Settle and report. A run that is settled already keeps its status, and its report is written again the same."""
    record = store.existing(run.id)
    if redrive > record["redrive"] and record["current"]:
        record = reopen(record, redrive, store, store.plan(run.id), environment)
    orphans.sweep(clients, records.rows(record))
    settled = store.update(records.settle(run.id, records.final_status(record), record["diagnosis"], now()))
    publisher = Publisher(store, clients, environment)
    return publisher.publish(finished(settled or store.existing(run.id), publisher), redrive)


def finished(record: records.Item, publisher: Publisher) -> records.Item:
    """A settled record when machines and money are settled too: what is kept for nobody is given back."""
    store, clients = publisher.store, publisher.clients
    for row in (row for row in records.rows(record) if is_open(row["warm_pool"])):
        job = describe(clients, row["job_name"])
        if record["status"] == "STOPPED" and not _keeps_pools(store, record["run"]):
            pools.end_pool(clients, job)
        pools.track(store, record["run"], row["number"], job, row["usd_per_hour"])
    pools.settle(store, clients, publisher.publish, record["team"])
    profiles.expect(record, store)
    return ledger.settle(store.existing(record["run"]), store)  # a pool that has ended is in it now


def _keeps_pools(store: Store, run: str) -> bool:
    """Whether the team's policy keeps machines also after a run was stopped."""
    pool = (store.document(run, "policy.json") or {}).get("warm_pool") or {}
    return bool(pool.get("keep_after_stop"))
