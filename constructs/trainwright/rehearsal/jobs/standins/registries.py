"""Which of AWS's accounts has which image in which region (data/registries.json, tools/make_standin_table.py)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).parent / "data" / "registries.json"


def accounts(repository: str, region: str) -> frozenset[str]:
    """The accounts that have the repository in the region; empty: AWS has no such image there."""
    table = _table()
    places = table["repositories"].get(repository, ())
    return frozenset(table["registries"][place][region] for place in places if region in table["registries"][place])


def repositories() -> tuple[str, ...]:
    """Every repository of AWS's with training images that the SDK knows."""
    return tuple(_table()["repositories"])


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
