"""Trust policies in the older version of the policy language, which ``cdk bootstrap`` writes."""

from __future__ import annotations

from typing import Any

from moto.iam import policy_validation

from trainwright.rehearsal.mends import Mend


def validate_version(self: Any) -> None:
    """Version may be left out ("the value defaults to 2008-10-17"); one that is given has been checked before."""


def _add() -> None:
    setattr(policy_validation.IAMTrustPolicyDocumentValidator, "_validate_version", validate_version)  # noqa: B010


MENDS: tuple[Mend, ...] = (
    Mend(
        "iam-trust-policy-version",
        "moto.iam.policy_validation:BaseIAMPolicyValidator._validate_version",
        "44a05aa2a7a43adb22410e3ddf8e266c08cf1e09a17d194a5d5b0aa9437d653d",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html",
        "moto refuses to update a trust policy that has no Version",
        _add,
    ),
)
