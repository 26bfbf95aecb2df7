"""The Step Functions API where moto's answers lack fields, paging or parameters."""

from __future__ import annotations

import base64
import math
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException

from trainwright.rehearsal.states import executions, history, redrives
from trainwright.rehearsal.states.definition import problems
from trainwright.rehearsal.states.machines import check_definition

LARGEST_PAGE, USUAL_PAGE = 1000, 100


def page(self: Any, items: list[Any]) -> tuple[list[Any], str | None]:
    """The part of ``items`` that maxResults and nextToken ask for, and the token of the next part."""
    size = self._get_int_param("maxResults") or USUAL_PAGE
    if not 0 <= size <= LARGEST_PAGE:
        bound = "less than or equal to 1000" if size > LARGEST_PAGE else "greater than or equal to 0"
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    start = _offset(self._get_param("nextToken"))
    following = start + size
    return items[start:following], _token(following) if following < len(items) else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"after:{offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except ValueError as error:
        raise InvalidToken("'Invalid token'") from error


def with_token(answer: dict[str, Any], token: str | None) -> ActionResult:
    """An answer, with the token of the next page if there is one."""
    return ActionResult(answer | ({"nextToken": token} if token else {}))


def describe_execution(self: Any) -> ActionResult:
    """DescribeExecution."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    include = self._get_param("includedData") != "METADATA_ONLY"
    return ActionResult(executions.described(execution, include_data=include))


def list_executions(self: Any) -> ActionResult:
    """ListExecutions: newest first, filtered, in pages."""
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    status, redrive = self._get_param("statusFilter"), self._get_param("redriveFilter")
    found = sorted(machine.executions, key=lambda execution: execution.start_date, reverse=True)
    wanted = {"REDRIVEN": (True,), "NOT_REDRIVEN": (False,)}.get(redrive, (True, False))
    shown = [executions.listed(execution) for execution in found if bool(redrives.of(execution)) in wanted]
    items, token = page(self, [item for item in shown if status in (None, item["status"])])
    return with_token({"executions": items}, token)


def get_execution_history(self: Any) -> ActionResult:
    """GetExecutionHistory: in pages, in either order, with or without data."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    events = execution.exec_worker.env.event_manager.get_event_history()
    if self._get_param("reverseOrder"):
        events = events[::-1]
    items, token = page(self, events)
    if self._get_param("includeExecutionData") is False:
        items = [history.without_data(event) for event in items]
    return with_token({"events": items}, token)


def stop_execution(self: Any) -> ActionResult:
    """StopExecution: with the caller's error and cause; what has ended stays as it is."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    stopped = execution.stop_date or executions.utc_now()
    execution.stop(stop_date=stopped, error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": stopped})


def redrive_execution(self: Any) -> ActionResult:
    """RedriveExecution: on from the unsuccessful step, under the same ARN; one call with one token redrives once."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    date = executions.redrive(self.stepfunction_backend, execution, self._get_param("clientToken"))
    return ActionResult({"redriveDate": date})


def describe_state_machine_for_execution(self: Any) -> ActionResult:
    """DescribeStateMachineForExecution: the machine as it was when the execution started."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    machine = execution.state_machine
    answer = {
        "stateMachineArn": executions.machine_arn(machine),
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": machine.roleArn,
        "updateDate": machine.update_date,
        "loggingConfiguration": machine.loggingConfiguration,
        "tracingConfiguration": machine.tracingConfiguration,
        "encryptionConfiguration": machine.encryptionConfiguration,
    }
    return ActionResult(answer | revision(machine))


def revision(machine: Any) -> dict[str, str]:
    revision = getattr(machine, "revision_id", None)
    return {"revisionId": revision} if revision else {}


def update_state_machine(original: Any) -> Any:
    """UpdateStateMachine that answers the new revision's id."""

    def update(self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
        return ActionResult({**answer.result, **revision(machine)})  # type: ignore[dict-item]

    return update


def start_sync_execution(self: Any) -> ActionResult:
    """StartSyncExecution: the Express workflow's end, and what it would cost (64 MB, in steps of 100 ms).

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
    """
    execution = executions.run_express(
        self.stepfunction_backend,
        self._get_param("stateMachineArn"),
        self._get_param("name"),
        self._get_param("input", if_none="{}"),
    )
    shown = executions.described(execution)
    milliseconds = (shown["stopDate"] - shown["startDate"]).total_seconds() * 1000
    billing = {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100 * max(1, math.ceil(milliseconds / 100))}
    answer = {key: value for key, value in shown.items() if not key.startswith("redrive")}
    return ActionResult(answer | {"outputDetails": {"included": True}, "billingDetails": billing})


def send_task_failure(self: Any) -> EmptyResult:
    """SendTaskFailure with its cause."""
    token, error, cause = (self._get_param(name) for name in ("taskToken", "error", "cause"))
    self.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


def validate_state_machine_definition(self: Any) -> ActionResult:
    """ValidateStateMachineDefinition: what CreateStateMachine would refuse.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
    """
    definition = self._get_param("definition")
    found = [
        {"severity": "ERROR", "code": problem.code, "message": problem.message, "location": problem.location}
        for problem in problems(definition)
    ]
    if not found:
        found = _grammar(definition)
    return ActionResult({"result": "FAIL" if found else "OK", "diagnostics": found, "truncated": False})


def _grammar(definition: str) -> list[dict[str, str]]:
    from moto.stepfunctions.parser.api import InvalidDefinition  # noqa: PLC0415

    try:
        check_definition(definition)
    except InvalidDefinition as error:
        return [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": error.message, "location": "/"}]
    return []
