"""Answering the task token of a state that waits for one. A token that nobody waits for any more is not an error:
executions are stopped and time out, and events come twice.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html (Errors)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.telemetry import logger

_NOBODY_WAITS = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
_ERROR, _CAUSE = 256, 32_768  # characters that SendTaskFailure takes


def succeed(clients: Services, token: str, output: object) -> bool:
    """End the state with this output; False where it has ended already."""
    return _answered(lambda: clients.states.send_task_success(taskToken=token, output=json.dumps(output)))


def fail(clients: Services, token: str, error: str, cause: str) -> bool:
    """Fail the state; False where it has ended already."""
    return _answered(
        lambda: clients.states.send_task_failure(taskToken=token, error=error[:_ERROR], cause=cause[:_CAUSE])
    )


def _answered(answer: Callable[[], Any]) -> bool:
    try:
        answer()
    except ClientError as error:
        if error_code(error) not in _NOBODY_WAITS:
            raise
        logger.info("nobody waits for this token", extra={"code": error_code(error)})
        return False
    return True
