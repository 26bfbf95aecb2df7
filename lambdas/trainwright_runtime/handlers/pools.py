"""Warm pools on AWS: ending one, and bringing reports up to date once one has ended or was taken over.

Source: UpdateTrainingJob, WarmPoolStatus (SageMaker API reference); "Train Using SageMaker Managed Warm Pools"
(developer guide).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import open_pools
from trainwright_runtime import record as records
from trainwright_runtime.attempts import POOL_OPEN
from trainwright_runtime.facts import attempt_of
from trainwright_runtime.handlers import ledger
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.look import describe
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.open_pools import POOLS, OpenPool
from trainwright_runtime.warm_pool import pool_of, status_of

Publish = Callable[[records.Item], Any]

LOOKED_AT = 20
"""Pools that one call looks at, each a DescribeTrainingJob; the rest are for the next one."""


def end_pool(clients: Services, job: Mapping[str, Any] | None) -> bool:
    """End the pool that a job left: whether it was asked to. Never raises: a pool that stays ends by itself.

    `job` is DescribeTrainingJob's answer. "To terminate a warm pool, set the KeepAlivePeriodInSeconds value to 0", and
    only one that is Available can be changed (developer guide).
    """
    if job is None or status_of(job) != "Available":
        return False
    name = job["TrainingJobName"]
    try:
        clients.sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    except (ClientError, BotoCoreError) as error:
        logger.warning("pool not ended", extra={"job": name, "error": str(error)})
        return False
    logger.info("pool ended", extra={"job": name})
    return True


def track(store: Store, run: str, number: int, job: Mapping[str, Any] | None, usd_per_hour: float | None) -> bool:
    """Remember a pool that a job left, until `settle` has seen it end: whether there is one. Safe to repeat.

    `usd_per_hour` is the on-demand price of all its hosts together, None where none is known.
    """
    if job is None or status_of(job) is None:
        return False
    pool = OpenPool(job["TrainingJobName"], run, number, usd_per_hour, now())
    if store.update(POOLS.add(pool.job, pool.entry)) is None:
        store.put(POOLS.put_item())
        store.update(POOLS.add(pool.job, pool.entry))
    return True


def settle(store: Store, clients: Services, publish: Publish, team: str, limit: int = LOOKED_AT) -> list[str]:
    """Look at the pools that are kept, and bring runs up to date whose pool has ended: what it cost, and who took it
    over. The jobs whose pools are done with; one that cannot be looked at is left for the next time.

    `publish` writes a run's report again.
    """
    pools = open_pools.listed(store.record(POOLS.key))[:limit]
    return [pool.job for pool in pools if _settled(pool, store, clients, publish, team)]


def _settled(pool: OpenPool, store: Store, clients: Services, publish: Publish, team: str) -> bool:
    try:
        job = describe(clients, pool.job)
    except (ClientError, BotoCoreError) as error:
        logger.warning("pool not looked at", extra={"job": pool.job, "error": str(error)})
        return False
    if job is not None and status_of(job) in POOL_OPEN:
        return False
    kept = pool_of(job, pool.usd_per_hour)
    _amend(pool.run, pool.number, {"warm_pool": kept} if kept else {}, store, publish)
    if not _told_successor((kept or {}).get("reused_by"), store, publish, team):
        return False
    store.update(POOLS.remove(pool.job, now()))
    logger.info("pool settled", extra={"job": pool.job, "status": (kept or {}).get("status")})
    return True


def _told_successor(job: str | None, store: Store, publish: Publish, team: str) -> bool:
    """Say in the successor's row that it took a pool over: False while its run has not written that row yet."""
    found = attempt_of(job, team) if job else None
    return found is None or _amend(*found, {"reused_pool": True}, store, publish)


def _amend(run: str, number: int, changes: Mapping[str, Any], store: Store, publish: Publish) -> bool:
    """Put more into an attempt's row; if its run has ended, settle its money and write its report again. False where a
    run that is under way has no such row yet."""
    record = store.record(run)
    if record is None:
        return True
    row = record["attempts"].get(str(number))
    if row is None:
        return records.is_final(record)
    if all(row.get(name) == value for name, value in changes.items()):
        return True
    amended = store.update(records.amend_row(run, number, {**row, **changes}, now()))
    if amended is not None and records.is_final(amended):
        publish(ledger.settle(amended, store))
    return True
