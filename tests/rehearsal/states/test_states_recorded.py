"""How AWS answered where it was recorded: scenarios of our own about facts that public recordings show.

Each one in recorded.json names the recording that shows the fact. Recordings are snapshots that LocalStack's tests
took of Step Functions on AWS.
"""

import datetime
import json
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config

SCENARIOS = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
INVOKE = "arn:aws:states:::lambda:invoke"
BIG = "def handler(event, context):\n    return 'x' * 300000\n"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_the_account_answers_as_aws_did(account, scenario):
    definition = scenario["definition"]
    machine = account.machine(definition["States"], start=definition["StartAt"], language=definition["QueryLanguage"])
    ended = account.finish(account.start(machine, json.dumps(scenario["input"])))
    expected = {key: scenario[key] for key in ("status", "output", "error", "cause") if key in scenario}
    if "output" in ended:
        ended["output"] = json.loads(ended["output"])
    assert {key: ended.get(key) for key in expected} == expected, ended.get("cause")


def test_every_scenario_names_its_recording():
    assert len({scenario["name"] for scenario in SCENARIOS}) == len(SCENARIOS)
    assert all("/stepfunctions/v2/" in scenario["source"] for scenario in SCENARIOS)


def test_states_all_takes_a_result_that_is_too_large(account):
    account.function("big", BIG)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    call = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "big"}, "Catch": catch, "End": True}
    found = account.output({"Call": call, "Caught": {"Type": "Pass", "End": True}})
    limit = "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit."
    assert found == {"Error": "States.DataLimitExceeded", "Cause": limit}


def test_an_invocation_has_the_headers_of_lambda(account):
    call = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "echo", "Payload": 1}, "End": True}
    result = account.output({"Call": call})
    http = result["SdkHttpMetadata"]
    assert set(http["HttpHeaders"]) == {
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "X-Amz-Executed-Version",
        "X-Amzn-Trace-Id",
        "x-amzn-Remapped-Content-Length",
        "x-amzn-RequestId",
    }
    assert http["AllHttpHeaders"] == {name: [value] for name, value in http["HttpHeaders"].items()}
    assert http["HttpHeaders"]["Connection"] == "keep-alive"
    assert http["HttpHeaders"]["x-amzn-RequestId"] == result["SdkResponseMetadata"]["RequestId"]


def test_a_functions_error_shows_its_code_where_lambda_has_it(account):
    call = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "fail"}, "End": True}
    cause = account.run({"Call": call})["cause"]
    assert '"stackTrace":["  File \\"/var/task/code.py\\", line 3, in handler' in cause
    direct = {"Type": "Task", "Resource": account.function("failing", "def handler(e, c):\n    1 / 0\n"), "End": True}
    cause = account.run({"Call": direct})["cause"]
    assert cause.startswith('{"errorMessage": "division by zero", "errorType": "ZeroDivisionError"')


