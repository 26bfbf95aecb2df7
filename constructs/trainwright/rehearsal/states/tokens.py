"""Task tokens: who waits for one, and what a token that nobody waits for any more is answered.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.api import InvalidOutput, TaskTimedOut
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackNotifyConsumerError,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)


def send_task_success(self: Any, task_token: str, outcome: str) -> None:
    """StepFunctionsParserBackend.send_task_success."""
    success = CallbackOutcomeSuccess(callback_id=task_token, output=outcome)

    def tell(pool: Any) -> bool:
        try:
            json.loads(outcome)
        except ValueError as error:
            raise InvalidOutput(f"Invalid Output: '{error}'") from error
        return bool(pool.notify(callback_id=task_token, outcome=success))

    _tell(self, task_token, tell)


def send_task_failure(self: Any, task_token: str, error: str | None = None, cause: str | None = None) -> None:
    """StepFunctionsParserBackend.send_task_failure."""
    failure = CallbackOutcomeFailure(callback_id=task_token, error=error, cause=cause)
    _tell(self, task_token, lambda pool: pool.notify(callback_id=task_token, outcome=failure))


def send_task_heartbeat(self: Any, task_token: str) -> None:
    """StepFunctionsParserBackend.send_task_heartbeat."""
    _tell(self, task_token, lambda pool: pool.heartbeat(callback_id=task_token))


def _tell(self: Any, token: str, tell: Callable[[Any], bool]) -> None:
    for execution in self._get_executions():
        env = getattr(execution.exec_worker, "env", None)
        pool = env.callback_pool_manager if env else None
        if pool is None or pool.get(token) is None:
            continue
        try:
            tell(pool)
        except CallbackNotifyConsumerError as error:
            raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'") from error
        return
    raise InvalidToken("'Invalid token'")
