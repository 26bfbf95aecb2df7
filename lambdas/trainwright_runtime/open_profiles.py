"""The team's jobs whose profile is not complete yet: one item of the runs table, as calls for the store.

Rules are evaluated after their training job has ended, and an event about one may be lost; until everything is known,
or nothing more can come, the job is listed here for the hourly look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.record import Call

KEY = "profiles:open"
"""The item's key; with its colon it is no run's."""


@dataclass(frozen=True)
class OpenProfile:
    """A job with more to come: which one, and since when it is listed (ISO text)."""

    job: str
    since: str


def put_item() -> Call:
    """PutItem that makes the item, once a team."""
    return {
        "Item": {"run": KEY, "jobs": {}},
        "ConditionExpression": "attribute_not_exists(#run)",
        "ExpressionAttributeNames": {"#run": "run"},
    }


def add(profile: OpenProfile) -> Call:
    """UpdateItem that lists a job; the first listing counts. Its condition fails where there is no item yet, or the job
    is listed."""
    return {
        "Key": {"run": KEY},
        "UpdateExpression": "SET #jobs.#job = :since",
        "ConditionExpression": "attribute_exists(#jobs) AND attribute_not_exists(#jobs.#job)",
        "ExpressionAttributeNames": {"#jobs": "jobs", "#job": profile.job},
        "ExpressionAttributeValues": {":since": profile.since},
        "ReturnValues": "ALL_NEW",
    }


def remove(job: str, now: str) -> Call:
    """UpdateItem that takes a job off the list; as often as one likes."""
    return {
        "Key": {"run": KEY},
        "UpdateExpression": "SET #updated = :now REMOVE #jobs.#job",
        "ConditionExpression": "attribute_exists(#jobs)",
        "ExpressionAttributeNames": {"#jobs": "jobs", "#job": job, "#updated": "updated_at"},
        "ExpressionAttributeValues": {":now": now},
        "ReturnValues": "ALL_NEW",
    }


def listed(item: Mapping[str, Any] | None) -> list[OpenProfile]:
    """The jobs of the item, the longest listed first."""
    jobs = (item or {}).get("jobs") or {}
    return sorted((OpenProfile(job, since) for job, since in jobs.items()), key=lambda each: (each.since, each.job))
