"""Invocations of Lambda functions that end otherwise than their code would have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from trainwright.rehearsal import clock, faults
from trainwright.rehearsal.faults.calls import FunctionFault
from trainwright.rehearsal.faults.fields import matches
from trainwright.rehearsal.faults.tally import Tally

T = TypeVar("T")
# How long Lambda keeps a throttled event, and how long it waits before it tries again, in account time.
QUEUE_SECONDS = 6 * 3600.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0

_tally = Tally()


class Throttled(Exception):
    """Lambda takes no more invocations of a function now.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors (TooManyRequestsException)
    """

    code = "TooManyRequestsException"
    status = 429

    def __init__(self) -> None:
        super().__init__("Rate Exceeded.")


def strike(function: str, request_id: str, timeout: float) -> bytes | None:
    """The payload of an invocation that fails in its code's place; None: it runs.

    A time-out takes the function's whole time, as in AWS.

    Raises:
        Throttled: it is not even started.
    """
    fault = _struck(function)
    if fault is None:
        return None
    if fault.error == "throttled":
        raise Throttled
    if fault.error == "timeout":
        clock.sleep(timeout)
    return json.dumps(_payload(fault, request_id, timeout)).encode()


def until_taken(invoke: Callable[[], T]) -> T:
    """Call ``invoke`` as Lambda does with an event in its queue: one that is throttled is tried again for six hours.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

    Raises:
        Throttled: to the end.
    """
    pause, waited = FIRST_PAUSE_SECONDS, 0.0
    while True:
        try:
            return invoke()
        except Throttled:
            if waited >= QUEUE_SECONDS:
                raise
        clock.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE_SECONDS)


def _struck(function: str) -> FunctionFault | None:
    active = faults.active()
    if not active.functions:
        return None
    number = _tally.count(function)
    for fault in active.functions:
        if not matches((fault.function,), function) or (fault.calls and number not in fault.calls):
            continue
        if _tally.strikes(fault, active.seed, function, times=fault.times):
            faults.note(fault, f"{function}, invocation {number}")
            return fault
    return None


def _payload(fault: FunctionFault, request_id: str, timeout: float) -> dict[str, object]:
    """As Lambda and its Python runtime word it.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    start = f"RequestId: {request_id} Error:"
    if fault.error == "timeout":
        return {"errorType": "Sandbox.Timedout", "errorMessage": f"{start} Task timed out after {timeout:.2f} seconds"}
    if fault.error == "exit":
        message = f"{start} Runtime exited with error: exit status 1"
        return {"errorType": "Runtime.ExitError", "errorMessage": message}
    message = fault.message or "a fault of the rehearsal"
    kind = fault.error_type or "RuntimeError"
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": []}
