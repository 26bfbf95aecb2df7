"""Every template of every app through the linters; each catches what the others miss."""

import json

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cloudformation_validate import RegoEngine

# W3005: the CDK adds a DependsOn to a role beside the Fn::GetAtt that already implies it; harmless, and not ours to
# change. E3050: says `Ref` of a role that is given by Fn::GetAtt Arn (CodeBuild's ServiceRole, where the role has a
# path).
KNOWN = {"W3005", "E3050"}


def test_cloudformation_validate_finds_nothing(every_template, tmp_path):
    engine = RegoEngine()
    found = []
    for name, template in every_template.items():
        file = tmp_path / f"{name.replace('/', '-')}.json"
        file.write_text(json.dumps(template))
        diagnostics = engine.validate_template(str(file)).diagnostics
        found += [(name, d.rule_id, d.message) for d in diagnostics if d.severity.name in ("ERROR", "WARN", "FATAL")]
    assert [f for f in found if f[1] not in KNOWN] == []


def test_service_roles_are_given_by_their_arn(every_template):
    """What E3050 would say, checked by hand because the rule is wrong about CodeBuild."""
    for name, template in every_template.items():
        for key, resource in template["Resources"].items():
            role = resource.get("Properties", {}).get("ServiceRole")
            assert role is None or "Fn::GetAtt" in role, f"{name}: {key}"


@pytest.mark.parametrize("name", ["app/training-platform", "app/training-research", "teams/training-vision"])
def test_cfn_lint_finds_nothing(every_template, name):
    # one region: cfn-lint names every region that lacks a service (CodeBuild in a few), which no template can mend
    matches = lint(json.dumps(every_template[name]), config=ManualArgs(regions=["eu-west-1"]))
    found = [(m.rule.id, m.message) for m in matches]
    assert [f for f in found if f[0][0] in "EW" and f[0] not in KNOWN] == []


def test_limits_hold(every_template):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, a tenth kept free of each."""
    for name, template in every_template.items():
        assert len(template["Resources"]) < 400, name
        for key, resource in template["Resources"].items():
            policies = _policies(template, key) if resource["Type"] == "AWS::IAM::Role" else []
            size = sum(len(json.dumps(p["PolicyDocument"], separators=(",", ":"))) for p in policies)
            assert size < 9_200, f"{name}: {key}"


def _policies(template, role):
    """The role's own inline policies, and those that are attached to it beside them."""
    attached = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    own = template["Resources"][role]["Properties"].get("Policies", [])
    return [*own, *(policy for policy in attached if {"Ref": role} in policy["Roles"])]
