"""Who may take on a role, what a session takes with it, and what tags and resources' own policies decide."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.permissions import services
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Unmapped
from trainwright.rehearsal.permissions.policies import parse
from trainwright.rehearsal.permissions.trust import Asking, trusts

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
JOBS = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"


def _trusting(**condition):
    statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}))


def _asking(principal="sagemaker.amazonaws.com"):
    return Asking.of(principal, ROLE, "us-east-1")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"{JOBS}:*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"{JOBS}:training-job/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:eu-west-1:*"}}, False),
        ({"ArnEquals": {"aws:SourceArn": f"{JOBS}:processing-job/*"}}, False),
        ({"StringEquals": {"sts:ExternalId": "secret"}}, False),
    ],
)
def test_a_service_is_held_to_the_conditions_of_the_trust(condition, expected):
    assert trusts(_trusting(**condition), _asking()) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"aws:SourceArn": f"{JOBS}:training-job/research-*"}},
        {"ArnNotLike": {"aws:SourceArn": f"{JOBS}:*"}},
        {"StringEquals": {"aws:SourceOrgPaths": "o-1/*"}},
    ],
)
def test_what_is_not_known_of_a_service_is_not_guessed(condition):
    with pytest.raises(Unmapped):
        trusts(_trusting(**condition), _asking())


def test_another_service_is_not_trusted():
    assert not trusts(_trusting(), _asking("lambda.amazonaws.com"))


# --- AssumeRole ----------------------------------------------------------------------------------------------------


def refusal(call, *args, **kwargs):
    with pytest.raises(ClientError) as refused:
        call(*args, **kwargs)
    error = refused.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def trust(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def for_principal(principal, actions="sts:AssumeRole", **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions}
    return statement | ({"Condition": condition} if condition else {})


def assumed(account, sts, role, service, **more):
    found = sts.assume_role(RoleArn=role, RoleSessionName="chained", **more)["Credentials"]
    return account.client(service, (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]))


def test_an_external_id_is_asked_of_roots_and_roles_alike(account, helpers):
    keyed = account.role(trust=trust(for_principal(ROOT, StringEquals={"sts:ExternalId": "secret"})))
    caller = account.as_role(account.role(helpers.allow("sts:AssumeRole", "*")), "sts")
    for sts in (account.client("sts"), caller):
        assert "AccessDenied" in refusal(sts.assume_role, RoleArn=keyed, RoleSessionName="xx")
        assert "AccessDenied" in refusal(sts.assume_role, RoleArn=keyed, RoleSessionName="xx", ExternalId="wrong")
        assert "Credentials" in sts.assume_role(RoleArn=keyed, RoleSessionName="xx", ExternalId="secret")


def test_a_trust_that_names_the_account_leaves_it_to_the_callers_policies(account, helpers):
    target = account.role(trust=trust(for_principal(ROOT)))
    without = account.role()
    said = refusal(account.as_role(without, "sts").assume_role, RoleArn=target, RoleSessionName="xx")
    assert f"is not authorized to perform: sts:AssumeRole on resource: {target}" in said
    named = account.role(trust=trust(for_principal(without)))
    assert "Credentials" in account.as_role(without, "sts").assume_role(RoleArn=named, RoleSessionName="xx")


def test_a_chained_role_has_its_own_rights_and_no_others(account, helpers):
    second = account.role(helpers.allow("sts:GetSessionToken", "*"), trust=trust(for_principal(ROOT)))
    first = account.role(helpers.allow(["sts:AssumeRole", "s3:ListAllMyBuckets"], "*"))
    s3 = assumed(account, account.as_role(first, "sts"), second, "s3")
    assert f"assumed-role/{second.rsplit('/', 1)[1]}/chained is not authorized" in refusal(s3.list_buckets)


def test_tags_of_a_session_need_a_right_of_their_own_and_are_the_principals(account, helpers):
    mine = {"StringEquals": {"aws:PrincipalTag/team": "research"}}
    both = ["sts:AssumeRole", "sts:TagSession"]
    role = account.role(helpers.allow("s3:ListAllMyBuckets", "*", **mine), trust=trust(for_principal(ROOT, both)))
    untagged = account.role(trust=trust(for_principal(ROOT)))
    sts, tags = account.client("sts"), [{"Key": "team", "Value": "research"}]
    assert "sts:TagSession" in refusal(sts.assume_role, RoleArn=untagged, RoleSessionName="xx", Tags=tags)
    assert "Buckets" in assumed(account, sts, role, "s3", Tags=tags).list_buckets()
    assert "ListAllMyBuckets" in refusal(assumed(account, sts, role, "s3").list_buckets)


def test_a_transitive_tag_goes_on_to_the_next_session(account, helpers):
    both = ["sts:AssumeRole", "sts:TagSession"]
    mine = {"StringEquals": {"aws:PrincipalTag/team": "research"}}
    last = account.role(helpers.allow("s3:ListAllMyBuckets", "*", **mine), trust=trust(for_principal(ROOT, both)))
    first = account.role(helpers.allow("sts:*", "*"), trust=trust(for_principal(ROOT, both)))
    tags, sts = [{"Key": "team", "Value": "research"}], account.client("sts")
    carried = assumed(account, sts, first, "sts", Tags=tags, TransitiveTagKeys=["team"])
    assert "Buckets" in assumed(account, carried, last, "s3").list_buckets()
    alone = assumed(account, sts, first, "sts", Tags=tags)
    assert "ListAllMyBuckets" in refusal(assumed(account, alone, last, "s3").list_buckets)


@pytest.mark.parametrize("kind", ["Policy", "PolicyArns"])
def test_a_session_policy_narrows_and_gives_nothing(account, helpers, kind):
    name = helpers.unique("narrow")
    account.client("s3").create_bucket(Bucket=name)
    policy = json.dumps(trust(helpers.allow(["s3:ListBucket", "s3:ListAllMyBuckets"], "*")))
    if kind == "PolicyArns":
        made = account.client("iam").create_policy(PolicyName=name, PolicyDocument=policy)["Policy"]["Arn"]
        given = {"PolicyArns": [{"arn": made}]}
    else:
        given = {"Policy": policy}
    role = account.role(helpers.allow(["s3:ListBucket", "s3:PutObject"], "*"))
    s3 = assumed(account, account.client("sts"), role, "s3", **given)
    s3.list_objects_v2(Bucket=name)
    said = refusal(s3.put_object, Bucket=name, Key="k", Body=b"")
    assert said.endswith("because no session policy allows the s3:PutObject action")
    assert "because no identity-based policy allows" in refusal(s3.list_buckets)


# --- tags ----------------------------------------------------------------------------------------------------------


def test_the_tags_of_a_resource_count(account, helpers):
    mine = {"StringEquals": {"aws:ResourceTag/team": "research"}}
    role = account.role(helpers.allow("sqs:SendMessage", "*", **mine))
    sqs, client = account.client("sqs"), account.as_role(role, "sqs")
    ours = sqs.create_queue(QueueName=helpers.unique("ours"), tags={"team": "research"})["QueueUrl"]
    theirs = sqs.create_queue(QueueName=helpers.unique("theirs"))["QueueUrl"]
    client.send_message(QueueUrl=ours, MessageBody="x")
    assert "sqs:SendMessage" in refusal(client.send_message, QueueUrl=theirs, MessageBody="x")


def test_the_tags_of_a_training_job_count(account, helpers):
    bucket = helpers.unique("jobs")
    account.client("s3").create_bucket(Bucket=bucket)
    for_sagemaker = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    jobs = {
        "AlgorithmSpecification": {"TrainingImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/none:1"},
        "RoleArn": account.role(helpers.allow("*", "*"), trust=trust(for_sagemaker)),
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    jobs["AlgorithmSpecification"]["TrainingInputMode"] = "File"
    create = account.client("sagemaker").create_training_job
    ours, theirs = helpers.unique("Ours"), helpers.unique("theirs")
    create(TrainingJobName=ours, Tags=[{"Key": "Team", "Value": "research"}], **jobs)
    create(TrainingJobName=theirs, **jobs)
    mine = {"StringEquals": {"aws:ResourceTag/Team": "research"}}
    describe = account.as_role(
        account.role(helpers.allow("sagemaker:DescribeTrainingJob", "*", **mine)), "sagemaker"
    ).describe_training_job
    assert describe(TrainingJobName=ours)["TrainingJobName"] == ours
    assert "sagemaker:DescribeTrainingJob" in refusal(describe, TrainingJobName=theirs)


def test_the_tags_that_an_object_is_written_with_count(account, helpers):
    name = helpers.unique("tagged")
    account.client("s3").create_bucket(Bucket=name)
    mine = {"StringEquals": {"s3:RequestObjectTag/team": "research"}}
    role = account.role(helpers.allow(["s3:PutObject", "s3:PutObjectTagging"], f"arn:aws:s3:::{name}/*", **mine))
    s3 = account.as_role(role, "s3")
    s3.put_object(Bucket=name, Key="k", Body=b"", Tagging="team=research")
    assert "s3:PutObject" in refusal(s3.put_object, Bucket=name, Key="k", Body=b"", Tagging="team=other")


# --- resources' own policies ---------------------------------------------------------------------------------------


def test_a_queue_a_topic_and_a_secret_may_let_a_role_in(account, helpers):
    role, name = account.role(), helpers.unique("open")
    open_to = {"Effect": "Allow", "Principal": {"AWS": role}, "Resource": "*"}
    queue = account.client("sqs").create_queue(QueueName=name, Attributes={"Policy": _text(open_to, "sqs:SendMessage")})
    topic = account.client("sns").create_topic(Name=name, Attributes={"Policy": _text(open_to, "sns:Publish")})
    secrets = account.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString="x")
    secrets.put_resource_policy(SecretId=name, ResourcePolicy=_text(open_to, "secretsmanager:GetSecretValue"))
    account.as_role(role, "sqs").send_message(QueueUrl=queue["QueueUrl"], MessageBody="x")
    account.as_role(role, "sns").publish(TopicArn=topic["TopicArn"], Message="x")
    assert account.as_role(role, "secretsmanager").get_secret_value(SecretId=name)["SecretString"] == "x"
    assert "sqs:ReceiveMessage" in refusal(account.as_role(role, "sqs").receive_message, QueueUrl=queue["QueueUrl"])


def _text(statement, action):
    return json.dumps(trust(statement | {"Action": action}))


def test_a_function_may_let_a_role_in(account):
    role, name = account.role(), account.function("def handler(e, c): return 1")
    invoke = account.as_role(role, "lambda").invoke
    assert "lambda:InvokeFunction" in refusal(invoke, FunctionName=name)
    account.client("lambda").add_permission(
        FunctionName=name, StatementId="them", Action="lambda:InvokeFunction", Principal=role
    )
    assert json.load(invoke(FunctionName=name)["Payload"]) == 1


def test_a_permissions_boundary_bounds_what_a_resource_gives_a_role_and_not_a_session(account, helpers):
    name = helpers.unique("bounded")
    document = json.dumps(trust(helpers.allow("sts:*", "*")))
    boundary = account.client("iam").create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    role = account.role(PermissionsBoundary=boundary)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[1]}/tester"
    account.client("s3").create_bucket(Bucket=name)
    lets = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    put = {"Bucket": name, "Key": "k", "Body": b""}
    for principal, said in ((role, "because no permissions boundary allows"), (session, None)):
        policy = json.dumps(trust(lets | {"Principal": {"AWS": principal}}))
        account.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
        s3 = account.as_role(role, "s3")
        if said is None:
            s3.put_object(**put)
        else:
            assert said in refusal(s3.put_object, **put)


# --- services that send in their own name --------------------------------------------------------------------------

HERE = Place("aws", "us-east-1", ACCOUNT)
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/failed"
OPEN = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}


@pytest.fixture
def topic():
    """A topic of a moto in this process; its policy can be set."""
    from moto.sns.models import sns_backends

    backend = sns_backends[ACCOUNT]["us-east-1"]
    found = backend.create_topic("failed")
    yield found
    backend.delete_topic(found.arn)


@pytest.mark.parametrize(
    ("statement", "lets"),
    [
        (None, False),  # the policy that every topic begins with
        (OPEN, True),
        (OPEN | {"Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}, True),
        (OPEN | {"Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}-2"}}}, False),
        (OPEN | {"Principal": {"Service": "s3.amazonaws.com"}}, False),
    ],
)
def test_eventbridge_reaches_a_topic_whose_policy_lets_it(topic, statement, lets):
    if statement:
        topic.policy = json.dumps(trust(statement))
    assert (services.refusal("events.amazonaws.com", topic.arn, RULE, HERE) is None) is lets


def test_eventbridge_needs_the_topics_key_too(topic):
    from moto.kms.models import kms_backends

    account_only = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    for_events = {**account_only, "Principal": {"Service": "events.amazonaws.com"}}
    key = kms_backends[ACCOUNT]["us-east-1"].create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)
    topic.policy, topic.kms_master_key_id = json.dumps(trust(OPEN)), key.arn
    key.policy = json.dumps(trust(account_only))
    assert "kms:GenerateDataKey" in services.refusal("events.amazonaws.com", topic.arn, RULE, HERE)
    key.policy = json.dumps(trust(account_only, for_events))
    assert services.refusal("events.amazonaws.com", topic.arn, RULE, HERE) is None
