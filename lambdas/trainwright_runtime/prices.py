"""What an hour of a SageMaker training instance costs on demand, from data/prices.json.

The figures are copied from a published list of February 2025, whose prices have no date of their own and no region.
What is billed is in AWS's Price List API, which a run asks first (handlers.price_list); this table answers where that
does not, and where nothing is asked. A type that the list does not have has no price here.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("data") / "prices.json"

SOURCE = (
    "fmbench 2.1.1 (MIT-0) of 2025-02-03, its prices undated, no region stated, agrees with us-east-1; "
    "AWS's Price List API has what is billed"
)
"""Where the prices are from, as it is shown beside them."""


def on_demand_usd_per_hour(instance_type: str) -> float | None:
    """US dollars for an hour of one host on demand; None where no price is known."""
    price = _table()["on_demand"].get(instance_type)
    return None if price is None else float(price)


def listed(instance_types: Iterable[str]) -> dict[str, float]:
    """The price of each of these types that has one."""
    found = {name: on_demand_usd_per_hour(name) for name in instance_types}
    return {name: usd for name, usd in found.items() if usd is not None}


def lowered_since(instance_type: str) -> bool:
    """Whether AWS is known to have lowered the price of the hardware since the list was made: the price here is then an
    upper bound.
    """
    return instance_type in _table()["lowered_since"]["types"]


def price_list_region(region: str) -> str | None:
    """Where the Price List API answers about a region: only some regions have it, each knows the prices of its whole
    partition. None where a partition has none (GovCloud).

    Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html and the
    endpoints of `api.pricing` in botocore's endpoints.json.
    """
    if region.startswith("us-gov-"):
        return None
    return next((place for prefix, place in _PRICE_LISTS.items() if region.startswith(prefix)), "us-east-1")


_PRICE_LISTS = {
    "cn-": "cn-northwest-1",
    "eusc-": "eusc-de-east-1",
    "eu-": "eu-central-1",
    "il-": "eu-central-1",
    "me-": "eu-central-1",
    "af-": "eu-central-1",
    "ap-": "ap-south-1",
}


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
