"""Role sessions: who a set of temporary credentials belongs to, and whether they may be had at all."""

from __future__ import annotations

import base64
import secrets
import string
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from trainwright.rehearsal.permissions import directory
from trainwright.rehearsal.permissions.conditions import Context
from trainwright.rehearsal.permissions.errors import PermissionDenied
from trainwright.rehearsal.permissions.policies import Statement, parse, text_matches

_lock = threading.Lock()
_by_key: dict[str, Session] = {}
_by_wish: dict[tuple[str, str | None, str], Session] = {}
_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Session:
    """One role session: ``assumed-role/<role>/<name>``."""

    role_arn: str
    name: str
    access_key: str
    secret_key: str
    token: str
    issued: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        """The session's own ARN, as AWS's refusals name it."""
        partition, account = self.role_arn.split(":")[1], self.role_arn.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{self.role_arn.rsplit('/', 1)[-1]}/{self.name}"

    @property
    def user_id(self) -> str:
        """AWS's unique id of the session: the role's id and the session's name."""
        return f"{self.token.split('.')[0]}:{self.name}"


def find(access_key: str) -> Session | None:
    """The session of an access key."""
    return _by_key.get(access_key)


def mint(role_arn: str, service_principal: str | None, name: str) -> Session:
    """Credentials of a role for an AWS service; the same wish gives the same credentials while the role trusts it.

    Without ``service_principal`` the account itself asks and the trust policy is not read.

    Raises:
        PermissionDenied: there is no such role, or it does not trust the service.
    """
    if service_principal is not None:
        _check_trust(role_arn, "Service", service_principal)
    role_id = directory.role(role_arn, action="sts:AssumeRole").id
    wish = (role_arn, service_principal, name)
    with _lock:
        session = _by_wish.get(wish)
        if session is None or not session.token.startswith(role_id):
            session = _by_wish[wish] = _new(role_arn, role_id, name)
    return session


def assume(role_arn: str, name: str, caller: Session | None) -> Session:
    """Credentials for a caller of AssumeRole: another role session, or the account's root (None).

    Raises:
        PermissionDenied: there is no such role, or it does not trust the caller.
    """
    found = directory.role(role_arn, action="sts:AssumeRole")
    callers = [caller.role_arn, caller.arn] if caller else []
    account = role_arn.split(":")[4]
    _check_trust(role_arn, "AWS", f"arn:{role_arn.split(':')[1]}:iam::{account}:root", *callers, account)
    with _lock:
        return _new(role_arn, found.id, name)


def _new(role_arn: str, role_id: str, name: str) -> Session:
    access_key = "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    token = f"{role_id}.{base64.urlsafe_b64encode(secrets.token_bytes(96)).decode()}"
    session = Session(role_arn, name, access_key, secrets.token_urlsafe(30), token)
    _by_key[access_key] = session
    return session


def _check_trust(role_arn: str, kind: str, *callers: str) -> None:
    role = directory.role(role_arn, action="sts:AssumeRole")
    statements = parse(directory.document(role.assume_role_policy_document))
    matching = [one for one in statements if _names_caller(one, kind, callers) and one.names_action("sts:AssumeRole")]
    context = _trust_context(role_arn)
    if any(one.allows and one.condition_holds(context) for one in matching) and not any(
        not one.allows and one.condition_holds(context) for one in matching
    ):
        return
    message = f"{callers[0]} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    message += f" because the role's trust policy does not allow the principal {callers[0]}"
    raise PermissionDenied(message, action="sts:AssumeRole", resource=role_arn, principal=callers[0])


def _trust_context(role_arn: str) -> Context:
    account = role_arn.split(":")[4]
    known = frozenset({"sts:externalid", "sts:rolesessionname", "aws:multifactorauthpresent", "aws:principalorgid"})
    return Context({"aws:sourceaccount": [account], "aws:principalaccount": [account]}, known)


def _names_caller(statement: Statement, kind: str, callers: tuple[Any, ...]) -> bool:
    patterns = [value for of, value in statement.principals if of == kind]
    return any(pattern == "*" or text_matches(pattern, caller) for pattern in patterns for caller in callers)