def test_a_token_that_fails_without_an_error_gives_nulls(account):
    fail = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('stepfunctions').send_task_failure(taskToken=event['token'])\n"
    )
    account.function("nothing", fail)
    call = {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Arguments": {"FunctionName": "nothing", "Payload": {"token": "{% $states.context.Task.Token %}"}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    found = account.output({"Call": call, "Caught": {"Type": "Pass", "End": True}})
    assert found == {"Error": None, "Cause": None}


def test_a_worker_gets_the_tasks_of_an_activity(account):
    arn = account.states.create_activity(name="by-hand")["activityArn"]
    execution = account.start(account.machine({"Do": {"Type": "Task", "Resource": arn, "End": True}}), {"n": 1})
    task = account.states.get_activity_task(activityArn=arn, workerName="me")
    assert json.loads(task["input"]) == {"n": 1}
    account.states.send_task_success(taskToken=task["taskToken"], output='{"m": 2}')
    assert json.loads(account.finish(execution)["output"]) == {"m": 2}
    events = {event["type"]: event for event in account.history(execution)}
    assert events["ActivityStarted"]["activityStartedEventDetails"] == {"workerName": "me"}


def test_a_task_that_no_worker_fetches_times_out(account):
    arn = account.states.create_activity(name="by-nobody")["activityArn"]
    ended = account.run({"Do": {"Type": "Task", "Resource": arn, "TimeoutSeconds": 1, "End": True}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert [event["type"] for event in account.history(ended["executionArn"])][-2:] == [
        "ActivityTimedOut",
        "ExecutionFailed",
    ]


def test_a_task_of_an_activity_that_nobody_made_fails(account):
    arn = "arn:aws:states:us-east-1:123456789012:activity:never-made"
    ended = account.run({"Do": {"Type": "Task", "Resource": arn, "End": True}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def express(account, states):
    return account.machine(states, type="EXPRESS")


def start_sync(account, machine):
    client = boto3.client(
        "stepfunctions",
        endpoint_url=account.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )
    return client.start_sync_execution(stateMachineArn=machine, input='{"a": 1}', name="now")


def test_an_express_workflow_answers_its_caller(account):
    states = {"A": {"Type": "Pass", "Output": "{% $states.context.Execution %}", "End": True}}
    machine = express(account, states)
    ended = start_sync(account, machine)
    assert ended["status"] == "SUCCEEDED"
    assert ended["executionArn"].startswith(machine.replace(":stateMachine:", ":express:") + ":now:")
    assert ended["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
    assert set(json.loads(ended["output"])) == {"Id", "Input", "Name", "RoleArn", "StartTime"}
    assert "redriveStatus" not in ended


def test_an_express_workflow_answers_its_failure(account):
    ended = start_sync(account, express(account, {"F": {"Type": "Fail", "Error": "Odd", "Cause": "as asked"}}))
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Odd", "as asked")
    assert ended["outputDetails"] == {"included": True}


def test_an_express_workflow_takes_a_name_twice(account):
    machine = express(account, {"A": {"Type": "Pass", "End": True}})
    first, second = (account.start(machine, {"n": number}, name="again") for number in (1, 2))
    assert first != second
    assert {arn.rpartition(":")[0] for arn in (first, second)} == {
        machine.replace(":stateMachine:", ":express:") + ":again"
    }


def test_a_standard_workflow_is_not_started_synchronously(account):
    machine = account.machine({"A": {"Type": "Pass", "End": True}})
    with pytest.raises(account.states.exceptions.StateMachineTypeNotSupported):
        start_sync(account, machine)
    assert account.states.list_executions(stateMachineArn=machine)["executions"] == []


def trusting(account, name, *principals):
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": [account.allow(["lambda:InvokeFunction"])]}
    account.client("iam").put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(rights))
    return arn


def test_the_machines_role_assumes_the_role_of_a_tasks_credentials(account):
    role = account.role("assuming", "states.amazonaws.com", [account.allow(["sts:AssumeRole"])])
    other = trusting(account, "assumed", role)
    call = {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"FunctionName": "echo", "Payload": {"a": 1}},
        "Credentials": {"RoleArn": other},
        "Output": "{% $states.result.Payload.got %}",
        "End": True,
    }
    assert account.output({"Call": call}, role=role) == {"a": 1}
    call["Credentials"] = {"RoleArn": trusting(account, "not-assumed", account.role_arn)}
    ended = account.run({"Call": call}, role=role)
    assert ended["status"] == "FAILED"
    assert "sts:AssumeRole" in ended["cause"]


def test_what_is_put_into_s3_is_json_and_encrypted(account):
    def task(action, **arguments):
        return {
            "Type": "Task",
            "Resource": f"arn:aws:states:::aws-sdk:s3:{action}",
            "Arguments": {"Bucket": "seen", "Key": "recorded", **arguments},
        }

    role = account.role("storing", "states.amazonaws.com", [account.allow(["s3:*"])])
    states = {
        "Put": {**task("putObject", Body="a text"), "Assign": {"put": "{% $states.result %}"}, "Next": "Get"},
        "Get": {**task("getObject"), "Output": {"put": "{% $put %}", "get": "{% $states.result %}"}, "End": True},
    }
    found = account.output(states, role=role)
    assert found["get"]["Body"] == '"a text"'
    assert found["put"]["ServerSideEncryption"] == found["get"]["ServerSideEncryption"] == "AES256"
    assert found["put"]["ChecksumType"] == "FULL_OBJECT"
    assert not [name for name in found["get"] if name.startswith("Checksum")]


def test_a_token_that_is_none_is_refused_before_its_output(account):
    with pytest.raises(account.states.exceptions.InvalidToken):
        account.states.send_task_success(taskToken="none", output="no JSON")


@pytest.mark.parametrize("service", ["states.amazonaws.com", "states.us-east-1.amazonaws.com"])
def test_a_role_trusts_step_functions_by_either_name(account, service):
    role = account.role(f"trusts-{len(service)}", service, account.machine_rights())
    call = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "echo"}, "Output": 1, "End": True}
    assert account.output({"Call": call}, role=role) == 1


def test_a_role_that_trusts_another_region_is_refused(account):
    role = account.role("trusts-elsewhere", "states.eu-west-1.amazonaws.com", account.machine_rights())
    with pytest.raises(account.states.exceptions.ClientError, match="nor the regional one"):
        account.machine({"A": {"Type": "Pass", "End": True}}, role=role)


def test_a_wait_is_not_longer_than_aws_can_count(account):
    states = {"W": {"Type": "Wait", "TimestampPath": "$.t", "End": True}}
    machine = account.machine(states, language="JSONPath")

    def start(days):
        instant = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=days)
        return account.start(machine, {"t": instant.strftime("%Y-%m-%dT%H:%M:%SZ")})

    ended = account.finish(start(24856))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert ended["cause"].endswith("Wait state delay is too long.")
    waiting = start(24855)
    account.entered(waiting, "W")
    assert account.states.describe_execution(executionArn=waiting)["status"] == "RUNNING"
    account.states.stop_execution(executionArn=waiting)


def test_an_event_whose_detail_is_no_object_is_malformed(account):
    entry = {"Source": "s", "DetailType": "T"}
    good, bad = {**entry, "Detail": "{}"}, {**entry, "Detail": '"a text"'}
    answer = account.client("events").put_events(Entries=[good, bad])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1] == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


