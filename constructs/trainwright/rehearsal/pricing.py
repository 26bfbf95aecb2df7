"""The AWS Price List API: what instances for training cost an hour, as far as the faults file says.

Shapes: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html and public answers
for AmazonSageMaker. There is no other product here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trainwright.rehearsal import facade, faults, gate, wire

SERVICE = "AmazonSageMaker"
#: The code of every on-demand term, and of the price for an hour in it, in AWS's own price lists.
_TERM, _HOURLY = "JRTCKXETXF", "6YS6EN2CT7"
_MOST = 100
Attributes = Mapping[str, str]
#: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_Filter.html
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "TERM_MATCH": lambda found, wanted: found == wanted,
    "EQUALS": lambda found, wanted: found == wanted,
    "CONTAINS": lambda found, wanted: wanted in found,
    "ANY_OF": lambda found, wanted: found in wanted.split(","),
    "NONE_OF": lambda found, wanted: found not in wanted.split(","),
}


def serve() -> None:
    """Answer the service's calls here."""
    gate.service("pricing", answer)


def answer(call: wire.Call, environ: dict[str, Any]) -> wire.Answer:
    """Answer one call."""
    if call.operation != "GetProducts":
        return wire.error("pricing", "NotImplemented", f"{call.operation} is not answered here", environ, 501)
    begin = call.params.get("NextToken") or "0"
    if not begin.isdigit():
        return wire.error("pricing", "InvalidNextTokenException", "The pagination token is invalid.", environ, 400)
    prices = {name: known.price for name, known in faults.active().instance_types.items() if known.price is not None}
    found = list(products(prices, facade.region(), call.params))
    return wire.result(call, _page(found, int(begin), call.params.get("MaxResults") or _MOST), environ)


def _page(found: Sequence[Mapping[str, Any]], begin: int, size: int) -> dict[str, Any]:
    page = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product) for product in found[begin : begin + size]]}
    return page if begin + size >= len(found) else {**page, "NextToken": str(begin + size)}


def products(prices: Mapping[str, float], region: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The products that a GetProducts request means, each as AWS's price lists have it; prices in USD an hour."""
    if asked.get("ServiceCode") != SERVICE:
        return
    for instance_type, price in sorted(prices.items()):
        attributes = _attributes(instance_type, region)
        if all(_passes(attributes, wanted) for wanted in asked.get("Filters") or ()):
            yield _product(attributes, price)


def _passes(attributes: Attributes, wanted: Mapping[str, str]) -> bool:
    found = attributes.get(wanted["Field"])
    return found is not None and _MATCHES[wanted["Type"]](found, wanted["Value"])


def _attributes(instance_type: str, region: str) -> Attributes:
    return {
        "productFamily": "ML Instance",
        "servicecode": SERVICE,
        "regionCode": region,
        "instanceName": instance_type,
        "instanceType": f"{instance_type}-Training",
        "component": "Training",
    }


def _product(attributes: Attributes, price: float) -> dict[str, Any]:
    sku = hashlib.sha256(json.dumps(attributes).encode()).hexdigest()[:16].upper()
    code = f"{sku}.{_TERM}"
    dimension = {
        "unit": "Hrs",
        "rateCode": f"{code}.{_HOURLY}",
        "description": f"${price} per Training {attributes['instanceName']} hour in {attributes['regionCode']}",
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    listed = {name: value for name, value in attributes.items() if name != "productFamily"}
    term = {"sku": sku, "offerTermCode": _TERM, "priceDimensions": {dimension["rateCode"]: dimension}}
    return {
        "product": {"sku": sku, "productFamily": attributes["productFamily"], "attributes": listed},
        "serviceCode": SERVICE,
        "terms": {"OnDemand": {code: term}},
    }
