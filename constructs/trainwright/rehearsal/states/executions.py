"""Executions from StartExecution to their end: names, snapshots of their machine, status, events about it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import copy
import datetime
import json
import threading
import uuid
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidExecutionInput,
    ValidationException,
)
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, StateMachineTypeNotSupported
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.states import activities, history, points, redrives
from trainwright.rehearsal.states.failures import event_details
from trainwright.rehearsal.states.running import NOT_TRUNCATED, iso

INPUT_LIMIT = 262_144
# Larger input and output are left out of the event, which EventBridge limits to 256 KB.
EVENT_DATA_LIMIT = 248 * 1024
STATUS_CHANGE = "Step Functions Execution Status Change"


def utc_now() -> datetime.datetime:
    """The time now, in whole milliseconds as the API gives times."""
    now = datetime.datetime.now(tz=datetime.UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


# --- start ---------------------------------------------------------------------------------------------------------


def start_execution(
    self: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: str | None = None,
) -> Execution:
    """StepFunctionsParserBackend.start_execution: the execution keeps the machine as it is now.

    Raises:
        InvalidExecutionInput: the input is no JSON or longer than 262,144 bytes.
        ExecutionAlreadyExists: the name was used before, except with the same input in an execution that still runs.
    """
    machine = self.describe_state_machine(state_machine_arn)
    text = "{}" if execution_input is None else execution_input
    _check_input(text)
    if name:
        self._validate_name(name)
    chosen = name or str(uuid.uuid4())
    with _lock(self):
        arn = _arn(machine, chosen)
        existing = _by_arn(self).get(arn)
        if existing is not None:
            return _same(existing, text)
        execution = _new(self, machine, chosen, arn, text, trace_header)
        _by_arn(self)[arn] = execution
        _owner(self, machine).executions.append(execution)
    execution.start()
    return execution


def run_express(self: Any, state_machine_arn: str, name: str | None, text: str) -> Execution:
    """Run an Express workflow to its end in the calling thread, for StartSyncExecution.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html

    Raises:
        StateMachineTypeNotSupported: the machine is a Standard one.
    """
    machine = self.describe_state_machine(state_machine_arn)
    if machine.type != "EXPRESS":
        raise StateMachineTypeNotSupported("This operation is not supported by this type of state machine")
    _check_input(text)
    chosen = name or str(uuid.uuid4())
    execution = _new(self, machine, chosen, _arn(machine, chosen), text, None)
    execution.exec_worker = execution._get_start_execution_worker()
    execution.exec_status = ExecutionStatus.RUNNING
    execution_logic(execution.exec_worker)
    return execution


def machine_arn(machine: Any) -> str:
    """The state machine's own ARN, also of a version."""
    return str(getattr(machine, "source_arn", None) or machine.arn)


def _arn(machine: Any, name: str) -> str:
    """An execution's ARN; the name of an Express workflow's may come again, its number does not."""
    if machine.type == "EXPRESS":
        return f"{machine_arn(machine).replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}"
    return f"{machine_arn(machine).replace(':stateMachine:', ':execution:')}:{name}"


def _owner(self: Any, machine: Any) -> Any:
    return self.describe_state_machine(machine_arn(machine))


def _check_input(text: str) -> None:
    if len(text.encode()) > INPUT_LIMIT:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {INPUT_LIMIT}"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error


def _same(existing: Execution, text: str) -> Execution:
    if existing.exec_status == ExecutionStatus.RUNNING and json.loads(text) == existing.input_data:
        return existing
    raise ExecutionAlreadyExists(f"Execution Already Exists: '{existing.exec_arn}'")


def _new(self: Any, machine: Any, name: str, arn: str, text: str, trace_header: str | None) -> Execution:
    # A shallow copy is a snapshot: an update replaces the machine's fields and changes none of them in place.
    session: Any = history.log_session(machine, arn)
    execution = Execution(
        name=name,
        sm_type=machine.type,
        role_arn=machine.roleArn,
        exec_arn=arn,
        account_id=self.account_id,
        region_name=self.region_name,
        state_machine=copy.copy(machine),
        start_date=utc_now(),
        cloud_watch_logging_session=session,
        input_data=text,
        trace_header=trace_header,
        activity_store=activities.Store(self),  # type: ignore[arg-type]
    )
    execution.state_machine_arn = machine_arn(machine)
    return execution


def _by_arn(self: Any) -> dict[str, Execution]:
    found: dict[str, Execution] | None = getattr(self, "executions_by_arn", None)
    if found is None:
        found = self.executions_by_arn = {}
    return found


_BACKEND_LOCK = threading.Lock()


