"""Buckets, tables and keys.

Property references: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, register, shaped, tag_list

# --- AWS::S3::Bucket -----------------------------------------------------------------------------------------------


def _create_bucket(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("BucketName"), limit=63, lower=True)
    arguments: dict[str, Any] = {"Bucket": name}
    if wish.region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": wish.region}
    if wish.properties.get("ObjectLockEnabled"):
        arguments["ObjectLockEnabledForBucket"] = True
    wish.client("s3").create_bucket(**arguments)
    for property_name in wish.properties:
        _configure_bucket(wish, name, property_name)
    _tag_bucket(wish, name)
    return _bucket(wish, name)


def _update_bucket(wish: Wish) -> Made:
    for property_name in {*wish.properties, *wish.before}:
        if wish.changed(property_name):
            _configure_bucket(wish, wish.physical_id, property_name)
    _tag_bucket(wish, wish.physical_id)
    return _bucket(wish, wish.physical_id)


def _bucket(wish: Wish, name: str) -> Made:
    region = wish.region
    return Made(
        name,
        {
            "Arn": f"arn:{wish.partition}:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        },
    )


def _tag_bucket(wish: Wish, name: str) -> None:
    tags = tag_list(wish)
    if tags:
        wish.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    elif wish.before:
        wish.client("s3").delete_bucket_tagging(Bucket=name)


def _configure_bucket(wish: Wish, name: str, property_name: str) -> None:
    if property_name in _BUCKET_SETTERS:
        _BUCKET_SETTERS[property_name](wish.client("s3"), name, wish.properties.get(property_name))
    elif property_name not in ("BucketName", "Tags", "ObjectLockEnabled"):
        wish.say(f"{property_name} is recorded, but the rehearsal does not apply it")


def _set_encryption(s3: Any, bucket: str, value: Any) -> None:
    if value is None:
        s3.delete_bucket_encryption(Bucket=bucket)
        return
    rules = [_encryption_rule(rule) for rule in value["ServerSideEncryptionConfiguration"]]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _encryption_rule(rule: dict[str, Any]) -> dict[str, Any]:
    changed = dict(rule)
    if "ServerSideEncryptionByDefault" in changed:
        changed["ApplyServerSideEncryptionByDefault"] = changed.pop("ServerSideEncryptionByDefault")
    changed.pop("BlockedEncryptionTypes", None)
    return changed


def _set_lifecycle(s3: Any, bucket: str, value: Any) -> None:
    if value is None:
        s3.delete_bucket_lifecycle(Bucket=bucket)
        return
    rules = [_lifecycle_rule(rule) for rule in value["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    expiration = {
        target: rule[source]
        for source, target in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if source in rule
    }
    if expiration:
        made["Expiration"] = _numbers(expiration)
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = _numbers(rule["AbortIncompleteMultipartUpload"])
    return {**made, **_noncurrent(rule), **_transitions(rule)}


def _lifecycle_filter(rule: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
    tags = rule.get("TagFilters", [])
    for size in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if size in rule:
            parts[size] = int(rule[size])
    if not tags and len(parts) <= 1:
        return parts or {"Prefix": ""}
    if len(tags) == 1 and not parts:
        return {"Tag": tags[0]}
    return {"And": {**parts, **({"Tags": tags} if tags else {})}}


def _noncurrent(rule: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "NoncurrentVersionExpiration" in rule:
        made["NoncurrentVersionExpiration"] = _numbers(rule["NoncurrentVersionExpiration"])
    elif "NoncurrentVersionExpirationInDays" in rule:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    moves = rule.get("NoncurrentVersionTransitions") or [
        one for one in (rule.get("NoncurrentVersionTransition"),) if one
    ]
    if moves:
        made["NoncurrentVersionTransitions"] = [
            _numbers({"StorageClass": one["StorageClass"], "NoncurrentDays": one["TransitionInDays"]}) for one in moves
        ]
    return made


def _transitions(rule: dict[str, Any]) -> dict[str, Any]:
    moves = rule.get("Transitions") or [one for one in (rule.get("Transition"),) if one]
    names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
    made = [_numbers({names.get(name, name): value for name, value in one.items()}) for one in moves]
    return {"Transitions": made} if made else {}


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value) if str(value).isdigit() else value for name, value in values.items()}


def _set_notifications(s3: Any, bucket: str, value: Any) -> None:
    value = value or {}
    made: dict[str, Any] = {}
    if (value.get("EventBridgeConfiguration") or {}).get("EventBridgeEnabled", "EventBridgeConfiguration" in value):
        made["EventBridgeConfiguration"] = {}
    for kind, target, api in (
        ("LambdaConfigurations", "Function", ("LambdaFunctionConfigurations", "LambdaFunctionArn")),
        ("QueueConfigurations", "Queue", ("QueueConfigurations", "QueueArn")),
        ("TopicConfigurations", "Topic", ("TopicConfigurations", "TopicArn")),
    ):
        entries = [_notification(one, target, api[1]) for one in value.get(kind, [])]
        if entries:
            made[api[0]] = entries
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=made)


def _notification(entry: dict[str, Any], target: str, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {name: entry[target], "Events": [entry["Event"]]}
    rules = entry.get("Filter", {}).get("S3Key", {}).get("Rules")
    if rules:
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made


def _set_public_access(s3: Any, bucket: str, value: Any) -> None:
    if value is None:
        s3.delete_public_access_block(Bucket=bucket)
        return
    block = {name: str(setting).lower() == "true" for name, setting in value.items()}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)


def _set_logging(s3: Any, bucket: str, value: Any) -> None:
    status: dict[str, Any] = {}
    if value:
        status["LoggingEnabled"] = {
            "TargetBucket": value.get("DestinationBucketName", bucket),
            "TargetPrefix": value.get("LogFilePrefix", ""),
        }
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)


def _set_versioning(s3: Any, bucket: str, value: Any) -> None:
    status = value["Status"] if value else "Suspended"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def _set_ownership(s3: Any, bucket: str, value: Any) -> None:
    if value is None:
        s3.delete_bucket_ownership_controls(Bucket=bucket)
        return
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)


def _set_cors(s3: Any, bucket: str, value: Any) -> None:
    if value is None:
        s3.delete_bucket_cors(Bucket=bucket)
        return
    names = {"MaxAge": "MaxAgeSeconds", "Id": "ID", "ExposedHeaders": "ExposeHeaders"}
    rules = [{names.get(name, name): one for name, one in rule.items()} for rule in value["CorsRules"]]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [_numbers(rule) for rule in rules]})


_BUCKET_SETTERS: dict[str, Callable[[Any, str, Any], None]] = {
    "BucketEncryption": _set_encryption,
    "CorsConfiguration": _set_cors,
    "LifecycleConfiguration": _set_lifecycle,
    "LoggingConfiguration": _set_logging,
    "NotificationConfiguration": _set_notifications,
    "OwnershipControls": _set_ownership,
    "PublicAccessBlockConfiguration": _set_public_access,
    "VersioningConfiguration": _set_versioning,
}


def _put_bucket_policy(wish: Wish) -> Made:
    bucket = wish.properties["Bucket"]
    policy = json.dumps(wish.properties["PolicyDocument"])
    wish.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    return Made(bucket)


def _delete_bucket_policy(wish: Wish) -> None:
    wish.client("s3").delete_bucket_policy(Bucket=wish.before["Bucket"])


register(
    "AWS::S3::Bucket",
    Table(
        _create_bucket,
        _update_bucket,
        lambda wish: wish.client("s3").delete_bucket(Bucket=wish.physical_id),
        replace_on={"BucketName", "ObjectLockEnabled"},
    ),
)
register(
    "AWS::S3::BucketPolicy", Table(_put_bucket_policy, _put_bucket_policy, _delete_bucket_policy, replace_on={"Bucket"})
)

# --- AWS::DynamoDB::Table ------------------------------------------------------------------------------------------

_TABLE_ELSEWHERE = (
    "TableName",
    "Tags",
    "PointInTimeRecoverySpecification",
    "TimeToLiveSpecification",
    "SSESpecification",
    "StreamSpecification",
    "ContributorInsightsSpecification",
    "KinesisStreamSpecification",
)


def _create_table(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("TableName"), limit=255)
    arguments = shaped(wish, "dynamodb", "CreateTable", wish.properties, leave=_TABLE_ELSEWHERE)
    arguments.setdefault("BillingMode", "PROVISIONED")
    for side in ("SSESpecification", "StreamSpecification"):
        if side in wish.properties:
            arguments[side] = _TABLE_SIDES[side](wish.properties[side])
    tags = tag_list(wish)
    if tags:
        arguments["Tags"] = tags
    wish.client("dynamodb").create_table(TableName=name, **arguments)
    _table_extras(wish, name, first=True)
    return _table(wish, name)


def _table(wish: Wish, name: str) -> Made:
    found = wish.client("dynamodb").describe_table(TableName=name)["Table"]
    stream = found.get("LatestStreamArn")
    return Made(name, {"Arn": found["TableArn"], **({"StreamArn": stream} if stream else {})})


def _encryption(value: dict[str, Any]) -> dict[str, Any]:
    made = {"Enabled": value["SSEEnabled"], **{key: one for key, one in value.items() if key != "SSEEnabled"}}
    if made["Enabled"]:
        made.setdefault("SSEType", "KMS")
    return made


_TABLE_SIDES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "SSESpecification": _encryption,
    "StreamSpecification": lambda value: {"StreamEnabled": True, "StreamViewType": value["StreamViewType"]},
}


def _table_extras(wish: Wish, name: str, *, first: bool) -> None:
    client, properties = wish.client("dynamodb"), wish.properties
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery or (not first and wish.changed("PointInTimeRecoverySpecification")):
        enabled = {"PointInTimeRecoveryEnabled": bool((recovery or {}).get("PointInTimeRecoveryEnabled"))}
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=enabled)
    living = properties.get("TimeToLiveSpecification")
    if living:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=living)
    for left in ("ContributorInsightsSpecification", "KinesisStreamSpecification"):
        if left in properties:
            wish.say(f"{left} is recorded, but the rehearsal does not apply it")


def _update_table(wish: Wish) -> Made:
    names = ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass")
    changes = {name: wish.properties[name] for name in names if wish.changed(name) and name in wish.properties}
    if "DeletionProtectionEnabled" in wish.before and "DeletionProtectionEnabled" not in wish.properties:
        changes["DeletionProtectionEnabled"] = False
    for side, make in _TABLE_SIDES.items():
        if wish.changed(side) and side in wish.properties:
            changes[side] = make(wish.properties[side])
    if wish.changed("GlobalSecondaryIndexes"):
        wish.say("GlobalSecondaryIndexes: the rehearsal does not change the indexes of a table that exists")
    if changes:
        fitted = shaped(wish, "dynamodb", "UpdateTable", changes)
        wish.client("dynamodb").update_table(TableName=wish.physical_id, **fitted)
    _table_extras(wish, wish.physical_id, first=False)
    tags = tag_list(wish)
    if tags:
        wish.client("dynamodb").tag_resource(ResourceArn=wish.attributes["Arn"], Tags=tags)
    return _table(wish, wish.physical_id)


register(
    "AWS::DynamoDB::Table",
    Table(
        _create_table,
        _update_table,
        lambda wish: wish.client("dynamodb").delete_table(TableName=wish.physical_id),
        replace_on={"TableName", "KeySchema", "LocalSecondaryIndexes"},
    ),
)

# --- AWS::KMS::Key and Alias ---------------------------------------------------------------------------------------


def _key_tags(wish: Wish) -> list[dict[str, str]]:
    return tag_list(wish, key="TagKey", value="TagValue")


def _create_key(wish: Wish) -> Made:
    given = {
        key: value
        for key, value in wish.properties.items()
        if key in ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin")
    }
    arguments = shaped(wish, "kms", "CreateKey", given)
    if wish.properties.get("KeyPolicy"):
        arguments["Policy"] = json.dumps(wish.properties["KeyPolicy"])
    found = wish.client("kms").create_key(Tags=_key_tags(wish), **arguments)["KeyMetadata"]
    _key_state(wish, found["KeyId"])
    return Made(found["KeyId"], {"Arn": found["Arn"], "KeyId": found["KeyId"]})


def _key_state(wish: Wish, key: str) -> None:
    kms = wish.client("kms")
    if str(wish.properties.get("EnableKeyRotation", False)).lower() == "true":
        days = wish.properties.get("RotationPeriodInDays")
        kms.enable_key_rotation(KeyId=key, **({"RotationPeriodInDays": int(days)} if days else {}))
    elif wish.before.get("EnableKeyRotation"):
        kms.disable_key_rotation(KeyId=key)
    if str(wish.properties.get("Enabled", True)).lower() == "false":
        kms.disable_key(KeyId=key)
    elif str(wish.before.get("Enabled", True)).lower() == "false":
        kms.enable_key(KeyId=key)


def _update_key(wish: Wish) -> Made:
    kms, key = wish.client("kms"), wish.physical_id
    if wish.changed("KeyPolicy") and wish.properties.get("KeyPolicy"):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(wish.properties["KeyPolicy"]))
    if wish.changed("Description"):
        kms.update_key_description(KeyId=key, Description=wish.properties.get("Description", ""))
    if _key_tags(wish):
        kms.tag_resource(KeyId=key, Tags=_key_tags(wish))
    _key_state(wish, key)
    return Made(key, dict(wish.attributes))


def _delete_key(wish: Wish) -> None:
    days = int(wish.before.get("PendingWindowInDays", 30))
    wish.client("kms").schedule_key_deletion(KeyId=wish.physical_id, PendingWindowInDays=days)


def _create_alias(wish: Wish) -> Made:
    name, target = wish.properties["AliasName"], wish.properties["TargetKeyId"]
    wish.client("kms").create_alias(AliasName=name, TargetKeyId=target)
    return Made(name)


def _update_alias(wish: Wish) -> Made:
    wish.client("kms").update_alias(AliasName=wish.physical_id, TargetKeyId=wish.properties["TargetKeyId"])
    return Made(wish.physical_id)


register(
    "AWS::KMS::Key",
    Table(_create_key, _update_key, _delete_key, replace_on={"KeySpec", "KeyUsage", "MultiRegion", "Origin"}),
)
register(
    "AWS::KMS::Alias",
    Table(
        _create_alias,
        _update_alias,
        lambda wish: wish.client("kms").delete_alias(AliasName=wish.physical_id),
        replace_on={"AliasName"},
    ),
)
