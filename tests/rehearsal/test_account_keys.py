"""Keys: what an execution role without kms:Decrypt or kms:GenerateDataKey meets, and how a key's policy decides."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.permissions import key_use
from trainwright.rehearsal.permissions.arns import Place

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
DELEGATES = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
EVERY_S3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
EVERY_KEY = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}


def refusal(call, *args, **kwargs):
    with pytest.raises(ClientError) as refused:
        call(*args, **kwargs)
    return refused.value.response["Error"]["Message"]


def new_key(account, *statements):
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return account.client("kms").create_key(Policy=policy, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]


def change(account, key, *statements):
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    account.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def names(role, *actions, **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": list(actions), "Resource": "*"}
    return statement | ({"Condition": condition} if condition else {})


def new_bucket(account, helpers, key, *, bucket_key=False):
    name = helpers.unique("sealed")
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=name, Key="there", Body=b"x")
    return name


def s3_of(account, *statements):
    role = account.role(EVERY_S3, *statements)
    return role, account.as_role(role, "s3")


@pytest.mark.parametrize(
    ("policy", "own", "words"),
    [
        ([DELEGATES], [], "because no identity-based policy allows the kms:Decrypt action"),
        ([DELEGATES], [EVERY_KEY], None),
        ([], [EVERY_KEY], "because no resource-based policy allows the kms:Decrypt action"),
        (["role"], [], None),
        ([DELEGATES, "deny"], [EVERY_KEY], "with an explicit deny in a resource-based policy"),
        (["other role"], [EVERY_KEY], "because no resource-based policy allows the kms:Decrypt action"),
        (["through s3"], [], None),
        (["through sqs"], [EVERY_KEY], "because no resource-based policy allows the kms:Decrypt action"),
    ],
)
def test_the_keys_policy_decides_or_leaves_it_to_the_roles(account, helpers, policy, own, words):
    role, s3 = s3_of(account, *own)
    key = new_key(account, DELEGATES)
    bucket = new_bucket(account, helpers, key)
    spelled = {
        "role": names(role, "kms:Decrypt"),
        "other role": names(account.role(), "kms:Decrypt"),
        "deny": {**names(role, "kms:Decrypt"), "Effect": "Deny"},
        "through s3": names("*", "kms:*", StringEquals={"kms:ViaService": "s3.us-east-1.amazonaws.com"}),
        "through sqs": names("*", "kms:*", StringEquals={"kms:ViaService": "sqs.us-east-1.amazonaws.com"}),
    }
    change(account, key, *(spelled.get(one, one) if isinstance(one, str) else one for one in policy))
    if words is None:
        assert s3.get_object(Bucket=bucket, Key="there")["Body"].read() == b"x"
    else:
        said = refusal(s3.get_object, Bucket=bucket, Key="there")
        assert f"is not authorized to perform: kms:Decrypt on resource: {key} {words}" in said


@pytest.mark.parametrize("bucket_key", [False, True])
def test_the_encryption_context_is_the_objects_arn_or_with_a_bucket_key_the_buckets(account, helpers, bucket_key):
    role, s3 = s3_of(account)
    key = new_key(account, DELEGATES)
    bucket = new_bucket(account, helpers, key, bucket_key=bucket_key)
    bound = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/*"}}
    change(account, key, names(role, "kms:GenerateDataKey", **bound))
    put = {"Bucket": bucket, "Key": "new", "Body": b"x"}
    if bucket_key:
        assert "kms:GenerateDataKey" in refusal(s3.put_object, **put)
    else:
        s3.put_object(**put)


def test_an_upload_in_parts_needs_the_key_twice(account, helpers):
    key = new_key(account, DELEGATES)
    bucket = new_bucket(account, helpers, new_key(account, DELEGATES))
    role = account.role(EVERY_S3, helpers.allow("kms:GenerateDataKey", key))
    s3 = account.as_role(role, "s3")
    place = {"Bucket": bucket, "Key": "parts"}
    upload = s3.create_multipart_upload(**place, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)["UploadId"]
    said = refusal(s3.upload_part, **place, UploadId=upload, PartNumber=1, Body=b"x")
    assert f"perform: kms:Decrypt on resource: {key}" in said


def test_a_copy_decrypts_its_source(account, helpers):
    source, target = new_key(account, DELEGATES), new_key(account, DELEGATES)
    here, there = new_bucket(account, helpers, source), new_bucket(account, helpers, target)
    role = account.role(EVERY_S3, helpers.allow("kms:GenerateDataKey", target))
    copy = account.as_role(role, "s3").copy_object
    said = refusal(copy, Bucket=there, Key="copy", CopySource={"Bucket": here, "Key": "there"})
    assert f"perform: kms:Decrypt on resource: {source}" in said


def test_an_object_under_s3s_own_key_needs_none(account, helpers):
    bucket = new_bucket(account, helpers, new_key(account))
    _, s3 = s3_of(account)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x", ServerSideEncryption="AES256")
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"x"
    assert s3.head_object(Bucket=bucket, Key="there")["ContentLength"] == 1  # a head is not encrypted


def test_a_rule_about_addresses_stops_s3_at_the_key(account, helpers):
    """KMS sees the service's address and not the caller's."""
    at_home = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    role = account.role(helpers.allow(["s3:*", "kms:*"], "*", **at_home))
    bucket = new_bucket(account, helpers, new_key(account, DELEGATES))
    said = refusal(account.as_role(role, "s3").get_object, Bucket=bucket, Key="there")
    assert "no identity-based policy allows the kms:Decrypt action" in said


def test_a_grant_lets_its_grantee_in(account, helpers):
    role, s3 = s3_of(account)
    key = new_key(account, DELEGATES)
    bucket = new_bucket(account, helpers, key)
    there = {"aws:s3:arn": f"arn:aws:s3:::{bucket}/there"}
    account.client("kms").create_grant(
        KeyId=key,
        GranteePrincipal=role,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": there},
    )
    assert s3.get_object(Bucket=bucket, Key="there")["Body"].read() == b"x"
    account.client("s3").put_object(Bucket=bucket, Key="elsewhere", Body=b"x")
    assert "kms:Decrypt" in refusal(s3.get_object, Bucket=bucket, Key="elsewhere")


def test_a_key_that_the_account_does_not_hold_is_decided_by_the_roles_and_counted(account, helpers):
    elsewhere = "arn:aws:kms:us-east-1:210987654321:key/11111111-2222-3333-4444-555555555555"
    bucket = new_bucket(account, helpers, elsewhere)
    role, s3 = s3_of(account)
    assert f"kms:Decrypt on resource: {elsewhere}" in refusal(s3.get_object, Bucket=bucket, Key="there")
    role, s3 = s3_of(account, EVERY_KEY)
    s3.get_object(Bucket=bucket, Key="there")
    assumed = [one["what"] for one in account.page("permissions")["assumed"] if one["principal"] == role]
    assert assumed == [f"kms:Decrypt on {elsewhere}: this account does not hold its policy, which was taken to agree"]


def test_a_table_under_a_customer_key_needs_it_for_every_item(account, helpers):
    key, name = new_key(account, DELEGATES), helpers.unique("table")
    dynamodb = account.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    item = {"TableName": name, "Key": {"run": {"S": "x"}}}
    items = helpers.allow("dynamodb:*", "*")
    without = account.as_role(account.role(items), "dynamodb")
    assert f"kms:Decrypt on resource: {key}" in refusal(without.get_item, **item)
    named = {"StringEquals": {"kms:EncryptionContext:aws:dynamodb:tableName": name}}
    may = account.as_role(account.role(items, helpers.allow("kms:Decrypt", key, **named)), "dynamodb")
    assert "Item" not in may.get_item(**item)


@pytest.mark.parametrize(
    ("service", "operation", "missing"),
    [
        ("sns", "publish", "kms:GenerateDataKey"),
        ("sqs", "send_message", "kms:GenerateDataKey"),
        ("sqs", "receive_message", "kms:Decrypt"),
        ("secretsmanager", "get_secret_value", "kms:Decrypt"),
        ("ssm", "get_parameter", "kms:Decrypt"),
    ],
)
def test_what_else_may_lie_under_a_customer_key(account, helpers, service, operation, missing):
    key = new_key(account, DELEGATES)
    role = account.role(helpers.allow(f"{service}:*", "*"))
    arguments = _sealed(account, service, helpers.unique("sealed"), key)
    call = getattr(account.as_role(role, service), operation)
    arguments |= {"MessageBody": "x"} if operation == "send_message" else {}
    assert f"perform: {missing} on resource: {key}" in refusal(call, **arguments)


def _sealed(account, service, name, key):
    client = account.client(service)
    if service == "sns":
        topic = client.create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
        return {"TopicArn": topic, "Message": "x"}
    if service == "sqs":
        return {"QueueUrl": client.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key})["QueueUrl"]}
    if service == "secretsmanager":
        client.create_secret(Name=name, SecretString="x", KmsKeyId=key)
        return {"SecretId": name}
    client.put_parameter(Name=name, Value="x", Type="SecureString", KeyId=key)
    return {"Name": name, "WithDecryption": True}


def test_a_log_group_takes_no_key_whose_policy_leaves_the_service_out(account, helpers):
    """What a stack meets that gives a key to a LogGroup."""
    for_logs = {**DELEGATES, "Principal": {"Service": "logs.us-east-1.amazonaws.com"}}
    key, name = new_key(account, DELEGATES), helpers.unique("logs")
    logs = account.as_role(account.role(helpers.allow("logs:*", "*")), "logs")
    said = refusal(logs.create_log_group, logGroupName=name, kmsKeyId=key)
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    assert said == f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
    change(account, key, DELEGATES, for_logs)
    logs.create_log_group(logGroupName=name, kmsKeyId=key)


def test_aws_own_keys_are_open_to_whoever_may_use_the_service(account, helpers):
    name = helpers.unique("own")
    account.client("ssm").put_parameter(Name=name, Value="x", Type="SecureString")
    role = account.role(helpers.allow("ssm:*", "*"))
    assert account.as_role(role, "ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "x"


def test_sagemaker_asks_for_a_volumes_grant_and_writes_output_through_s3():
    place = Place("aws", "us-east-1", ACCOUNT)
    volume = key_use.for_service("kms:CreateGrant", "sagemaker.amazonaws.com", place)
    assert volume["kms:grantisforawsresource"] == ["true"]
    assert volume["kms:viaservice"] == ["sagemaker.us-east-1.amazonaws.com"]
    output = key_use.for_service("kms:GenerateDataKey", "sagemaker.amazonaws.com", place)
    assert output["kms:viaservice"] == ["s3.us-east-1.amazonaws.com"]
    assert key_use.for_service("kms:Decrypt", None, place) == {}
