"""Reconcile: what becomes known after a run has reported. Once an hour, the warm pools that its jobs left, and
runs.html where two runs that ended together wrote it past each other."""

from __future__ import annotations

from typing import Any

from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import pools, run_index
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]


@handling
def handler(_event: Event, _context: object) -> Event:
    """The Lambda function behind the hourly rule; see docs/states.md."""
    environment = environments.read()
    return reconcile(Store(services, environment), services, environment)


def reconcile(store: Store, clients: Services, environment: environments.Environment) -> Event:
    """Bring the reports of runs up to date whose machines were kept and have now gone, and the page of all runs."""
    publisher = Publisher(store, clients, environment)
    settled = pools.settle(store, clients, publisher.publish, environment.deployment.team)
    listed = run_index.refresh(environment.deployment.team, store)
    logger.info("reconciled", extra={"pools": len(settled), "listed": listed})
    return {"schema": 2, "pools": settled}
