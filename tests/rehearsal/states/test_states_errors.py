"""Catch, Retry, time-outs and stopping."""

import json
import time

import pytest

INVOKE = "arn:aws:states:::lambda:invoke"


def call(function, payload=None, **fields):
    arguments = {"FunctionName": function, "Payload": payload or {}}
    return {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, "End": True, **fields}


def caught(state, errors):
    catch = [{"ErrorEquals": errors, "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    return {"Try": {**state, "Catch": catch}, "Caught": {"Type": "Pass", "End": True}}


def test_a_function_that_raises_fails_under_its_errors_name(account):
    found = account.output(caught(call("fail"), ["Refused"]))
    assert found["Error"] == "Refused"
    assert json.loads(found["Cause"])["errorMessage"] == "not today"


def test_an_error_that_no_catcher_names_fails_the_execution(account):
    ended = account.run(caught(call("fail"), ["Other", "States.Timeout"]))
    assert (ended["status"], ended["error"]) == ("FAILED", "Refused")


def test_task_failed_matches_any_error_but_a_time_out(account):
    assert account.output(caught(call("fail"), ["States.TaskFailed"]))["Error"] == "Refused"
    late = call("slow", {"seconds": 3}, TimeoutSeconds=1)
    ended = account.run(caught(late, ["States.TaskFailed"]))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert account.output(caught(late, ["States.ALL"])) == {"Error": "States.Timeout", "Cause": ""}


def test_a_task_that_takes_too_long_times_out_in_time(account):
    began = time.monotonic()
    execution = account.start(account.machine({"Slow": call("slow", {"seconds": 4}, TimeoutSeconds=1)}))
    assert account.finish(execution)["error"] == "States.Timeout"
    assert time.monotonic() - began < 3
    types = [event["type"] for event in account.history(execution)]
    assert types == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskTimedOut",
        "ExecutionFailed",
    ]


def test_retry_counts_waits_and_then_catches(account):
    retry = [{"ErrorEquals": ["Refused"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    states = caught(call("fail", Retry=retry), ["States.ALL"])
    states["Caught"]["Output"] = "{% $states.input.Error %}"
    execution = account.start(account.machine(states))
    began = time.monotonic()
    assert json.loads(account.finish(execution)["output"]) == "Refused"
    assert 0.8 < time.monotonic() - began < 4
    assert [event["type"] for event in account.history(execution)].count("TaskFailed") == 2


def test_nothing_catches_a_runtime_error(account):
    states = {
        "Try": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "echo", "Payload.$": "$.absent"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Pass", "End": True},
    }
    execution = account.start(account.machine(states, language="JSONPath"), {"a": 1})
    ended = account.finish(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert (
        "The JSONPath '$.absent' specified for the field 'Payload.$' could not be found in the input" in ended["cause"]
    )
    types = [event["type"] for event in account.history(execution)]
    assert types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_too_much_data_is_no_matter_for_states_all(account):
    big = {"Type": "Pass", "Output": "{% $join($range(1, 60000, 1).($string($)), 'x') %}", "Next": "Caught"}
    ended = account.run({"Big": big, "Caught": {"Type": "Pass", "End": True}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
    states = caught(call("echo", "{% $join($range(1, 60000, 1).($string($)), 'x') %}"), ["States.ALL"])
    assert account.run(states)["error"] == "States.DataLimitExceeded"


def test_a_machine_has_its_time(account):
    waiting = {"W": {"Type": "Wait", "Seconds": 30, "End": True}}
    execution = account.start(account.machine(waiting, top={"TimeoutSeconds": 1}))
    ended = account.finish(execution)
    assert ended["status"] == "TIMED_OUT"
    assert ended["stopDate"] > ended["startDate"]
    assert "error" not in ended
    last = account.history(execution)[-1]
    assert last["type"] == "ExecutionTimedOut"
    assert last["executionTimedOutEventDetails"] == {"error": "States.Timeout"}
    assert last["previousEventId"] == 0


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": 60, "End": True},
        call("slow", {"seconds": 5}),
        call("fail", Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60}]),
        {
            "Type": "Task",
            "Resource": f"{INVOKE}.waitForTaskToken",
            "Arguments": {"FunctionName": "echo", "Payload": {"t": "{% $states.context.Task.Token %}"}},
            "End": True,
        },
        {
            "Type": "Parallel",
            "Branches": [{"StartAt": "In", "States": {"In": {"Type": "Wait", "Seconds": 60, "End": True}}}],
            "End": True,
        },
    ],
    ids=["wait", "task", "retry", "token", "parallel"],
)
def test_stopping_ends_an_execution_at_once(account, state):
    execution = account.start(account.machine({"S": state}))
    account.entered(execution, "S")
    time.sleep(0.2)
    began = time.monotonic()
    account.states.stop_execution(executionArn=execution, error="Changed", cause="my mind")
    ended = account.finish(execution)
    assert time.monotonic() - began < 1
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Changed", "my mind")
    history = account.history(execution)
    assert history[-1]["type"] == "ExecutionAborted"
    assert history[-1]["executionAbortedEventDetails"] == {"error": "Changed", "cause": "my mind"}
    time.sleep(0.3)
    assert account.history(execution) == history


def test_a_failing_branch_fails_its_parallel_state_under_its_own_error(account):
    branches = [
        {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Broken", "Cause": "as asked"}}},
        {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 60, "End": True}}},
    ]
    found = account.output(caught({"Type": "Parallel", "Branches": branches, "End": True}, ["Broken"]))
    assert found == {"Error": "Broken", "Cause": "as asked"}
    branches[0]["States"]["Bad"] = {"Type": "Pass", "Output": "{% $states.input.no %}", "End": True}
    found = account.output(caught({"Type": "Parallel", "Branches": branches, "End": True}, ["States.ALL"]))
    assert found["Error"] == "States.QueryEvaluationError"
    assert found["Cause"].count("An error occurred while executing the state") == 1
