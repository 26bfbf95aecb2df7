"""Least privilege of the workflow role, shown by taking one action away at a time and running.

What is left of the role without an action must fail where AWS would refuse, in AWS's words; an action whose loss nobody
notices is either surplus or used by AWS itself, and then it stands in `ONLY_AWS` with its reason.
"""

import json
import urllib.request
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

# Used by a run that succeeds; without it the run's history holds AWS's refusal. (Without DescribeTrainingJob the state
# machine cannot see the job's end; Assess, with a role of its own, still does.)
BY_A_RUN = (
    "iam:PassRole",
    "lambda:InvokeFunction",
    "sagemaker:AddTags",
    "sagemaker:CreateTrainingJob",
    "sagemaker:DescribeTrainingJob",
)
# Used when an execution is stopped; without it the job is left to the handler `close`.
BY_A_STOP = ("sagemaker:StopTrainingJob",)
# Checked when the state machine is made or changed.
BY_A_DEPLOY = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
ONLY_AWS = {
    "sagemaker:ListTags": "In Step Functions' documented policy for .sync; no call of it can be seen from outside.",
    "xray:PutTraceSegments": "X-Ray's sender inside Step Functions; a trace that is not sent fails no run.",
    "xray:PutTelemetryRecords": "As PutTraceSegments.",
    "xray:GetSamplingRules": "As PutTraceSegments.",
    "xray:GetSamplingTargets": "As PutTraceSegments.",
    "logs:CreateLogDelivery": "The log delivery that Step Functions makes for itself when logging is switched on.",
    "logs:GetLogDelivery": "As CreateLogDelivery.",
    "logs:UpdateLogDelivery": "As CreateLogDelivery.",
    "logs:DeleteLogDelivery": "As CreateLogDelivery.",
    "logs:ListLogDeliveries": "As CreateLogDelivery.",
    "logs:PutResourcePolicy": "As CreateLogDelivery.",
    "logs:DescribeResourcePolicies": "As CreateLogDelivery.",
    "logs:DescribeLogGroups": "As CreateLogDelivery.",
}


class Role:
    """The workflow role as deployed."""

    def __init__(self, platform):
        machine = platform.client("stepfunctions").describe_state_machine(
            stateMachineArn=platform.team["state_machine_arn"]
        )
        self._iam = platform.client("iam")
        self.name = machine["roleArn"].rpartition("/")[2]
        [self._policy] = self._iam.list_role_policies(RoleName=self.name)["PolicyNames"]

    def document(self):
        return self._iam.get_role_policy(RoleName=self.name, PolicyName=self._policy)["PolicyDocument"]

    def actions(self):
        return {action for statement in self.document()["Statement"] for action in as_list(statement["Action"])}

    @contextmanager
    def without(self, action):
        whole = self.document()
        self._put({"Version": whole["Version"], "Statement": list(without(whole["Statement"], action))})
        try:
            yield
        finally:
            self._put(whole)

    def _put(self, document):
        self._iam.put_role_policy(RoleName=self.name, PolicyName=self._policy, PolicyDocument=json.dumps(document))


def as_list(value):
    return value if isinstance(value, list) else [value]


def without(statements, action):
    for statement in statements:
        left = [other for other in as_list(statement["Action"]) if other != action]
        if left:
            yield statement | {"Action": left}


@pytest.fixture(scope="module")
def role(platform):
    return Role(platform)


def test_every_action_of_the_role_is_accounted_for(role):
    assert role.actions() == {*BY_A_RUN, *BY_A_STOP, *BY_A_DEPLOY, *ONLY_AWS}


@pytest.mark.parametrize("action", BY_A_RUN)
def test_a_run_meets_aws_words_without(action, platform, role, wait):
    with role.without(action):
        arn = platform.start()
        said = wait(lambda: refusals(platform, arn), f"a refusal of {action}")
        platform.client("stepfunctions").stop_execution(executionArn=arn)  # where AWS would go on trying, we need not
    assert f"is not authorized to perform: {action} on resource: " in said[0], said
    assert f":assumed-role/{role.name}/" in said[0]


def refusals(platform, arn):
    return [text for event in platform.history(arn) if "not authorized" in (text := refusal(event))]


def refusal(event):
    details = next((value for name, value in event.items() if name.endswith("EventDetails") and "cause" in value), {})
    return details.get("cause", "")


@pytest.mark.parametrize("action", BY_A_STOP)
def test_a_stopped_run_cannot_stop_its_job_without(action, platform, role):
    with role.without(action):
        arn = platform.start(seconds=30)
        platform.training(arn)
        platform.client("stepfunctions").stop_execution(executionArn=arn)
        report = platform.report(arn)
    assert [d for d in denials(platform) if d["action"] == action and role.name in d["principal"]]
    # the second end of a run: `close` stops it with a role of its own
    assert report["attempts"][0]["status"] == "Stopped"


@pytest.mark.parametrize("action", BY_A_DEPLOY)
def test_a_state_machine_is_refused_without(action, platform, role):
    states = platform.client("stepfunctions")
    machine = states.describe_state_machine(stateMachineArn=platform.team["state_machine_arn"])
    with role.without(action), pytest.raises(ClientError) as refused:
        states.update_state_machine(
            stateMachineArn=machine["stateMachineArn"], roleArn=machine["roleArn"], definition=machine["definition"]
        )
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "is not authorized to create managed-rule" in str(refused.value)


def denials(platform):
    return permissions(platform)["denied"]


def permissions(platform, page=""):
    with urllib.request.urlopen(f"{platform.account.endpoint}/_trainwright/permissions{page}") as answer:
        return json.load(answer)


def test_a_run_with_the_whole_role_is_denied_nothing(platform):
    before = len(denials(platform))
    assert platform.finish(platform.start())["status"] == "SUCCEEDED"
    assert denials(platform)[before:] == []
    assert permissions(platform)["unknown"] == []


def test_the_record_finds_the_surplus_that_is_accounted_for(platform, role):
    assert platform.finish(platform.start())["status"] == "SUCCEEDED"
    roles = permissions(platform, "/record")["roles"]
    [found] = [each for each in roles if each["arn"].endswith(f"/{role.name}")]
    idle = {action for each in found["statements"] for action in each["surplus"]["actions"]}
    assert "sagemaker:ListTags" in idle and idle <= {*ONLY_AWS, *BY_A_STOP}
    assert {each["stack"] for each in roles} >= {found["stack"]} and found["logical_id"]


def test_the_record_holds_what_a_job_did_with_its_role(platform):
    assert platform.finish(platform.start())["status"] == "SUCCEEDED"
    roles = permissions(platform, "/record")["roles"]
    [jobs] = [each for each in roles if each["trusts"] == ["sagemaker.amazonaws.com"]]
    used = {(use["action"], use["by"]) for each in jobs["statements"] for use in each["used"]}
    assert ("s3:PutObject", "service") in used
