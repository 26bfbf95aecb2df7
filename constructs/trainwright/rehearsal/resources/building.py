"""Image repositories and build projects."""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_list

_REPOSITORY_ELSEWHERE = (
    "RepositoryName",
    "LifecyclePolicy",
    "RepositoryPolicyText",
    "EmptyOnDelete",
    "Tags",
    "EncryptionConfiguration",
)


def _create_repository(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("RepositoryName"), limit=256, lower=True)
    arguments = shaped(wish, "ecr", "CreateRepository", wish.properties, leave=_REPOSITORY_ELSEWHERE)
    if "EncryptionConfiguration" in wish.properties:
        wanted = {"EncryptionConfiguration": wish.properties["EncryptionConfiguration"]}
        arguments |= shaped(wish, "ecr", "CreateRepository", wanted)
    found = wish.client("ecr").create_repository(repositoryName=name, tags=tag_list(wish), **arguments)["repository"]
    _repository_policies(wish, name)
    return Made(name, {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]})


def _repository_policies(wish: Wish, name: str) -> None:
    ecr = wish.client("ecr")
    lifecycle = (wish.properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if lifecycle:
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=lifecycle)
    elif wish.before.get("LifecyclePolicy"):
        ecr.delete_lifecycle_policy(repositoryName=name)
    policy = wish.properties.get("RepositoryPolicyText")
    if policy:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        ecr.set_repository_policy(repositoryName=name, policyText=text)
    elif wish.before.get("RepositoryPolicyText"):
        ecr.delete_repository_policy(repositoryName=name)


def _update_repository(wish: Wish) -> Made:
    ecr, name = wish.client("ecr"), wish.physical_id
    if wish.changed("ImageTagMutability"):
        mutability = wish.properties.get("ImageTagMutability", "MUTABLE")
        ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability=mutability)
    if wish.changed("ImageScanningConfiguration"):
        scanning = wish.properties.get("ImageScanningConfiguration") or {"ScanOnPush": False}
        wanted = {"RepositoryName": name, "ImageScanningConfiguration": scanning}
        ecr.put_image_scanning_configuration(**shaped(wish, "ecr", "PutImageScanningConfiguration", wanted))
    _repository_policies(wish, name)
    if tag_list(wish):
        ecr.tag_resource(resourceArn=wish.attributes["Arn"], tags=tag_list(wish))
    return Made(name, dict(wish.attributes))


def _delete_repository(wish: Wish) -> None:
    force = str(wish.before.get("EmptyOnDelete", False)).lower() == "true"
    wish.client("ecr").delete_repository(repositoryName=wish.physical_id, force=force)


register(
    "AWS::ECR::Repository",
    Table(
        _create_repository,
        _update_repository,
        _delete_repository,
        replace_on={"RepositoryName", "EncryptionConfiguration"},
    ),
)


def _project(wish: Wish, operation: str) -> dict[str, Any]:
    properties = {**wish.properties, "Artifacts": wish.properties.get("Artifacts", {"Type": "NO_ARTIFACTS"})}
    leave = ("Name", "Tags", "Triggers", "Visibility", "ResourceAccessRole")
    for name in leave[2:]:
        if name in properties:
            wish.say(f"{name} is recorded, but the rehearsal does not apply it")
    return shaped(wish, "codebuild", operation, properties, leave=leave)


def _create_project(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("Name"), limit=255)
    tags = tag_list(wish, key="key", value="value")
    wish.client("codebuild").create_project(name=name, tags=tags, **_project(wish, "CreateProject"))
    return Made(name, {"Arn": wish.arn("codebuild", f"project/{name}")})


def _update_project(wish: Wish) -> Made:
    tags = tag_list(wish, key="key", value="value")
    wish.client("codebuild").update_project(name=wish.physical_id, tags=tags, **_project(wish, "UpdateProject"))
    return Made(wish.physical_id, dict(wish.attributes))


register(
    "AWS::CodeBuild::Project",
    Table(
        _create_project,
        _update_project,
        lambda wish: wish.client("codebuild").delete_project(name=wish.physical_id),
        replace_on={"Name"},
    ),
)
