"""AWS::ECR::Repository: the properties as CloudFormation spells them, and a repository that survives an update."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.ecr.models import ECRBackend, Repository, ecr_backends

from trainwright.rehearsal.mends import Mend, replace

_TYPE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html"
_FORCE = "empty_on_delete"  # of ours, beside moto's attributes of a repository
_REPOSITORY = "moto.ecr.models:Repository"


def create(
    cls: type[Repository],
    /,
    resource_name: str,
    cloudformation_json: Mapping[str, Any],
    account_id: str,
    region_name: str,
    **_: Any,
) -> Repository:
    """Make the repository; a generated name is in lower case, as ECR wants it."""
    properties = cloudformation_json["Properties"]
    repository: Repository = ecr_backends[account_id][region_name].create_repository(
        repository_name=properties.get("RepositoryName") or resource_name.lower(),
        registry_id=None,
        encryption_config=_camel(properties.get("EncryptionConfiguration", {})),
        image_scan_config=_scanning(properties),
        image_tag_mutability=properties.get("ImageTagMutability"),
        image_tag_mutability_exclusion_filters=None,
        tags=properties.get("Tags", []),
    )
    _set_policies(ecr_backends[account_id][region_name], repository, properties)
    return repository


def update(
    cls: type[Repository],
    /,
    *,
    original_resource: Repository,
    new_resource_name: str,
    cloudformation_json: Mapping[str, Any],
    account_id: str,
    region_name: str,
) -> Repository:
    """Change the repository in place; only another RepositoryName makes another one."""
    properties = cloudformation_json["Properties"]
    if properties.get("RepositoryName") not in (None, original_resource.name):
        original_resource.delete(account_id, region_name)
        return create(cls, new_resource_name, cloudformation_json, account_id, region_name)
    original_resource.image_scanning_configuration = _scanning(properties)
    original_resource.image_tag_mutability = properties.get("ImageTagMutability", "MUTABLE")
    _set_policies(ecr_backends[account_id][region_name], original_resource, properties)
    return original_resource


def delete(self: Repository, account_id: str, region_name: str) -> None:
    """Delete the repository, with its images only where EmptyOnDelete says so."""
    force = vars(self).get(_FORCE, False)
    ecr_backends[account_id][region_name].delete_repository(self.name, force=force)


def _scanning(properties: Mapping[str, Any]) -> dict[str, bool]:
    return {"scanOnPush": _is_true(properties.get("ImageScanningConfiguration", {}).get("ScanOnPush"))}


def _set_policies(backend: ECRBackend, repository: Repository, properties: Mapping[str, Any]) -> None:
    vars(repository)[_FORCE] = _is_true(properties.get("EmptyOnDelete"))
    lifecycle = properties.get("LifecyclePolicy", {}).get("LifecyclePolicyText")
    policy = properties.get("RepositoryPolicyText")
    repository.lifecycle_policy = repository.policy = None
    if lifecycle:
        backend.put_lifecycle_policy(backend.account_id, repository.name, lifecycle)
    if policy:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        backend.set_repository_policy(backend.account_id, repository.name, text)


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


def _camel(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name[0].lower()}{name[1:]}": value for name, value in properties.items()}


def _mend_create() -> None:
    replace(f"{_REPOSITORY}.create_from_cloudformation_json", classmethod(create))


def _mend_update() -> None:
    replace(f"{_REPOSITORY}.update_from_cloudformation_json", classmethod(update))


def _mend_delete() -> None:
    replace(f"{_REPOSITORY}.delete", delete)


MENDS: tuple[Mend, ...] = (
    Mend(
        "ecr-repository-create",
        f"{_REPOSITORY}.create_from_cloudformation_json",
        "21b2b90eac49642f52c55c23f3d31c1127039f69d6458e9d870a5ef2a7e34046",
        _TYPE,
        "moto refuses the names that it generates, and ignores scanning, lifecycle and repository policy",
        _mend_create,
    ),
    Mend(
        "ecr-repository-update",
        f"{_REPOSITORY}.update_from_cloudformation_json",
        "119ed20a3b3c26bff9e392c53730d4e20ee995669ca63e16c9c858a0c00915f2",
        _TYPE,
        "moto replaces a repository with a generated name at every update",
        _mend_update,
    ),
    Mend(
        "ecr-repository-delete",
        f"{_REPOSITORY}.delete",
        "f90ea460188f07f61cefd15e660a8ed047716e9ec0d86f55710a154fdd21f33c",
        _TYPE,
        "moto does not know EmptyOnDelete",
        _mend_delete,
    ),
)
