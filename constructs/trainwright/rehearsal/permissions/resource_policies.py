"""The policy that a resource has of its own: which resource it is, and whether identity policies may do without it.

Within one account an Allow of a resource's policy is enough, or one of the caller's own policies. Two kinds are
exceptions: keys and roles must allow the caller themselves, or leave it to the account's policies by naming the
account.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.permissions import directory
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.policies import Statement, parse

ROLE = "role trust policy"
RESOURCE = "resource-based policy"


@dataclass(frozen=True)
class ResourcePolicy:
    """What a resource says about whoever uses it.

    Args:
        statements: of its policy.
        must_agree: the caller's own policies are not enough (keys and roles).
        kind: as refusals name it.
        missing: the account does not hold the resource, so that its policy is not known.
    """

    statements: tuple[Statement, ...] = ()
    must_agree: bool = False
    kind: str = RESOURCE
    missing: bool = False


NONE = ResourcePolicy()
_TRUST_ACTIONS = frozenset({"sts:assumerole", "sts:tagsession", "sts:setsourceidentity"})


def of(action: str, resource: str, place: Place) -> ResourcePolicy:
    """The policy of the resource that an action is about."""
    service = resource.split(":", 3)[2] if resource.count(":") >= 5 else ""
    if service == "iam":
        return _role(resource) if action.lower() in _TRUST_ACTIONS else NONE
    if service not in _READERS or action.partition(":")[0].lower() != service:
        return NONE
    return _READERS[service](resource, place)


def _role(resource: str) -> ResourcePolicy:
    text = directory.document(directory.role(resource, action="sts:AssumeRole").assume_role_policy_document)
    return ResourcePolicy(parse(text), must_agree=True, kind=ROLE)


def _bucket(resource: str, place: Place) -> ResourcePolicy:
    name = resource.split(":", 5)[5].partition("/")[0]
    return ResourcePolicy(directory.bucket_policy(place.account, place.partition, name))


def _key(resource: str, place: Place) -> ResourcePolicy:
    found = key_of(resource, place)
    if found is None:
        return ResourcePolicy(missing=resource.split(":", 5)[5].startswith("key/"))
    return ResourcePolicy(parse(directory.document(found.policy)), must_agree=True)


def key_of(resource: str, place: Place) -> Any | None:
    """The key of an ARN; None when this account does not hold it."""
    from moto.kms.models import kms_backends  # noqa: PLC0415  (loads slowly)

    parts = resource.split(":", 5)
    return kms_backends[place.account][place.region].keys.get(parts[5].removeprefix("key/"))


def _topic(resource: str, place: Place) -> ResourcePolicy:
    from moto.sns.models import sns_backends  # noqa: PLC0415

    found = sns_backends[place.account][place.region].topics.get(resource)
    return ResourcePolicy(parse(found.policy)) if found else NONE


def _queue(resource: str, place: Place) -> ResourcePolicy:
    from moto.sqs.models import sqs_backends  # noqa: PLC0415

    found = sqs_backends[place.account][place.region].queues.get(resource.rsplit(":", 1)[-1])
    return ResourcePolicy(parse(directory.document(found.policy))) if found and found.policy else NONE


def _secret(resource: str, place: Place) -> ResourcePolicy:
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415

    backend = secretsmanager_backends[place.account][place.region]
    found = backend.secrets.get(resource) if resource in backend.secrets else None
    text = getattr(found, "policy", None)
    return ResourcePolicy(parse(text)) if text else NONE


def _repository(resource: str, place: Place) -> ResourcePolicy:
    from moto.ecr.models import ecr_backends  # noqa: PLC0415

    name = resource.split(":", 5)[5].removeprefix("repository/")
    found = ecr_backends[place.account][place.region].repositories.get(name)
    # A repository's policy is about the repository, and its statements name no resource.
    return ResourcePolicy(parse(directory.document(found.policy))) if found and found.policy else NONE


def _function(resource: str, place: Place) -> ResourcePolicy:
    from moto.awslambda.exceptions import UnknownFunctionException  # noqa: PLC0415
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415

    try:
        found = lambda_backends[place.account][place.region].get_function(resource)
    except UnknownFunctionException:
        return NONE
    statements = found.policy.statements if found.policy else []
    return ResourcePolicy(parse(json.dumps({"Version": "2012-10-17", "Statement": statements})))


_READERS: dict[str, Callable[[str, Place], ResourcePolicy]] = {
    "s3": _bucket,
    "kms": _key,
    "sns": _topic,
    "sqs": _queue,
    "secretsmanager": _secret,
    "ecr": _repository,
    "lambda": _function,
}
