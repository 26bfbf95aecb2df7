"""The tags of a resource that exists, for ``aws:ResourceTag/...``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourcetag
Where the account keeps no tags of a kind of resource, the key stays unknown: it is not taken for absent.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainwright.rehearsal.permissions import directory
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Found

PREFIX = "aws:resourcetag/"
# Services whose actions do know the tags of their resources, and whose tags the account keeps. S3's actions on objects
# know none: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_TAGGED = frozenset({"sagemaker", "states", "lambda", "kms", "sns", "sqs", "secretsmanager", "logs", "events", "ssm"})


def ask(key: str, resource: str, place: Place) -> Found | None:
    """What a resource has under ``aws:resourcetag/NAME``; None where the account cannot tell."""
    if not key.startswith(PREFIX):
        return None
    tags = of(resource, place)
    if tags is None:
        return None
    wanted = key.removeprefix(PREFIX)  # the names of condition keys are not case-sensitive, and tags are part of them
    return Found(next(([value] for name, value in tags.items() if name.lower() == wanted), None))


def of(resource: str, place: Place) -> Mapping[str, str] | None:
    """The tags of a resource; empty when it does not exist, None where tags of its kind are not known."""
    service = resource.split(":", 3)[2] if resource.count(":") >= 5 else ""
    if service == "dynamodb":
        return _table(resource, place)
    if service == "iam":
        return _role(resource, place)
    if ":training-job/" in resource:
        return _job(resource, place)
    if service not in _TAGGED:
        return None
    # A log group's stream, a function's version: the tags are those of what it belongs to.
    owner = resource.split(":log-stream:", maxsplit=1)[0] if service == "logs" else resource
    owner = ":".join(owner.split(":")[:7]) if service == "lambda" else owner
    return _listed(service, owner, place)


def _job(resource: str, place: Place) -> Mapping[str, str]:
    from moto.sagemaker.models import sagemaker_backends  # noqa: PLC0415

    jobs = list(sagemaker_backends[place.account][place.region].training_jobs.values())
    found = next((job for job in jobs if job.arn.lower() == resource.lower()), None)
    return {tag["Key"]: tag["Value"] for tag in list(found.tags or [])} if found else {}


def _listed(service: str, resource: str, place: Place) -> Mapping[str, str]:
    from moto.core.resource_tagging import iter_taggable_backends  # noqa: PLC0415  (loads slowly)

    for backend in iter_taggable_backends(place.account, place.region):
        if service == backend.SERVICE_NAMESPACE:
            for found in backend.iter_tagged_resources():
                if found.arn.removesuffix(":*") == resource:
                    return found.tags
    return {}


def _table(resource: str, place: Place) -> Mapping[str, str]:
    from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415

    name = resource.split(":", 5)[5].removeprefix("table/").split("/")[0]
    found = dynamodb_backends[place.account][place.region].tables.get(name)
    return {tag["Key"]: tag["Value"] for tag in found.tags} if found else {}


def _role(resource: str, place: Place) -> Mapping[str, str]:
    found = next((role for role in directory.roles(place.account, place.partition) if role.arn == resource), None)
    return directory.tags(found) if found else {}
