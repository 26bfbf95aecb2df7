"""Which IAM actions an API call needs: its own, and those that AWS checks beside it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from trainwright.rehearsal.permissions import arns, key_use
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.keys import request_keys
from trainwright.rehearsal.wire import Call

PREFIX = {
    "stepfunctions": "states",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "dynamodbstreams": "dynamodb",
    "efs": "elasticfilesystem",
}
# Calls that every caller may make (STS: "No permissions are required to perform this operation").
FREE = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})

_S3 = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "ListBuckets": "ListAllMyBuckets",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
}
_LAMBDA = {
    "Invoke": "InvokeFunction",
    "InvokeAsync": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
    "GetLayerVersionByArn": "GetLayerVersion",
}
_TRANSACT = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# Parameters in which a caller hands a role to a service, and the service that will assume it.
_PASSED_ROLES: dict[tuple[str, str], tuple[str, str]] = {
    **{
        ("sagemaker", f"Create{kind}"): (name, "sagemaker.amazonaws.com")
        for kind, name in {
            "TrainingJob": "RoleArn",
            "ProcessingJob": "RoleArn",
            "Pipeline": "RoleArn",
            "Model": "ExecutionRoleArn",
            "AutoMLJob": "RoleArn",
        }.items()
    },
    ("sagemaker", "UpdatePipeline"): ("RoleArn", "sagemaker.amazonaws.com"),
    ("stepfunctions", "CreateStateMachine"): ("roleArn", "states.amazonaws.com"),
    ("stepfunctions", "UpdateStateMachine"): ("roleArn", "states.amazonaws.com"),
    ("lambda", "CreateFunction"): ("Role", "lambda.amazonaws.com"),
    ("lambda", "UpdateFunctionConfiguration"): ("Role", "lambda.amazonaws.com"),
    ("codebuild", "CreateProject"): ("serviceRole", "codebuild.amazonaws.com"),
    ("codebuild", "UpdateProject"): ("serviceRole", "codebuild.amazonaws.com"),
    ("codebuild", "StartBuild"): ("serviceRoleOverride", "codebuild.amazonaws.com"),
    ("events", "PutRule"): ("RoleArn", "events.amazonaws.com"),
    ("cloudformation", "CreateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "UpdateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "CreateChangeSet"): ("RoleARN", "cloudformation.amazonaws.com"),
}


@dataclass(frozen=True)
class Need:
    """One thing that must be allowed: an action on a resource in a context."""

    action: str
    resource: str
    keys: Mapping[str, list[str]] = field(default_factory=dict)


def needs(call: Call, place: Place) -> list[Need]:
    """Everything that the caller must be allowed to do for this call to go through."""
    if (call.service, call.operation) in FREE or _answers_nobody(call, place):
        return []
    keys = request_keys(call, place)
    return [
        *(Need(action, resource, keys) for action, resource in _own(call, place)),
        *_passed_roles(call),
        *_tags_at_creation(call, place, keys),
        *_session(call, keys),
        *(Need(*use) for use in key_use.uses(call, place)),
    ]


def _answers_nobody(call: Call, place: Place) -> bool:
    """A task token that no Task ever had is refused as such, whatever the caller may do."""
    answers = call.service == "stepfunctions" and call.operation.startswith("SendTask")
    return answers and arns.token_holder(str(call.params.get("taskToken")), place) is None


def _own(call: Call, place: Place) -> Iterable[tuple[str, str]]:
    if call.service == "dynamodb" and call.operation.startswith("Transact"):
        return list(_transaction(call, place))
    if call.service == "s3":
        return list(_s3(call, place))
    action = f"{PREFIX.get(call.service, call.service)}:{action_name(call.service, call.operation)}"
    return [(action, resource) for resource in arns.resources(call.service, call.operation, call.params, place)]


def action_name(service: str, operation: str) -> str:
    """What IAM calls an operation, without the prefix."""
    return {"lambda": _LAMBDA, "s3": _S3}.get(service, {}).get(operation, operation)


def _transaction(call: Call, place: Place) -> Iterator[tuple[str, str]]:
    for item in call.params.get("TransactItems", []):
        for kind, body in item.items():
            yield (
                f"dynamodb:{_TRANSACT[kind]}",
                arns.resources("dynamodb", "GetItem", {"TableName": body["TableName"]}, place)[0],
            )


def _s3(call: Call, place: Place) -> Iterator[tuple[str, str]]:
    params, name = call.params, _S3.get(call.operation, call.operation)
    if params.get("VersionId") and name in {"GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging"}:
        name = {"GetObjectTagging": "GetObjectVersionTagging", "PutObjectTagging": "PutObjectVersionTagging"}.get(
            name, f"{name}Version"
        )
    for resource in arns.resources("s3", call.operation, params, place):
        yield f"s3:{name}", resource
        if params.get("Tagging") and call.operation in {"PutObject", "CopyObject", "CreateMultipartUpload"}:
            yield "s3:PutObjectTagging", resource
        if params.get("ACL") and call.operation in {"PutObject", "CopyObject", "CreateMultipartUpload"}:
            yield "s3:PutObjectAcl", resource
    if params.get("CopySource"):
        source = key_use.copy_source(params["CopySource"])
        action = "s3:GetObjectVersion" if source.get("VersionId") else "s3:GetObject"
        yield action, f"arn:{place.partition}:s3:::{source['Bucket']}/{source['Key']}"


def _passed_roles(call: Call) -> Iterator[Need]:
    name, principal = _PASSED_ROLES.get((call.service, call.operation), ("", ""))
    role = call.params.get(name)
    if role:
        yield Need("iam:PassRole", str(role), {"iam:passedtoservice": [principal]})
    if (call.service, call.operation) == ("events", "PutTargets"):
        for target in call.params.get("Targets", []):
            if target.get("RoleArn"):
                yield Need("iam:PassRole", target["RoleArn"], {"iam:passedtoservice": ["events.amazonaws.com"]})


def _tags_at_creation(call: Call, place: Place, keys: Mapping[str, list[str]]) -> Iterator[Need]:
    """Tags in a create call need the tagging action too (SageMaker: AddTags; Step Functions: TagResource)."""
    if not call.operation.startswith("Create"):
        return
    if call.service == "sagemaker" and call.params.get("Tags"):
        for resource in arns.resources("sagemaker", call.operation, call.params, place):
            yield Need("sagemaker:AddTags", resource, _tag_keys(keys))
    if call.service == "stepfunctions" and call.params.get("tags"):
        for resource in arns.resources("stepfunctions", call.operation, call.params, place):
            yield Need("states:TagResource", resource, _tag_keys(keys))


def _session(call: Call, keys: Mapping[str, list[str]]) -> Iterator[Need]:
    """What a caller of AssumeRole gives to the session is asked for by actions of its own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
    """
    if (call.service, call.operation) != ("sts", "AssumeRole"):
        return
    if call.params.get("Tags"):
        yield Need("sts:TagSession", str(call.params["RoleArn"]), keys)
    if call.params.get("SourceIdentity"):
        yield Need("sts:SetSourceIdentity", str(call.params["RoleArn"]), keys)


def _tag_keys(keys: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key: values for key, values in keys.items() if key.startswith(("aws:requesttag/", "aws:tagkeys"))}


def hides_absence(call: Call, place: Place) -> Need | None:
    """The need that decides whether a missing object is 404 or 403: without s3:ListBucket, S3 does not tell.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    if call.service != "s3" or call.operation not in {"GetObject", "HeadObject"}:
        return None
    bucket = key_use.bucket_of(call, place)
    if bucket is None or bucket.keys.get(call.params.get("Key")) is not None:
        return None
    return Need("s3:ListBucket", f"arn:{place.partition}:s3:::{call.params['Bucket']}")
