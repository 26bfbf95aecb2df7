"""The quotas that a platform asks for: the sum of what its teams are promised, one resource, few rights."""

import json

import pytest

import trainwright
from trainwright import InstanceCount, InstanceQuota, QuotaOptions, TeamPolicy

CUSTOM = "Custom::TrainwrightInstanceQuota"


def teams(*policies, quotas=None, separate=False):
    """The template of the platform's stack, with an output of the warnings."""
    import aws_cdk as cdk

    app = cdk.App()
    stack = cdk.Stack(app, "Platform")
    platform = trainwright.TrainingPlatform(stack, "Platform", quotas=quotas)
    cdk.CfnOutput(stack, "Warnings", value=platform.quota_warnings)
    for number, policy in enumerate(policies):
        own = cdk.Stack(app, f"Team{number}") if separate else stack
        trainwright.TrainingTeam(own, f"Team{number}", platform=platform, policy=TeamPolicy.from_data(policy))
    return app.synth().get_stack_by_name("Platform").template


def policy(team, instance_type="ml.g5.xlarge", **compute):
    return {"team": team, "default": {"compute": {"instance_type": instance_type, **compute}}}


@pytest.fixture(scope="module")
def platform():
    quotas = QuotaOptions(
        instances={"ml.m5.large": InstanceCount(training=3), "ml.g5.xlarge": InstanceCount(spot=1)},
        support_case_allowed=True,
        revision="2",
    )
    return teams(
        policy("a", spot=True, fallback="on_demand", instance_count=2),
        policy("b", spot=True),
        quotas=quotas,
        separate=True,
    )


def test_teams_of_other_stacks_are_summed_up_in_the_platforms(platform, tools):
    (resource,) = tools.resources(platform, CUSTOM).values()
    properties = resource["Properties"]
    assert [(each["InstanceType"], each["Kind"], each["Instances"]) for each in properties["Quotas"]] == [
        ("ml.g5.xlarge", "spot", "4"),
        ("ml.g5.xlarge", "training", "2"),
        ("ml.m5.large", "training", "3"),
    ]
    said = {name: properties[name] for name in ("SupportCaseAllowed", "FailUnlessGranted", "Revision")}
    assert said == {"SupportCaseAllowed": "true", "FailUnlessGranted": "false", "Revision": "2"}
    assert properties["ParameterPrefix"] == "/trainwright/quotas/"


def test_what_stands_in_the_way_can_be_an_output(platform, tools):
    (name,) = tools.resources(platform, CUSTOM)
    assert platform["Outputs"]["Warnings"]["Value"] == {"Fn::GetAtt": [name, "Warnings"]}


def test_the_function_may_ask_and_nothing_else(platform, tools):
    role = tools.role_named(platform, "InstanceQuotaHandlerRole")
    asks = tools.allowing(role, "servicequotas:RequestServiceQuotaIncrease")
    assert ":sagemaker/*" in json.dumps(asks["Resource"])
    puts = tools.allowing(role, "ssm:PutParameter")
    assert ":parameter/trainwright/quotas/*" in json.dumps(puts["Resource"])
    links = tools.allowing(role, "iam:CreateServiceLinkedRole")
    assert links["Condition"] == {"StringEquals": {"iam:AWSServiceName": "servicequotas.amazonaws.com"}}
    quota_actions = {action for action in tools.actions(role) if action.startswith("servicequotas:")}
    assert quota_actions == {
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListRequestedServiceQuotaChangeHistory",
        "servicequotas:ListServiceQuotas",
        "servicequotas:RequestServiceQuotaIncrease",
    }


def test_nothing_is_asked_for_where_nothing_is_promised(tools):
    template = teams({"team": "a", "default": {"compute": {"spot": True}}})
    assert tools.resources(template, CUSTOM) == {}
    assert template["Outputs"]["Warnings"]["Value"] == "none"


def test_the_same_promises_make_the_same_template_in_any_order(tools):
    one, two = policy("a"), policy("b", "ml.m5.large")
    first, second = teams(one, two, separate=True), teams(two, one, separate=True)
    assert tools.resources(first, CUSTOM) == tools.resources(second, CUSTOM)


def test_a_quota_of_ones_own_needs_no_platform(tools):
    import aws_cdk as cdk

    app = cdk.App()
    stack = cdk.Stack(app, "Own")
    quota = InstanceQuota(
        stack,
        "Quota",
        instances={"ml.p5.48xlarge": InstanceCount(training=2, spot=0)},
        fail_unless_granted=True,
    )
    cdk.CfnOutput(stack, "Pending", value=quota.pending)
    template = app.synth().get_stack_by_name("Own").template
    (properties,) = [each["Properties"] for each in tools.resources(template, CUSTOM).values()]
    assert properties["Quotas"] == [{"InstanceType": "ml.p5.48xlarge", "Kind": "training", "Instances": "2"}]
    assert properties["FailUnlessGranted"] == "true"
    (name,) = tools.resources(template, CUSTOM)
    assert template["Outputs"]["Pending"]["Value"] == {"Fn::GetAtt": [name, "Pending"]}


def test_fails_when_fewer_than_no_instances_are_wanted():
    with pytest.raises(ValueError, match="instances are 0 or more"):
        InstanceCount(spot=-1)
