"""Roles and their policies, as moto's IAM holds them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from trainwright.rehearsal.permissions.errors import PermissionDenied
from trainwright.rehearsal.permissions.policies import Statement, parse

INLINE, MANAGED = "inline", "managed"
_id_by_arn: dict[str, str] = {}


def _iam(account: str, partition: str) -> Any:
    from moto.iam.models import iam_backends  # noqa: PLC0415  (loads slowly)

    return iam_backends[account][partition]


def role(arn: str, *, action: str) -> Any:
    """The role of an ARN.

    Raises:
        PermissionDenied: there is none.
    """
    parts = arn.split(":")
    if len(parts) >= 6 and parts[2] == "iam" and (found := _find(_iam(parts[4], parts[1]).roles, arn)):
        return found
    message = f"the role {arn} does not exist"
    raise PermissionDenied(message, action=action, resource=arn, principal=arn)


def roles(account: str, partition: str) -> list[Any]:
    """Every role of the account."""
    return list(_iam(account, partition).roles.values())


def tags(found: Any) -> dict[str, str]:
    """The tags of a role."""
    listed = found.tags or []
    return {tag["Key"]: tag["Value"] for tag in (listed.values() if isinstance(listed, dict) else listed)}


def _find(roles: dict[str, Any], arn: str) -> Any | None:
    known = _id_by_arn.get(arn)
    if known in roles and roles[known].arn == arn:
        return roles[known]
    for role_id, found in list(roles.items()):
        if found.arn == arn:
            _id_by_arn[arn] = role_id
            return found
    return None


def identity_policies(found: Any) -> list[tuple[str, tuple[Statement, ...]]]:
    """The statements of `identity_documents`."""
    return [(name, parse(text)) for name, text in identity_documents(found)]


def identity_documents(found: Any) -> list[tuple[str, str]]:
    """The inline and attached policies of a role in JSON, each after its name: ``inline:NAME`` or ``managed:ARN``."""
    inline = [(f"{INLINE}:{name}", text) for name, text in found.policies.items()]
    attached = [(f"{MANAGED}:{arn}", _default_document(policy)) for arn, policy in found.managed_policies.items()]
    return [(name, document(text)) for name, text in [*inline, *attached]]


def managed_policy(arn: str, account: str, partition: str) -> str | None:
    """The document of a managed policy in JSON; None when there is none."""
    found = _iam(account, partition).managed_policies.get(arn)
    return None if found is None else document(_default_document(found))


def boundary(found: Any) -> tuple[Statement, ...] | None:
    """The permissions boundary of a role, if it has one."""
    arn = found.permissions_boundary_arn
    if not arn:
        return None
    text = managed_policy(arn, found.account_id, found.partition)
    return () if text is None else parse(text)  # AWS: a boundary that cannot be found allows nothing


def _default_document(policy: Any) -> str:
    return str(next(version.document for version in policy.versions if version.version_id == policy.default_version_id))


def document(text: str | dict[str, Any]) -> str:
    """A policy's text, whether moto keeps it parsed, as JSON or percent-encoded."""
    if isinstance(text, dict):
        return json.dumps(text)
    return unquote(text) if text.lstrip().startswith("%7B") else text


def bucket_policy(account: str, partition: str, bucket: str) -> tuple[Statement, ...]:
    """The policy of a bucket; nothing when it has none or does not exist."""
    from moto.s3.models import s3_backends  # noqa: PLC0415

    found = s3_backends[account][partition].buckets.get(bucket)
    if found is None or found.policy is None:
        return ()
    return parse(found.policy.decode() if isinstance(found.policy, bytes) else str(found.policy))
