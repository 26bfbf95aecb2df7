"""RedriveExecution: on from the unsuccessful step.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

import json
import time

import pytest
from botocore.exceptions import ClientError

INVOKE = "arn:aws:states:::lambda:invoke"
# Fails as long as nothing lies under the key in S3, and says how often it was asked.
GATE = """
import boto3, json
def handler(event, context):
    s3 = boto3.client("s3")
    count = s3.list_objects_v2(Bucket="seen", Prefix=f"gate/{event['key']}/")["KeyCount"]
    s3.put_object(Bucket="seen", Key=f"gate/{event['key']}/{context.aws_request_id}", Body=b"{}")
    try:
        s3.get_object(Bucket="seen", Key=f"open/{event['key']}")
    except s3.exceptions.NoSuchKey:
        raise ValueError("closed")
    return {"asked": count + 1, "event": event}
"""


@pytest.fixture(scope="module")
def gate(account):
    account.role("gate", "lambda.amazonaws.com", [account.allow(["s3:*"])])
    return account.function("gate", GATE, role="gate")


@pytest.fixture
def task(gate):
    """A Task that fails until `opened` says otherwise."""

    def make(key, **more):
        payload = {"key": key, "input": "{% $states.input %}", "context": "{% $states.context %}"}
        arguments = {"FunctionName": gate, "Payload": payload}
        return {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, "End": True, **more}

    return make


def opened(account, key):
    account.client("s3").put_object(Bucket="seen", Key=f"open/{key}", Body=b"")


def asked(account, key):
    return len(account.seen_under(f"gate/{key}/"))


def redriven(account, execution, **more):
    account.states.redrive_execution(executionArn=execution, **more)
    return account.finish(execution)


def types(account, execution, after=0):
    return [event["type"] for event in account.history(execution)[after:]]


def refused(account, execution):
    with pytest.raises(ClientError) as error:
        account.states.redrive_execution(executionArn=execution)
    return error.value.response["Error"]


def test_it_goes_on_with_the_failed_task_its_input_and_the_variables_of_then(account, task):
    first = {"Type": "Pass", "Assign": {"kept": "{% $random() %}"}, "Output": {"from": "A"}, "Next": "B"}
    output = {"payload": "{% $states.result.Payload %}", "kept": "{% $kept %}"}
    machine = account.machine({"A": first, "B": task("goes-on", Output=output)})
    failed = account.finish(account.start(machine, {"a": 1}))
    execution = failed["executionArn"]
    assert (failed["status"], failed["redriveStatus"], failed["redriveCount"]) == ("FAILED", "REDRIVABLE", 0)
    before = account.history(execution)
    kept = json.loads(before[2]["stateExitedEventDetails"]["assignedVariables"]["kept"])
    opened(account, "goes-on")
    ended = redriven(account, execution)
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1)
    assert "error" not in ended and "cause" not in ended
    assert ended["startDate"] == failed["startDate"] and ended["redriveDate"] >= failed["stopDate"]
    out = json.loads(ended["output"])
    assert (out["payload"]["event"]["input"], out["kept"]) == ({"from": "A"}, kept)
    context = out["payload"]["event"]["context"]
    assert (context["Execution"]["RedriveCount"], context["State"]["RetryCount"]) == (1, 0)
    assert context["Execution"]["RedriveTime"] > context["State"]["EnteredTime"] > context["Execution"]["StartTime"]
    after = account.history(execution)
    assert after[: len(before)] == before
    assert [event["id"] for event in after] == list(range(1, len(after) + 1))
    assert [event["type"] for event in after[len(before) :]] == [
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert after[len(before)]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_each_redrive_counts_and_has_all_retries_again(account, task):
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution = account.run({"A": task("again", Retry=retry)})["executionArn"]
    assert asked(account, "again") == 2
    assert redriven(account, execution)["status"] == "FAILED"
    assert asked(account, "again") == 4
    opened(account, "again")
    assert redriven(account, execution)["redriveCount"] == 2
    assert [
        event["executionRedrivenEventDetails"] for event in account.history(execution) if "Redriven" in event["type"]
    ]
    assert refused(account, execution) == {
        "Code": "ExecutionNotRedrivable",
        "Message": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_one_call_with_one_token_redrives_once(account, task):
    execution = account.run({"A": task("once")})["executionArn"]
    one = account.states.redrive_execution(executionArn=execution, clientToken="mine")["redriveDate"]
    account.finish(execution)
    two = account.states.redrive_execution(executionArn=execution, clientToken="mine")["redriveDate"]
    assert (one, account.finish(execution)["redriveCount"]) == (two, 1)


def test_an_execution_that_runs_is_refused(account):
    execution = account.start(account.machine({"A": {"Type": "Wait", "Seconds": 60, "End": True}}))
    assert refused(account, execution)["Message"] == "Execution is RUNNING and cannot be redriven"
    account.states.stop_execution(executionArn=execution)


def test_an_unknown_execution_and_an_express_workflow_are_refused(account):
    machine = account.machine({"A": {"Type": "Fail"}})
    arn = machine.replace(":stateMachine:", ":execution:") + ":none"
    assert refused(account, arn)["Code"] == "ExecutionDoesNotExist"


def test_a_fail_state_fails_again(account):
    states = {
        "A": {"Type": "Fail", "Error": "Bad", "Cause": "{% 'redrive ' & $states.context.Execution.RedriveCount %}"}
    }
    execution = account.run(states)["executionArn"]
    before = len(account.history(execution))
    assert redriven(account, execution)["cause"] == "redrive 1"
    assert types(account, execution, before) == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_a_choice_is_evaluated_again(account):
    rule = [{"Condition": "{% $states.context.Execution.RedriveCount = 1 %}", "Next": "B"}]
    execution = account.run({"A": {"Type": "Choice", "Choices": rule}, "B": {"Type": "Succeed"}})["executionArn"]
    assert redriven(account, execution)["status"] == "SUCCEEDED"


def test_a_timestamp_that_has_passed_is_not_waited_for(account):
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    execution = account.start(account.machine({"A": {"Type": "Wait", "Timestamp": then, "End": True}}))
    account.entered(execution, "A")
    account.states.stop_execution(executionArn=execution, error="Enough")
    assert account.finish(execution)["error"] == "Enough"
    time.sleep(3)
    assert redriven(account, execution)["status"] == "SUCCEEDED"


def test_what_was_aborted_waits_for_a_new_token(account, task):
    payload = {
        "key": "{% 'token-' & $states.context.Execution.RedriveCount %}",
        "token": "{% $states.context.Task.Token %}",
    }
    arguments = {"FunctionName": "record", "Payload": payload}
    ask = {"Type": "Task", "Resource": f"{INVOKE}.waitForTaskToken", "Arguments": arguments, "End": True}
    execution = account.start(account.machine({"Ask": ask}))
    first = account.seen("record/token-0")["token"]
    account.states.stop_execution(executionArn=execution)
    account.finish(execution)
    account.states.redrive_execution(executionArn=execution)
    second = account.seen("record/token-1")["token"]
    assert second != first
    with pytest.raises(account.states.exceptions.TaskTimedOut):
        account.states.send_task_success(taskToken=first, output="{}")
    account.states.send_task_success(taskToken=second, output='"now"')
    assert json.loads(account.finish(execution)["output"]) == "now"


def test_the_time_out_of_the_machine_begins_again(account):
    machine = account.machine({"A": {"Type": "Wait", "Seconds": 2, "End": True}}, top={"TimeoutSeconds": 1})
    execution = account.start(machine)
    assert account.finish(execution)["status"] == "TIMED_OUT"
    account.states.redrive_execution(executionArn=execution)
    assert account.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    ended = account.finish(execution)
    assert ended["status"] == "TIMED_OUT"
    assert (ended["stopDate"] - ended["redriveDate"]).total_seconds() >= 1


def branch(**states):
    return {"StartAt": next(iter(states)), "States": states}


def test_only_the_branches_that_did_not_succeed_run_again(account, task):
    opened(account, "good-branch")
    pause = {"Type": "Wait", "Seconds": 3, "Next": "Bad"}  # the good one has succeeded by then
    wait = {"Type": "Wait", "Seconds": 5, "Next": "After"}
    waiting = branch(
        Before={"Type": "Pass", "Assign": {"x": "{% $random() %}"}, "Next": "Wait"},
        Wait=wait,
        After={"Type": "Pass", "Output": "{% $x %}", "End": True},
    )
    both = {
        "Type": "Parallel",
        "Branches": [branch(Good=task("good-branch")), branch(Pause=pause, Bad=task("bad-branch")), waiting],
        "Output": "{% [$states.result[0].Payload.asked, $states.result[1].Payload.asked, $states.result[2]] %}",
        "End": True,
    }
    execution = account.run({"Both": both}, {"a": 1})["executionArn"]
    opened(account, "bad-branch")
    before = len(account.history(execution))
    good, bad, drawn = json.loads(redriven(account, execution)["output"])
    assert (good, bad) == (1, 2)
    assert 0 < drawn < 1
    entered = [event.get("stateEnteredEventDetails", {}).get("name") for event in account.history(execution)[before:]]
    assert "Before" not in entered and "Good" not in entered


def test_only_the_iterations_that_did_not_succeed_run_again(account, gate):
    payload = {"key": "{% $states.input %}"}
    one = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": gate, "Payload": payload}, "End": True}
    for key in ("item-1", "item-2"):
        opened(account, key)
    each = {
        "Type": "Map",
        "Items": ["item-1", "item-2", "item-3", "item-4"],
        "MaxConcurrency": 1,
        "ItemProcessor": branch(One=one),
        "Output": "{% $states.result.Payload.asked %}",
        "End": True,
    }
    execution = account.run({"Each": each})["executionArn"]
    for key in ("item-3", "item-4"):
        opened(account, key)
    assert json.loads(redriven(account, execution)["output"]) == [1, 1, 2, 1]


def test_lists_tell_who_was_redriven(account, task):
    machine = account.machine({"A": task("listed")})
    one, two = (account.finish(account.start(machine))["executionArn"] for _ in range(2))
    redriven(account, one)

    def listed(which):
        found = account.states.list_executions(stateMachineArn=machine, redriveFilter=which)["executions"]
        return [(each["executionArn"], each["redriveCount"]) for each in found]

    assert (listed("REDRIVEN"), listed("NOT_REDRIVEN")) == ([(one, 1)], [(two, 0)])


def test_the_event_says_that_it_runs_again(account, task):
    name = "redrive-events"
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    d = event['detail']\n"
        "    key = f\"redrive-events/{d['status']}-{d['redriveCount']}\"\n"
        "    boto3.client('s3').put_object(Bucket='seen', Key=key, Body=json.dumps(d).encode())\n"
    )
    account.function(name, code)
    machine = account.machine({"A": task("events")})
    events = account.client("events")
    pattern = {
        "source": ["aws.states"],
        "detail": {"stateMachineArn": [machine], "redriveCount": [{"numeric": [">", 0]}]},
    }
    arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    function = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": function}])
    account.client("lambda").add_permission(
        FunctionName=name,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    execution = account.finish(account.start(machine))["executionArn"]
    ended = redriven(account, execution)
    running, failed = account.seen("redrive-events/RUNNING-1"), account.seen("redrive-events/FAILED-1")
    assert (running["redriveStatus"], failed["redriveStatus"]) == ("NOT_REDRIVABLE", "REDRIVABLE")
    assert running["stopDate"] is None and running["error"] is None
    assert running["redriveDate"] == failed["redriveDate"] == round(ended["redriveDate"].timestamp() * 1000)


def test_a_role_needs_the_right_to_redrive(account, task):
    machine = account.machine({"A": task("right")})
    execution = account.finish(account.start(machine))["executionArn"]
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:redriveExecution",
        "Arguments": {"ExecutionArn": "{% $states.input %}"},
        "End": True,
    }
    denied = account.run({"Redrive": ask}, json.dumps(execution))
    assert denied["error"] == "Sfn.SfnException" or "AccessDenied" in denied["error"], denied
    name = f"redriver-{next(account.numbers)}"
    resource = machine.replace(":stateMachine:", ":execution:") + ":*"
    role = account.role(name, "states.amazonaws.com", [account.allow(["states:RedriveExecution"], resource)])
    opened(account, "right")
    assert account.run({"Redrive": ask}, json.dumps(execution), role=role)["status"] == "SUCCEEDED"
    assert account.finish(execution)["redriveCount"] == 1
