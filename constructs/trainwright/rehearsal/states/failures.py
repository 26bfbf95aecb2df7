"""How a state fails: the names that errors match, the words of their causes, the event that says so.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType

QUERY_ERROR = "States.QueryEvaluationError"
RUNTIME_ERROR = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
TASK_FAILED = "States.TaskFailed"
DECORATED = "An error occurred while executing the state"


class PlainErrorName(ErrorName):
    """An error under any name, also one that begins with ``States.`` and comes up from a branch or a token.

    The States.DataLimitExceeded of a result is moto's own StatesErrorName; that of Arguments is one of these.
    """


class HeartbeatTimeoutName(StatesErrorName):
    """A missed heartbeat: reported as States.Timeout, matched under States.HeartbeatTimeout as well."""

    def __init__(self) -> None:
        super().__init__(typ=StatesErrorNameType.StatesTimeout)


def matches(name: ErrorName, wanted: Iterable[str | None]) -> bool:
    """Whether an ErrorEquals of ``wanted`` takes the error; nothing takes States.Runtime, States.ALL no data limit.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
    A result that is too large is the exception: recorded with AWS, States.ALL takes it.
    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/error_handling/test_states_errors
    """
    names = set(wanted)
    error = name.error_name
    if error == RUNTIME_ERROR:
        return False
    if error in names or (isinstance(name, HeartbeatTimeoutName) and HEARTBEAT_TIMEOUT in names):
        return True
    if error == DATA_LIMIT and isinstance(name, PlainErrorName):
        return False
    return "States.ALL" in names or (TASK_FAILED in names and error != TIMEOUT)


def event_details(kind: str, details: dict[str, Any]) -> Any:
    """The details of a history event under the name of their kind."""
    return {f"{kind}EventDetails": details}


def entered_event_id(env: Any) -> int:
    """The history event with which the state that ``env`` is in was entered."""
    return int(getattr(env, "entered_event_id", env.event_history_context.source_event_id))


def decorate(env: Any, cause: str) -> str:
    """A cause as Step Functions words it for errors of its own, the state's name and number before it."""
    if cause.startswith(DECORATED):
        return cause
    return f"{DECORATED} '{env.next_state_name}' (entered at the event id #{entered_event_id(env)}). {cause}"


def query_failure(env: Any, cause: str, location: str | None) -> FailureEventException:
    """The catchable failure of an expression, of a value that an expression gave, or (without a place) of an input."""
    details = {"error": QUERY_ERROR, "cause": decorate(env, cause), "state": env.next_state_name}
    if location is not None:
        details["location"] = location
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=event_details("evaluationFailed", details),
        )
    )


def runtime_failure(env: Any, cause: str) -> FailureEventException:
    """The failure that no Catch and no Retry takes, and that the history shows as the execution's alone."""
    details = {"error": RUNTIME_ERROR, "cause": decorate(env, cause)}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesRuntime),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=event_details("executionFailed", details),
        )
    )


def task_failure(env: Any, task: Any, error: str, cause: str | None) -> FailureEventException:
    """The failure of a Task under ``error``, with the resource in its event as Step Functions gives it."""
    return FailureEventException(task_failed(env, task, error, cause))


def task_failed(env: Any, task: Any, error: str | None, cause: str | None) -> FailureEvent:
    """The failure event of a Task; SendTaskFailure may give it neither error nor cause."""
    details = {"resource": task._get_sfn_resource(), "resourceType": task._get_sfn_resource_type()}
    details |= {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
    return FailureEvent(
        env=env,
        error_name=PlainErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=event_details("taskFailed", details),
    )


def is_runtime(failure: FailureEvent) -> bool:
    """Whether nothing may take the failure and no event of the state shows it."""
    return failure.error_name is not None and failure.error_name.error_name == RUNTIME_ERROR


def publish(env: Any, failure: Any) -> None:
    """Write the failure's event, once, unless the execution's own event is the one that shows it."""
    if getattr(failure, "published", False) or failure.event_type == HistoryEventType.ExecutionFailed:
        return
    failure.published = True
    if not is_runtime(failure):
        env.event_manager.add_event(
            context=env.event_history_context, event_type=failure.event_type, event_details=failure.event_details
        )


def execution_failed_details(failure: FailureEventException) -> dict[str, str] | None:
    """What the execution says of a failure that nothing caught."""
    pair = failure.extract_error_cause_pair()
    if pair is None:
        return None
    error, cause = pair
    details: dict[str, str] = {}
    if error:
        details["error"] = error
    if cause:
        details["cause"] = own_words(failure.failure_event, error, cause)
    return details


def own_words(failure: FailureEvent, error: str | None, cause: str) -> str:
    if error not in (RUNTIME_ERROR, QUERY_ERROR) or cause.startswith(DECORATED):
        return cause
    return f"{DECORATED} '{failure.state_name}' (entered at the event id #{failure.source_event_id}). {cause}"


def init_failure_event(
    self: Any, env: Any, error_name: ErrorName | None, event_type: HistoryEventType, event_details: Any = None
) -> None:
    """FailureEvent.__init__ that remembers where the state was entered, not the last event before the failure."""
    self.state_name = env.next_state_name
    self.source_event_id = entered_event_id(env)
    self.error_name = error_name
    self.event_type = event_type
    self.event_details = event_details


def error_equals(self: Any, env: Any) -> None:
    """ErrorEqualsDecl._eval_body: replace the error on the stack by whether it is one of these names."""
    name = env.stack.pop()
    env.stack.append(name is not None and matches(name, (each.error_name for each in self.error_names)))


def any_error_name(self: Any, error_name: str | None) -> None:
    """CustomErrorName.__init__ that lets an error of a branch keep its name."""
    ErrorName.__init__(self, error_name)
