"""Tasks: functions, tokens and calls of the SDK, as the machine's role."""

import json

import pytest

INVOKE = "arn:aws:states:::lambda:invoke"


def task(resource, arguments, **fields):
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **fields}


def caught(state):
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    return {"Try": {**state, "Catch": catch}, "Caught": {"Type": "Pass", "End": True}}


def test_a_function_answers_with_its_version_and_the_sdks_metadata(account):
    state = task(INVOKE, {"FunctionName": "echo", "Payload": {"n": "{% $states.input.n %}"}})
    execution = account.start(account.machine({"Call": state}), {"n": 1})
    found = json.loads(account.finish(execution)["output"])
    assert found["Payload"] == {"got": {"n": 1}, "version": "$LATEST"}
    assert (found["StatusCode"], found["ExecutedVersion"]) == (200, "$LATEST")
    assert found["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert found["SdkResponseMetadata"]["RequestId"]
    events = account.history(execution)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5, 6]
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert json.loads(scheduled["parameters"]) == {"FunctionName": "echo", "Payload": {"n": 1}}


def test_a_version_is_called_by_its_arn_and_stays_what_it_was(account):
    arn = account.function("versioned", "def handler(event, context):\n    return ['one', context.function_version]\n")
    one = account.client("lambda").publish_version(FunctionName="versioned")["FunctionArn"]
    assert one == f"{arn}:1"
    found = account.output({"Call": task(INVOKE, {"FunctionName": one})})
    assert (found["Payload"], found["ExecutedVersion"]) == (["one", "1"], "1")


@pytest.mark.parametrize(
    ("function", "error", "code"),
    [
        (
            "arn:aws:lambda:us-east-1:123456789012:function:nobody",
            "Lambda.ResourceNotFoundException",
            "ResourceNotFound",
        ),
        ("arn:aws:lambda:us-east-1:999999999999:function:echo", "Lambda.AWSLambdaException", "AccessDeniedException"),
    ],
)
def test_refusals_of_lambda_go_by_their_exception(account, function, error, code):
    found = account.output(caught(task(INVOKE, {"FunctionName": function})))
    assert found["Error"] == error
    assert "(Service: AWSLambda; Status Code: 40" in found["Cause"]
    assert f"Error Code: {code}" in found["Cause"]


def test_a_role_without_invoke_function_is_refused_as_on_aws(account):
    role = account.workflow_role_without("lambda:InvokeFunction")
    found = account.output(caught(task(INVOKE, {"FunctionName": "echo"})), role=role)
    assert found["Error"] == "Lambda.AWSLambdaException"
    assert "is not authorized to perform: lambda:InvokeFunction on resource: " in found["Cause"]


def waiting(payload, **fields):
    arguments = {"FunctionName": "token", "Payload": {"token": "{% $states.context.Task.Token %}", **payload}}
    return task(f"{INVOKE}.waitForTaskToken", arguments, **fields)


def test_a_token_brings_the_answer(account):
    execution = account.start(account.machine({"Wait": waiting({"answer": '{"a": "b\\"c"}'})}))
    assert json.loads(account.finish(execution)["output"]) == {"a": 'b"c'}
    types = [event["type"] for event in account.history(execution)]
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_token_brings_an_error_with_its_cause(account):
    found = account.output(caught(waiting({"error": "States.Odd"})))
    assert found == {"Error": "States.Odd", "Cause": "as asked"}


def test_a_missed_heartbeat_is_a_time_out_by_either_name(account):
    state = waiting({}, HeartbeatSeconds=1, TimeoutSeconds=30)
    states = caught(state)
    states["Try"]["Catch"][0]["ErrorEquals"] = ["States.HeartbeatTimeout"]
    assert account.output(states)["Error"] == "States.Timeout"


def test_a_token_that_nobody_waits_for_is_refused(account):
    states = account.states
    with pytest.raises(states.exceptions.InvalidToken):
        states.send_task_success(taskToken="nothing", output="{}")
    keep = "import boto3\ndef handler(event, context):\n    return event['token']\n"
    account.function("keep", keep)
    state = task(
        f"{INVOKE}.waitForTaskToken",
        {"FunctionName": "keep", "Payload": {"token": "{% $states.context.Task.Token %}"}},
        TimeoutSeconds=1,
    )
    execution = account.start(account.machine({"Wait": state}))
    account.finish(execution)
    submitted = next(event for event in account.history(execution) if event["type"] == "TaskSubmitted")
    token = json.loads(submitted["taskSubmittedEventDetails"]["output"])["Payload"]
    with pytest.raises(states.exceptions.TaskTimedOut):
        states.send_task_success(taskToken=token, output="{}")


