"""Permissions that a role has and is refused all the same."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from trainwright.rehearsal import faults
from trainwright.rehearsal.faults.fields import matches
from trainwright.rehearsal.faults.tally import Tally
from trainwright.rehearsal.permissions.errors import PermissionDenied

if TYPE_CHECKING:
    from trainwright.rehearsal.permissions.actions import Need
    from trainwright.rehearsal.permissions.sessions import Session

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html#access-denied-explicit-deny-examples
_REASONS = {
    "identity": "with an explicit deny in an identity-based policy",
    "key": "with an explicit deny in a resource-based policy",
    "bucket": "with an explicit deny in a resource-based policy",
}
_tally = Tally()
_lock = threading.Lock()
_counts: Counter[tuple[str, str, str]] = Counter()


def check(session: Session, need: Need) -> None:
    """Refuse what a fault says is refused, before any policy is asked.

    Raises:
        PermissionDenied: with AWS's words.
    """
    kind = _struck(session.role_arn.rpartition("/")[2], need.action, need.resource)
    if kind is not None:
        with _lock:
            _counts[session.role_arn, need.action, need.resource] += 1
        message = f"User: {session.arn} is not authorized to perform: {need.action}{_on(need)} {_REASONS[kind]}"
        raise PermissionDenied(message, action=need.action, resource=need.resource, principal=session.role_arn)


def report() -> list[dict[str, object]]:
    """What was refused here, and how often; the account's report on permissions has it apart from real refusals."""
    with _lock:
        return [
            {"principal": who, "action": action, "resource": resource, "count": count}
            for (who, action, resource), count in _counts.items()
        ]


def _on(need: Need) -> str:
    # S3 puts the resource in quotes, the other services do not.
    quote = '"' if need.action.startswith("s3:") else ""
    return f" on resource: {quote}{need.resource}{quote}" if need.resource.startswith("arn:") else ""


def _struck(role: str, action: str, resource: str) -> str | None:
    active = faults.active()
    for fault in active.access_denied:
        if not (matches((fault.role,), role) and matches(fault.actions, action)):
            continue
        if not matches(fault.resources, resource):
            continue
        if _tally.strikes(fault, active.seed, role, action, resource, times=fault.times):
            faults.note(fault, f"{action} on {resource} by {role}")
            return fault.kind
    return None
