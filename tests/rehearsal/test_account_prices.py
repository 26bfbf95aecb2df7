"""The price list answers what the faults file says of instance types, to the filters that users send."""

import json

import pytest

from trainwright.rehearsal.pricing import products
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.price_list import SOURCE, PriceList

PRICES = {"ml.g5.xlarge": 1.408, "ml.m5.large": 0.115}
TRAINING = [
    {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"},
    {"Type": "TERM_MATCH", "Field": "component", "Value": "Training"},
]


def found(*filters, service="AmazonSageMaker"):
    asked = {"ServiceCode": service, "Filters": list(filters)}
    return [each["product"]["attributes"]["instanceName"] for each in products(PRICES, "eu-west-1", asked)]


@pytest.mark.parametrize(
    ("kind", "value", "names"),
    [
        ("TERM_MATCH", "ml.g5.xlarge", ["ml.g5.xlarge"]),
        ("CONTAINS", "ml.", ["ml.g5.xlarge", "ml.m5.large"]),
        ("ANY_OF", "ml.m5.large,ml.p5.48xlarge", ["ml.m5.large"]),
        ("NONE_OF", "ml.m5.large", ["ml.g5.xlarge"]),
        ("EQUALS", "ml.p5.48xlarge", []),
    ],
)
def test_filters_choose(kind, value, names):
    assert found(*TRAINING, {"Type": kind, "Field": "instanceName", "Value": value}) == names


def test_what_is_not_sold_here_is_not_found():
    assert found({"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}) == []
    assert found({"Type": "TERM_MATCH", "Field": "nothing", "Value": "x"}) == []
    assert found(service="AmazonEC2") == []


def test_an_account_answers_in_pages_and_a_run_from_another_region_reads_it(helpers, tmp_path, monkeypatch):
    types = {name: {"price": price} for name, price in PRICES.items()}
    process = helpers.start_server(tmp_path, faults={"instance_types": types}, region="eu-west-1")
    try:
        endpoint = helpers.ready_line(process)["endpoint"]
        pricing = helpers.Account(endpoint, tmp_path).client("pricing")
        for name, value in {"ENDPOINT_URL": endpoint, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        of_a_run = PriceList(Services())
        assert (of_a_run.usd_per_hour("ml.m5.large"), of_a_run.source, of_a_run.warnings) == (0.115, SOURCE, ())
        pages = list(
            pricing.get_paginator("get_products").paginate(
                ServiceCode="AmazonSageMaker", PaginationConfig={"PageSize": 1}
            )
        )
        with pytest.raises(pricing.exceptions.InvalidNextTokenException):
            pricing.get_products(ServiceCode="AmazonSageMaker", NextToken="not one")
    finally:
        helpers.stop_server(process)
    listed = [json.loads(text) for page in pages for text in page["PriceList"]]
    assert len(pages) == 2
    [term] = listed[0]["terms"]["OnDemand"].values()
    [dimension] = term["priceDimensions"].values()
    assert (dimension["unit"], float(dimension["pricePerUnit"]["USD"])) == ("Hrs", 1.408)
