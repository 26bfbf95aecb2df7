"""What a role may do, each wildcard with its reason beside it.

`Allow` is one statement of an identity policy. Where it holds a wildcard it must say why, and that reason is what
cdk-nag's report shows an auditor: the acknowledgement is written from the statement itself, so that neither outlives
the other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: inline policies of a role, in characters
_LARGEST_POLICY = 10_240
NAG = "AwsSolutions::AwsSolutions"  # a bare rule name covers nothing, and a wrong one passes in silence


@dataclass(frozen=True)
class Allow:
    """One Allow statement. `why` answers for every `*` in actions and resources and is refused when there is none."""

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    why: str | None = None
    sid: str | None = None  # keeps the CDK from merging a list that CloudFormation fills in with another one

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid=self.sid,
            actions=list(self.actions),
            resources=list(self.resources),
            conditions={operator: dict(keys) for operator, keys in self.conditions.items()},
        )


@dataclass(frozen=True)
class RoleOptions:
    """What every role of the library takes: a permissions boundary and a path (default: none, and `/`)."""

    permissions_boundary: iam.IManagedPolicy | None = None
    path: str | None = None


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Answer for one finding on the construct that causes it: `AwsSolutions::AwsSolutions-CB3`, for example."""
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))


def service_role(
    scope: Construct,
    id: str,
    *,
    service: str,
    allows: Sequence[Allow],
    description: str,
    options: RoleOptions,
    session_tags: bool = False,
) -> iam.Role:
    """A role for an AWS service with its whole policy inline, so that a resource that refers to the role is never made
    before the role can do its work. `session_tags`: the service may hand on the session tags of its caller."""
    principal = iam.ServicePrincipal(service)
    document = iam.PolicyDocument(statements=[a.statement() for a in allows])
    _check_size(scope, id, document)
    role = iam.Role(
        scope,
        id,
        assumed_by=principal.with_session_tags() if session_tags else principal,
        description=description,
        permissions_boundary=options.permissions_boundary,
        path=options.path,
        inline_policies={"Work": document},
    )
    explain(role, allows)
    return role


def add_to_role(role: iam.IRole, allows: Iterable[Allow]) -> None:
    """Give an existing role what it needs. A role imported with `mutable=False` is left as it is: its owner answers for
    it.
    """
    explain(role, [allow for allow in allows if role.add_to_principal_policy(allow.statement()).statement_added])


def add_later(scope: Construct, id: str, role: iam.IRole, allows: Sequence[Allow]) -> None:
    """Give a role a policy beside its own, which nothing waits for that waits for the role. A role imported with
    `mutable=False` is left as it is."""
    policy = iam.Policy(scope, id, statements=[allow.statement() for allow in allows])
    role.attach_inline_policy(policy)
    explain(policy, allows)


def explain(construct: IConstruct, allows: Iterable[Allow]) -> None:
    """Acknowledge the wildcards of these statements on the construct whose policy they are in.

    A wildcard of several statements is answered with the reasons of them all: an acknowledgement made twice keeps only
    the second.
    """
    reasons: dict[str, list[str]] = {}
    for allow in allows:
        wildcards = _wildcards(construct, allow)
        if bool(wildcards) != bool(allow.why):
            raise ValueError(
                f"{'|'.join(allow.actions)}: a reason belongs to a wildcard and only to one, found {wildcards}"
            )
        for wildcard in wildcards:
            reasons.setdefault(wildcard, []).append(allow.why or "")
    for wildcard, whys in reasons.items():
        acknowledge(construct, f"{NAG}-IAM5[{wildcard}]", " ".join(dict.fromkeys(whys)))


def _wildcards(construct: IConstruct, allow: Allow) -> list[str]:
    stack = cdk.Stack.of(construct)
    actions = [f"Action::{action}" for action in allow.actions if "*" in action]
    resolved = stack.resolve(list(allow.resources))  # whole: the list itself may be a token, such as a list parameter
    arns = [_flat(arn) for arn in (resolved if isinstance(resolved, list) else [resolved])]
    return actions + [f"Resource::{arn}" for arn in arns if "*" in arn]


def _check_size(scope: Construct, role: str, document: iam.PolicyDocument) -> None:
    """A policy that IAM would refuse is refused here, in words. What CloudFormation fills in counts by its name, which
    is about as long as what comes in its place."""
    size = len(json.dumps(_spelled_out(cdk.Stack.of(scope).resolve(document)), separators=(",", ":")))
    if size > _LARGEST_POLICY:
        raise ValueError(
            f"{scope.node.path}/{role}: this role's policy would be about {size:,} characters, and IAM takes "
            f"{_LARGEST_POLICY:,}; let the team policy name fewer things, or several by one pattern"
        )


def _spelled_out(value: Any) -> Any:
    if isinstance(value, list):
        return [_spelled_out(item) for item in value]
    if isinstance(value, dict) and not any(key == "Ref" or key.startswith("Fn::") for key in value):
        return {key: _spelled_out(item) for key, item in value.items()}
    return _flat(value) if isinstance(value, dict) else value


def _flat(value: Any) -> str:
    """A resolved ARN as cdk-nag spells it: `<LogicalId.Arn>/runs/*`."""
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    if "Fn::Join" in value:
        delimiter, items = value["Fn::Join"]
        return str(delimiter).join(_flat(item) for item in items)
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Ref" in value:
        return f"<{value['Ref']}>"
    return json.dumps(value, separators=(",", ":"))
