"""Roles are held to their policies, in AWS's words, by every service."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

_ACCOUNT = "123456789012"


def _refusal(call, *args, **kwargs):
    with pytest.raises(ClientError) as refused:
        call(*args, **kwargs)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def _session(arn):
    return f"arn:aws:sts::{_ACCOUNT}:assumed-role/{arn.rsplit('/', 1)[1]}/tester"


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action", "resource", "code", "status"),
    [
        ("s3", "put_object", {"Bucket": "b", "Key": "k"}, "s3:PutObject", '"arn:aws:s3:::b/k"', "AccessDenied", 403),
        ("s3", "list_objects_v2", {"Bucket": "b"}, "s3:ListBucket", '"arn:aws:s3:::b"', "AccessDenied", 403),
        (
            "stepfunctions",
            "start_execution",
            {"stateMachineArn": f"arn:aws:states:us-east-1:{_ACCOUNT}:stateMachine:m"},
            "states:StartExecution",
            f"arn:aws:states:us-east-1:{_ACCOUNT}:stateMachine:m",
            "AccessDeniedException",
            400,
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "f", "Qualifier": "3"},
            "lambda:InvokeFunction",
            f"arn:aws:lambda:us-east-1:{_ACCOUNT}:function:f:3",
            "AccessDeniedException",
            403,
        ),
        (
            "dynamodb",
            "get_item",
            {"TableName": "t", "Key": {"run": {"S": "x"}}},
            "dynamodb:GetItem",
            f"arn:aws:dynamodb:us-east-1:{_ACCOUNT}:table/t",
            "AccessDeniedException",
            400,
        ),
        (
            "ssm",
            "get_parameter",
            {"Name": "/a/b"},
            "ssm:GetParameter",
            f"arn:aws:ssm:us-east-1:{_ACCOUNT}:parameter/a/b",
            "AccessDeniedException",
            400,
        ),
        (
            "sagemaker",
            "describe_training_job",
            {"TrainingJobName": "research-1"},
            "sagemaker:DescribeTrainingJob",
            f"arn:aws:sagemaker:us-east-1:{_ACCOUNT}:training-job/research-1",
            "AccessDeniedException",
            400,
        ),
        (
            "iam",
            "get_role",
            {"RoleName": "nobody"},
            "iam:GetRole",
            f"arn:aws:iam::{_ACCOUNT}:role/nobody",
            "AccessDenied",
            403,
        ),
        (
            "logs",
            "get_log_events",
            {"logGroupName": "/g", "logStreamName": "s"},
            "logs:GetLogEvents",
            f"arn:aws:logs:us-east-1:{_ACCOUNT}:log-group:/g:log-stream:s",
            "AccessDeniedException",
            400,
        ),
        (
            "codebuild",
            "batch_get_builds",
            {"ids": ["p:1"]},
            "codebuild:BatchGetBuilds",
            f"arn:aws:codebuild:us-east-1:{_ACCOUNT}:project/p",
            "AccessDeniedException",
            400,
        ),
        (
            "events",
            "put_rule",
            {"Name": "r", "ScheduleExpression": "rate(1 day)"},
            "events:PutRule",
            f"arn:aws:events:us-east-1:{_ACCOUNT}:rule/r",
            "AccessDeniedException",
            400,
        ),
    ],
)
def test_refusals_speak_as_aws_does(account, service, operation, arguments, action, resource, code, status):
    role = account.role()
    refused = _refusal(getattr(account.as_role(role, service), operation), **arguments)
    message = (
        f"User: {_session(role)} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    assert refused == (code, message, status)


def test_an_explicit_deny_wins_and_says_so(account, helpers):
    role = account.role(
        helpers.allow("s3:*", "*"), {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/secret/*"}
    )
    s3 = account.as_role(role, "s3")
    _, message, _ = _refusal(s3.put_object, Bucket="b", Key="secret/k")
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_bounds(account, helpers):
    iam = account.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [helpers.allow("sts:*", "*")]})
    boundary = iam.create_policy(PolicyName=helpers.unique("boundary"), PolicyDocument=document)["Policy"]["Arn"]
    role = account.role(helpers.allow("s3:*", "*"), PermissionsBoundary=boundary)
    _, message, _ = _refusal(account.as_role(role, "s3").list_buckets)
    assert message.endswith("because no permissions boundary allows the s3:ListAllMyBuckets action")


def test_managed_policies_count(account, helpers):
    iam = account.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [helpers.allow("s3:ListAllMyBuckets", "*")]})
    policy = iam.create_policy(PolicyName=helpers.unique("policy"), PolicyDocument=document)["Policy"]["Arn"]
    role = account.role()
    iam.attach_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyArn=policy)
    assert "Buckets" in account.as_role(role, "s3").list_buckets()


def test_aws_managed_policies_can_be_attached(account):
    role = account.role()
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    account.client("iam").attach_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyArn=arn)
    account.as_role(role, "logs").create_log_group(logGroupName=f"/{role.rsplit('/', 1)[1]}")


def test_a_policy_change_counts_at_once(account, helpers):
    role = account.role(helpers.allow("s3:ListAllMyBuckets", "*"))
    s3 = account.as_role(role, "s3")
    s3.list_buckets()
    account.client("iam").delete_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="work")
    assert _refusal(s3.list_buckets)[0] == "AccessDenied"


@pytest.fixture(scope="module")
def bucket(account, helpers):
    name = helpers.unique("bucket")
    account.client("s3").create_bucket(Bucket=name)
    account.client("s3").put_object(Bucket=name, Key="here", Body=b"x" * 10)
    return name


def test_a_missing_object_is_hidden_from_those_who_may_not_list(account, helpers, bucket):
    objects, itself = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    reader = account.as_role(account.role(helpers.allow("s3:GetObject", objects)), "s3")
    assert reader.get_object(Bucket=bucket, Key="here")["Body"].read() == b"x" * 10
    assert _refusal(reader.get_object, Bucket=bucket, Key="missing")[0] == "AccessDenied"
    assert _refusal(reader.head_object, Bucket=bucket, Key="missing")[0] == "403"
    lister = account.role(helpers.allow("s3:GetObject", objects), helpers.allow("s3:ListBucket", itself))
    assert _refusal(account.as_role(lister, "s3").get_object, Bucket=bucket, Key="missing")[0] == "NoSuchKey"


def test_prefixes_bound_a_listing(account, helpers, bucket):
    condition = {"StringLike": {"s3:prefix": "runs/*"}}
    s3 = account.as_role(account.role(helpers.allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", **condition)), "s3")
    s3.list_objects_v2(Bucket=bucket, Prefix="runs/1")
    assert _refusal(s3.list_objects_v2, Bucket=bucket, Prefix="other/")[0] == "AccessDenied"
    assert _refusal(s3.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"


def test_a_copy_needs_its_source(account, helpers, bucket):
    role = account.role(helpers.allow("s3:PutObject", f"arn:aws:s3:::{bucket}/copy"))
    source = {"Bucket": bucket, "Key": "here"}
    _, message, _ = _refusal(account.as_role(role, "s3").copy_object, Bucket=bucket, Key="copy", CopySource=source)
    assert f'perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/here"' in message


def test_several_objects_are_deleted_one_by_one(account, helpers, bucket):
    role = account.role(helpers.allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"))
    s3 = account.as_role(role, "s3")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/1"}]})
    refused = _refusal(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "mine/1"}, {"Key": "here"}]})
    assert f'"arn:aws:s3:::{bucket}/here"' in refused[1]


def test_objects_under_a_customer_key_need_the_key(account, helpers):
    kms, s3 = account.client("kms"), account.client("s3")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    name = helpers.unique("sealed")
    s3.create_bucket(Bucket=name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    objects = helpers.allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{name}/*")
    without = account.as_role(account.role(objects), "s3")
    assert "kms:GenerateDataKey" in _refusal(without.put_object, Bucket=name, Key="k", Body=b"x")[1]
    full = account.as_role(account.role(objects, helpers.allow(["kms:GenerateDataKey", "kms:Decrypt"], key)), "s3")
    full.put_object(Bucket=name, Key="k", Body=b"x")
    assert full.get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    assert "kms:Decrypt" in _refusal(without.get_object, Bucket=name, Key="k")[1]


def _training(role, **more):
    return {
        "TrainingJobName": "research-0-1",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": "s3://b/"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **more,
    }


_JOBS = f"arn:aws:sagemaker:us-east-1:{_ACCOUNT}:training-job/research-*"


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ({"ForAllValues:StringLike": {"sagemaker:InstanceTypes": "ml.m5.*"}}, {}),
        ({"NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": "60"}}, {}),
        ({"Bool": {"sagemaker:NetworkIsolation": "true"}}, {"EnableNetworkIsolation": False}),
        ({"Null": {"sagemaker:VpcSubnets": "false"}}, {}),
        ({"ArnEquals": {"sagemaker:OutputKmsKey": f"arn:aws:kms:us-east-1:{_ACCOUNT}:key/k"}}, {}),
        (
            {"BoolIfExists": {"sagemaker:EnableRemoteDebug": "false"}},
            {"RemoteDebugConfig": {"EnableRemoteDebug": True}},
        ),
        ({"StringEquals": {"aws:RequestTag/team": "research"}}, {"Tags": [{"Key": "team", "Value": "other"}]}),
    ],
)
def test_the_team_policy_holds_as_conditions(account, helpers, condition, more):
    role = account.role(helpers.allow("sagemaker:CreateTrainingJob", _JOBS, **condition))
    _, message, _ = _refusal(account.as_role(role, "sagemaker").create_training_job, **_training(role, **more))
    assert "not authorized to perform: sagemaker:CreateTrainingJob" in message


def test_passing_a_role_is_checked(account, helpers):
    role = account.role(helpers.allow("sagemaker:CreateTrainingJob", _JOBS))
    _, message, _ = _refusal(account.as_role(role, "sagemaker").create_training_job, **_training(role))
    assert f"perform: iam:PassRole on resource: {role}" in message


def test_a_role_is_passed_to_the_service_that_the_policy_names(account, helpers):
    condition = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    role = account.role(
        helpers.allow("sagemaker:CreateTrainingJob", _JOBS), helpers.allow("iam:PassRole", "*", **condition)
    )
    assert "iam:PassRole" in _refusal(account.as_role(role, "sagemaker").create_training_job, **_training(role))[1]


def test_tags_at_creation_need_their_own_permission(account, helpers):
    role = account.role(helpers.allow(["sagemaker:CreateTrainingJob", "iam:PassRole"], "*"))
    tagged = _training(role, Tags=[{"Key": "team", "Value": "research"}])
    assert "sagemaker:AddTags" in _refusal(account.as_role(role, "sagemaker").create_training_job, **tagged)[1]


def test_what_is_not_mapped_is_refused_loudly_and_counted(account, helpers):
    condition = {"StringEquals": {"aws:ResourceTag/team": "research"}}
    role = account.role(helpers.allow("s3:ListAllMyBuckets", "*", **condition))
    code, message, _ = _refusal(account.as_role(role, "s3").list_buckets)
    assert code == "RehearsalNotEvaluated"
    assert "aws:ResourceTag/team is not mapped" in message
    assert role in {entry["principal"] for entry in account.page("permissions")["unknown"]}


def test_what_was_used_and_what_was_refused_can_be_read(account, helpers, bucket):
    role = account.role(helpers.allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    s3 = account.as_role(role, "s3")
    s3.get_object(Bucket=bucket, Key="here")
    _refusal(s3.put_object, Bucket=bucket, Key="k")
    used = {(one["action"], one["allowed"]) for one in account.page("permissions")["used"] if one["principal"] == role}
    assert used == {("s3:GetObject", True), ("s3:PutObject", False)}
    denied = [one["action"] for one in account.page("permissions")["denied"] if one["principal"] == role]
    assert denied == ["s3:PutObject"]


def test_lambda_takes_no_role_that_does_not_trust_it(account):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
        ],
    }
    refused = _refusal(account.function, "def handler(e, c): return 1", account.role(trust=trust))
    words = "The role defined for the function cannot be assumed by Lambda."
    assert refused == ("InvalidParameterValueException", words, 400)


def test_a_function_whose_role_lost_its_trust_does_not_start(account, helpers):
    role = account.role()
    name = account.function("def handler(e, c): return 1", role)
    trust = json.dumps({**helpers.TRUST_LAMBDA, "Statement": [helpers.trust_root()]})
    account.client("iam").update_assume_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyDocument=trust)
    code, message, _ = _refusal(account.client("lambda").invoke, FunctionName=name)
    assert code == "AccessDeniedException"
    assert "lambda.amazonaws.com" in message


def test_credentials_of_nobody_are_refused(account):
    stranger = ("AKIA0000000000000000", "secret", None)
    assert _refusal(account.client("s3", stranger).list_buckets)[0] == "InvalidAccessKeyId"
    assert _refusal(account.client("sts", stranger).get_caller_identity)[0] == "InvalidClientTokenId"
    assert _refusal(account.client("dynamodb", stranger).list_tables)[0] == "UnrecognizedClientException"


def test_an_unsigned_request_is_refused(account):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{account.endpoint}/some-bucket/key", timeout=10)
    with refused.value as answer:
        assert answer.code == 403


def test_a_presigned_address_works(account, bucket):
    import urllib.request

    address = account.client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "here"})
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == b"x" * 10


def test_a_role_knows_who_it_is(account):
    role = account.role()
    assert account.as_role(role, "sts").get_caller_identity()["Arn"] == _session(role)


def test_a_role_that_does_not_exist_cannot_be_assumed(account):
    sts = account.client("sts")
    code, _, _ = _refusal(sts.assume_role, RoleArn=f"arn:aws:iam::{_ACCOUNT}:role/nobody", RoleSessionName="xx")
    assert code == "AccessDenied"


def test_a_role_is_assumed_only_by_those_whom_it_trusts(account, helpers):
    closed = account.role(trust=helpers.TRUST_LAMBDA)
    caller = account.role(helpers.allow("sts:AssumeRole", "*"))
    sts = account.as_role(caller, "sts")
    assert _refusal(sts.assume_role, RoleArn=closed, RoleSessionName="xx")[0] == "AccessDenied"
    trust = {**helpers.TRUST_LAMBDA, "Statement": [{**helpers.trust_root(), "Principal": {"AWS": caller}}]}
    assert "Credentials" in sts.assume_role(RoleArn=account.role(trust=trust), RoleSessionName="xx")


def test_plain_moto_gives_credentials_of_nobody(plain_moto):
    """What the mend sts-assume-role is for."""
    sts = plain_moto.client("sts")
    assert "Credentials" in sts.assume_role(RoleArn=f"arn:aws:iam::{_ACCOUNT}:role/nobody", RoleSessionName="xx")


def test_plain_moto_takes_root_for_a_user(plain_moto):
    """What the mend sts-get-caller-identity is for."""
    assert plain_moto.client("sts").get_caller_identity()["Arn"].endswith("user/moto")


_TLS_ONLY = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}, "NumericLessThan": {"s3:TlsVersion": "1.2"}},
}


def _with_policy(account, helpers, *statements):
    name = helpers.unique("guarded")
    account.client("s3").create_bucket(Bucket=name)
    arn = f"arn:aws:s3:::{name}"
    listed = [{"Resource": [arn, f"{arn}/*"], **statement} for statement in statements]
    policy = json.dumps({"Version": "2012-10-17", "Statement": listed})
    account.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
    return name


def test_a_bucket_that_wants_tls_takes_the_loopback_for_it(account, helpers):
    name = _with_policy(account, helpers, _TLS_ONLY)
    role = account.role(helpers.allow("s3:PutObject", f"arn:aws:s3:::{name}/*"))
    account.as_role(role, "s3").put_object(Bucket=name, Key="k", Body=b"")
    account.client("s3").put_object(Bucket=name, Key="k", Body=b"")


def test_a_bucket_policys_deny_wins_and_its_allow_is_enough(account, helpers):
    may, may_not = account.role(), account.role(helpers.allow("s3:*", "*"))
    name = _with_policy(
        account,
        helpers,
        {"Effect": "Allow", "Principal": {"AWS": may}, "Action": "s3:PutObject"},
        {"Effect": "Deny", "Principal": {"AWS": may_not}, "Action": "s3:PutObject"},
    )
    account.as_role(may, "s3").put_object(Bucket=name, Key="k", Body=b"")
    _, message, _ = _refusal(account.as_role(may_not, "s3").put_object, Bucket=name, Key="k", Body=b"")
    assert message.endswith("with an explicit deny in a resource-based policy")


def test_plain_moto_refuses_everything_to_a_bucket_that_wants_tls(plain_moto, helpers):
    """What the mend s3-bucket-policy-conditions is for."""
    name = _with_policy(plain_moto, helpers, _TLS_ONLY)
    assert _refusal(plain_moto.client("s3").put_object, Bucket=name, Key="k", Body=b"")[2] == 403


def _log_to_itself(account, helpers):
    name = helpers.unique("logs")
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    status = {"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": "access/"}}
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=status)
    return s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetPrefix"]


def test_access_logs_may_come_before_their_policy(account, plain_moto, helpers):
    """The mend s3-access-logs-before-their-policy, and what moto does without it."""
    assert _log_to_itself(account, helpers) == "access/"
    assert _refusal(_log_to_itself, plain_moto, helpers)[0] == "InvalidTargetBucketForLogging"
