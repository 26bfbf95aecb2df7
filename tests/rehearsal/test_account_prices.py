"""The price list answers what the faults file says of instance types, to the filters that users send."""

import json

import pytest

from trainwright.rehearsal.pricing import products

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


def test_an_account_answers_in_pages(helpers, tmp_path):
    types = {name: {"price": price} for name, price in PRICES.items()}
    process = helpers.start_server(tmp_path, faults={"instance_types": types})
    try:
        pricing = helpers.Account(helpers.ready_line(process)["endpoint"], tmp_path).client("pricing")
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
