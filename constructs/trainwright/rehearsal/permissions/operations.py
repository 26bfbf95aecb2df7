"""The actions that a pattern with wildcards stands for, as far as botocore's models name them.

An IAM action is mostly named as the API's operation; what is not (S3's ListBucket) is in ``actions``. Actions without
an API operation (s3:GetObjectVersion is GetObject with a VersionId) are told where this package knows them.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from functools import lru_cache

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from trainwright.rehearsal.permissions.actions import PREFIX, action_name
from trainwright.rehearsal.permissions.narrowing import action_matches

_WITHOUT_OPERATION = {"s3": ("GetObjectVersion", "DeleteObjectVersion", "PutObjectVersionTagging")}


def expand(pattern: str) -> list[str]:
    """The actions of a pattern; empty where its service is a wildcard too or is not known."""
    prefix = pattern.partition(":")[0].lower()
    return [action for action in _actions(prefix) if action_matches(pattern, action)]


@lru_cache(maxsize=64)
def _actions(prefix: str) -> tuple[str, ...]:
    services = [service for service, name in PREFIX.items() if name == prefix] or [prefix]
    services = [prefix, *services] if prefix in ("sagemaker", "dynamodb") else services
    names = {action_name(service, operation) for service in services for operation in _operations(service)}
    return tuple(f"{prefix}:{name}" for name in sorted({*names, *_WITHOUT_OPERATION.get(prefix, ())}))


def _operations(service: str) -> list[str]:
    try:
        return list(Loader().load_service_model(service, "service-2")["operations"])
    except (UnknownServiceError, ValueError):
        return []
