"""Which uses of a KMS key an API call brings with it: the caller needs them beside the call's own action.

S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
S3, uploads in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
Parameter Store: https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html

Every use is asked for as the service asks, on behalf of the caller (``kms:ViaService``). AWS's own keys (``aws/s3``)
may be used by everybody who may use the service. No key is cached here, so that a right that was taken away is missed
at once, where DynamoDB and SQS go on for five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from trainwright.rehearsal.permissions import arns, resource_policies
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.wire import Call

Keys = dict[str, list[str]]
KeyUse = tuple[str, str, Keys]
"""An action of KMS, the key's ARN and condition keys."""

ENCRYPTION_CONTEXT = "kms:encryptioncontext:"
WRITE = ("kms:GenerateDataKey",)
READ = ("kms:Decrypt",)
BOTH = (*WRITE, *READ)


def uses(call: Call, place: Place) -> Iterable[KeyUse]:
    """The uses of keys that a call makes for its caller."""
    finder = _FINDERS.get(call.service)
    return finder(call, place) if finder else ()


def via(service: str, place: Place, encryption_context: Mapping[str, str] | None = None) -> Keys:
    """The condition keys of a use that a service makes on behalf of a caller.

    The address that KMS sees is the service's, so that a policy that asks for ``aws:SourceIp`` does not hold.
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-aws.html#conditions-aws-ip-address
    """
    context = dict(encryption_context or {})
    return {
        "kms:viaservice": [f"{service}.{place.region}.amazonaws.com"],
        "kms:calleraccount": [place.account],
        "aws:viaawsservice": ["true"],
        **{f"{ENCRYPTION_CONTEXT}{name.lower()}": [value] for name, value in context.items()},
        **({"kms:encryptioncontextkeys": list(context)} if context else {}),
    }


