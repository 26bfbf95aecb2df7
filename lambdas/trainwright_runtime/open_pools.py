"""The team's warm pools that are still kept: one item of the runs table, as calls for the store.

What a pool costs is known once it has ended, long after its run has reported; until then the job that left it is
listed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.record import Call

KEY = "pools:open"
"""The item's key; with its colon it is no run's."""


@dataclass(frozen=True)
class OpenPool:
    """A job that left machines behind: of which run and attempt, what they cost an hour together, and since when."""

    job: str
    run: str
    number: int
    usd_per_hour: float | None
    since: str


def put_item() -> Call:
    """PutItem that makes the item, once a team."""
    return {
        "Item": {"run": KEY, "jobs": {}},
        "ConditionExpression": "attribute_not_exists(#run)",
        "ExpressionAttributeNames": {"#run": "run"},
    }


def add(pool: OpenPool) -> Call:
    """UpdateItem that lists a pool; the first listing counts. Its condition fails where there is no item yet, or the
    pool is listed."""
    entry = {"run": pool.run, "number": pool.number, "usd_per_hour": pool.usd_per_hour, "since": pool.since}
    return {
        "Key": {"run": KEY},
        "UpdateExpression": "SET #jobs.#job = :entry",
        "ConditionExpression": "attribute_exists(#jobs) AND attribute_not_exists(#jobs.#job)",
        "ExpressionAttributeNames": {"#jobs": "jobs", "#job": pool.job},
        "ExpressionAttributeValues": {":entry": entry},
        "ReturnValues": "ALL_NEW",
    }


def remove(job: str, now: str) -> Call:
    """UpdateItem that takes a pool off the list; as often as one likes."""
    return {
        "Key": {"run": KEY},
        "UpdateExpression": "SET #updated = :now REMOVE #jobs.#job",
        "ConditionExpression": "attribute_exists(#jobs)",
        "ExpressionAttributeNames": {"#jobs": "jobs", "#job": job, "#updated": "updated_at"},
        "ExpressionAttributeValues": {":now": now},
        "ReturnValues": "ALL_NEW",
    }


def listed(item: Mapping[str, Any] | None) -> list[OpenPool]:
    """The pools of the item, the longest kept first."""
    jobs = (item or {}).get("jobs") or {}
    found = [OpenPool(job, e["run"], int(e["number"]), e["usd_per_hour"], e["since"]) for job, e in jobs.items()]
    return sorted(found, key=lambda pool: (pool.since, pool.job))
