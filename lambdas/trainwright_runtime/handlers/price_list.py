"""What an hour of an instance costs: AWS's Price List API where it answers, else the dated table in the package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import prices
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.telemetry import logger

SOURCE = "AWS's Price List API"
_SERVICE = "AmazonSageMaker"
_USE = "Training"
_HOURS = ("Hrs", "hours", "Hours", "Hour")

_known: dict[tuple[object, str, str], float | None] = {}
"""What the API said in this sandbox, by client, region and type; None: it has no such product."""


class PriceList:
    """The prices of one region. An API that fails once is not asked again: no run waits for it twice, and none is lost
    for it."""

    def __init__(self, clients: Services) -> None:
        self._clients = clients
        self._region = clients.region
        self._trouble = None if prices.price_list_region(self._region) else ""
        self._sources: dict[str, None] = {}

    def usd_per_hour(self, instance_type: str) -> float | None:
        """US dollars for an hour of one host on demand; None where nothing has a price of the type."""
        found = self._asked(instance_type) if self._trouble is None else None
        if found is not None:
            self._sources[SOURCE] = None
            return found
        if (listed := prices.on_demand_usd_per_hour(instance_type)) is not None:
            self._sources[prices.SOURCE] = None
        return listed

    @property
    def source(self) -> str | None:
        """Where the prices asked for so far are from, as it is shown beside them; None where there were none."""
        return "; ".join(self._sources) or None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the author of a run should know of its prices, once they were asked for."""
        if not self._trouble:
            return ()
        return (f"prices: {SOURCE} did not answer ({self._trouble}); they are those of {prices.SOURCE}",)

    def _asked(self, instance_type: str) -> float | None:
        key = (self._clients.pricing, self._region, instance_type)
        if key not in _known:
            try:
                _known[key] = _look_up(self._clients.pricing, self._region, instance_type)
            except (ClientError, BotoCoreError) as error:
                self._trouble = error_code(error) if isinstance(error, ClientError) else type(error).__name__
                logger.warning("price list not read", extra={"why": self._trouble})
                return None
        return _known[key]


def _look_up(client: Any, region: str, instance_type: str) -> float | None:
    """The dearest price for training that the list has of a type; None where it has none.

    The list names the use in `component`, in `platoinstancetype` or at the end of `instanceType`, as older and newer
    products do; the filters are those that all of them have.
    """
    wanted = {"regionCode": region, "instanceName": instance_type}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    found = client.get_products(ServiceCode=_SERVICE, Filters=filters, FormatVersion="aws_v1")["PriceList"]
    return max((usd for text in found for usd in _training_prices(_parsed(text))), default=None)


def _parsed(text: object) -> Mapping[str, Any]:
    try:
        product = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return product if isinstance(product, Mapping) else {}


def _training_prices(product: Mapping[str, Any]) -> Iterator[float]:
    attributes = _entries(_entries(product, "product"), "attributes")
    named = [str(attributes.get(name)) for name in ("component", "platoinstancetype")]
    if _USE not in named and not str(attributes.get("instanceType")).endswith(f"-{_USE}"):
        return
    for term in _entries(_entries(product, "terms"), "OnDemand").values():
        for dimension in _entries(term, "priceDimensions").values():
            usd = _amount(_entries(dimension, "pricePerUnit").get("USD"))
            if usd > 0 and dimension.get("unit") in _HOURS:
                yield usd


def _entries(owner: object, name: str) -> Mapping[str, Any]:
    found = owner.get(name) if isinstance(owner, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _amount(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 0.0
