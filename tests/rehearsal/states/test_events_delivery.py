"""Rules that start functions and state machines, and the events of executions."""

import json

import pytest

ACCOUNT = "123456789012"


def rule(account, name, pattern, *targets, policy=True, **fields):
    """A rule on the default bus with targets; the functions among them let it in unless ``policy`` is false."""
    events = account.client("events")
    arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern), **fields)["RuleArn"]
    wanted = [target if isinstance(target, dict) else {"Arn": target} for target in targets]
    events.put_targets(Rule=name, Targets=[{"Id": f"t{number}", **target} for number, target in enumerate(wanted)])
    for number, target in enumerate(wanted):
        if policy and ":function:" in target["Arn"]:
            account.client("lambda").add_permission(
                FunctionName=target["Arn"],
                StatementId=f"{name}-{number}",
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=arn,
            )
    return arn


def function(name):
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"


@pytest.fixture(scope="module")
def recorder(account):
    """A function of one's own that writes each event that it gets to S3."""
    made = iter(range(100))
    code = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    name = f'{context.function_name}/{context.aws_request_id}'\n"
        "    boto3.client('s3').put_object(Bucket='seen', Key=name, Body=json.dumps(event).encode())\n"
    )

    def make():
        name = f"recorder-{next(made)}"
        account.function(name, code)
        return name

    return make


def received(account, name, count):
    def enough():
        found = account.seen_under(f"{name}/")
        return found if len(found) >= count else None

    return account.wait_for(enough, f"{count} events for {name}")


def put(account, source, detail, detail_type="Test"):
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    assert account.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("end", "status", "extra"),
    [
        ({"Type": "Succeed"}, "SUCCEEDED", {"output": '{"a":1}', "outputDetails": {"included": True}}),
        ({"Type": "Fail", "Error": "Bad", "Cause": "as asked"}, "FAILED", {"error": "Bad", "cause": "as asked"}),
        ({"Type": "Wait", "Seconds": 60, "End": True}, "TIMED_OUT", {"error": None, "output": None}),
    ],
)
def test_executions_announce_their_status(account, recorder, end, status, extra):
    name = recorder()
    machine = account.machine({"End": end}, top={"TimeoutSeconds": 1})
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    rule(account, f"status-{status.lower()}", pattern, function(name))
    execution = account.start(machine, '{"a":1}', name="announced")
    ended = account.finish(execution)
    events = received(account, name, 2)
    by_status = {event["detail"]["status"]: event for event in events}
    assert set(by_status) == {"RUNNING", status}
    event = by_status[status]
    assert (event["source"], event["detail-type"]) == ("aws.states", "Step Functions Execution Status Change")
    assert (event["account"], event["region"], event["resources"]) == (ACCOUNT, "us-east-1", [execution])
    assert event["time"].endswith("Z")
    detail = event["detail"]
    assert detail.items() >= {"executionArn": execution, "stateMachineArn": machine, "name": "announced"}.items()
    assert detail["startDate"] == int(ended["startDate"].timestamp() * 1000)
    assert detail["stopDate"] == int(ended["stopDate"].timestamp() * 1000)
    assert (detail["input"], detail["inputDetails"]) == ('{"a":1}', {"included": True})
    assert detail.items() >= extra.items()
    running = by_status["RUNNING"]["detail"]
    assert (running["stopDate"], running["output"], running["outputDetails"]) == (None, None, None)


def test_a_stopped_execution_announces_that_too(account, recorder):
    name = recorder()
    machine = account.machine({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})
    pattern = {"detail": {"stateMachineArn": [machine], "status": ["FAILED", "TIMED_OUT", "ABORTED"]}}
    rule(account, "aborted", pattern, function(name))
    execution = account.start(machine)
    account.states.stop_execution(executionArn=execution, error="Changed", cause="my mind")
    (event,) = received(account, name, 1)
    assert event["detail"].items() >= {"status": "ABORTED", "error": "Changed", "cause": "my mind"}.items()


