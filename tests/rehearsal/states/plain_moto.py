"""Run as a program: what moto does before any mend is applied, one line of JSON by the names of the mends."""

import inspect
import json
import logging
import sys
import threading
import time
import types
import warnings

import boto3
from moto import mock_aws

logging.disable(logging.CRITICAL)
ROLE = "arn:aws:iam::123456789012:role/nobody"
INVOKE = "arn:aws:states:::lambda:invoke"
SHOWN = {}
numbers = iter(range(1000))


def show(*names):
    """Run the function, and keep what it gives under the names of the mends that it is about."""

    def keep(function):
        try:
            found = function()
        except Exception as error:  # noqa: BLE001  (how moto fails is what is shown)
            found = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
        SHOWN.update(dict.fromkeys(names, found))

    return keep


def machine(states, language="JSONata", **top):
    definition = {"QueryLanguage": language, "StartAt": next(iter(states)), "States": states, **top}
    name = f"m{next(numbers)}"
    return sfn.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]


def start(states, value=None, language="JSONPath", wait=True, **top):
    execution = sfn.start_execution(
        stateMachineArn=machine(states, language, **top), name=f"n{next(numbers)}", input=json.dumps(value or {})
    )["executionArn"]
    return finish(execution) if wait else execution


def finish(execution, seconds=3):
    end = time.monotonic() + seconds
    while (found := sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    return found


def history(execution):
    return sfn.get_execution_history(executionArn=execution)["events"]


def jsonata_stand_in():
    """moto has no JSONata: give it the library's, so that what else differs can be seen."""
    import jsonata as library
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    jsonata._eval_jsonata = lambda text: library.Jsonata(text).evaluate(None)


def main():
    @show("stepfunctions-jsonata")
    def _():
        return start({"A": {"Type": "Pass", "Output": "{% 1 %}", "End": True}}, language="JSONata")["error"]

    @show("stepfunctions-variable")
    def _():
        states = {
            "A": {"Type": "Pass", "Assign": {"v.$": "$.a"}, "Next": "B"},
            "B": {"Type": "Pass", "Parameters": {"b.$": "$v"}, "End": True},
        }
        return start(states, {"a": 1})["error"]

    jsonata_stand_in()
    pass_ = {"Type": "Pass", "End": True}

    @show("stepfunctions-assign")
    def _():
        states = {
            "A": {"Type": "Pass", "Assign": {"n": 1}, "Next": "B"},
            "B": {**pass_, "Assign": {"n": 2}, "Output": "{% $n %}"},
        }
        return start(states, language="JSONata")["output"]

    @show("stepfunctions-assigned-variables")
    def _():
        execution = start({"A": {**pass_, "Assign": {"t": "{% 'a\"b' %}"}}}, language="JSONata")["executionArn"]
        exited = history(execution)[2]["stateExitedEventDetails"]
        return exited["assignedVariables"]["t"]

    @show("stepfunctions-states")
    def _():
        from moto.stepfunctions.parser.asl.eval.states import States

        states = States({"Execution": {"Input": {}}})
        states.reset({})
        return "errorOutput" in states._states_data

    def fails_with(state):
        return start({"A": {"Next": "B", **state}, "B": {"Type": "Succeed"}}, language="JSONata").get("error", "none")

    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "B"}]}
    show("stepfunctions-condition")(lambda: start({"A": choice, "B": {"Type": "Succeed"}}, language="JSONata")["error"])
    show("stepfunctions-choice")(
        lambda: start(
            {"A": {"Type": "Choice", "Choices": [{"Condition": False, "Next": "B"}]}, "B": {"Type": "Succeed"}},
            language="JSONata",
        )["cause"]
    )
    show("stepfunctions-wait-seconds")(lambda: fails_with({"Type": "Wait", "Seconds": "{% 'x' %}"}))
    task = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "none"}}
    show("stepfunctions-timeout-seconds")(lambda: fails_with({**task, "TimeoutSeconds": "{% 'x' %}"}))
    show("stepfunctions-heartbeat-seconds")(
        lambda: fails_with({**task, "HeartbeatSeconds": "{% 'x' %}", "TimeoutSeconds": 9})
    )

    @show("stepfunctions-wait-timestamp")
    def _():
        from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp

        return "datetime.datetime.now()" in inspect.getsource(Timestamp._get_wait_seconds)

    show("stepfunctions-fail-error", "stepfunctions-fail-cause")(
        lambda: start({"A": {"Type": "Fail", "Error": "{% 1 %}", "Cause": "{% 2 %}"}}, language="JSONata")["status"]
    )

    @show("stepfunctions-items")
    def _():
        each = {"StartAt": "I", "States": {"I": pass_}}
        states = {"A": {"Type": "Map", "Items": "{% $states.input.none %}", "ItemProcessor": each, "End": True}}
        ended = start(states, language="JSONata")
        return [event["type"] for event in history(ended["executionArn"])].count("EvaluationFailed")

    @show("stepfunctions-parse-once", "stepfunctions-query-language-scope")
    def _():
        from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
        from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

        text = json.dumps({"StartAt": "A", "States": {"A": pass_}})
        parse = AmazonStateLanguageParser.parse
        same = parse(text)[0] is parse(text)[0]
        broken = {"A": {**pass_, "QueryLanguage": "JSONata", "Parameters": {}}}
        try:
            machine(broken, "JSONPath")
        except Exception:  # noqa: BLE001
            left = len(Preprocessor._query_language_per_scope)
            Preprocessor._query_language_per_scope.clear()
        return [same, left]

    show("stepfunctions-text")(
        lambda: json.loads(start({"A": {**pass_, "Output": {'a"b': 1}}}, language="JSONata")["output"])
    )

    @show("stepfunctions-string-literal")
    def _():
        from moto.stepfunctions.parser.asl.antlt4utils.antlr4utils import from_string_literal

        # the text "a\/b" of JSON, which Python reads with its backslash
        return from_string_literal(types.SimpleNamespace(getText=lambda: '"a\\/b"'))

    show("stepfunctions-definition")(lambda: machine({"A": {"Type": "Pass", "Next": "No"}}).startswith("arn:"))
    show("stepfunctions-error-codes")(lambda: sfn.create_state_machine(name="bad", definition="{", roleArn=ROLE))

    @show("stepfunctions-create")
    def _():
        arn = machine({"A": pass_})
        name = arn.rpartition(":")[2]
        other = json.dumps({"StartAt": "B", "States": {"B": pass_}})
        return sfn.create_state_machine(name=name, definition=other, roleArn=ROLE)["stateMachineArn"] == arn

    @show("stepfunctions-update", "stepfunctions-update-answer", "stepfunctions-describe-machine")
    def _():
        arn = machine({"A": pass_})
        changed = json.dumps({"StartAt": "B", "States": {"B": pass_}})
        answer = sfn.update_state_machine(stateMachineArn=arn, definition=changed, roleArn=ROLE)
        return ["revisionId" in answer, "revisionId" in sfn.describe_state_machine(stateMachineArn=arn)]

    show("stepfunctions-validate")(
        lambda: sfn.validate_state_machine_definition(definition=json.dumps({"StartAt": "A", "States": {"A": pass_}}))[
            "result"
        ]
    )

    @show("stepfunctions-start")
    def _():
        return sfn.start_execution(stateMachineArn=machine({"A": pass_}))["executionArn"].rpartition(":")[2]

    @show("stepfunctions-find-execution", "stepfunctions-list-running")
    def _():
        arn = machine({"A": pass_})
        version = sfn.update_state_machine(stateMachineArn=arn, roleArn=ROLE, publish=True)["stateMachineVersionArn"]
        execution = sfn.start_execution(stateMachineArn=version, name="v")["executionArn"]
        return sfn.describe_execution(executionArn=execution)["status"]

    @show("stepfunctions-context")
    def _():
        value = start({"A": {"Type": "Pass", "Parameters": {"c.$": "$$.Execution"}, "End": True}})
        return sorted(json.loads(value["output"])["c"])

    @show("stepfunctions-describe-execution")
    def _():
        found = start({"A": pass_})
        return ["redriveCount" in found, "inputDetails" in found]

    @show("stepfunctions-list-executions")
    def _():
        arn = machine({"A": pass_})
        return len(sfn.list_executions(stateMachineArn=arn, maxResults=1001)["executions"])

    @show("stepfunctions-history-pages")
    def _():
        execution = start({"A": pass_})["executionArn"]
        found = sfn.get_execution_history(executionArn=execution, maxResults=1, reverseOrder=True)["events"]
        return [event["id"] for event in found]

    @show("stepfunctions-machine-of-execution")
    def _():
        execution = start({"A": pass_})["executionArn"]
        return "updateDate" in sfn.describe_state_machine_for_execution(executionArn=execution)

    @show("stepfunctions-stop-execution", "stepfunctions-set-stop")
    def _():
        execution = start({"A": {"Type": "Wait", "Seconds": 30, "End": True}}, wait=False)
        time.sleep(0.3)
        sfn.stop_execution(executionArn=execution, error="Mine", cause="too")
        return finish(execution).get("error", "")

    @show("stepfunctions-end", "stepfunctions-execution-start", "stepfunctions-worker-run")
    def _():
        events = boto3.client("events")
        logs = boto3.client("logs")
        logs.create_log_group(logGroupName="/events")
        events.put_rule(Name="states", EventPattern=json.dumps({"source": ["aws.states"]}))
        arn = "arn:aws:logs:us-east-1:123456789012:log-group:/events"
        events.put_targets(Rule="states", Targets=[{"Id": "t", "Arn": arn}])
        start({"A": pass_})
        return len(logs.describe_log_streams(logGroupName="/events")["logStreams"])

    @show("stepfunctions-worker-start")
    def _():
        from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

        worker = ExecutionWorker(None, None, None, {})
        worker.stop(stop_date=None, error=None, cause=None)

    @show("stepfunctions-task-failure")
    def _():
        from moto.stepfunctions.responses import StepFunctionResponse

        return "cause" in inspect.getsource(StepFunctionResponse.send_task_failure)

    @show("stepfunctions-token-success", "stepfunctions-token-failure")
    def _():
        from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeSuccess, CallbackPoolManager

        pool = CallbackPoolManager({})
        pool.add("t").interrupt_all()  # what a Task does when it stops to wait
        return pool.notify("t", CallbackOutcomeSuccess("t", "no json"))

    @show("stepfunctions-token-heartbeat")
    def _():
        from moto.stepfunctions.parser.api import TaskTimedOut

        TaskTimedOut()

    @show("stepfunctions-add-event", "stepfunctions-get-history")
    def _():
        from moto.stepfunctions.parser.api import HistoryEventType
        from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager

        manager, context = EventManager(), EventHistoryContext.of_program_start()
        manager.add_event(context, HistoryEventType.ExecutionAborted)
        manager.add_event(context, HistoryEventType.TaskSucceeded)
        return [event["type"].value for event in manager.get_event_history()]

    @show("stepfunctions-threads")
    def _():
        from moto.stepfunctions.parser.utils import TMP_THREADS

        before = len(TMP_THREADS)
        start({"A": pass_})
        return len(TMP_THREADS) - before

    @show("stepfunctions-set-ended", "stepfunctions-set-error", "stepfunctions-set-timed-out")
    def _():
        from moto.stepfunctions.parser.asl.eval.environment import Environment

        env = object.__new__(Environment)
        env._state_mutex, env._frames, env._program_state = threading.RLock(), [], None
        env.program_state_event = threading.Event()
        env.set_timed_out()
        return env.program_state_event.is_set()

    @show("stepfunctions-program", "stepfunctions-program-end")
    def _():
        execution = start({"A": {"Type": "Wait", "Seconds": 30, "End": True}}, TimeoutSeconds=1)["executionArn"]
        time.sleep(0.2)
        return history(execution)[-1].get("executionTimedOutEventDetails")

    @show("stepfunctions-state")
    def _():
        from moto.stepfunctions.parser.asl.component.state.state import CommonStateField

        text = inspect.getsource(CommonStateField._eval_body)
        return text.index("self._set_next(env)") < text.index("stateExitedEventDetails=")

    branch = {"StartAt": "I", "States": {"I": pass_}}

    def catches_output(state):
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
        states = {"A": {**state, "Output": "{% $states.input.no %}", "Catch": catch, "Next": "B"}}
        return start({**states, "B": {"Type": "Succeed"}}, language="JSONata")["status"]

    show("stepfunctions-task-attempts", "stepfunctions-task-output", "stepfunctions-parallel-attempts")(
        lambda: catches_output({"Type": "Parallel", "Branches": [branch]})
    )
    show("stepfunctions-map-attempts")(lambda: catches_output({"Type": "Map", "Items": [1], "ItemProcessor": branch}))

    @show("stepfunctions-task-time", "stepfunctions-retrier")
    def _():
        retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 20}]
        execution = start(
            {
                "A": {
                    "Type": "Task",
                    "Resource": INVOKE,
                    "Parameters": {"FunctionName": "no"},
                    "Retry": retry,
                    "End": True,
                }
            },
            wait=False,
        )
        while not any(event["type"].endswith("Failed") for event in history(execution)):
            time.sleep(0.05)  # until it pauses before its next attempt
        sfn.stop_execution(executionArn=execution)
        return finish(execution, 1)["status"]

    def formatted(call):
        return start({"A": {"Type": "Pass", "Parameters": {"x.$": call}, "End": True}}, {"a": 1})

    show("stepfunctions-intrinsic-text", "stepfunctions-intrinsic-escapes")(
        lambda: json.loads(formatted("States.Format('it\\'s', $.a)")["output"])["x"]
    )
    show("stepfunctions-format")(lambda: formatted("States.Format('\\{\\} {}', $.a)")["status"])

    @show("stepfunctions-intrinsic-line-breaks")
    def _():
        from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

        IntrinsicParser.parse("States.StringSplit('a\nb', '\n')")

    @show("stepfunctions-path-key")
    def _():
        from moto.stepfunctions.parser.asl.utils.json_path import extract_json

        return extract_json("$['a\\\"b']", {'a\\"b': 1})

    @show("stepfunctions-activity-start")
    def _():
        from moto.stepfunctions.parser.asl.eval.callback.callback import ActivityTaskStartEndpoint

        ActivityTaskStartEndpoint().wait(0)

    @show("stepfunctions-unique")
    def _():
        array = formatted("States.ArrayUnique(States.Array(1, true, 1))")
        return json.loads(array["output"])["x"]

    @show("stepfunctions-start-sync", "stepfunctions-activity-task", "stepfunctions-redrive")
    def _():
        from moto.stepfunctions.responses import StepFunctionResponse

        names = ("start_sync_execution", "get_activity_task", "redrive_execution")
        return [hasattr(StepFunctionResponse, name) for name in names]

    @show("stepfunctions-branches", "stepfunctions-iterations")
    def _():
        from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
        from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl

        return ["redrive" in inspect.getsource(module).lower() for module in (branches_decl, iteration_worker)]

    @show("stepfunctions-map-items")
    def _():
        states = {"A": {"Type": "Map", "ItemProcessor": branch, "End": True}}
        return start(states, language="JSONata")["cause"].rpartition(": ")[2]

    @show("stepfunctions-failure-log", "stepfunctions-exception-log")
    def _():
        from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent

        logged = [EvalComponent._log_failure_event_exception, EvalComponent._log_exception]
        return ["repr(self)" in inspect.getsource(function) for function in logged]

    @show("stepfunctions-wait")
    def _():
        from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

        return "int(t1 - t0)" in inspect.getsource(WaitFunction._wait_interval)

    missing = {"Type": "Task", "Resource": INVOKE, "Parameters": {"Payload.$": "$.no"}}

    @show("stepfunctions-error-equals", "stepfunctions-execution-error")
    def _():
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
        ended = start({"A": {**missing, "Catch": catch, "Next": "B"}, "B": {"Type": "Succeed"}})
        types = [event["type"] for event in history(ended["executionArn"])]
        return [ended["status"], "TaskFailed" in types]

    @show("stepfunctions-failure-event")
    def _():
        bad = {"A": {"Type": "Parallel", "Branches": [branch], "Output": "{% $no %}", "End": True}}
        cause = start(bad, language="JSONata")["cause"]
        return "event id #2" in cause

    @show("stepfunctions-error-names", "stepfunctions-failed-details")
    def _():
        inner = {"StartAt": "I", "States": {"I": {**missing, "End": True}}}
        ended = start({"A": {"Type": "Parallel", "Branches": [inner], "End": True}})
        return "MUST NOT begin with" in ended["cause"]

    def source(target):
        from trainwright.rehearsal.mends import find

        return inspect.getsource(find(target))

    exec_ = "moto.stepfunctions.parser.asl.component.state.exec"
    service = f"{exec_}.state_task.service"
    show("stepfunctions-client")(
        lambda: (
            "state_credentials"
            in source("moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for").partition(":\n")[2]
        )
    )
    show("stepfunctions-sagemaker")(
        lambda: (
            machine({"A": {**pass_, "Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync"}})
            and "sagemaker"
            in __import__(f"{service}.state_task_service_factory", fromlist=["_"])._UNSUPPORTED_SERVICE_NAMES
        )
    )

    @show("stepfunctions-credentials")
    def _():
        task = __import__(f"{exec_}.state_task.state_task", fromlist=["_"]).StateTask
        given = types.SimpleNamespace(role_arn="arn:aws:iam::123456789012:role/other")
        task_with = types.SimpleNamespace(credentials=types.SimpleNamespace(eval=lambda env: env.stack.append(given)))
        found = task._eval_state_credentials(task_with, types.SimpleNamespace(stack=[]))
        return sorted(vars(found))

    @show("stepfunctions-api-gateway-error")
    def _():
        task = __import__(f"{service}.state_task_service_api_gateway", fromlist=["_"]).StateTaskServiceApiGateway
        resource = types.SimpleNamespace(
            _get_sfn_resource=lambda: "invoke", _get_sfn_resource_type=lambda: "apigateway"
        )
        task._from_error(resource, None, ValueError("no"))

    show("stepfunctions-task-error")(
        lambda: "Heartbeat" in source(f"{exec_}.state_task.state_task:StateTask._from_error")
    )

    @show("stepfunctions-token-error")
    def _():
        from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName

        CustomErrorName("States.Odd")

    show("stepfunctions-lambda-error")(
        lambda: __import__(
            f"{service}.state_task_service_lambda", fromlist=["_"]
        ).StateTaskServiceLambda._error_cause_from_client_error(
            types.SimpleNamespace(
                response={
                    "Error": {"Code": "AccessDeniedException", "Message": "no"},
                    "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": "1"},
                }
            )
        )[0]
    )
    show("stepfunctions-sdk-error")(
        lambda: __import__(
            f"{service}.state_task_service_aws_sdk", fromlist=["_"]
        ).StateTaskServiceAwsSdk._normalise_service_error_name("sagemaker")
    )
    show("stepfunctions-parameters")(
        lambda: "quota" in source(f"{exec_}.state_task.state_task:StateTask._eval_parameters")
    )
    for name, method in (("request", "_normalise_parameters"), ("response", "_normalise_response")):
        text = source(f"{service}.state_task_service:StateTaskService.{method}")
        show(f"stepfunctions-{name}-names")(lambda text=text: text.rstrip().endswith("pass"))
    show("stepfunctions-lambda-result")(
        lambda: "SdkHttpMetadata" in source(f"{exec_}.state_task.lambda_eval_utils:execute_lambda_function_integration")
    )

    @show("stepfunctions-integration-pattern")
    def _():
        task = __import__(f"{service}.state_task_service_callback", fromlist=["_"]).StateTaskServiceCallback
        only_sync = types.SimpleNamespace(
            _supported_integration_patterns={"sync"},
            resource=types.SimpleNamespace(condition="sync"),
            timeout=types.SimpleNamespace(eval=lambda env: env.stack.append(1)),
            heartbeat=None,
        )
        task._eval_integration_pattern(only_sync, types.SimpleNamespace(stack=[{}]), None, {}, None)

    @show("events-targets", "events-listeners")
    def _():
        from moto.events.models import Rule

        target = {"Id": "t", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
        rule = Rule(
            "r", "123456789012", "us-east-1", None, None, "rate(1 day)", None, "default", None, targets=[target]
        )
        event = {"detail": {}, "detail-type": "T", "source": "s", "ingestion-time": 1.0, "time": 1.0}
        event |= {"id": "i", "region": "r", "resources": []}
        rule.send_to_targets(event)

    @show("events-schedules")
    def _():
        from moto.events.models import EventsBackend

        return "Timer(" in inspect.getsource(EventsBackend.put_rule)

    @show("events-detail")
    def _():
        entry = {"Source": "s", "DetailType": "T", "Detail": '"a text"'}
        with warnings.catch_warnings(action="ignore"):
            return boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"]

    @show("stepfunctions-execute")
    def _():
        from moto.core.config import default_user_config

        del default_user_config["stepfunctions"]
        execution = sfn.start_execution(stateMachineArn=machine({"A": {"Type": "Fail"}}), name="x")["executionArn"]
        return sfn.describe_execution(executionArn=execution)["status"]


with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    sfn = boto3.client("stepfunctions", region_name="us-east-1")
    main()
    print(json.dumps(SHOWN, default=str))
    sys.stdout.flush()
    __import__("os")._exit(0)
