"""Faults of the account around training jobs: they look like AWS's own failures, and the account says which struck."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from trainwright.rehearsal.faults.chance import happens

SEED = 11
FAULTS = {
    "seed": SEED,
    "api_errors": [
        {"service": "sagemaker", "operation": "List*", "error": "ThrottlingException", "after": 1, "times": 2},
        {"service": "ssm", "operation": "GetParameter", "error": "InternalServerError", "callers": "all", "times": 1},
        {"service": "s3", "operation": "GetObject", "error": "SlowDown"},
        {
            "service": "sqs",
            "operation": "GetQueueUrl",
            "error": "ThrottlingException",
            "chance": 0.5,
            "message": "too fast",
        },
        {"service": "kms", "operation": "Encrypt", "error": "KMSInternalException"},
        {"service": "lambda", "operation": "GetPolicy", "error": "ServiceException", "callers": "all"},
    ],
    "busy_quotas": [{"instance_types": "ml.p4d.24xlarge", "limit": 0}],
    "access_denied": [
        {"actions": "s3:PutObject", "resources": "arn:aws:s3:::faults/secret/*"},
        {"actions": "s3:DeleteObject", "kind": "bucket", "times": 1},
    ],
    "functions": [
        {"function": "breaks", "error": "unhandled", "error_type": "Odd", "message": "no", "calls": [2]},
        {"function": "hangs", "error": "timeout", "times": 1},
        {"function": "dies", "error": "exit", "times": 1},
        {"function": "busy", "error": "throttled", "times": 1},
        {"function": "queued", "error": "throttled", "calls": [1, 2]},
        {"function": "retried", "error": "throttled", "times": 1},
    ],
    "events": [
        {"source": "my.lost", "lost": True, "detail": {"state": "d*"}},
        {"source": "my.late", "late": 1},
        {"source": "my.doubled", "copies": 2},
        {"source": "my.once", "lost": True, "times": 1},
    ],
}


@pytest.fixture(scope="module")
def account(tmp_path_factory, helpers):
    """An account in which everything above goes wrong."""
    folder = tmp_path_factory.mktemp("faults")
    process = helpers.start_server(folder, faults=FAULTS)
    yield helpers.Account(helpers.ready_line(process)["endpoint"], folder / "account", process)
    helpers.stop_server(process)


@pytest.fixture(scope="module")
def role(account, helpers):
    account.client("s3").create_bucket(Bucket="faults")
    account.client("s3").put_object(Bucket="faults", Key="a", Body=b"a")
    return account.role(helpers.allow("*", "*"))


def refused(call, **arguments):
    """The code, message and status of an error."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def struck(account, place):
    return [each for each in account.page("faults")["struck"] if each["fault"] == place]


def test_a_role_is_throttled_as_often_as_asked_and_no_user_is(account, role):
    sagemaker = account.as_role(role, "sagemaker")
    sagemaker.list_training_jobs()
    for _ in range(2):
        assert refused(sagemaker.list_training_jobs) == ("ThrottlingException", "Rate exceeded", 400)
        account.client("sagemaker").list_training_jobs()
    sagemaker.list_training_jobs()
    name = role.rpartition("/")[2]
    assert [each["struck"] for each in struck(account, "api_errors[0]")] == [
        f"sagemaker:ListTrainingJobs by {name}",
        f"sagemaker:ListTrainingJobs by {name}",
    ]


def test_users_are_struck_where_the_fault_says_so(account):
    account.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    code, _, status = refused(account.client("ssm").get_parameter, Name="/a")
    assert (code, status) == ("InternalServerError", 500)
    assert account.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "b"


def test_s3_speaks_xml(account, role):
    answer = refused(account.as_role(role, "s3").get_object, Bucket="faults", Key="a")
    assert answer == ("SlowDown", "Please reduce your request rate.", 503)


