"""Making and changing state machines: what is checked, and what an execution that runs keeps."""

import json

import pytest
from botocore.exceptions import ClientError

END = {"Type": "Succeed"}
SYNC = "arn:aws:states:::sagemaker:createTrainingJob.sync"


def refusal(account, states, **arguments):
    with pytest.raises(ClientError) as refused:
        account.machine(states, **arguments)
    return refused.value.response["Error"]


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"A": {"Type": "Pass", "Next": "B"}}, "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next"),
        (
            {"A": END, "B": END},
            'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
        ),
        (
            {"A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}], "Default": "C"}, "B": END},
            "Missing 'Default' target: C at /States/A/Default",
        ),
        (
            {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
            "MISSING_END_STATE",
        ),
        ({"A": {"Type": "Pause", "End": True}}, "Value should be one of the following"),
        ({"A": {"Type": "Pass", "Output": "{% $states. %}", "End": True}}, "INVALID_JSONATA_EXPRESSION"),
        (
            {"A": {"Type": "Pass", "Output": "{% phone %}", "End": True}},
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/A",
        ),
        (
            {"A": {"Type": "Pass", "Parameters": {"a": 1}, "End": True}},
            "The QueryLanguage is set to 'JSONata', but field 'Parameters' is only supported for the 'JSONPath'",
        ),
        ({"A": {"Type": "Pass", "End": True, "Catch": []}}, "Field 'Catch' is not supported"),
        (
            {"A": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync", "End": True}},
            "does not run arn:aws:states:::sagemaker:createProcessingJob.sync",
        ),
    ],
)
def test_a_wrong_definition_is_refused_by_name(account, states, words):
    error = refusal(account, states)
    assert error["Code"] == "InvalidDefinition"
    assert error["Message"].startswith("Invalid State Machine Definition: '")
    assert words in error["Message"]


def test_all_problems_are_said_at_once(account):
    states = {"A": {"Type": "Pass", "Next": "X"}, "B": {"Type": "Pass", "Output": "{% ( %}", "End": True}}
    message = refusal(account, states)["Message"]
    for word in ("target: X", '"B" is not reachable', "INVALID_JSONATA_EXPRESSION"):
        assert word in message


def test_names_inside_a_path_are_no_references_to_a_context(account):
    output = "{% $states.input.items[value > 3].(name & other) %}"
    account.machine({"A": {"Type": "Pass", "Output": output, "End": True}})
    account.machine(
        {"A": {"Type": "Pass", "Output": "{% $map($states.input.a, function($x) { $x.b }) %}", "End": True}}
    )


def test_validate_says_the_same(account):
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    found = account.states.validate_state_machine_definition(definition=definition)
    assert found["result"] == "FAIL"
    assert [(each["code"], each["location"]) for each in found["diagnostics"]] == [
        ("MISSING_TRANSITION_TARGET", "/States/A/Next"),
        ("MISSING_END_STATE", "/States"),
    ]
    fine = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    assert account.states.validate_state_machine_definition(definition=fine)["result"] == "OK"


def test_a_role_must_exist_and_trust_step_functions(account):
    stranger = account.role("stranger", "lambda.amazonaws.com", account.machine_rights())
    for role in (stranger, stranger.replace("stranger", "nobody")):
        error = refusal(account, {"A": END}, role=role)
        assert error["Code"] == "AccessDeniedException"
        assert "states.amazonaws.com" in error["Message"]
        assert "authorized to assume the provided role" in error["Message"]


@pytest.mark.parametrize("action", ["events:PutTargets", "events:PutRule", "events:DescribeRule"])
def test_waiting_for_training_needs_the_right_to_the_managed_rule(account, action):
    role = account.workflow_role_without(action)
    states = {"T": {"Type": "Task", "Resource": SYNC, "Arguments": "{% $states.input %}", "End": True}}
    error = refusal(account, states, role=role)
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == f"'{role}' is not authorized to create managed-rule."
    account.machine({"A": END}, role=role)


def logging(account, group, level="ALL"):
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
    return {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]}


@pytest.mark.parametrize("action", ["logs:CreateLogDelivery", "logs:PutResourcePolicy", "logs:DescribeLogGroups"])
def test_logging_needs_its_rights(account, action):
    group = f"/logs/{action[5:]}"
    account.client("logs").create_log_group(logGroupName=group)
    role = account.workflow_role_without(action)
    error = refusal(account, {"A": END}, role=role, loggingConfiguration=logging(account, group))
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == "The state machine IAM Role is not authorized to access the Log Destination"


def test_logging_needs_a_log_group(account):
    error = refusal(account, {"A": END}, loggingConfiguration=logging(account, "/logs/none"))
    assert error["Code"] == "InvalidLoggingConfiguration"


def test_tracing_needs_its_rights(account):
    role = account.workflow_role_without("xray:PutTraceSegments")
    error = refusal(account, {"A": END}, role=role, tracingConfiguration={"enabled": True})
    assert error["Code"] == "AccessDeniedException"
    account.machine({"A": END}, tracingConfiguration={"enabled": True})


def test_a_machine_is_made_once_and_described_whole(account):
    arn = account.machine({"A": END}, name="once")
    assert account.machine({"A": END}, name="once") == arn
    error = refusal(account, {"A": {"Type": "Fail"}}, name="once")
    assert (error["Code"], error["Message"]) == ("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    found = account.states.describe_state_machine(stateMachineArn=arn)
    assert (found["type"], found["status"], found["roleArn"]) == ("STANDARD", "ACTIVE", account.role_arn)
    assert found["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}


def test_an_update_is_checked_like_a_creation(account):
    arn = account.machine({"A": END})
    role = account.workflow_role_without("events:PutRule")
    sync = {"T": {"Type": "Task", "Resource": SYNC, "Arguments": "{% $states.input %}", "End": True}}
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "T", "States": sync})
    with pytest.raises(ClientError) as refused:
        account.states.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
    assert "is not authorized to create managed-rule" in str(refused.value)
    with pytest.raises(account.states.exceptions.InvalidDefinition):
        account.states.update_state_machine(stateMachineArn=arn, definition='{"StartAt": "A", "States": {}}')
    found = account.states.update_state_machine(stateMachineArn=arn, definition=definition)
    assert found["revisionId"] == account.states.describe_state_machine(stateMachineArn=arn)["revisionId"]


def test_an_execution_keeps_the_definition_and_the_role_it_started_with(account):
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "echo"},
        "Output": "{% $states.context.Execution.RoleArn %}",
        "End": True,
    }
    states = {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Call"}, "Call": call}
    arn = account.machine(states)
    old = account.start(arn)
    account.entered(old, "Wait")
    powerless = account.role("powerless", "states.amazonaws.com", [account.allow(["s3:GetObject"])])
    changed = json.dumps({"StartAt": "New", "States": {"New": {"Type": "Pass", "Result": "new", "End": True}}})
    account.states.update_state_machine(stateMachineArn=arn, definition=changed, roleArn=powerless)
    new = account.start(arn)
    assert json.loads(account.finish(new)["output"]) == "new"
    assert json.loads(account.finish(old)["output"]) == account.role_arn
    found = account.states.describe_state_machine_for_execution(executionArn=old)
    assert found["roleArn"] == account.role_arn
    assert list(json.loads(found["definition"])["States"]) == ["Wait", "Call"]
    assert found["updateDate"]


def test_the_very_definition_that_was_refused_is_taken_once_it_is_right(account):
    states = {"A": {"Type": "Pass", "Output": 'text with \\ and "quotes" \u2713', "End": True}}
    assert account.output(states) == 'text with \\ and "quotes" \u2713'
