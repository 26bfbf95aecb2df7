"""Role sessions: who a set of temporary credentials belongs to, and whether they may be had at all."""

from __future__ import annotations

import base64
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from trainwright.rehearsal import clock
from trainwright.rehearsal.permissions import directory, trust
from trainwright.rehearsal.permissions.policies import Statement, parse

SERVICE, PROCESS, ASSUMED = "service", "process", "assumed"

_lock = threading.Lock()
_by_key: dict[str, Session] = {}
_by_wish: dict[tuple[str, str | None, str, str], Session] = {}
_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Wish:
    """What a caller of AssumeRole asks for beside the role and the session's name.

    Args:
        policies: session policies in JSON; with any, the session may do only what one of them allows too.
        tags: session tags, which `aws:PrincipalTag` reads.
        transitive: names of the tags that a session made from this one has as well.
    """

    policies: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Session:
    """One role session: ``assumed-role/<role>/<name>``; ``by`` says for whom it was made (see `ledger.Use`)."""

    role_arn: str
    name: str
    access_key: str
    secret_key: str
    token: str
    by: str = ASSUMED
    wish: Wish = field(default_factory=Wish)
    issued: float = field(default_factory=clock.time)

    @property
    def arn(self) -> str:
        """The session's own ARN, as AWS's refusals name it."""
        partition, account = self.role_arn.split(":")[1], self.role_arn.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{self.role_arn.rsplit('/', 1)[-1]}/{self.name}"

    @property
    def user_id(self) -> str:
        """AWS's unique id of the session: the role's id and the session's name."""
        return f"{self.token.split('.')[0]}:{self.name}"

    @property
    def policies(self) -> list[tuple[Statement, ...]]:
        """The session policies, parsed."""
        return [parse(text) for text in self.wish.policies]


def find(access_key: str) -> Session | None:
    """The session of an access key."""
    return _by_key.get(access_key)


def mint(role_arn: str, service_principal: str | None, name: str, by: str = SERVICE) -> Session:
    """Credentials of a role for an AWS service; the same wish gives the same credentials while the role trusts it.

    Without ``service_principal`` the account itself asks and the trust policy is not read.

    Raises:
        PermissionDenied: there is no such role, or it does not trust the service.
    """
    from trainwright.rehearsal import facade  # noqa: PLC0415  (it is built on this package)

    role, region = directory.role(role_arn, action=trust.ACTION), facade.region()
    if service_principal is not None:
        trust.check(role, trust.Asking.of(service_principal, role_arn, region))
    wanted = (role_arn, service_principal, name, by)
    with _lock:
        session = _by_wish.get(wanted)
        if session is None or not session.token.startswith(role.id):
            session = _by_wish[wanted] = _new(role_arn, role.id, name, by, Wish())
    return session


def assume(role_arn: str, name: str, wish: Wish) -> Session:
    """Credentials for a caller of AssumeRole who has been let through.

    Raises:
        PermissionDenied: there is no such role.
    """
    role = directory.role(role_arn, action=trust.ACTION)
    with _lock:
        return _new(role_arn, role.id, name, ASSUMED, wish)


def _new(role_arn: str, role_id: str, name: str, by: str, wish: Wish) -> Session:
    access_key = "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    token = f"{role_id}.{base64.urlsafe_b64encode(secrets.token_bytes(96)).decode()}"
    session = Session(role_arn, name, access_key, secrets.token_urlsafe(30), token, by, wish)
    _by_key[access_key] = session
    return session
