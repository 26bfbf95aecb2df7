"""What clients that others wrote ask of the account, beyond what the platform itself does."""

from __future__ import annotations

import json
import re
import time
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from trainwright.cli.rehearse import sdk_defaults

ACCOUNT = "123456789012"


def refused(call, **parameters):
    """Error code and message."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture(scope="module")
def unchecked(account):
    """A client of SageMaker that leaves all checks to the service."""
    import boto3

    return boto3.client(
        "sagemaker",
        endpoint_url=account.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


# --- SageMaker -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameters", "place", "constraint"),
    [
        ("list_training_jobs", {"SortBy": "Nope"}, "sortBy", "enum value set: [Name, CreationTime, Status]"),
        ("list_training_jobs", {"StatusEquals": "Nope"}, "statusEquals", "enum value set: [InProgress, Completed,"),
        ("list_training_jobs", {"MaxResults": 101}, "maxResults", "value less than or equal to 100"),
        ("describe_training_job", {"TrainingJobName": "under_score"}, "trainingJobName", "regular expression pattern"),
        ("describe_training_job", {}, "trainingJobName", "Member must not be null"),
        ("search", {"Resource": "Nope"}, "resource", "enum value set: [TrainingJob,"),
    ],
)
def test_every_operation_refuses_what_the_model_does_not_allow(unchecked, operation, parameters, place, constraint):
    code, message = refused(getattr(unchecked, operation), **parameters)
    assert code == "ValidationException"
    assert re.match(rf"1 validation error detected: Value \S+ at '{place}' failed to satisfy constraint: ", message)
    assert constraint in message


def test_plain_moto_takes_them(plain_moto):
    client = plain_moto.client("sagemaker")
    assert client.list_training_jobs(StatusEquals="Stopping")["TrainingJobSummaries"] == []
    with pytest.raises(ClientError):
        client.list_training_jobs(NextToken="abc")


def test_a_page_that_nobody_gave_out_is_refused(unchecked):
    assert refused(unchecked.list_training_jobs, NextToken="abc")[0] == "ValidationException"
    assert refused(unchecked.search, Resource="TrainingJob", NextToken="abc")[0] == "ValidationException"


def test_search_says_what_it_does_not_know(account):
    expression = {"Filters": [{"Name": "Nope", "Operator": "Equals", "Value": "x"}]}
    search = account.client("sagemaker").search
    told = refused(search, Resource="TrainingJob", SearchExpression=expression)
    assert told == ("ValidationException", "Unknown property name: Nope")


def test_search_finds_jobs_page_by_page(account, helpers):
    bucket, names = helpers.unique("search"), [helpers.unique("search-job") for _ in range(3)]
    account.client("s3").create_bucket(Bucket=bucket)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = account.role(helpers.allow("*", "*"), trust={"Version": "2012-10-17", "Statement": [trust]})
    client = account.client("sagemaker")
    for number, name in enumerate(names):
        client.create_training_job(
            TrainingJobName=name,
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": "nobody-has-it:1", "TrainingInputMode": "File"},
            HyperParameters={"rate": f"0.{number}"},
            OutputDataConfig={"S3OutputPath": f"s3://{bucket}/"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            Tags=[{"Key": "bucket", "Value": bucket}],
        )
    mine = {"Filters": [{"Name": "Tags.bucket", "Operator": "Equals", "Value": bucket}]}
    query = {"Resource": "TrainingJob", "SearchExpression": mine, "SortBy": "CreationTime", "SortOrder": "Ascending"}
    pages = list(client.get_paginator("search").paginate(**query, PaginationConfig={"PageSize": 2}))
    assert [[one["TrainingJob"]["TrainingJobName"] for one in page["Results"]] for page in pages] == [
        names[:2],
        names[2:],
    ]
    assert pages[0]["TotalHits"] == {"Value": 3, "Relation": "EqualTo"}
    assert pages[0]["Results"][0]["TrainingJob"]["Tags"] == [{"Key": "bucket", "Value": bucket}]
    fast = {
        **mine,
        "Filters": [*mine["Filters"], {"Name": "HyperParameters.rate", "Operator": "GreaterThan", "Value": "0.05"}],
    }
    found = client.search(Resource="TrainingJob", SearchExpression=fast)["Results"]
    assert sorted(one["TrainingJob"]["TrainingJobName"] for one in found) == sorted(names[1:])


# --- IAM -----------------------------------------------------------------------------------------------------------


def decisions(account, role, actions, resources=("*",), **more):
    pages = (
        account.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(PolicySourceArn=role, ActionNames=actions, ResourceArns=list(resources), **more)
    )
    return [one["EvalDecision"] for page in pages for one in page["EvaluationResults"]]


def test_the_policy_simulator_says_what_the_evaluator_would(account, helpers):
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    role = account.role(helpers.allow("s3:*", "arn:aws:s3:::a/*"), deny)
    actions = ["s3:GetObject", "s3:DeleteObject", "sqs:SendMessage"]
    expected = ["allowed", "explicitDeny", "implicitDeny"]
    assert decisions(account, role, actions, ["arn:aws:s3:::a/b"]) == expected
    assert decisions(account, role, ["s3:GetObject"], ["arn:aws:s3:::other/b"]) == ["implicitDeny"]


def test_the_policy_simulator_knows_no_keys_but_those_it_is_told(account, helpers):
    role = account.role(helpers.allow("s3:GetObject", "*", StringEquals={"aws:PrincipalOrgID": "o-1"}))
    simulate = account.client("iam").simulate_principal_policy
    (result,) = simulate(PolicySourceArn=role, ActionNames=["s3:GetObject"])["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:principalorgid"])
    entry = {"ContextKeyName": "aws:PrincipalOrgID", "ContextKeyValues": ["o-1"], "ContextKeyType": "string"}
    assert decisions(account, role, ["s3:GetObject"], ContextEntries=[entry]) == ["allowed"]


def test_the_policy_simulator_stays_within_the_boundary(account, helpers):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [helpers.allow("s3:GetObject", "*")]})
    made = account.client("iam").create_policy(PolicyName=helpers.unique("boundary"), PolicyDocument=policy)
    role = account.role(helpers.allow("s3:*", "*"), PermissionsBoundary=made["Policy"]["Arn"])
    simulate = account.client("iam").simulate_principal_policy
    results = simulate(PolicySourceArn=role, ActionNames=["s3:GetObject", "s3:PutObject"])["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "implicitDeny"]
    within = [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in results]
    assert within == [True, False]


def test_the_policy_simulator_wants_a_role_that_is_there(account):
    simulate = account.client("iam").simulate_principal_policy
    nobody = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    assert refused(simulate, PolicySourceArn=nobody, ActionNames=["s3:GetObject"])[0] == "NoSuchEntity"


def test_a_trust_policy_may_leave_its_version_out(account, helpers, plain_moto):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Statement": [statement]})
    name = account.role().rpartition("/")[2]
    account.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    name = plain_moto.role().rpartition("/")[2]
    update = plain_moto.client("iam").update_assume_role_policy
    assert refused(update, RoleName=name, PolicyDocument=document)[0] == "MalformedPolicyDocument"


# --- CloudFormation ------------------------------------------------------------------------------------------------


def test_the_account_comes_with_the_stack_that_cdk_bootstrap_would_make(account):
    cloudformation = account.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="CDKToolkit")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs["BucketName"] == f"cdk-hnb659fds-assets-{ACCOUNT}-us-east-1"
    version = account.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]
    assert outputs["BootstrapVersion"] == version
    listed = cloudformation.describe_stack_resources(StackName="CDKToolkit")["StackResources"]
    assert {one["LogicalResourceId"] for one in listed} >= {"StagingBucket", "ContainerAssetsRepository", "LookupRole"}


@pytest.mark.parametrize("name", ["under_score", "1st", "a" * 129])
def test_a_stack_needs_a_name_of_the_right_form(account, name):
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    code, message = refused(account.client("cloudformation").create_stack, StackName=name, TemplateBody=template)
    assert code == "ValidationError"
    assert message.startswith(f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy")


def test_validating_a_template_finds_references_that_lead_nowhere(account):
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Nobody"}}}
    validate = account.client("cloudformation").validate_template
    code, message = refused(validate, TemplateBody=json.dumps({"Resources": {"Topic": topic}}))
    assert code == "ValidationError" and "Unresolved resource dependencies [Nobody]" in message


# --- S3 and CloudWatch Logs ----------------------------------------------------------------------------------------


def put_as_a_form(which, helpers):
    """What is stored when urllib puts bytes to a presigned address: it calls them a form."""
    client, bucket = which.client("s3"), helpers.unique("form")
    client.create_bucket(Bucket=bucket)
    where = {"Bucket": bucket, "Key": "a"}
    address = client.generate_presigned_url("put_object", Params=where)
    request = urllib.request.Request(address, data=b"key=1&b", method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    return client.get_object(**where)["Body"].read()


def test_what_is_put_as_a_form_is_stored_as_it_is(account, helpers, plain_moto):
    assert put_as_a_form(account, helpers) == b"key=1&b"
    assert put_as_a_form(plain_moto, helpers) != b"key=1&b"


def logged(which, group):
    """A group of two streams with a line at every second, in turns."""
    logs = which.client("logs")
    logs.create_log_group(logGroupName=group)
    start = int(time.time() * 1000) - 10_000
    for number, stream in enumerate(("job-1/algo-1", "job-2/algo-1")):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": start + 1000 * (2 * n + number), "message": f"{stream} {n}"} for n in (0, 1)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return logs


def test_log_events_are_found_by_the_prefix_of_their_streams(account, helpers, plain_moto):
    group = helpers.unique("/group")
    query = {"logGroupName": group, "logStreamNamePrefix": "job-2/"}
    found = logged(account, group).filter_log_events(**query)["events"]
    assert [event["message"] for event in found] == ["job-2/algo-1 0", "job-2/algo-1 1"]
    assert len(logged(plain_moto, group).filter_log_events(**query)["events"]) == 4
    assert account.client("logs").filter_log_events(**{**query, "logStreamNamePrefix": "nobody"})["events"] == []


def test_log_events_of_all_streams_come_in_the_order_of_time(account, helpers):
    logs = logged(account, group := helpers.unique("/group"))
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    for which in ({"logGroupName": group}, {"logGroupIdentifier": arn}):
        found = [event["message"] for event in logs.filter_log_events(**which)["events"]]
        assert found == ["job-1/algo-1 0", "job-2/algo-1 0", "job-1/algo-1 1", "job-2/algo-1 1"]
    both = {"logGroupName": group, "logStreamNames": ["job-1/algo-1"], "logStreamNamePrefix": "job"}
    assert refused(logs.filter_log_events, **both)[0] == "InvalidParameterException"


# --- the SageMaker SDKs --------------------------------------------------------------------------------------------


def test_the_sdks_are_told_their_bucket_and_to_keep_quiet(tmp_path):
    variables = sdk_defaults.write(tmp_path, "eu-west-1", ACCOUNT)
    (tmp_path / "sagemaker.yaml").samefile(variables["SAGEMAKER_USER_CONFIG_OVERRIDE"])
    told = json.loads((tmp_path / "sagemaker.yaml").read_text())["SageMaker"]["PythonSDK"]["Modules"]
    assert told == {"TelemetryOptOut": True, "Session": {"DefaultS3Bucket": f"sagemaker-eu-west-1-{ACCOUNT}"}}


# --- what is refused, service by service ---------------------------------------------------------------------------

MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:nobody"
EXECUTION = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:nobody:run"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nobody"
REFUSED = [
    ("sagemaker", "describe_training_job", {"TrainingJobName": "nobody"}, "ValidationException", "Requested resource"),
    ("sagemaker", "stop_training_job", {"TrainingJobName": "nobody"}, "ValidationException", "Requested resource"),
    (
        "stepfunctions",
        "start_execution",
        {"stateMachineArn": MACHINE},
        "StateMachineDoesNotExist",
        "State Machine Does",
    ),
    ("stepfunctions", "describe_state_machine", {"stateMachineArn": "nobody"}, "InvalidArn", "Invalid"),
    ("stepfunctions", "describe_execution", {"executionArn": EXECUTION}, "ExecutionDoesNotExist", "Execution Does Not"),
    ("stepfunctions", "stop_execution", {"executionArn": EXECUTION}, "ExecutionDoesNotExist", "Execution Does Not"),
    ("s3", "list_objects_v2", {"Bucket": "nobody-has-this"}, "NoSuchBucket", "The specified bucket does not exist"),
    ("s3", "head_bucket", {"Bucket": "nobody-has-this"}, "404", "Not Found"),
    ("lambda", "invoke", {"FunctionName": "nobody"}, "ResourceNotFoundException", f"Function not found: {FUNCTION}"),
    ("dynamodb", "describe_table", {"TableName": "nobody"}, "ResourceNotFoundException", "Requested resource not"),
    ("ssm", "get_parameter", {"Name": "/nobody"}, "ParameterNotFound", "Parameter /nobody not found."),
    ("ecr", "describe_images", {"repositoryName": "nobody"}, "RepositoryNotFoundException", "The repository with name"),
    ("cloudformation", "describe_stacks", {"StackName": "nobody"}, "ValidationError", "Stack with id nobody does not"),
    ("events", "describe_rule", {"Name": "nobody"}, "ResourceNotFoundException", "Rule nobody does not exist"),
    ("iam", "get_role", {"RoleName": "nobody"}, "NoSuchEntity", "The role with name nobody cannot be found."),
    (
        "iam",
        "create_role",
        {"RoleName": "x", "AssumeRolePolicyDocument": "{"},
        "MalformedPolicyDocument",
        "This policy",
    ),
    ("logs", "filter_log_events", {"logGroupName": "/nobody"}, "ResourceNotFoundException", "The specified log group"),
    ("sqs", "get_queue_url", {"QueueName": "nobody"}, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue"),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "code", "words"), REFUSED)
def test_what_is_not_there_is_refused_with_aws_own_code(account, service, operation, parameters, code, words):
    told = refused(getattr(account.client(service), operation), **parameters)
    assert told[0] == code and told[1].startswith(words)


def test_parts_of_an_upload_that_nobody_began_are_refused(account, helpers):
    client, bucket = account.client("s3"), helpers.unique("upload")
    client.create_bucket(Bucket=bucket)
    where = {"Bucket": bucket, "Key": "a", "UploadId": "nobody"}
    parts = {"Parts": [{"ETag": "a", "PartNumber": 1}]}
    assert refused(client.complete_multipart_upload, **where, MultipartUpload=parts)[0] == "NoSuchUpload"
    assert refused(client.upload_part, **where, PartNumber=1, Body=b"")[0] == "NoSuchUpload"
