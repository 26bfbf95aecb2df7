"""The API of executions: names, limits, pages, filters, descriptions."""

import json
import time

import pytest
from botocore.exceptions import ClientError

END = {"Type": "Succeed"}
WAIT = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}


def test_an_execution_without_a_name_gets_one(account):
    machine = account.machine({"A": END})
    one, two = account.start(machine), account.start(machine)
    assert one != two
    assert not one.endswith(":None")


def test_a_name_is_taken_once_but_the_same_start_may_be_repeated(account):
    machine = account.machine(WAIT)
    running = account.start(machine, {"a": 1}, name="same")
    assert account.start(machine, '{ "a": 1 }', name="same") == running
    with pytest.raises(account.states.exceptions.ExecutionAlreadyExists):
        account.start(machine, {"a": 2}, name="same")
    account.states.stop_execution(executionArn=running)
    account.finish(running)
    with pytest.raises(account.states.exceptions.ExecutionAlreadyExists) as taken:
        account.start(machine, {"a": 1}, name="same")
    assert taken.value.response["Error"]["Message"] == f"Execution Already Exists: '{running}'"


@pytest.mark.parametrize(
    ("value", "code"),
    [("{", "InvalidExecutionInput"), (json.dumps("x" * 262_144), "ValidationException")],
)
def test_an_input_that_cannot_be_taken_is_refused(account, value, code):
    with pytest.raises(ClientError) as refused:
        account.start(account.machine({"A": END}), value)
    assert refused.value.response["Error"]["Code"] == code


def test_a_description_has_all_fields(account):
    machine = account.machine({"A": {"Type": "Pass", "Output": {"b": "{% $states.input.a %}"}, "End": True}})
    found = account.finish(account.start(machine, '{"a": [1, 2.5, null]}', name="described"))
    found.pop("ResponseMetadata")
    started, stopped = found.pop("startDate"), found.pop("stopDate")
    assert stopped >= started
    assert found == {
        "executionArn": machine.replace(":stateMachine:", ":execution:") + ":described",
        "stateMachineArn": machine,
        "name": "described",
        "status": "SUCCEEDED",
        "input": '{"a": [1, 2.5, null]}',
        "inputDetails": {"included": True},
        "output": '{"b":[1,2.5,null]}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_executions_are_listed_newest_first_filtered_and_in_pages(account):
    choose = {
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input %}", "Next": "Good"}],
            "Default": "Bad",
        },
        "Good": END,
        "Bad": {"Type": "Fail", "Error": "Bad"},
    }
    machine = account.machine(choose)
    for number, good in enumerate([True, False, True, True]):
        account.finish(account.start(machine, good, name=f"n{number}"))
    listed = account.states.list_executions(stateMachineArn=machine)["executions"]
    assert [each["name"] for each in listed] == ["n3", "n2", "n1", "n0"]
    assert all(each["redriveCount"] == 0 and each["stopDate"] for each in listed)
    failed = account.states.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    assert [each["name"] for each in failed] == ["n1"]
    pages = account.states.get_paginator("list_executions").paginate(
        stateMachineArn=machine, PaginationConfig={"PageSize": 3}
    )
    assert [[each["name"] for each in page["executions"]] for page in pages] == [["n3", "n2", "n1"], ["n0"]]


def test_a_page_has_its_bounds(account):
    with pytest.raises(ClientError) as refused:
        account.states.list_executions(stateMachineArn=account.machine({"A": END}), maxResults=1001)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_the_history_comes_in_pages_in_either_order_with_or_without_data(account):
    execution = account.start(account.machine({"A": {"Type": "Pass", "Next": "B"}, "B": END}), {"secret": 1})
    account.finish(execution)
    whole = account.history(execution)
    assert [event["id"] for event in whole] == [1, 2, 3, 4, 5, 6]
    assert [event["id"] for event in account.history(execution, reverseOrder=True)] == [6, 5, 4, 3, 2, 1]
    paginator = account.states.get_paginator("get_execution_history")
    pages = list(paginator.paginate(executionArn=execution, PaginationConfig={"PageSize": 4}))
    assert [len(page["events"]) for page in pages] == [4, 2]
    assert whole[0]["executionStartedEventDetails"] == {
        "input": '{"secret":1}',
        "inputDetails": {"truncated": False},
        "roleArn": account.role_arn,
    }
    bare = account.history(execution, includeExecutionData=False)
    assert "secret" not in json.dumps(bare, default=str)
    assert bare[0]["executionStartedEventDetails"] == {"roleArn": account.role_arn}


def test_an_unknown_execution_does_not_exist(account):
    arn = "arn:aws:states:us-east-1:123456789012:execution:none:none"
    for call in ("describe_execution", "get_execution_history", "stop_execution"):
        with pytest.raises(account.states.exceptions.ExecutionDoesNotExist):
            getattr(account.states, call)(executionArn=arn)


def test_stopping_what_has_ended_changes_nothing(account):
    execution = account.start(account.machine({"A": END}))
    ended = account.finish(execution)
    answer = account.states.stop_execution(executionArn=execution, error="late")
    assert answer["stopDate"] == ended["stopDate"]
    assert account.states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def test_nothing_outlives_the_server(start_account, tmp_path):
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "slow", "Payload": {"seconds": 8}},
        "End": True,
    }
    with start_account(tmp_path) as other:
        for states in (WAIT, {"Task": task}):
            execution = other.start(other.machine(states))
            other.entered(execution, next(iter(states)))
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert other.process.returncode == 0