def for_service(action: str, service_principal: str | None, place: Place) -> Keys:
    """The condition keys of a use that a service checks for a role that it has taken on.

    SageMaker makes a grant for a job's volumes; a job's output goes through S3.
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    service = (service_principal or "").partition(".")[0]
    if not service:
        return {}
    if action == "kms:CreateGrant":
        return {**via(service, place), "kms:grantisforawsresource": ["true"]}
    return via("s3" if service == "sagemaker" else service, place)


def _of(actions: Iterable[str], key: Any, keys: Keys, place: Place) -> Iterator[KeyUse]:
    if not key or "alias/aws/" in str(key):
        return
    arn = arns.key_arn(str(key), place)
    found = resource_policies.key_of(arn, place)
    if found is not None and any(name.startswith("alias/aws/") for name in found.aliases):
        return
    for action in actions:
        yield action, arn, keys


# --- S3 ------------------------------------------------------------------------------------------------------------

_S3_USES = {
    "PutObject": WRITE,
    "CopyObject": WRITE,
    "CreateMultipartUpload": WRITE,
    "UploadPart": READ,
    "UploadPartCopy": READ,
    "CompleteMultipartUpload": READ,
    "GetObject": READ,
    "HeadObject": READ,
}
_PARTS = ("UploadPart", "UploadPartCopy", "CompleteMultipartUpload")


def _s3(call: Call, place: Place) -> Iterator[KeyUse]:
    actions = _S3_USES.get(call.operation)
    if not actions:
        return
    bucket = bucket_of(call, place)
    if call.operation in ("GetObject", "HeadObject"):
        # The head of an object is not encrypted, but its checksum is (API_HeadObject, ChecksumMode).
        if call.operation == "GetObject" or call.params.get("ChecksumMode"):
            yield from _read(bucket, call.params, place)
        return
    key, bucket_key = _written_under(call, bucket)
    yield from _of(actions, key, _s3_keys(call.params["Bucket"], call.params.get("Key"), bucket_key, place), place)
    if call.params.get("CopySource"):
        source = copy_source(call.params["CopySource"])
        yield from _read(_bucket(source["Bucket"], place), source, place)


def bucket_of(call: Call, place: Place) -> Any | None:
    """The bucket that a call is about, if the account has it."""
    return _bucket(str(call.params.get("Bucket")), place)


def _bucket(name: str, place: Place) -> Any | None:
    from moto.s3.models import s3_backends  # noqa: PLC0415  (loads slowly)

    return s3_backends[place.account][place.partition].buckets.get(name)


def _read(bucket: Any | None, params: Mapping[str, Any], place: Place) -> Iterator[KeyUse]:
    found = stored_object(bucket, params)
    if found is None or not str(getattr(found, "encryption", "")).startswith("aws:kms"):
        return
    keys = _s3_keys(params["Bucket"], params["Key"], _true(found.bucket_key_enabled), place)
    yield from _of(READ, found.kms_key_id, keys, place)


def stored_object(bucket: Any | None, params: Mapping[str, Any]) -> Any | None:
    """The object, or the version of it, that a call is about."""
    if bucket is None:
        return None
    wanted = params.get("VersionId")
    if not wanted:
        return bucket.keys.get(params.get("Key"))
    versions = bucket.keys.getlist(params.get("Key"), [])
    return next((one for one in versions if str(one.version_id) == str(wanted)), None)


def _s3_keys(bucket: str, key: Any, bucket_key: bool, place: Place) -> Keys:
    """With a bucket key the context is the bucket's ARN, without one the object's."""
    arn = f"arn:{place.partition}:s3:::{bucket}" + ("" if bucket_key else f"/{key}")
    return via("s3", place, {"aws:s3:arn": arn})


def _written_under(call: Call, bucket: Any | None) -> tuple[Any, bool]:
    """The key of a new object, and whether the bucket's key stands between."""
    params: Mapping[str, Any] = call.params
    if call.operation in _PARTS:
        upload = bucket.multiparts.get(params.get("UploadId")) if bucket else None
        if upload is not None and upload.sse_encryption:
            params = {"ServerSideEncryption": upload.sse_encryption, "SSEKMSKeyId": upload.kms_key_id}
    rule = _default_rule(bucket)
    asked = params.get("ServerSideEncryption")
    if asked:
        bucket_key = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled"))
        return (params.get("SSEKMSKeyId") if asked.startswith("aws:kms") else None), _true(bucket_key)
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    key = default.get("KMSMasterKeyID") if str(default.get("SSEAlgorithm")).startswith("aws:kms") else None
    return key, _true(rule.get("BucketKeyEnabled"))


def _default_rule(bucket: Any | None) -> Mapping[str, Any]:
    rules = (bucket.encryption or {}).get("Rule", []) if bucket else []
    rules = rules if isinstance(rules, list) else [rules]
    return rules[0] if rules else {}


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def copy_source(source: Any) -> dict[str, str]:
    """Bucket, key and version of a CopySource in either of its forms."""
    if isinstance(source, Mapping):
        return dict(source)
    path, _, version = unquote(str(source)).lstrip("/").partition("?versionId=")
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}


# --- other services ------------------------------------------------------------------------------------------------

_ITEM_OPERATIONS = frozenset(
    {
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"),
        *("TransactGetItems", "TransactWriteItems"),
    }
)


def _dynamodb(call: Call, place: Place) -> Iterator[KeyUse]:
    if call.operation == "CreateTable":
        key = (call.params.get("SSESpecification") or {}).get("KMSMasterKeyId")
        yield from _of(("kms:DescribeKey",), key, _table_keys(str(call.params.get("TableName")), place), place)
        granted = {**_table_keys(str(call.params.get("TableName")), place), "kms:grantisforawsresource": ["true"]}
        yield from _of(("kms:CreateGrant",), key, granted, place)
    if call.operation not in _ITEM_OPERATIONS:
        return
    for arn in arns.resources("dynamodb", call.operation, call.params, place):
        name = arn.partition(":table/")[2].partition("/")[0]
        yield from _of(READ, _table_key(name, place), _table_keys(name, place), place)