def _lock(self: Any) -> threading.Lock:
    with _BACKEND_LOCK:
        if not hasattr(self, "executions_lock"):
            self.executions_lock = threading.Lock()
    lock: threading.Lock = self.executions_lock
    return lock


def describe_execution(self: Any, execution_arn: str) -> Execution:
    """StepFunctionBackend.describe_execution."""
    self._validate_execution_arn(execution_arn)
    found = _by_arn(self).get(execution_arn)
    if found is None:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'")
    return found


def running(self: Any, execution_status: Any = None) -> list[Execution]:
    """StepFunctionsParserBackend._get_executions."""
    executions = list(_by_arn(self).values())
    return [each for each in executions if execution_status is None or each.exec_status == execution_status]


# --- redrive -------------------------------------------------------------------------------------------------------


class ExecutionNotRedrivable(AWSError):
    """The execution runs, has succeeded, is an Express workflow's or ended too long ago."""

    TYPE = "ExecutionNotRedrivable"
    STATUS = 400


def redrive(self: Any, execution: Any, token: str | None) -> datetime.datetime:
    """Let an unsuccessful execution go on with the state that it stood in; the date of the redrive.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

    Raises:
        ExecutionNotRedrivable: with DescribeExecution's redriveStatusReason.
    """
    now = utc_now()
    with _lock(self):
        before = redrives.already(execution, token, now)
        if before is not None:
            return before.date
        _check_redrivable(execution, now)
        execution.redrives = [*redrives.of(execution), redrives.Redrive(now, token)]
        execution.error = execution.cause = execution.stop_date = None
        execution.exec_status = ExecutionStatus.RUNNING
    worker = execution.exec_worker
    program = _begin_again(worker, len(execution.redrives))
    announce(execution)
    clock.thread(_run, f"execution {execution.name}", worker, program)
    return now


def _check_redrivable(execution: Any, now: datetime.datetime) -> None:
    reason = redrives.refusal(execution, now)
    if execution.sm_type != "STANDARD":
        reason = "Only executions of Standard workflows can be redriven"
    if reason:
        raise ExecutionNotRedrivable(reason)


def _begin_again(worker: Any, count: int) -> Any:
    """An environment that knows where the one before stood, and goes on with its history."""
    before, env = worker.env, worker._get_evaluation_environment()
    program = worker._get_evaluation_entrypoint()
    points.seal(before)
    points.resume(env, before)
    env.event_manager, env.callback_pool_manager = before.event_manager, before.callback_pool_manager
    env.next_state_name = env.resume.state if env.resume else program.start_at.start_at_name
    if worker._cloud_watch_logging_session is not None:
        worker._cloud_watch_logging_session.redrive_count = count
    history.go_on(env.event_manager, env.event_history_context)
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionRedriven,
        event_details=event_details("executionRedriven", {"redriveCount": count}),
    )
    worker.env = env
    return program


# --- run -----------------------------------------------------------------------------------------------------------


def start(self: Any) -> None:
    """Execution.start: RUNNING is announced before anything else can happen."""
    self.exec_worker = self._get_start_execution_worker()
    self.exec_status = ExecutionStatus.RUNNING
    announce(self)
    self.exec_worker.start()


def start_worker(self: Any) -> None:
    """ExecutionWorker.start: the environment exists when this returns, so that the execution can be stopped."""
    program = _begin(self)
    name = self._evaluation_details.execution_details.name
    clock.thread(_run, f"execution {name}", self, program)


def execution_logic(self: Any) -> None:
    """ExecutionWorker._execution_logic, for who runs an execution in the calling thread."""
    _run(self, _begin(self))


def _begin(worker: Any) -> Any:
    program = worker._get_evaluation_entrypoint()
    env = worker.env = worker._get_evaluation_environment()
    details = worker._evaluation_details
    started = {
        "input": to_json_str(details.execution_details.inpt, separators=(",", ":")),
        "inputDetails": NOT_TRUNCATED,
        "roleArn": details.aws_execution_details.role_arn,
    }
    env.next_state_name = program.start_at.start_at_name
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionStarted,
        event_details=event_details("executionStarted", started),
        update_source_event_id=False,
    )
    return program


def _run(worker: Any, program: Any) -> None:
    try:
        program.eval(worker.env)
    finally:
        worker._execution_communication.terminated()


