"""Functions really run: with the environment, the limits, the errors and the versions that Lambda gives them."""

from __future__ import annotations

import base64
import json

import pytest

_LOOK = """
import os
def handler(event, context):
    return {
        "environment": dict(os.environ),
        "left": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "request": context.aws_request_id,
        "memory": context.memory_limit_in_mb,
    }
"""


def test_the_environment_is_lambdas_and_nothing_else(account, monkeypatch):
    name = account.function(_LOOK, Environment={"Variables": {"COLOUR": "blue"}}, MemorySize=512)
    seen, answer = account.invoke(name)
    environment = seen["environment"]
    assert environment["COLOUR"] == "blue"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert environment["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ENDPOINT_URL"] == account.endpoint
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not {"HOME", "USER", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "MOTO_PORT"} & set(environment)
    assert 3000 < seen["left"] <= 5000
    assert int(seen["memory"]) == 512
    assert answer["ExecutedVersion"] == "$LATEST"


def test_a_sandbox_is_used_again(account):
    name = account.function("import os\nseen = []\ndef handler(e, c):\n    seen.append(1)\n    return len(seen)")
    assert [account.invoke(name)[0] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("class Odd(Exception): pass\ndef handler(e, c): raise Odd('no')", "Odd", "no"),
        ("import os\ndef handler(e, c): os._exit(7)", "Runtime.ExitError", "exit status 7"),
        ("import time\ndef handler(e, c): time.sleep(9)", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("raise KeyError('at import')", "KeyError", "at import"),
        ("def other(e, c): pass", "Runtime.HandlerNotFound", "handler"),
    ],
)
def test_failures_are_unhandled_and_keep_their_names(account, source, kind, message):
    payload, answer = account.invoke(account.function(source, Timeout=1))
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert message in payload["errorMessage"]


def test_a_function_lives_on_after_its_sandbox_died(account):
    source = "import os\ndef handler(e, c):\n    if e.get('die'): os._exit(1)\n    return 'alive'"
    name = account.function(source)
    account.invoke(name, {"die": True})
    assert account.invoke(name)[0] == "alive"


def test_what_the_deployed_function_would_not_have_cannot_be_imported(account):
    payload, _ = account.invoke(account.function("import moto\ndef handler(e, c): pass"))
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "moto" in payload["errorMessage"]


def test_a_layer_brings_what_it_holds(account, helpers):
    lam = account.client("lambda")
    content = helpers.zipped("COLOUR = 'from the layer'", "python/only_in_the_layer.py")
    layer = lam.publish_layer_version(LayerName=helpers.unique("layer"), Content={"ZipFile": content})
    source = "import only_in_the_layer\ndef handler(e, c): return only_in_the_layer.COLOUR"
    assert account.invoke(account.function(source, Layers=[layer["LayerVersionArn"]]))[0] == "from the layer"


def test_a_published_version_keeps_its_code_and_its_configuration(account, helpers):
    lam = account.client("lambda")
    source = "import os\ndef handler(e, c): return ['old', os.environ['COLOUR']]"
    name = account.function(source, Environment={"Variables": {"COLOUR": "blue"}})
    arn = lam.publish_version(FunctionName=name)["FunctionArn"]
    lam.update_function_code(FunctionName=name, ZipFile=helpers.zipped("def handler(e, c): return 'new'"))
    lam.update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "red"}})
    assert account.invoke(name)[0] == "new"
    for qualified in ({"function": arn}, {"function": name, "Qualifier": "1"}, {"function": f"{name}:1"}):
        payload, answer = account.invoke(**qualified)
        assert payload == ["old", "blue"]
        assert answer["ExecutedVersion"] == "1"
    assert lam.publish_version(FunctionName=name)["Version"] == "2"


def test_logs_are_written_under_the_functions_role(account):
    name = account.function("def handler(e, c): print('a line')")
    _, answer = account.invoke(name, LogType="Tail")
    assert "a line" in base64.b64decode(answer["LogResult"]).decode()
    logs = account.client("logs")
    group = f"/aws/lambda/{name}"
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            break
        time.sleep(0.05)
    events = logs.filter_log_events(logGroupName=group)["events"]
    assert "a line" in [event["message"] for event in events]