def test_a_chance_hangs_on_the_call_alone(account, role):
    sqs = account.as_role(role, "sqs")
    names = [f"queue-{number}" for number in range(16)]
    for name in names:
        account.client("sqs").create_queue(QueueName=name)

    def fails(name):
        try:
            sqs.get_queue_url(QueueName=name)
        except ClientError as error:
            assert error.response["Error"]["Message"] == "too fast"
            return True
        return False

    about = ("api_errors[3]", "sqs", "GetQueueUrl", role.rpartition("/")[2])
    expected = {
        (name, nth): happens(0.5, SEED, *about, json.dumps({"QueueName": name}), nth)
        for name in names
        for nth in (1, 2)
    }
    assert {True, False} == set(expected.values())
    first = {(name, 1): fails(name) for name in reversed(names)}
    again = {(name, 2): fails(name) for name in names}
    assert first | again == expected


def test_a_permission_is_refused_in_awss_words_and_counted_apart(account, role):
    s3 = account.as_role(role, "s3")
    s3.put_object(Bucket="faults", Key="open/x", Body=b"")
    code, message, status = refused(s3.put_object, Bucket="faults", Key="secret/x", Body=b"")
    session = f"arn:aws:sts::123456789012:assumed-role/{role.rpartition('/')[2]}/tester"
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        f"User: {session} is not authorized to perform: s3:PutObject on resource: "
        '"arn:aws:s3:::faults/secret/x" with an explicit deny in an identity-based policy'
    )
    report = account.page("permissions")
    assert [each["resource"] for each in report["injected"]].count("arn:aws:s3:::faults/secret/x") == 1
    assert not [each for each in report["denied"] if each["action"] == "s3:PutObject"]


def test_a_buckets_policy_is_named_and_later_calls_go_well(account, role):
    s3 = account.as_role(role, "s3")
    assert "explicit deny in a resource-based policy" in refused(s3.delete_object, Bucket="faults", Key="x")[1]
    s3.delete_object(Bucket="faults", Key="x")


def test_a_quota_of_zero_refuses_in_awss_words(account, helpers):
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = account.role(helpers.allow("*", "*"), trust={"Version": "2012-10-17", "Statement": [trust]})
    answer = refused(
        account.client("sagemaker").create_training_job,
        TrainingJobName="no-quota",
        AlgorithmSpecification={
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1",
            "TrainingInputMode": "File",
        },
        RoleArn=role,
        OutputDataConfig={"S3OutputPath": "s3://faults/out"},
        ResourceConfig={"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    assert answer[0] == "ResourceLimitExceeded"
    assert "'ml.p4d.24xlarge for training job usage' is 0 Instances" in answer[1]
    assert len(struck(account, "busy_quotas[0]")) == 1


def function(account, helpers, name, source="def handler(e, c): return 'well'", **more):
    account.client("lambda").create_function(
        FunctionName=name,
        Role=account.role(helpers.allow("*", "*")),
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": helpers.zipped(source)},
        Timeout=1,
        **more,
    )


def test_an_invocation_by_its_number(account, helpers):
    function(account, helpers, "breaks")
    assert account.invoke("breaks")[0] == "well"
    payload, answer = account.invoke("breaks")
    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("Odd", "no")
    assert account.invoke("breaks")[0] == "well"
    assert [each["struck"] for each in struck(account, "functions[0]")] == ["breaks, invocation 2"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("hangs", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("dies", "Runtime.ExitError", "Runtime exited with error: exit status 1"),
    ],
)
def test_a_function_ends_as_lambda_words_it(account, helpers, name, kind, message):
    function(account, helpers, name)
    payload, answer = account.invoke(name)
    request = answer["ResponseMetadata"]["RequestId"]
    assert answer["FunctionError"] == "Unhandled"
    assert payload == {"errorType": kind, "errorMessage": f"RequestId: {request} Error: {message}"}
    assert account.invoke(name)[0] == "well"


def test_a_throttled_function_is_not_started(account, helpers):
    function(account, helpers, "busy")
    call = account.client("lambda").invoke
    assert refused(call, FunctionName="busy") == ("TooManyRequestsException", "Rate Exceeded.", 429)
    assert account.invoke("busy")[0] == "well"


def test_a_throttled_event_waits_in_the_queue_and_is_no_failed_attempt(account, helpers):
    source = (
        "import boto3\ndef handler(e, c): boto3.client('s3').put_object(Bucket='asynchronous', Key='ran', Body=b'')"
    )
    account.client("s3").create_bucket(Bucket="asynchronous")
    function(account, helpers, "queued", source)
    account.client("lambda").put_function_event_invoke_config(FunctionName="queued", MaximumRetryAttempts=0)
    account.client("lambda").invoke(FunctionName="queued", InvocationType="Event")
    helpers.wait_for(lambda: account.client("s3").list_objects_v2(Bucket="asynchronous").get("Contents"))
    assert len(struck(account, "functions[4]")) == 2


def test_step_functions_knows_the_error_by_its_name(account, helpers):
    function(account, helpers, "retried")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}
    role = account.role(helpers.allow("*", "*"), trust={"Version": "2012-10-17", "Statement": [trust]})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "retried"},
        "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "End": True,
    }
    states = account.client("stepfunctions")
    machine = states.create_state_machine(
        name="retries", roleArn=role, definition=json.dumps({"StartAt": "T", "States": {"T": task}})
    )
    arn = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    helpers.wait_for(lambda: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")
    assert len(struck(account, "functions[5]")) == 1


def send(account, source, detail):
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}
    assert account.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


