"""cdk-nag (AwsSolutions) over every app: no finding is left open, and no acknowledgement answers a finding that is
gone.
"""

import pytest

APPS = ["app", "minimal", "teams"]


@pytest.mark.parametrize("app", APPS)
def test_no_finding_is_open(app, synthesised):
    reports = synthesised(app).report["pluginReports"]
    assert [r["pluginName"] for r in reports] == ["AwsSolutions"]
    assert [(r["conclusion"], r["violations"]) for r in reports] == [("success", [])]


@pytest.mark.parametrize("app", APPS)
def test_every_acknowledgement_answers_a_finding(app, synthesised):
    suppressed = [v for r in synthesised(app).report["pluginReports"] for v in r.get("suppressedViolations", [])]
    used = {(v["acknowledgedAt"], v["acknowledgedId"]) for v in suppressed}
    given = {(path, rule) for path, rules in synthesised(app).acknowledged for rule in _ids(rules)}
    assert given, "the acknowledgements could not be read"
    nag_only = {(path, rule) for path, rule in given if rule.startswith("AwsSolutions::")}
    assert nag_only - used == set()


def _ids(entry):
    if isinstance(entry, dict):
        return [entry["id"]] if "id" in entry else list(entry)
    return [item["id"] if isinstance(item, dict) else item for item in entry]


@pytest.mark.parametrize("app", APPS)
def test_every_acknowledgement_says_why(app, synthesised):
    for report in synthesised(app).report["pluginReports"]:
        for suppressed in report.get("suppressedViolations", []):
            assert len(suppressed["reason"].split()) >= 8, suppressed


def test_wildcard_of_several_statements_is_answered_for_each(synthesised):
    suppressed = [v for r in synthesised("app").report["pluginReports"] for v in r["suppressedViolations"]]
    (reason,) = [
        v["reason"]
        for v in suppressed
        if v["acknowledgedAt"].endswith("WorkflowRole") and v["ruleName"].endswith("IAM5[Resource::*]")
    ]
    assert "X-Ray" in reason
    assert "log deliveries" in reason


def test_fails_when_a_wildcard_has_no_reason():
    import aws_cdk as cdk

    from trainwright.permissions import Allow, RoleOptions, service_role

    stack = cdk.Stack(cdk.App(), "Stack")
    with pytest.raises(ValueError, match="a reason belongs to a wildcard"):
        service_role(
            stack,
            "Role",
            service="lambda.amazonaws.com",
            allows=[Allow(["s3:GetObject"], ["arn:aws:s3:::b/*"])],
            description="",
            options=RoleOptions(),
        )
