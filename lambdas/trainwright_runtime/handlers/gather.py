"""What a run left in its buckets, gathered for its report."""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.report import Sources


def sources(record: records.Item, store: Store) -> Sources:
    """The documents that a report is made of; what is not there is None."""
    run: str = record["run"]
    return Sources(request=store.document(run, "request.json"))


def stamp(run: str, store: Store) -> Any:
    """A value that changes when a document changes that may be written after the run has ended."""
    return store.stamp(run, "profile/")
