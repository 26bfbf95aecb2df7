"""Who may do what: the identity policies of this account's roles, evaluated for every request that a role makes.

The account's root may do everything. A role session is held to its role's inline and attached policies and to its
permissions boundary. What the evaluator does not know (a condition key, an operator, the resource of an operation,
where the answer hangs on it) is refused with the code ``RehearsalNotEvaluated`` and counted, never allowed.

A bucket's policy is evaluated with them: its Deny wins, its Allow is enough. Not evaluated: policies of keys, topics
and other resources, session policies, service control policies.
"""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from trainwright.rehearsal.permissions import directory, keys, sessions
from trainwright.rehearsal.permissions.actions import Need, hides_absence, needs
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Unmapped
from trainwright.rehearsal.permissions.errors import NotEvaluated, PermissionDenied
from trainwright.rehearsal.permissions.policies import UNKNOWN_RESOURCE, Statement, Undecided, speaking
from trainwright.rehearsal.permissions.sessions import Session
from trainwright.rehearsal.wire import Call

NOT_EVALUATED = "RehearsalNotEvaluated"
# Services that speak the query or XML protocols; their refusals are AccessDenied with 403.
QUERY_SERVICES = frozenset({"s3", "iam", "sts", "sns", "cloudformation", "cloudwatch", "ec2", "elbv2", "autoscaling"})
_REST_JSON = frozenset({"lambda", "xray", "efs", "scheduler", "batch"})

caller: contextvars.ContextVar[Session | None] = contextvars.ContextVar("caller", default=None)

_lock = threading.Lock()
_used: Counter[tuple[str, str, str, bool]] = Counter()
_denied: Counter[tuple[str, str, str, str]] = Counter()
_unknown: Counter[tuple[str, str]] = Counter()


def principal(access_key: str) -> Session | None:
    """The role session of an access key; None when the key is not one of this account's."""
    return sessions.find(access_key)


def check(access_key: str, call: Call) -> None:
    """Check everything that a call needs.

    Raises:
        PermissionDenied: the first need that is not allowed, in AWS's words.
    """
    session = sessions.find(access_key)
    assert session is not None  # noqa: S101  (the gate has looked)
    place = _place(session.role_arn)
    caller.set(session)
    for need in needs(call, place):
        _check_need(session, need, place)
    absence = hides_absence(call, place)
    if absence is not None:
        _check_need(session, absence, place)


def authorize_role(
    role_arn: str,
    action: str,
    resource_arn: str,
    context: Mapping[str, str | list[str]],
    service_principal: str | None,
    session_name: str,
) -> None:
    """Check one action for a role; see ``facade.authorize``."""
    session = sessions.mint(role_arn, service_principal, session_name)
    listed = {key: [value] if isinstance(value, str) else list(value) for key, value in context.items()}
    _check_need(session, Need(action, resource_arn, listed), _place(role_arn))


def _place(role_arn: str) -> Place:
    from trainwright.rehearsal import facade  # noqa: PLC0415  (it is built on this package)

    return Place(role_arn.split(":")[1], facade.region(), facade.account_id())


def _check_need(session: Session, need: Need, place: Place) -> None:
    try:
        refusal = _decide(session, need, place)
    except (Undecided, Unmapped) as doubt:
        note_unknown(session.role_arn, f"{need.action} on {need.resource}: {doubt}")
        message = f"the rehearsal's IAM evaluator cannot decide {need.action} on {need.resource}: {doubt}"
        raise NotEvaluated(message, action=need.action, resource=need.resource, principal=session.role_arn) from doubt
    _note(session, need, refusal)
    if refusal is not None:
        raise PermissionDenied(refusal, action=need.action, resource=need.resource, principal=session.role_arn)


def _decide(session: Session, need: Need, place: Place) -> str | None:
    """None when allowed, else AWS's refusal.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    role = directory.role(session.role_arn, action=need.action)
    context = keys.context(need.keys, role, session.arn, place, need.resource)
    identity: Iterable[Statement] = [one for policy in directory.identity_policies(role) for one in policy]
    boundary = directory.boundary(role)

    about = _resource_policy(session, need, place)

    def speaks(statements: Iterable[Statement], *, allows: bool) -> bool:
        return speaking(statements, need.action, need.resource, context, allows=allows)

    denies = {"an identity-based policy": identity, "a resource-based policy": about.denies}
    for kind, statements in {**denies, "a permissions boundary": boundary or ()}.items():
        if speaks(statements, allows=False):
            return _words(session, need, f"with an explicit deny in {kind}")
    if speaks(about.allows, allows=True):
        return None
    grants = {"identity-based policy": identity, **({} if boundary is None else {"permissions boundary": boundary})}
    for kind, statements in grants.items():
        if not speaks(statements, allows=True):
            return _words(session, need, f"because no {kind} allows the {need.action} action")
    return None


class _About(NamedTuple):
    """The statements of a resource's own policy that are about the caller."""

    allows: list[Statement]
    denies: list[Statement]


def _resource_policy(session: Session, need: Need, place: Place) -> _About:
    """What the bucket's policy says about the caller.

    The account as a principal only hands the question to identity policies, so that it counts in a Deny alone.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    start = f"arn:{place.partition}:s3:::"
    if not need.action.startswith("s3:") or not need.resource.startswith(start):
        return _About([], [])
    bucket = need.resource.removeprefix(start).partition("/")[0]
    callers = [session.role_arn, session.arn]
    whole = [*callers, f"arn:{place.partition}:iam::{place.account}:root", place.account]
    statements = directory.bucket_policy(place.account, place.partition, bucket)
    return _About(
        [one for one in statements if one.allows and one.names_principal(callers)],
        [one for one in statements if not one.allows and one.names_principal(whole)],
    )


def _words(session: Session, need: Need, reason: str) -> str:
    # S3 puts the resource in quotes, the other services do not.
    quote = '"' if need.action.startswith("s3:") else ""
    on = "" if need.resource in ("*", UNKNOWN_RESOURCE) else f" on resource: {quote}{need.resource}{quote}"
    return f"User: {session.arn} is not authorized to perform: {need.action}{on} {reason}"


def error_code(service: str, denied: PermissionDenied) -> tuple[str, int]:
    """The error code and HTTP status with which a service refuses."""
    if isinstance(denied, NotEvaluated):
        return NOT_EVALUATED, 400
    if service == "ec2":
        return "UnauthorizedOperation", 403
    if service in QUERY_SERVICES:
        return "AccessDenied", 403
    return "AccessDeniedException", 403 if service in _REST_JSON else 400


def _note(session: Session, need: Need, refusal: str | None) -> None:
    with _lock:
        _used[session.role_arn, need.action, need.resource, refusal is None] += 1
        if refusal is not None:
            _denied[session.role_arn, need.action, need.resource, refusal] += 1


def note_unknown(who: str, what: str) -> None:
    """Count something that could not be evaluated."""
    with _lock:
        _unknown[who, what] += 1


def report() -> dict[str, list[dict[str, Any]]]:
    """What roles did, were refused, and asked that nobody could decide, since the account started."""
    with _lock:
        return {
            "used": [
                {"principal": who, "action": action, "resource": resource, "allowed": allowed, "count": count}
                for (who, action, resource, allowed), count in _used.items()
            ],
            "denied": [
                {"principal": who, "action": action, "resource": resource, "message": message, "count": count}
                for (who, action, resource, message), count in _denied.items()
            ],
            "unknown": [{"principal": who, "what": what, "count": count} for (who, what), count in _unknown.items()],
        }
