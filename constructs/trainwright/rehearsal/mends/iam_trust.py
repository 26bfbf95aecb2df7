"""Roles as IAM makes and finds them: what it takes for a trust policy, and how it says that a role is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam import models, policy_validation
from moto.iam.exceptions import MalformedPolicyDocument, NotFoundException

from trainwright.rehearsal.mends import Mend, replace

_BACKEND = "moto.iam.models:IAMBackend"


def validate_version(self: Any) -> None:
    """Version may be left out ("the value defaults to 2008-10-17"); one that is given has been checked before."""


def _create_role(original: Callable[..., Any]) -> Callable[..., Any]:
    def create_role(self: Any, role_name: str, assume_role_policy_document: str, *args: Any, **more: Any) -> Any:
        """CreateRole, with a trust policy that is JSON."""
        try:
            json.loads(assume_role_policy_document)
        except ValueError:
            raise MalformedPolicyDocument("This policy contains invalid Json") from None
        return original(self, role_name, assume_role_policy_document, *args, **more)

    return create_role


def get_role(self: Any, role_name: str) -> Any:
    """The role of a name, or AWS's words."""
    for role in list(self.get_roles()):
        if role.name == role_name:
            return role
    raise NotFoundException(f"The role with name {role_name} cannot be found.")


def _add_version() -> None:
    setattr(policy_validation.IAMTrustPolicyDocumentValidator, "_validate_version", validate_version)  # noqa: B010


def _put(name: str, new: Any) -> None:
    replace(f"{_BACKEND}.{name}", new)


MENDS: tuple[Mend, ...] = (
    Mend(
        "iam-trust-policy-version",
        "moto.iam.policy_validation:BaseIAMPolicyValidator._validate_version",
        "44a05aa2a7a43adb22410e3ddf8e266c08cf1e09a17d194a5d5b0aa9437d653d",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html",
        "moto refuses to update a trust policy that has no Version",
        _add_version,
    ),
    Mend(
        "iam-trust-policy-is-json",
        f"{_BACKEND}.create_role",
        "0c617708d31597446fa3f3f8877492ea9a35f04503f4ff68551e8ca2b35b8790",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
        "moto makes a role whose trust policy nobody can read",
        lambda: _put("create_role", _create_role(models.IAMBackend.create_role)),
    ),
    Mend(
        "iam-role-not-found",
        f"{_BACKEND}.get_role",
        "36a4278392e8d063433bb062bab50de86e55bd09841a94456d35b7d694a70963",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html",
        "moto answers a missing role in other words than AWS",
        lambda: _put("get_role", get_role),
    ),
)
