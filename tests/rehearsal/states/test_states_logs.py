"""Delivery of the history to CloudWatch Logs."""

import json
import re


def lines(account, group, count):
    logs = account.client("logs")

    def found():
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = [
            (stream["logStreamName"], event["message"])
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]
        return events if len(events) >= count else None

    return account.wait_for(found, "the log lines")


def configuration(group, **fields):
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
    return {"destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}], **fields}


def test_all_events_without_execution_data(account):
    group = "/aws/vendedlogs/states/all"
    account.client("logs").create_log_group(logGroupName=group)
    logging = configuration(group, level="ALL", includeExecutionData=False)
    states = {"A": {"Type": "Pass", "Assign": {"v": "hidden"}, "End": True}}
    machine = account.machine(states, name="logged", loggingConfiguration=logging)
    execution = account.start(machine, {"secret": 1})
    account.finish(execution)
    found = lines(account, group, 4)
    assert len(found) == 4
    assert re.fullmatch(r"states/logged/\d{4}-\d\d-\d\d-\d\d-\d\d/[0-9a-f]{8}", found[0][0])
    assert all("secret" not in text for _, text in found)
    events = [json.loads(text) for _, text in found]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    first = events[0]
    assert re.fullmatch(r"\d{13}", first.pop("event_timestamp"))
    assert first == {
        "id": "1",
        "type": "ExecutionStarted",
        "details": {"roleArn": account.role_arn},
        "redrive_count": "0",
        "previous_event_id": "0",
        "execution_arn": execution,
    }


def test_errors_alone_with_execution_data(account):
    group = "/aws/vendedlogs/states/errors"
    account.client("logs").create_log_group(logGroupName=group)
    logging = configuration(group, level="ERROR", includeExecutionData=True)
    states = {"A": {"Type": "Pass", "Next": "F"}, "F": {"Type": "Fail", "Error": "Broken"}}
    account.finish(account.start(account.machine(states, loggingConfiguration=logging), {"seen": 1}))
    events = [json.loads(text) for _, text in lines(account, group, 2)]
    assert [event["type"] for event in events] == ["FailStateEntered", "ExecutionFailed"]
    assert events[0]["details"]["input"] == '{"seen":1}'
