"""AWS's rules' own reports: found ones are findings, odd ones are said."""

from pathlib import Path

import pytest

from trainwright_runtime.profile import Rule, document

REPORTS = Path(__file__).parents[1] / "data" / "profiler" / "reports"
ODD = ("cut.json", "list.json", "text.json", "negative.json", "empty.json")


def said(*names, rule="ProfilerReport", **given):
    reports = {rule: {name: (REPORTS / name).read_bytes() for name in names}}
    given = {"steps": [], "training": [(0.0, 1000.0)], "host_metrics": None, "digest": None, **given}
    return document(attempt=2, job_name="job", rules=[Rule(rule, "IssuesFound")], rule_reports=reports, **given)


def test_a_rule_that_was_triggered_is_a_finding():
    (finding,) = said("IOBottleneck.json", "CPUBottleneck.json", "OverallSystemUsage.json")["findings"]
    assert (finding["rule"], finding["attempt"], finding["source"]) == ("io_bottleneck", 2, "ProfilerReport")
    assert "3,000 violations in 4,000 readings" in finding["measured"]
    assert finding["worth_seconds"] == 750.0
    assert finding["threshold"] == "threshold:50, io_threshold:50, gpu_threshold:10, patience:1000"


def test_what_a_bottleneck_brings_about_is_left_to_the_bottleneck():
    found = said("IOBottleneck.json", "LowGPUUtilization.json", "BatchSize.json")["findings"]
    assert [finding["rule"] for finding in found] == ["io_bottleneck"]
    found = said("LowGPUUtilization.json")["findings"]
    assert [finding["rule"] for finding in found] == ["low_gpu_use"]


def test_a_rule_of_its_own_is_named():
    (finding,) = said("BatchSize.json", rule="my-batch-size")["findings"]
    assert finding["source"] == "my-batch-size"


def test_a_rule_that_nobody_knows_is_passed_on():
    (finding,) = said("RuleOfTomorrow.json")["findings"]
    assert finding["title"] == "AWS's rule RuleOfTomorrow found something"
    assert finding["severity"] == "low"
    assert finding["threshold"] == "AWS's default"


@pytest.mark.parametrize("name", ODD)
def test_a_report_that_is_none_is_missing(name):
    made = said(name, "IOBottleneck.json")
    assert [finding["rule"] for finding in made["findings"]] == ["io_bottleneck"]
    (missing,) = made["missing"]
    assert f"the report {name.removesuffix('.json')} of the rule ProfilerReport could not be read: " in missing
    assert made["status"] == "partial"


def test_a_report_of_a_hundred_mebibytes_is_not_parsed():
    made = document(
        attempt=1,
        job_name="job",
        digest=None,
        rules=[],
        rule_reports={"ProfilerReport": {"IOBottleneck.json": b"[" * (2**25 + 1)}},
        host_metrics=None,
        steps=[],
        training=[],
    )
    assert "bytes" in made["missing"][0]


def test_worst_first():
    found = said("Dataloader.json", "BatchSize.json", "IOBottleneck.json", "RuleOfTomorrow.json")["findings"]
    assert [finding["severity"] for finding in found] == ["high", "low", "low"]