@pytest.fixture(scope="module")
def queue(account):
    """A queue that gets every event of ours."""
    sqs, events = account.client("sqs"), account.client("events")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": [{"prefix": "my."}]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    let_in = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let_in]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url


def received(account, queue):
    """The events that have arrived, in order; taken from the queue."""
    sqs, found = account.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_an_event_is_lost_where_its_detail_matches(account, queue):
    send(account, "my.lost", {"state": "done"})
    send(account, "my.lost", {"state": "begun"})
    assert [event["detail"] for event in received(account, queue)] == [{"state": "begun"}]


def test_a_doubled_event_keeps_its_id(account, queue):
    send(account, "my.doubled", {})
    first, second = received(account, queue)
    assert first == second


def test_a_late_event_comes_after_its_successors(account, queue, helpers):
    send(account, "my.late", {"number": 1})
    send(account, "my.own", {"number": 2})
    assert [event["detail"]["number"] for event in received(account, queue)] == [2]
    [late] = helpers.wait_for(lambda: received(account, queue))
    assert late["detail"] == {"number": 1}


def test_an_event_that_two_rules_match_has_one_fate(account, queue):
    sqs, events = account.client("sqs"), account.client("events")
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="another", EventPattern=json.dumps({"source": ["my.once"]}))
    events.put_targets(Rule="another", Targets=[{"Id": "queue", "Arn": arn}])
    send(account, "my.once", {"number": 1})
    send(account, "my.once", {"number": 2})
    assert [event["detail"]["number"] for event in received(account, queue)] == [2, 2]


def test_the_accounts_own_calls_are_never_struck(account, helpers):
    source = "import boto3\ndef handler(e, c): boto3.client('s3').put_object(Bucket='told', Key='ran', Body=b'')"
    function(account, helpers, "told", source)
    account.client("s3").create_bucket(Bucket="told")
    events, lam = account.client("events"), account.client("lambda")
    rule = events.put_rule(Name="tells", EventPattern=json.dumps({"source": ["my.own"]}))["RuleArn"]
    target = lam.get_function(FunctionName="told")["Configuration"]["FunctionArn"]
    events.put_targets(Rule="tells", Targets=[{"Id": "function", "Arn": target}])
    lam.add_permission(
        FunctionName="told",
        StatementId="tells",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    assert refused(lam.get_policy, FunctionName="told")[0] == "ServiceException"
    send(account, "my.own", {})  # EventBridge reads the function's policy here as the account
    helpers.wait_for(lambda: account.client("s3").list_objects_v2(Bucket="told").get("Contents"))


def test_what_never_struck_is_said(account):
    report = account.page("faults")
    assert "api_errors[4]" in report["never"]
    assert report["counts"]["api_errors[4]"] == 0
    times = [each["time"] for each in report["struck"]]
    assert times == sorted(times)


def test_the_account_does_not_start_with_faults_that_it_does_not_know(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"root": str(tmp_path / "account"), "faults": {"spot_interuptions": []}}))
    command = [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "did you mean spot_interruptions?" in done.stderr
    assert "Traceback" not in done.stderr
