"""What an hour of a SageMaker training instance costs on demand, from data/prices.json.

The figures are copied from a published list that has neither a date nor a region. They serve to compare types and to
warn; what is billed is in AWS's Price List API. A type that the list does not have has no price here.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("data") / "prices.json"

SOURCE = (
    "fmbench 2.1.1 (MIT-0), undated, no region stated, agrees with us-east-1; AWS's Price List API has what is billed"
)
"""Where the prices are from, as it is shown beside them."""


def on_demand_usd_per_hour(instance_type: str) -> float | None:
    """US dollars for an hour of one host on demand; None where no price is known."""
    price = _table()["on_demand"].get(instance_type)
    return None if price is None else float(price)


def lowered_since(instance_type: str) -> bool:
    """Whether AWS is known to have lowered the price of the hardware since the list was made: the price here is then an
    upper bound.
    """
    return instance_type in _table()["lowered_since"]["types"]


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