def test_a_function_that_is_none_is_missed_by_its_version(account):
    call = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": "no-such"}, "End": True}
    ended = account.run({"Call": call})
    assert ended["error"] == "Lambda.ResourceNotFoundException"
    assert ":function:no-such:$LATEST (Service: AWSLambda; Status Code: 404;" in ended["cause"]


def test_a_refusal_of_s3_names_two_requests(account):
    role = account.role("reading", "states.amazonaws.com", [account.allow(["s3:*"])])
    arguments = {"Bucket": "no-such-bucket"}
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": arguments,
        "End": True,
    }
    ended = account.run({"Call": call}, role=role)
    assert ended["error"] == "S3.NoSuchBucketException"
    assert "Status Code: 404, Request ID: " in ended["cause"]
    assert ", Extended Request ID: " in ended["cause"]


def test_a_refusal_of_api_gateway_is_named_by_its_status():
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_api_gateway import (
        SfnGatewayException,
    )

    from trainwright.rehearsal.states import tasks

    task = SimpleNamespace(_get_sfn_resource=lambda: "invoke", _get_sfn_resource_type=lambda: "apigateway")
    env = SimpleNamespace(
        next_state_name="Call", entered_event_id=2, event_history_context=SimpleNamespace(source_event_id=2)
    )
    refused = SfnGatewayException(None, SimpleNamespace(status_code=403, text='{"message":"no"}'))
    failed = tasks.api_gateway_error(task, env, refused)
    assert failed.error_name.error_name == "ApiGateway.403"
    assert failed.event_details["taskFailedEventDetails"]["cause"] == '{"message":"no"}'


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"Type": "Wait", "Timestamp": "tomorrow", "End": True},
            "String does not match RFC3339 timestamp at /States/A/Timestamp",
        ),
        (
            {"Type": "Wait", "Timestamp": "2026-01-01T00:00:00", "End": True},
            "String does not match RFC3339 timestamp at /States/A/Timestamp",
        ),
        (
            {"Type": "Task", "Resource": INVOKE, "Credentials": {}, "End": True},
            "The field 'RoleArn' is required but was missing at /States/A/Credentials",
        ),
    ],
)
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_a_definition_is_refused_in_the_words_of_aws(account, state, words, language):
    with pytest.raises(account.states.exceptions.InvalidDefinition, match=f"SCHEMA_VALIDATION_FAILED: {words}"):
        account.machine({"A": state}, language=language)


def test_an_optimised_integration_adds_the_metadata_of_its_service(account):
    role = account.role("sending", "states.amazonaws.com", [account.allow(["sqs:*"])])
    queue = account.client("sqs").create_queue(QueueName="recorded")["QueueUrl"]
    arguments = {"QueueUrl": queue, "MessageBody": "hello"}
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Arguments": arguments, "End": True}
    found = account.output({"Send": send}, role=role)
    assert set(found) == {"MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata"}
    headers = found["SdkHttpMetadata"]["HttpHeaders"]
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert headers["x-amzn-RequestId"] == found["SdkResponseMetadata"]["RequestId"]
    plain = {key: found[key] for key in ("MD5OfMessageBody", "MessageId")}
    assert int(headers["Content-Length"]) == len(json.dumps(plain, separators=(",", ":")))
    send["Resource"] = "arn:aws:states:::aws-sdk:sqs:sendMessage"
    assert set(account.output({"Send": send}, role=role)) == {"MD5OfMessageBody", "MessageId"}
