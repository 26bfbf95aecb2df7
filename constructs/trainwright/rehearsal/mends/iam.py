"""IAM and STS: credentials that belong to a role, and only where the role's trust policy says so.

What a caller may do is not decided here but in the gate, for every service alike: see
``trainwright.rehearsal.permissions``.
"""

from __future__ import annotations

from typing import Any, cast

from moto.sts import models

from trainwright.rehearsal import facade, permissions
from trainwright.rehearsal.mends import Mend, replace
from trainwright.rehearsal.permissions import sessions

_API = "https://docs.aws.amazon.com/STS/latest/APIReference"
_BACKEND = "moto.sts.models:STSBackend"


def assume_role(
    self: Any,
    region_name: str,
    role_session_name: str,
    role_arn: str,
    policy: str,
    duration: int,
    external_id: str,
) -> Any:
    """Credentials of a role, for a caller whom its trust policy names, within the session policies given."""
    session = permissions.assume_role(role_arn, role_session_name)  # the gate writes its refusals
    role = models.AssumedRole(
        account_id=role_arn.split(":")[4],
        region_name=region_name,
        access_key=cast(Any, _Key(session)),
        role_session_name=role_session_name,
        role_arn=role_arn,
        policy=policy,
        duration=duration,
        external_id=external_id,
    )
    role.session_token = session.token
    return role


class _Key:
    """A session's credentials as moto's AssumedRole reads them."""

    def __init__(self, session: sessions.Session) -> None:
        self.access_key_id = session.access_key
        self.secret_access_key = session.secret_key


def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
    """User id, ARN and account of whoever calls: a role session, or the account's root."""
    session = permissions.caller.get()
    account = facade.account_id()
    if session is None:
        return account, f"arn:aws:iam::{account}:root", account
    return session.user_id, session.arn, account


def _put(name: str, new: Any) -> None:
    replace(f"{_BACKEND}.{name}", new)


MENDS: tuple[Mend, ...] = (
    Mend(
        "sts-assume-role",
        f"{_BACKEND}.assume_role",
        "f32a21bb2eb0084cfdecd7d31b03c45d8b1816ab644f913bc64a389f9ef4746b",
        f"{_API}/API_AssumeRole.html",
        "moto gives credentials of roles that do not exist to callers that they do not trust",
        lambda: _put("assume_role", assume_role),
    ),
    Mend(
        "sts-get-caller-identity",
        f"{_BACKEND}.get_caller_identity",
        "1f058458cb04477d7c095bac35f3def06dd0a5b39fb1771e1eeb9279df088fa7",
        f"{_API}/API_GetCallerIdentity.html",
        "moto calls whoever it does not know a user named moto",
        lambda: _put("get_caller_identity", get_caller_identity),
    ),
)
