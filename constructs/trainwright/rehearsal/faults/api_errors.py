"""Calls that AWS answers with an error: struck at the front door, after the caller's permissions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from trainwright.rehearsal import faults
from trainwright.rehearsal.faults import aws
from trainwright.rehearsal.faults.calls import ApiError
from trainwright.rehearsal.faults.tally import Tally

_tally = Tally()


class Answer(NamedTuple):
    """An error as AWS answers it."""

    code: str
    message: str
    status: int


def wants_users(service: str) -> bool:
    """Whether some fault strikes calls to a service that are made without a role."""
    return any(fault.callers == "all" and fault.service == service for fault in faults.active().api_errors)


def strike(service: str, operation: str, params: Mapping[str, Any], role: str | None) -> Answer | None:
    """The error that a call gets; ``role`` is the caller's role by its name, None for the account's own users."""
    active = faults.active()
    for fault in active.api_errors:
        if not fault.selects(service, operation) or (role is None and fault.callers == "roles"):
            continue
        if fault.error not in aws.errors(service, operation):
            continue
        about = (service, operation, role or "", subject(service, operation, params))
        if _tally.strikes(fault, active.seed, *about, after=fault.after, times=fault.times):
            faults.note(fault, f"{service}:{operation} by {role or 'a user'}")
            return answer(fault, service, operation)
    return None


def subject(service: str, operation: str, params: Mapping[str, Any]) -> str:
    """What a call is about: the parameters that it cannot do without."""
    said = {name: params.get(name) for name in aws.required(service, operation)}
    return json.dumps(said, sort_keys=True, default=str)


def answer(fault: ApiError, service: str, operation: str) -> Answer:
    """The fault's error in AWS's words."""
    status = aws.errors(service, operation)[fault.error]
    return Answer(fault.error, fault.message or aws.error_message(service, fault.error), status)
