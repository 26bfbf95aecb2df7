"""Whether a role trusts an AWS service.

Other roles are judged where every request is: the trust policy is the policy of the resource that they ask for.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.permissions import directory
from trainwright.rehearsal.permissions.conditions import Context, Unmapped, holds
from trainwright.rehearsal.permissions.errors import NotEvaluated, PermissionDenied
from trainwright.rehearsal.permissions.policies import Statement, parse, text_matches

ACTION = "sts:AssumeRole"
# How the ARN begins of what a service acts for here; how it goes on is not known when the role is taken on.
# Formats: the services' pages in https://docs.aws.amazon.com/service-authorization/latest/reference/
_SOURCES = {
    "sagemaker": "sagemaker:{region}:{account}:training-job/",
    "states": "states:{region}:{account}:stateMachine:",
    "lambda": "lambda:{region}:{account}:function:",
    "codebuild": "codebuild:{region}:{account}:project/",
    "events": "events:{region}:{account}:rule/",
}
_SOURCE_ARN = "aws:sourcearn"
_POSITIVE = frozenset({"ArnLike", "ArnEquals", "StringLike", "StringEquals"})
_ANYTHING = "\ufffd"
# What a service's request never has; aws:SourceOrgID and the like would need an organization.
_ABSENT = frozenset({"sts:externalid", "aws:multifactorauthpresent", "aws:principalorgid", "aws:principalarn"})


@dataclass(frozen=True)
class Asking:
    """A service that asks for a role: its principal, and how the ARN of what it acts for begins."""

    principal: str
    account: str
    source: str | None

    @classmethod
    def of(cls, principal: str, role_arn: str, region: str) -> Asking:
        """The service that a principal stands for (``states.us-east-1.amazonaws.com`` is Step Functions)."""
        partition, account = role_arn.split(":")[1], role_arn.split(":")[4]
        pattern = _SOURCES.get(principal.partition(".")[0])
        source = f"arn:{partition}:{pattern.format(region=region, account=account)}" if pattern else None
        return cls(principal, account, source)


def check(role: Any, asking: Asking) -> None:
    """Refuse a service that a role does not trust.

    Raises:
        PermissionDenied: it does not.
        NotEvaluated: whether it does hangs on something that is not known.
    """
    try:
        trusted = trusts(parse(directory.document(role.assume_role_policy_document)), asking)
    except Unmapped as unknown:
        message = f"the rehearsal's IAM evaluator cannot decide whether {role.arn} trusts {asking.principal}: {unknown}"
        raise NotEvaluated(message, action=ACTION, resource=role.arn, principal=asking.principal) from unknown
    if not trusted:
        message = f"{asking.principal} is not authorized to perform: {ACTION} on resource: {role.arn}"
        message += f" because the role's trust policy does not allow the principal {asking.principal}"
        raise PermissionDenied(message, action=ACTION, resource=role.arn, principal=asking.principal)


def trusts(statements: Sequence[Statement], asking: Asking) -> bool:
    """Whether a trust policy lets a service take on its role; pure.

    Raises:
        Unmapped: that hangs on something that is not known.
    """
    matching = [one for one in statements if _names(one, asking.principal) and one.names_action(ACTION)]
    if any(not one.allows and _conditions_hold(one, asking) for one in matching):
        return False
    return any(one.allows and _conditions_hold(one, asking) for one in matching)


def _names(statement: Statement, principal: str) -> bool:
    return any(
        kind in ("Service", "AWS") and (value == "*" or (kind == "Service" and text_matches(value, principal)))
        for kind, value in statement.principals
    )


def _conditions_hold(statement: Statement, asking: Asking) -> bool:
    context = Context({"aws:sourceaccount": [asking.account]}, _ABSENT)
    return all(
        _source_holds(operator, values, asking.source)
        if key.lower() == _SOURCE_ARN
        else holds(operator, key, list(values), context)
        for operator, key, values in statement.conditions
    )


def _source_holds(operator: str, patterns: Sequence[str], source: str | None) -> bool:
    if operator.removesuffix("IfExists") not in _POSITIVE or source is None:
        raise Unmapped(f"the condition {operator} of aws:SourceArn is not known for this service")
    if any(text_matches(pattern, source + _ANYTHING) for pattern in patterns):
        return True
    if all(_cannot_match(pattern, source) for pattern in patterns):
        return False
    raise Unmapped(f"which ARN that begins with {source} asks is not known, and aws:SourceArn wants {list(patterns)}")


def _cannot_match(pattern: str, source: str) -> bool:
    """Whether no ARN that begins so matches."""
    sure = pattern.replace("?", "*").partition("*")[0]
    return not (sure.startswith(source) or source.startswith(sure)) or (sure == pattern and sure == source)
