"""Who may do what: every policy of this account, evaluated for every request that a role makes.

The account's root may do everything. A role session is held to its role's inline and attached policies, its
permissions boundary and session policies, and to the policies of what it uses: buckets, keys, topics, queues, secrets,
repositories, functions and roles. What the evaluator does not know (a condition key, an operator, the resource of an
operation, where the answer hangs on it) is refused with the code ``RehearsalNotEvaluated`` and counted, never allowed.

Not evaluated: service control policies, resource control policies, policies of VPC endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from trainwright.rehearsal.faults import denials
from trainwright.rehearsal.permissions import assuming, decision, key_use, ledger, services, sessions
from trainwright.rehearsal.permissions.actions import Need, hides_absence, needs
from trainwright.rehearsal.permissions.arns import Place, key_arn
from trainwright.rehearsal.permissions.conditions import Unmapped
from trainwright.rehearsal.permissions.current import call as current_call
from trainwright.rehearsal.permissions.current import caller
from trainwright.rehearsal.permissions.errors import NotEvaluated, PermissionDenied
from trainwright.rehearsal.permissions.ledger import note_unknown, report
from trainwright.rehearsal.permissions.policies import Undecided
from trainwright.rehearsal.permissions.sessions import Session
from trainwright.rehearsal.wire import Call

__all__ = [
    "NOT_EVALUATED",
    "QUERY_SERVICES",
    "assume_role",
    "authorize_role",
    "caller",
    "check",
    "error_code",
    "note_call",
    "note_unknown",
    "principal",
    "refused_service",
    "report",
]

T = TypeVar("T")
NOT_EVALUATED = "RehearsalNotEvaluated"
# Services that speak the query or XML protocols; their refusals are AccessDenied with 403.
QUERY_SERVICES = frozenset({"s3", "iam", "sts", "sns", "cloudformation", "cloudwatch", "ec2", "elbv2", "autoscaling"})
_REST_JSON = frozenset({"lambda", "xray", "efs", "scheduler", "batch"})


def principal(access_key: str) -> Session | None:
    """The role session of an access key; None when the key is not one of this account's."""
    return sessions.find(access_key)


def note_call(call: Call) -> None:
    """Say which call this request is, where nobody checks it: a root's."""
    current_call.set(call)


def check(access_key: str, call: Call) -> None:
    """Check everything that a call needs.

    Raises:
        PermissionDenied: the first need that is not allowed, in AWS's words.
    """
    session = sessions.find(access_key)
    assert session is not None  # noqa: S101  (the gate has looked)
    place = _place(session.role_arn)
    caller.set(session)
    current_call.set(call)
    for need in needs(call, place):
        _check_need(session, need, place)
    key = services.refused_log_key(call, place)
    if key is not None:
        action = f"logs:{call.operation}"
        raise PermissionDenied(key, action=action, resource=str(call.params["kmsKeyId"]), principal=session.role_arn)
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
    session, place = sessions.mint(role_arn, service_principal, session_name), _place(role_arn)
    listed = {key: [value] if isinstance(value, str) else list(value) for key, value in context.items()}
    if action.startswith("kms:"):
        listed = {**key_use.for_service(action, service_principal, place), **listed}
        resource_arn = key_arn(resource_arn, place)
    _check_need(session, Need(action, resource_arn, listed), place)


def assume_role(role_arn: str, session_name: str) -> Session:
    """The session that this request's AssumeRole makes: a role was judged as every caller is, a root is judged here.

    Raises:
        PermissionDenied: the role does not exist, or does not trust the account's root.
    """
    call, session, place = current_call.get(), caller.get(), _place(role_arn)
    if call is None:
        return sessions.assume(role_arn, session_name, sessions.Wish())
    if session is None:
        need = Need("sts:AssumeRole", role_arn)
        _unless_in_doubt(lambda: assuming.check_root(call, place), f"arn:aws:iam::{place.account}:root", need)
    return sessions.assume(role_arn, session_name, assuming.wish(call, session, place))


def refused_service(principal: str, resource: str, source: str) -> str | None:
    """Why an AWS service may not send to a topic or queue for ``source`` (an ARN); None when it may.

    What cannot be decided is a reason too, and counted.
    """
    why = services.refusal(principal, resource, source, _place(resource))
    if why is not None and "cannot decide" in why:
        note_unknown(principal, why)
    return why


def _place(role_arn: str) -> Place:
    from trainwright.rehearsal import facade  # noqa: PLC0415  (it is built on this package)

    return Place(role_arn.split(":")[1], facade.region(), facade.account_id())


def _check_need(session: Session, need: Need, place: Place) -> None:
    denials.check(session, need)
    verdict = _unless_in_doubt(lambda: decision.decide(session, need, place), session.role_arn, need)
    ledger.note(_use(session, need), verdict.refusal, verdict.grants)
    if verdict.assumed:
        ledger.note_assumed(session.role_arn, verdict.assumed)
    if verdict.refusal is not None:
        raise PermissionDenied(verdict.refusal, action=need.action, resource=need.resource, principal=session.role_arn)


def _unless_in_doubt(judge: Callable[[], T], who: str, need: Need) -> T:
    try:
        return judge()
    except (Undecided, Unmapped) as doubt:
        note_unknown(who, f"{need.action} on {need.resource}: {doubt}")
        message = f"the rehearsal's IAM evaluator cannot decide {need.action} on {need.resource}: {doubt}"
        raise NotEvaluated(message, action=need.action, resource=need.resource, principal=who) from doubt


def _use(session: Session, need: Need) -> ledger.Use:
    return ledger.Use(session.role_arn, session.by, session.name, need.action, need.resource)


def error_code(service: str, denied: PermissionDenied) -> tuple[str, int]:
    """The error code and HTTP status with which a service refuses."""
    if isinstance(denied, NotEvaluated):
        return NOT_EVALUATED, 400
    if service == "ec2":
        return "UnauthorizedOperation", 403
    if service in QUERY_SERVICES:
        return "AccessDenied", 403
    return "AccessDeniedException", 403 if service in _REST_JSON else 400
