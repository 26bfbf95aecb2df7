"""A team's notices as they are deployed: topics that take TLS only, subscriptions, and who may publish."""

import json

import pytest

import trainwright

POLICY = {"team": "vision", "notices": {"email": ["a@example.com"], "events": ["failed", "budget"]}}
PUBLISHERS = {"Prepare", "Report", "Close", "Reconcile", "Digest"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A platform and a team in a stack of its own; `team` is the construct, `template` what comes out."""
    return _built(tmp_path_factory.mktemp("notices"), lambda stack: {})


def _built(folder, more):
    import aws_cdk as cdk
    from aws_cdk import aws_sns_subscriptions as subscriptions
    from aws_cdk import aws_sqs as sqs

    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(app, "Training")
    policy = trainwright.TeamPolicy.from_data(POLICY)
    platform = trainwright.TrainingPlatform(stack, "Platform")
    team = trainwright.TrainingTeam(stack, "Team", platform=platform, policy=policy, **more(stack))
    queue = sqs.Queue(stack, "Queue")
    team.add_notice_subscription(subscriptions.SqsSubscription(queue), events=["failed"])
    team.add_notice_subscription(subscriptions.UrlSubscription("https://example.com/hook"))
    return app.synth().get_stack_by_name("Training").template


def _filters(template, tools):
    found = tools.resources(template, "AWS::SNS::Subscription").values()
    return {each["Properties"]["Protocol"]: each["Properties"].get("FilterPolicy") for each in found}


def test_both_topics_refuse_what_does_not_come_over_tls(stack, tools):
    topics = set(tools.resources(stack, "AWS::SNS::Topic"))
    assert len(topics) == 2
    policies = tools.resources(stack, "AWS::SNS::TopicPolicy").values()
    assert {topic["Ref"] for each in policies for topic in each["Properties"]["Topics"]} == topics
    for each in policies:
        (statement,) = each["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_topics_have_the_teams_key_or_none_of_yours(build, stack, tools):
    assert not any(
        "KmsMasterKeyId" in each["Properties"] for each in tools.resources(stack, "AWS::SNS::Topic").values()
    )
    template = build("kms")
    keys = [each["Properties"]["KmsMasterKeyId"] for each in tools.resources(template, "AWS::SNS::Topic").values()]
    (key,) = tools.resources(template, "AWS::KMS::Key")
    assert keys == [{"Fn::GetAtt": [key, "Arn"]}] * 2


def test_addresses_of_the_policy_and_what_an_app_adds_are_subscribed(stack, tools):
    """People also get what has no event, such as alarms; a queue that wants failures gets these alone."""
    assert _filters(stack, tools) == {
        "email": {"event": [{"exists": False}, "failed", "budget"]},
        "sqs": {"event": ["failed"]},
        "https": None,
    }


def test_the_functions_that_report_or_set_money_aside_may_publish_and_no_other(stack, tools):
    topics = {json.dumps({"Ref": name}) for name in tools.resources(stack, "AWS::SNS::Topic")}
    allowed = {}
    for name, role in tools.resources(stack, "AWS::IAM::Role").items():
        for statement in tools.statements(role):
            if any(action.startswith("sns:") for action in statement["Action"]):
                assert statement["Action"] == ["sns:Publish"]
                allowed[name] = {json.dumps(resource) for resource in statement["Resource"]}
    assert all(found == topics for found in allowed.values())
    assert {each for each in PUBLISHERS if any(f"Functions{each}" in name for name in allowed)} == PUBLISHERS
    assert len(allowed) == len(PUBLISHERS)


def test_functions_and_the_command_know_both_topics(stack, tools):
    for name, function in tools.resources(stack, "AWS::Lambda::Function").items():
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        if "TRAINWRIGHT_TEAM" in variables:
            refs = {variables["TRAINWRIGHT_NOTICES_TOPIC"]["Ref"], variables["TRAINWRIGHT_CHAT_TOPIC"]["Ref"]}
            assert refs == set(tools.resources(stack, "AWS::SNS::Topic")), name


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    def topics(stack):
        from aws_cdk import aws_sns as sns

        arn = "arn:aws:sns:eu-west-1:111122223333"
        kinds = ("notices", "chat")
        return {f"{kind}_topic": sns.Topic.from_topic_arn(stack, kind, f"{arn}:{kind}") for kind in kinds}

    return _built(tmp_path_factory.mktemp("shared"), topics)


def test_existing_topics_are_used_and_filtered_by_team(shared, tools):
    assert not tools.resources(shared, "AWS::SNS::Topic")
    assert _filters(shared, tools) == {
        "email": {"team": ["vision"], "event": ["failed", "budget"]},
        "sqs": {"team": ["vision"], "event": ["failed"]},
        "https": {"team": ["vision"]},
    }
    statement = tools.allowing(tools.role_named(shared, "FunctionsReportRole"), "sns:Publish")
    assert statement["Resource"] == [f"arn:aws:sns:eu-west-1:111122223333:{kind}" for kind in ("notices", "chat")]


@pytest.mark.parametrize(
    ("events", "filter_policy", "said"),
    [
        (["failure"], None, "there is no notice 'failure'"),
        ([], None, "a subscription to no notice"),
        (["failed"], {"a": ["b"]}, "has a filter policy already"),
    ],
)
def test_fails_when_a_subscription_cannot_mean_what_it_says(tmp_path, events, filter_policy, said):
    import aws_cdk as cdk
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sns_subscriptions as subscriptions

    stack = cdk.Stack(cdk.App(outdir=str(tmp_path)), "Training")
    platform = trainwright.TrainingPlatform(stack, "Platform")
    filters = {
        key: sns.SubscriptionFilter.string_filter(allowlist=value) for key, value in (filter_policy or {}).items()
    }
    subscription = subscriptions.EmailSubscription("b@example.com", filter_policy=filters or None)
    with pytest.raises(ValueError, match=said):
        platform.default_team.add_notice_subscription(subscription, events=events)


def test_a_chat_gets_the_topic_of_its_own(synthesised, tools):
    vision = synthesised("teams").templates["training-vision"]
    (slack,) = tools.resources(vision, "AWS::Chatbot::SlackChannelConfiguration").values()
    ((topic),) = slack["Properties"]["SnsTopicArns"]
    assert "Chat" in topic["Ref"]
