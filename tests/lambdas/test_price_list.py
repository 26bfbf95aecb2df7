"""Prices from AWS's Price List API as it answers, however little that is, and from the package's table where it does
not."""

import json

import pytest
from botocore.exceptions import ConnectTimeoutError
from team_in_memory import client_error

from trainwright_runtime import prices
from trainwright_runtime.handlers.price_list import SOURCE, PriceList


def product(usd="1.408", unit="Hrs", terms=None, **attributes):
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    on_demand = {"SKU.TERM": {"priceDimensions": {"SKU.TERM.RATE": dimension}}}
    return json.dumps(
        {
            "product": {"productFamily": "ML Instance", "attributes": attributes or {"component": "Training"}},
            "terms": {"OnDemand": on_demand} if terms is None else terms,
        }
    )


class Pricing:
    """GetProducts with these answers, the last one over and over."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def get_products(self, **request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"PriceList": answer}


class Clients:
    """The two things of Services that matter here."""

    def __init__(self, pricing, region="eu-west-1"):
        self.pricing, self.region = pricing, region


def test_the_api_is_asked_for_the_type_in_the_region_and_once():
    pricing = Pricing([product()])
    clients = Clients(pricing)
    for _ in range(3):
        found = PriceList(clients)
        assert (found.usd_per_hour("ml.m5.large"), found.source, found.warnings) == (1.408, SOURCE, ())
    [asked] = pricing.asked
    assert asked["ServiceCode"] == "AmazonSageMaker"
    filters = {each["Field"]: each["Value"] for each in asked["Filters"]}
    assert filters == {"regionCode": "eu-west-1", "instanceName": "ml.m5.large"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"component": "Training"},
        {"component": "Hosting", "platoinstancetype": "Training"},
        {"instanceType": "ml.m5.large-Training"},
    ],
    ids="+".join,
)
def test_a_product_says_in_one_of_three_ways_that_it_is_for_training(attributes):
    listed = [product(**attributes), product("9.0", component="Hosting"), product("8.0", instanceType="ml.x-Notebook")]
    assert PriceList(Clients(Pricing(listed))).usd_per_hour("ml.m5.large") == 1.408


def test_of_several_prices_the_dearest_counts():
    listed = [product("1.0"), product("1.5"), product("0.0000000000"), product("7", unit="Quantity")]
    assert PriceList(Clients(Pricing(listed))).usd_per_hour("ml.m5.large") == 1.5


@pytest.mark.parametrize(
    "listed",
    [
        [],
        ["not json"],
        ["[]", "null", 7],
        [product(terms={})],
        [product(terms={"OnDemand": {"a": {"priceDimensions": {"b": None}}}})],
        [product("many")],
        [product(component="Hosting")],
    ],
)
def test_an_answer_without_a_price_leads_to_the_table_without_a_warning(listed):
    found = PriceList(Clients(Pricing(listed)))
    assert (found.usd_per_hour("ml.g5.xlarge"), found.source, found.warnings) == (1.4084, prices.SOURCE, ())
    assert found.usd_per_hour("ml.r5.large") is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (client_error("AccessDeniedException", "no", "GetProducts"), "AccessDenied"),
        (client_error("ThrottlingException", "no", "GetProducts"), "Throttling"),
        (ConnectTimeoutError(endpoint_url="https://api.pricing"), "ConnectTimeoutError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_api_that_does_not_answer_is_asked_once_and_costs_no_run(error, why):
    pricing = Pricing(error)
    found = PriceList(Clients(pricing))
    assert [found.usd_per_hour(name) for name in ("ml.g5.xlarge", "ml.m5.xlarge")] == [1.4084, 0.23]
    assert len(pricing.asked) == 1
    [warning] = found.warnings
    assert f"did not answer ({why})" in warning
    assert "2025-02-03" in warning
    assert found.source == prices.SOURCE


def test_an_api_that_answers_again_is_asked_again():
    clients = Clients(Pricing(client_error("ThrottlingException", "no", "GetProducts"), [product("2.0")]))
    assert PriceList(clients).usd_per_hour("ml.g5.xlarge") == 1.4084
    assert PriceList(clients).usd_per_hour("ml.g5.xlarge") == 2.0


def test_both_sources_are_told_where_both_were_used():
    found = PriceList(Clients(Pricing([product()], [])))
    assert (found.usd_per_hour("ml.m5.large"), found.usd_per_hour("ml.g5.xlarge")) == (1.408, 1.4084)
    assert found.source == f"{SOURCE}; {prices.SOURCE}"


def test_where_there_is_no_price_list_nobody_is_asked():
    pricing = Pricing([product()])
    found = PriceList(Clients(pricing, "us-gov-west-1"))
    assert (found.usd_per_hour("ml.g5.xlarge"), found.warnings, pricing.asked) == (1.4084, (), [])