def test_every_target_gets_its_input(account, recorder):
    whole, constant, part, filled = (recorder() for _ in range(4))
    machine = account.machine({"A": {"Type": "Succeed"}})
    starter = account.role("starter", "events.amazonaws.com", [account.allow(["states:StartExecution"], machine)])
    template = '{"who": "<who>", "n": <n>, "text": "n is <n>", "type": <type>, "rule": "<aws.events.rule-name>"}'
    transformer = {
        "InputPathsMap": {"who": "$.detail.who", "n": "$.detail.n", "type": "$.detail-type"},
        "InputTemplate": template,
    }
    rule(
        account,
        "inputs",
        {"source": ["test.inputs"]},
        {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:no-such-function"},
        {"Arn": function(whole)},
        {"Arn": function(constant), "Input": '{"fixed": true}'},
        {"Arn": function(part), "InputPath": "$.detail"},
        {"Arn": function(filled), "InputTransformer": transformer},
        {"Arn": machine, "RoleArn": starter, "InputPath": "$.detail"},
        policy=False,
    )
    for name in (whole, constant, part, filled):
        account.client("lambda").add_permission(
            FunctionName=name, StatementId="e", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
        )
    detail = {"who": 'quote " me', "n": 3}
    put(account, "test.inputs", detail, "Of Inputs")
    (event,) = received(account, whole, 1)
    assert (event["detail"], event["detail-type"], event["source"]) == (detail, "Of Inputs", "test.inputs")
    assert received(account, constant, 1) == [{"fixed": True}]
    assert received(account, part, 1) == [detail]
    assert received(account, filled, 1) == [
        {"who": 'quote " me', "n": 3, "text": "n is 3", "type": "Of Inputs", "rule": "inputs"}
    ]
    (started,) = account.wait_for(
        lambda: account.states.list_executions(stateMachineArn=machine)["executions"], "the execution"
    )
    assert json.loads(account.finish(started["executionArn"])["input"]) == detail


def test_a_function_must_let_the_rule_in(account, recorder):
    closed, open_ = recorder(), recorder()
    rule(account, "closed", {"source": ["test.closed"]}, function(closed), policy=False)
    rule(account, "other", {"source": ["test.other"]}, function(closed))
    rule(account, "open", {"source": ["test.closed"]}, function(open_))
    put(account, "test.closed", {})
    received(account, open_, 1)
    assert account.seen_under(f"{closed}/") == []


def test_disabled_rules_and_schedules_get_nothing(account, recorder):
    disabled, scheduled, enabled = recorder(), recorder(), recorder()
    rule(account, "disabled", {"source": ["test.off"]}, function(disabled), State="DISABLED")
    account.client("events").put_rule(Name="scheduled", ScheduleExpression="rate(1 day)")
    account.client("events").put_targets(Rule="scheduled", Targets=[{"Id": "t", "Arn": function(scheduled)}])
    account.client("lambda").add_permission(
        FunctionName=scheduled, StatementId="e", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    rule(account, "enabled", {"source": ["test.off"]}, function(enabled))
    put(account, "test.off", {})
    received(account, enabled, 1)
    assert account.seen_under(f"{disabled}/") == account.seen_under(f"{scheduled}/") == []


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ([{"prefix": "blue-"}], "blue-1", "green-1"),
        ([{"suffix": ".csv"}], "a.csv", "a.json"),
        ([{"anything-but": ["red", "blue"]}], "green", "red"),
        ([{"anything-but": {"prefix": "blue-"}}], "red-1", "blue-1"),
        ([{"numeric": [">", 0, "<=", 5]}], 5, 6),
        ([{"exists": True}], "here", None),
        (["a", "b"], ["x", "b"], ["x"]),
        ([{"wildcard": "job-*-1"}], "job-abc-1", "job-abc-2"),
        ([{"equals-ignore-case": "YES"}], "yes", "no"),
    ],
)
def test_patterns_match_as_eventbridge_does(account, recorder, pattern, yes, no):
    name = recorder()
    source = f"test.{name}"
    rule(account, name, {"source": [source], "detail": {"v": pattern}}, function(name))
    put(account, source, {} if no is None else {"v": no, "n": 1})
    put(account, source, {"v": yes, "n": 2})
    (event,) = received(account, name, 1)
    assert event["detail"]["v"] == yes


def test_a_queue_still_gets_events(account):
    sqs = account.client("sqs")
    open_to_events = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_events]})
    queue = sqs.create_queue(QueueName="events", Attributes={"Policy": policy})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule(account, "queued", {"source": ["test.queue"]}, arn)
    put(account, "test.queue", {"a": 1})
    (message,) = account.wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "a message")
    assert json.loads(message["Body"])["detail"] == {"a": 1}
