"""What an execution's redrives are to its description: how many, when, and whether there can be another.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

PERIOD = datetime.timedelta(days=14)
LONGEST = datetime.timedelta(days=365)
#: "less than 24,999": room for ExecutionRedriven and one more.
MOST_EVENTS = 24_999
#: "idempotent responses for the last 10 client tokens", each "for up to 15 minutes".
TOKENS_KEPT, TOKEN_LIFE = 10, datetime.timedelta(minutes=15)
UNSUCCESSFUL = ("FAILED", "ABORTED", "TIMED_OUT")


@dataclass(frozen=True)
class Redrive:
    """One redrive, under the token of the call that asked for it."""

    date: datetime.datetime
    token: str | None


def of(execution: Any) -> list[Redrive]:
    """An execution's redrives, the oldest first."""
    found: list[Redrive] | None = getattr(execution, "redrives", None)
    return found or []


def shown(execution: Any) -> dict[str, Any]:
    """redriveCount, and redriveDate where there is one."""
    found = of(execution)
    return {"redriveCount": len(found), **({"redriveDate": found[-1].date} if found else {})}


def already(execution: Any, token: str | None, now: datetime.datetime) -> Redrive | None:
    """The redrive that a call with this token was answered with before."""
    recent = (each for each in of(execution)[-TOKENS_KEPT:] if now - each.date <= TOKEN_LIFE)
    return next((each for each in recent if token and each.token == token), None)


def refusal(execution: Any, now: datetime.datetime) -> str | None:
    """Why the execution cannot be redriven, in DescribeExecution's words; None: it can."""
    status = execution.exec_status.value
    if status not in UNSUCCESSFUL:
        return f"Execution is {status} and cannot be redriven"
    if len(execution.exec_worker.env.event_manager.get_event_history()) >= MOST_EVENTS:
        return "Execution history event limit exceeded"
    if now - execution.start_date > LONGEST:
        return "Execution has exceeded the max execution time"
    if execution.stop_date is not None and now - execution.stop_date > PERIOD:
        return "Execution redrivable period exceeded"
    return None


def status(execution: Any, now: datetime.datetime) -> dict[str, str]:
    """redriveStatus and its reason."""
    reason = refusal(execution, now)
    if reason is None:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