def _table_keys(name: str, place: Place) -> Keys:
    return via("dynamodb", place, {"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": place.account})


def _table_key(name: str, place: Place) -> Any:
    from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415

    table = dynamodb_backends[place.account][place.region].tables.get(name)
    specification = (table.sse_specification or {}) if table else {}
    return specification.get("KMSMasterKeyId") if _true(specification.get("Enabled")) else None


def _sns(call: Call, place: Place) -> Iterator[KeyUse]:
    if call.operation in ("Publish", "PublishBatch"):
        yield from topic_uses(str(call.params.get("TopicArn")), place)


def topic_uses(topic: str, place: Place) -> Iterator[KeyUse]:
    """What whoever publishes to a topic needs of its key."""
    from moto.sns.models import sns_backends  # noqa: PLC0415

    found = sns_backends[place.account][place.region].topics.get(topic)
    key = found.kms_master_key_id if found else None
    yield from _of(BOTH, key, via("sns", place, {"aws:sns:topicArn": topic}), place)


_SQS_USES = {"SendMessage": BOTH, "SendMessageBatch": BOTH, "ReceiveMessage": READ}


def _sqs(call: Call, place: Place) -> Iterator[KeyUse]:
    for arn in arns.resources("sqs", call.operation, call.params, place):
        yield from queue_uses(arn, place, _SQS_USES.get(call.operation, ()))


def queue_uses(queue: str, place: Place, actions: Iterable[str] = BOTH) -> Iterator[KeyUse]:
    """What whoever sends to a queue (or does ``actions``) needs of its key."""
    from moto.sqs.models import sqs_backends  # noqa: PLC0415

    found = sqs_backends[place.account][place.region].queues.get(queue.rsplit(":", 1)[-1])
    key = getattr(found, "kms_master_key_id", None)
    yield from _of(actions, key, via("sqs", place, {"aws:sqs:arn": queue}), place)


_SECRET_USES = {"GetSecretValue": READ, "PutSecretValue": BOTH, "UpdateSecret": BOTH, "CreateSecret": BOTH}


def _secrets(call: Call, place: Place) -> Iterator[KeyUse]:
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415

    backend, name = secretsmanager_backends[place.account][place.region], str(call.params.get("SecretId"))
    found = backend.secrets.get(name) if name in backend.secrets else None
    keys = via("secretsmanager", place, {"SecretARN": found.arn} if found else {})
    key = call.params.get("KmsKeyId") or getattr(found, "kms_key_id", None)
    yield from _of(_SECRET_USES.get(call.operation, ()), key, keys, place)


def _ssm(call: Call, place: Place) -> Iterator[KeyUse]:
    if call.operation == "PutParameter" and call.params.get("Type") == "SecureString":
        arn = arns.resources("ssm", call.operation, call.params, place)[0]
        keys = via("ssm", place, {"PARAMETER_ARN": arn})
        yield from _of(("kms:Encrypt",), call.params.get("KeyId"), keys, place)
    if call.params.get("WithDecryption"):
        for arn, key in _secure_parameters(call, place):
            yield from _of(READ, key, via("ssm", place, {"PARAMETER_ARN": arn}), place)


def _secure_parameters(call: Call, place: Place) -> Iterator[tuple[str, str]]:
    from moto.ssm.models import ssm_backends  # noqa: PLC0415

    backend = ssm_backends[place.account][place.region]
    for name in call.params.get("Names") or [call.params.get("Name")]:
        found = backend.get_parameter(name) if name else None
        if found is not None and getattr(found, "parameter_type", "") == "SecureString":
            yield arns.resources("ssm", "GetParameter", {"Name": name}, place)[0], str(found.keyid or "")


_FINDERS: dict[str, Callable[[Call, Place], Iterable[KeyUse]]] = {
    "s3": _s3,
    "dynamodb": _dynamodb,
    "sns": _sns,
    "sqs": _sqs,
    "secretsmanager": _secrets,
    "ssm": _ssm,
}