def test_sdk_calls_take_and_give_the_sdks_names(account):
    parameter = {"Name": "/sdk/one", "Value": "1", "Type": "String"}
    role = account.role(
        "sdk",
        "states.amazonaws.com",
        [account.allow(["ssm:PutParameter", "ssm:GetParameter"]), account.allow(["states:ListExecutions"])],
    )
    states = {
        "Put": {**task("arn:aws:states:::aws-sdk:ssm:putParameter", parameter), "Next": "Get"},
        "Get": task("arn:aws:states:::aws-sdk:ssm:getParameter", {"Name": "/sdk/one"}, Next="List"),
    }
    for state in states.values():
        del state["End"]
    machine = account.machine({"W": {"Type": "Pass", "End": True}})
    account.finish(account.start(machine))
    states["Get"]["Output"] = "{% $states.result.Parameter %}"
    states["Get"]["Assign"] = {"parameter": "{% $states.result.Parameter %}"}
    states["List"] = task(
        "arn:aws:states:::aws-sdk:sfn:listExecutions",
        {"StateMachineArn": machine},
        Output={"parameter": "{% $parameter %}", "executions": "{% $states.result.Executions %}"},
    )
    found = account.output(states, role=role)
    assert found["parameter"]["Value"] == "1"
    assert found["parameter"]["LastModifiedDate"].endswith("Z")
    assert [each["StateMachineArn"] for each in found["executions"]] == [machine]
    assert found["executions"][0]["StartDate"].endswith("Z")


@pytest.mark.parametrize(
    ("call", "arguments", "error"),
    [
        ("sagemaker:describeTrainingJob", {"TrainingJobName": "nobody"}, "SageMaker.SageMakerException"),
        ("ssm:getParameter", {"Name": "/no/such"}, "Ssm.ParameterNotFoundException"),
        (
            "sfn:describeExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:a:b"},
            "Sfn.ExecutionDoesNotExistException",
        ),
        ("dynamodb:getItem", {"TableName": "none", "Key": {"k": {"S": "v"}}}, "DynamoDb.ResourceNotFoundException"),
    ],
)
def test_sdk_errors_go_by_the_names_of_the_sdk(account, call, arguments, error):
    service, action = call.split(":")
    prefix = {"sfn": "states"}.get(service, service)
    role = account.role(
        f"sdk-{service}", "states.amazonaws.com", [account.allow([f"{prefix}:{action[0].upper()}{action[1:]}"])]
    )
    found = account.output(caught(task(f"arn:aws:states:::aws-sdk:{call}", arguments)), role=role)
    assert found["Error"] == error
    assert f"(Service: {error.split('.')[0]}, Status Code: 400, Request ID: " in found["Cause"]


def test_an_sdk_call_needs_the_right(account):
    found = account.output(caught(task("arn:aws:states:::aws-sdk:ssm:getParameter", {"Name": "/a"})))
    assert found["Error"] == "Ssm.SsmException"
    assert "is not authorized to perform: ssm:GetParameter" in found["Cause"]


ANSWERS = (
    "import boto3\n"
    "def handler(event, context):\n"
    "    states = boto3.client('stepfunctions')\n"
    "    try:\n"
    "        states.send_task_success(taskToken=event['token'], output='1')\n"
    "    except Exception as refused:\n"
    "        return str(refused)\n"
)


@pytest.fixture
def answering(account):
    """A function that answers the token which it is given, or says why it may not; its role has these rights."""

    def make(*resources):
        name = f"answering-{next(account.numbers)}"
        rights = [account.allow(["states:SendTaskSuccess", "states:SendTaskFailure"], *resources)]
        account.role(name, "lambda.amazonaws.com", rights)
        return account.function(name, ANSWERS, role=name)

    return make


