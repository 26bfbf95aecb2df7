"""Jobs of a team that more is to come of: a list in one item of the runs table, as calls for the store.

Each list has a key of its own, with a colon in it, so that it is no run's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.record import Call


@dataclass(frozen=True)
class OpenJobs:
    """One list. What is kept of a job beside its name is the list's own."""

    key: str

    def put_item(self) -> Call:
        """PutItem that makes the item, once a team."""
        return {
            "Item": {"run": self.key, "jobs": {}},
            "ConditionExpression": "attribute_not_exists(#run)",
            "ExpressionAttributeNames": {"#run": "run"},
        }

    def add(self, job: str, entry: object) -> Call:
        """UpdateItem that lists a job; the first listing counts. Its condition fails where there is no item yet, or the
        job is listed."""
        return {
            "Key": {"run": self.key},
            "UpdateExpression": "SET #jobs.#job = :entry",
            "ConditionExpression": "attribute_exists(#jobs) AND attribute_not_exists(#jobs.#job)",
            "ExpressionAttributeNames": {"#jobs": "jobs", "#job": job},
            "ExpressionAttributeValues": {":entry": entry},
            "ReturnValues": "ALL_NEW",
        }

    def remove(self, job: str, now: str) -> Call:
        """UpdateItem that takes a job off the list; as often as one likes."""
        return {
            "Key": {"run": self.key},
            "UpdateExpression": "SET #updated = :now REMOVE #jobs.#job",
            "ConditionExpression": "attribute_exists(#jobs)",
            "ExpressionAttributeNames": {"#jobs": "jobs", "#job": job, "#updated": "updated_at"},
            "ExpressionAttributeValues": {":now": now},
            "ReturnValues": "ALL_NEW",
        }

    @staticmethod
    def entries(item: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """What the item has, by job."""
        return (item or {}).get("jobs") or {}