def test_without_permission_the_log_is_lost(account):
    role = account.role()
    name = account.function("def handler(e, c): return 1", role)
    assert account.invoke(name)[0] == 1
    assert not account.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]


def test_the_log_group_is_the_one_that_was_asked_for(account, helpers):
    group = f"/{helpers.unique('logs')}"
    name = account.function("def handler(e, c): print('here')", LoggingConfig={"LogGroup": group})
    account.invoke(name)
    logs = account.client("logs")
    helpers.wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    described = account.client("lambda").get_function_configuration(FunctionName=name)
    assert described["LoggingConfig"]["LogGroup"] == group


def _counter(account, helpers, source):
    bucket = helpers.unique("bucket")
    account.client("s3").create_bucket(Bucket=bucket)
    role = account.role(helpers.allow("s3:*", "*"), helpers.allow("logs:*", "*"))
    text = (
        "import boto3, time\n"
        "def handler(e, c):\n"
        f"    boto3.client('s3').put_object(Bucket='{bucket}', Key=str(time.time()), Body=b'')\n    {source}"
    )
    name = account.function(text, role)
    return name, lambda: account.client("s3").list_objects_v2(Bucket=bucket).get("KeyCount", 0)


def test_an_event_is_queued_and_tried_again(account, helpers):
    name, count = _counter(account, helpers, "raise ValueError")
    payload, answer = account.invoke(name, InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert payload is None
    helpers.wait_for(lambda: count() == 3)


def test_an_event_that_succeeds_is_not_tried_again(account, helpers):
    name, count = _counter(account, helpers, "pass")
    account.invoke(name, InvocationType="Event")
    helpers.wait_for(lambda: count() == 1)


def test_retries_can_be_switched_off(account, helpers):
    name, count = _counter(account, helpers, "raise ValueError")
    account.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    account.invoke(name, InvocationType="Event")
    helpers.wait_for(lambda: count() == 1)
    import time

    time.sleep(1.5)
    assert count() == 1


def test_a_dry_run_runs_nothing(account):
    _, answer = account.invoke(account.function("raise ValueError"), InvocationType="DryRun")
    assert answer["StatusCode"] == 204


def test_a_function_that_does_not_exist(account):
    client = account.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")


def test_an_answer_that_is_too_large_is_refused(account):
    payload, answer = account.invoke(account.function("def handler(e, c): return 'x' * (7 * 1024 * 1024)"))
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Function.ResponseSizeTooLarge"


def test_plain_moto_runs_no_function(plain_moto):
    """What the mends lambda-invoke-function and lambda-invoke-api are for."""
    name = plain_moto.function("def handler(e, c): return 42", plain_moto.role())
    client = plain_moto.client("lambda")
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps({}))
    except client.exceptions.ClientError:
        return  # without Docker it fails altogether
    assert "ExecutedVersion" not in answer


def test_plain_moto_drops_the_logging_configuration(plain_moto):
    """What the mends lambda-create-configuration and lambda-describe-configuration are for."""
    role = plain_moto.role()
    name = plain_moto.function("def handler(e, c): pass", role, LoggingConfig={"LogGroup": "/mine"})
    described = plain_moto.client("lambda").get_function_configuration(FunctionName=name)
    assert "LoggingConfig" not in described


def test_plain_moto_fails_on_an_empty_environment(plain_moto, account):
    """What the mend lambda-update-configuration is for."""
    wish = {"Environment": {}, "TracingConfig": {"Mode": "Active"}}
    name = plain_moto.function("def handler(e, c): pass", plain_moto.role())
    with pytest.raises(Exception, match=r"."):
        plain_moto.client("lambda").update_function_configuration(FunctionName=name, **wish)
    mine = account.function("def handler(e, c): pass", Environment={"Variables": {"A": "1"}})
    found = account.client("lambda").update_function_configuration(FunctionName=mine, **wish)
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert "Environment" not in found


def test_an_invocation_has_one_request_id(account):
    """The mend lambda-request-id, and what moto does without it."""
    from moto.core.responses import BaseResponse

    seen, answer = account.invoke(account.function("def handler(e, c): return c.aws_request_id"))
    assert answer["ResponseMetadata"]["RequestId"] == seen
    headers, _ = BaseResponse._enrich_response({"x-amzn-RequestId": "mine"}, "")
    assert set(headers.values()) != {"mine"}