def environment(self: Any) -> Environment:
    """ExecutionWorker._get_evaluation_environment: the context object with times as text and the redrive count.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    details = self._evaluation_details.execution_details
    machine = self._evaluation_details.state_machine_details
    execution: dict[str, Any] = {
        "Id": details.arn,
        "Input": details.inpt,
        "Name": details.name,
        "RoleArn": details.role_arn,
        "StartTime": iso(details.start_time),
    }
    if machine.typ == "STANDARD":
        made = redrives.of(self._execution_communication.execution)
        execution["RedriveCount"] = len(made)
        if made:
            execution["RedriveTime"] = iso(made[-1].date)
    context: Any = {"Execution": execution, "StateMachine": {"Id": machine.arn, "Name": machine.name}}
    return Environment(
        aws_execution_details=self._evaluation_details.aws_execution_details,
        execution_type=machine.typ,
        context=context,
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=self._cloud_watch_logging_session,
        activity_store=self._activity_store,
        mock_test_case=self._mock_test_case,
    )


def terminated(self: Any) -> None:
    """BaseExecutionWorkerCommunication._reflect_execution_status: the status last, then the event about it."""
    execution = self.execution
    env = execution.exec_worker.env
    state = env.program_state()
    status = ExecutionStatus.TIMED_OUT
    if isinstance(state, ProgramEnded):
        status = ExecutionStatus.SUCCEEDED
        execution.output = env.states.get_input()
    elif isinstance(state, ProgramStopped):
        status = ExecutionStatus.ABORTED
        execution.error, execution.cause = state.error, state.cause
    elif isinstance(state, ProgramError):
        status = ExecutionStatus.FAILED
        execution.error = (state.error or {}).get("error")
        execution.cause = (state.error or {}).get("cause")
    execution.stop_date = utc_now()
    execution.exec_status = status
    announce(execution)


# --- what others see -----------------------------------------------------------------------------------------------


def announce(execution: Any) -> None:
    """Emit the execution's status as an event on the default bus (Standard workflows only)."""
    if execution.sm_type == "STANDARD":
        facade.put_event("aws.states", STATUS_CHANGE, status_detail(execution), [execution.exec_arn])


def status_detail(execution: Any) -> dict[str, Any]:
    """The detail of the status event: DescribeExecution with times in milliseconds and nulls for what is missing."""
    shown = described(execution)
    keys = ("executionArn", "stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn", "name", "status")
    detail: dict[str, Any] = {key: shown.get(key) for key in keys}
    for key in ("startDate", "stopDate", "redriveDate"):
        detail[key] = int(shown[key].timestamp() * 1000) if shown.get(key) else None
    for key in ("input", "inputDetails", "output", "outputDetails", "error", "cause", "redriveCount", "redriveStatus"):
        detail[key] = shown.get(key)
    detail["redriveStatusReason"] = shown.get("redriveStatusReason")
    return _within_limit(detail)


def _within_limit(detail: dict[str, Any]) -> dict[str, Any]:
    size = sum(len((detail[key] or "").encode()) for key in ("input", "output"))
    if size <= EVENT_DATA_LIMIT:
        return detail
    left_out = {"included": False}
    output = {"output": None, "outputDetails": left_out} if detail["output"] is not None else {}
    return detail | {"input": None, "inputDetails": left_out} | output


def described(execution: Any, *, include_data: bool = True) -> dict[str, Any]:
    """What DescribeExecution answers.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    """
    status = execution.exec_status.value
    answer: dict[str, Any] = {
        **_identity(execution),
        "name": execution.name,
        "status": status,
        "startDate": execution.start_date,
        **redrives.shown(execution),
        **redrives.status(execution, utc_now()),
    }
    if execution.stop_date is not None and status != "RUNNING":
        answer["stopDate"] = execution.stop_date
    if include_data:
        answer |= {"input": execution.execution_input, "inputDetails": {"included": True}}
    if status == "SUCCEEDED" and include_data:
        output = to_json_str(execution.output, separators=(",", ":"))
        answer |= {"output": output, "outputDetails": {"included": True}}
    optional = {"error": execution.error, "cause": execution.cause, "traceHeader": execution.trace_header}
    return answer | {key: value for key, value in optional.items() if value is not None}


def _identity(execution: Any) -> dict[str, Any]:
    identity = {"executionArn": execution.exec_arn, "stateMachineArn": machine_arn(execution.state_machine)}
    if execution.state_machine.arn != identity["stateMachineArn"]:
        identity["stateMachineVersionArn"] = execution.state_machine.arn
    return identity


def listed(execution: Any) -> dict[str, Any]:
    """An execution as ListExecutions shows it."""
    shown = described(execution, include_data=False)
    keys = (
        "executionArn",
        "stateMachineArn",
        "stateMachineVersionArn",
        "name",
        "status",
        "startDate",
        "stopDate",
        "redriveCount",
        "redriveDate",
    )
    return {key: shown[key] for key in keys if key in shown}
