"""What a run left in its buckets, gathered for its report."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import profiled
from trainwright_runtime import record as records
from trainwright_runtime.handlers import curves_look, run_index
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.plan import Plan
from trainwright_runtime.report import Sources
from trainwright_runtime.underway import Underway

_PROFILES = 10
"""Attempts whose profiles are read: one may be a megabyte."""


def sources(record: records.Item, store: Store, clients: Services) -> Sources:
    """The documents that a report is made of; what is not there is None."""
    run: str = record["run"]
    return Sources(
        request=store.document(run, "request.json"),
        prepared=store.document(run, "prepared.json"),
        sent=_sent(record, store),
        previous=run_index.previous(record, store),
        profiles=_profiles(run, store),
        curves=curves_look.look(record, store, clients),
        folder=store.uri(run, ""),
    )


def _sent(record: records.Item, store: Store) -> Any:
    """The last CreateTrainingJob request of the run; None for one that never came to it, or whose plan an older version
    wrote in another form."""
    if not record["current"] or (plan := store.document(record["run"], "plan.json")) is None:
        return None
    try:
        return Underway.from_dict(record["current"]).attempt(Plan.from_dict(plan))["request"]
    except (KeyError, TypeError, IndexError):
        return None


def _profiles(run: str, store: Store) -> dict[int, Any]:
    """What the profiler said of each attempt, by its number; of many attempts, the last."""
    numbers = [number for key, _ in store.stamp(run, "profile/") if (number := profiled.attempt_in(key))]
    found = {
        number: store.document(run, profiled.document_name(number), profiled.LIMIT)
        for number in sorted(numbers)[-_PROFILES:]
    }
    return {number: document for number, document in found.items() if document is not None}


def stamp(run: str, store: Store) -> Any:
    """A value that changes when a document changes that may be written after the run has ended."""
    return store.stamp(run, "profile/")
