"""DynamoDB: one write of an item ends before the next begins, so that a condition holds when its update is made."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from trainwright.rehearsal.mends import Mend, find, replace

_CALL = "moto.dynamodb.responses:DynamoHandler.call_action"
_turn = threading.RLock()


def _one_at_a_time() -> None:
    original = find(_CALL)

    def call_action(self: Any) -> Any:
        with contextlib.nullcontext() if _feeds_functions(self) else _turn:
            return original(self)

    replace(_CALL, call_action)


def _feeds_functions(handler: Any) -> bool:
    """moto calls the functions behind a table's stream inside the write: one that writes itself would never get its
    turn."""
    table = handler.dynamodb_backend.tables.get(getattr(handler, "params", {}).get("TableName"))
    return bool(table is not None and table.lambda_event_source_mappings)


MENDS = (
    Mend(
        "dynamodb-one-write-at-a-time",
        _CALL,
        "ce5f57cf83cde3400fa73a201929d18af92aaba2bb301d4d74609a1467b8daaf",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.AtomicCounters",
        "Two updates at the same moment both find moto's item as it was before either, so that both conditions hold.",
        _one_at_a_time,
    ),
)