def asking(function, **fields):
    payload = {"token": "{% $states.context.Task.Token %}"}
    return task(f"{INVOKE}.waitForTaskToken", {"FunctionName": function, "Payload": payload}, **fields)


def test_an_answer_is_judged_by_the_state_machine(account, answering):
    """https://github.com/NOAA-OWP/hydrovis/issues/837"""
    number = next(account.numbers)
    arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:asking-{number}"
    assert account.output({"Ask": asking(answering(arn))}, name=f"asking-{number}") == 1
    execution = account.start(account.machine({"Ask": asking(answering(arn), TimeoutSeconds=2)}, name=f"else-{number}"))
    assert account.finish(execution)["error"] == "States.Timeout"
    submitted = next(event for event in account.history(execution) if event["type"] == "TaskSubmitted")
    refused = json.loads(submitted["taskSubmittedEventDetails"]["output"])["Payload"]
    assert "is not authorized to perform: states:SendTaskSuccess on resource: " in refused
    assert f":stateMachine:else-{number}" in refused


def test_a_time_out_is_caught_and_an_answer_after_it_or_a_second_one_is_told_so(account, answering):
    keeps = "def handler(event, context):\n    return event['token']\n"
    name = f"keeps-{next(account.numbers)}"
    account.function(name, keeps)
    again = {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Arguments": {"FunctionName": answering("*"), "Payload": {"token": "{% $states.context.Task.Token %}"}},
        "End": True,
    }
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Again"}]
    execution = account.start(account.machine({"Ask": asking(name, TimeoutSeconds=1, Catch=catch), "Again": again}))
    assert account.finish(execution)["status"] == "SUCCEEDED"
    tokens = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]["token"]
        for event in account.history(execution)
        if event["type"] == "TaskScheduled"
    ]
    for token in tokens:
        for answer in (
            lambda token=token: account.states.send_task_success(taskToken=token, output="2"),
            lambda token=token: account.states.send_task_failure(taskToken=token, error="E"),
        ):
            with pytest.raises(account.states.exceptions.TaskTimedOut):
                answer()


def test_a_training_jobs_end_reaches_the_function_that_answers_its_token(account, training):
    """Launch by a token: a rule on the job's event, by the prefix of its name and its last statuses."""
    number = next(account.numbers)
    prefix, table = f"callback-{number}-", f"callback-{number}"
    key = [{"AttributeName": "job", "KeyType": "HASH"}]
    account.client("dynamodb").create_table(
        TableName=table,
        KeySchema=key,
        AttributeDefinitions=[{"AttributeName": "job", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    launch = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    item = {'job': {'S': event['request']['TrainingJobName']}, 'token': {'S': event['token']}}\n"
        f"    boto3.client('dynamodb').put_item(TableName='{table}', Item=item)\n"
        "    boto3.client('sagemaker').create_training_job(**event['request'])\n"
    )
    answer = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    job = event['detail']['TrainingJobName']\n"
        f"    item = boto3.client('dynamodb').get_item(TableName='{table}', Key={{'job': {{'S': job}}}})['Item']\n"
        "    output = json.dumps(event['detail']['TrainingJobStatus'])\n"
        "    boto3.client('stepfunctions').send_task_success(taskToken=item['token']['S'], output=output)\n"
    )
    role = f"callback-{number}"
    account.role(
        role, "lambda.amazonaws.com", [account.allow(["dynamodb:*", "sagemaker:*", "states:*", "iam:PassRole"])]
    )
    launcher = account.function(f"launch-{number}", launch, role=role)
    answerer = account.function(f"answer-{number}", answer, role=role)
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {
            "TrainingJobName": [{"prefix": prefix}],
            "TrainingJobStatus": ["Completed", "Failed", "Stopped"],
        },
    }
    events = account.client("events")
    rule = events.put_rule(Name=f"callback-{number}", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=f"callback-{number}", Targets=[{"Id": "t", "Arn": answerer}])
    account.client("lambda").add_permission(
        FunctionName=answerer,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    payload = {"token": "{% $states.context.Task.Token %}", "request": training(f"{prefix}1", "raise SystemExit(3)")}
    state = task(f"{INVOKE}.waitForTaskToken", {"FunctionName": launcher, "Payload": payload}, TimeoutSeconds=60)
    assert account.output({"Launch": state}) == "Failed"
