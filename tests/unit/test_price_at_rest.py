"""What templates cost while nobody trains: the arithmetic, and that what is not known is not called free."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def prices():
    spec = importlib.util.spec_from_file_location("price_at_rest", ROOT / "tools/price_at_rest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["price_at_rest"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["price_at_rest"]


def template(**resources):
    return {"Resources": {name: {"Type": kind, "Properties": said} for name, (kind, said) in resources.items()}}


def test_a_bill_is_the_sum_of_what_has_a_price(prices):
    made = prices.bill(
        template(
            key=("AWS::KMS::Key", {}),
            one=("AWS::CloudWatch::Alarm", {"MetricName": "a"}),
            two=("AWS::CloudWatch::Alarm", {"MetricName": "b"}),
            page=("AWS::CloudWatch::Dashboard", {}),
            bucket=("AWS::S3::Bucket", {}),
        )
    )
    assert made.usd == {
        "AWS::KMS::Key": 1.0,
        "AWS::CloudWatch::Alarm": pytest.approx(0.2),
        "AWS::CloudWatch::Dashboard": 3.0,
    }
    assert made.total == pytest.approx(4.2)
    assert made.unknown == {}


def test_an_alarm_on_an_expression_costs_every_metric_that_it_reads(prices):
    queries = [{"Id": "e", "Expression": "a / b"}, {"Id": "a", "MetricStat": {}}, {"Id": "b", "MetricStat": {}}]
    made = prices.bill(template(ratio=("AWS::CloudWatch::Alarm", {"Metrics": queries})))
    assert made.total == pytest.approx(0.2)


def test_only_parameters_of_the_larger_size_cost(prices):
    made = prices.bill(
        template(small=("AWS::SSM::Parameter", {"Type": "String"}), large=("AWS::SSM::Parameter", {"Tier": "Advanced"}))
    )
    assert made.total == pytest.approx(0.05)


def hourly(schedule, memory):
    rule = {"ScheduleExpression": schedule, "Targets": [{"Arn": {"Fn::GetAtt": ["function", "Arn"]}}]}
    function = {"MemorySize": memory}
    return template(rule=("AWS::Events::Rule", rule), function=("AWS::Lambda::Function", function))


def test_a_schedule_costs_its_calls(prices):
    once = prices.call_usd({"Properties": {"MemorySize": 512}})
    assert prices.bill(hourly("rate(1 hour)", 512)).total == pytest.approx(730 * once)
    assert prices.bill(hourly("rate(30 minutes)", 512)).total == pytest.approx(1460 * once)
    assert prices.bill(hourly("rate(1 day)", 1024)).total < 730 / 24 * 2 * once
    assert once == pytest.approx(0.0000133334 * 0.5 * 3 + 0.0000002 + 0.000005 + 0.5 * 3 / 1e6)


def test_a_rule_that_waits_for_events_costs_nothing(prices):
    assert prices.bill(template(rule=("AWS::Events::Rule", {"EventPattern": {}, "Targets": []}))).total == 0


def test_a_schedule_of_another_form_is_not_guessed(prices):
    with pytest.raises(ValueError, match="no rate: cron"):
        prices.bill(hourly("cron(0 * * * ? *)", 512))


def test_what_nobody_knows_the_price_of_is_said(prices):
    made = prices.bill(template(way=("AWS::EC2::NatGateway", {}), out=("AWS::EC2::NatGateway", {})))
    assert made.unknown == {"AWS::EC2::NatGateway": 2}
    assert made.total == 0


def test_each_price_says_where_it_is_from_and_when(prices):
    for rate in prices.RATES:
        assert rate.usd > 0
        assert rate.source.startswith("https://")
        assert rate.as_of[:3] == "202"
