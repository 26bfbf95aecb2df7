"""The platform's own rules judge as a run's rule parameters say."""

from dataclasses import replace

import pytest

from trainwright_runtime.profile import Settings
from trainwright_runtime.rule_parameters import settings


def job(*rules):
    return {"ProfilerRuleConfigurations": [{"RuleParameters": parameters} for parameters in rules]}


def test_without_parameters_the_documented_defaults_hold():
    assert settings({}) == settings(job(None, {"rule_to_invoke": "ProfilerReport"})) == Settings()


def test_parameters_of_a_rule_and_of_the_report_set_the_same():
    alone = job({"rule_to_invoke": "CPUBottleneck", "threshold": "30", "cpu_threshold": "80", "patience": "200"})
    report = {
        f"CPUBottleneck_{name}": value
        for name, value in alone["ProfilerRuleConfigurations"][0]["RuleParameters"].items()
    }
    of_report = {**report, "rule_to_invoke": "ProfilerReport"}
    expected = replace(Settings(), bottleneck_share=30.0, busy_core=80.0, patience=200)
    assert settings(alone) == settings(job(of_report)) == expected


def test_the_least_patience_counts_and_of_other_thresholds_the_last():
    rules = [
        {"rule_to_invoke": "IOBottleneck", "patience": "20", "threshold": "40"},
        {"rule_to_invoke": "CPUBottleneck", "patience": "30", "threshold": "60"},
    ]
    found = settings(job(*rules))
    assert (found.patience, found.bottleneck_share) == (20, 60.0)


def test_minutes_become_seconds_and_counts_whole():
    found = settings(
        job(
            {"rule_to_invoke": "MaxInitializationTime", "threshold": "5"},
            {"rule_to_invoke": "StepOutlier", "stddev": "2.5", "n_outliers": "4"},
            {"rule_to_invoke": "LowGPUUtilization", "window": "0"},
        )
    )
    assert (found.initialisation_seconds, found.outlier_deviations, found.outliers, found.window) == (300, 2.5, 4, 1)


@pytest.mark.parametrize("value", ["much", "nan", "inf", "-1", "", None])
def test_what_is_no_threshold_changes_nothing(value):
    assert settings(job({"rule_to_invoke": "BatchSize", "cpu_threshold_p95": value})) == Settings()


def test_rules_that_the_platform_does_not_know_change_nothing():
    assert settings(job({"rule_to_invoke": "OverallSystemUsage", "threshold": "1"}, {"threshold": "1"})) == Settings()
