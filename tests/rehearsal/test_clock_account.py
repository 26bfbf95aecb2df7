"""An account whose clock jumps, or runs faster: states, functions and events agree about the time."""

from __future__ import annotations

import datetime
import email.utils
import importlib
import inspect
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trainwright.rehearsal.mends import source_hash
from trainwright.rehearsal.states import clocked

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": [f"{name}.amazonaws.com" for name in ("states", "lambda", "sagemaker")]},
        }
    ],
}
INVOKE = "arn:aws:states:::lambda:invoke"
SYNC = "arn:aws:states:::sagemaker:createTrainingJob.sync"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nothing:1"
JUMP: dict[str, Any] = {
    "seed": 7,
    "clock": {"jump": True},
    "fake_jobs": {"seconds": 3000, "steps": 100, "checkpoint_every": 10},
    "instance_types": {"ml.m5.large": {"start": 90}},
    "spot_interruptions": [{"after": "checkpoint", "chance": 0.5}],
}
# On a machine that is busy with everything else; with the wall's clock each of these would take minutes or hours.
PATIENCE = 60.0

TELLS_TIME = """
import datetime, time
def handler(event, context):
    before = datetime.datetime.now(datetime.UTC)
    left = context.get_remaining_time_in_millis()
    time.sleep(event.get("sleep", 0))
    after = datetime.datetime.now(datetime.UTC)
    return {"before": before.timestamp(), "left": left, "after": after.timestamp(), "time": time.time()}
"""


class Driver:
    """Makes and runs machines in an account; its names are the same in every account."""

    def __init__(self, account: Any, helpers: Any) -> None:
        self.account, self.helpers, self.numbers = account, helpers, itertools.count()
        self.states = account.client("stepfunctions")

    def role(self, name: str) -> str:
        iam = self.account.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [self.helpers.allow("*", "*")]}
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=json.dumps(policy))
        return arn

    def machine(self, states: dict[str, Any], **top: Any) -> str:
        number = next(self.numbers)
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **top}
        made = self.states.create_state_machine(
            name=f"machine-{number}", definition=json.dumps(definition), roleArn=self.role(f"machine-{number}")
        )
        return made["stateMachineArn"]

    def function(self, source: str, **more: Any) -> str:
        name = f"function-{next(self.numbers)}"
        made = self.account.client("lambda").create_function(
            FunctionName=name,
            Role=self.role(name),
            Code={"ZipFile": self.helpers.zipped(source)},
            Runtime="python3.13",
            Handler="app.handler",
            **{"Timeout": 300, **more},
        )
        return made["FunctionArn"]

    def start(self, machine: str, **more: Any) -> str:
        return self.states.start_execution(stateMachineArn=machine, **more)["executionArn"]

    def finished(self, execution: str) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while (found := self.states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < end, self.clock()
            time.sleep(0.01)
        return found

    def run(self, states: dict[str, Any], **top: Any) -> dict[str, Any]:
        return self.finished(self.start(self.machine(states, **top)))

    def history(self, execution: str) -> list[dict[str, Any]]:
        return self.states.get_execution_history(executionArn=execution)["events"]

    def train(self) -> dict[str, Any]:
        """A state that trains on spot, under a name that the execution's gives."""
        request = {
            "TrainingJobName": "{% 'job-' & $substring($states.context.Execution.Name, 0, 13) %}",
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": self.role(f"training-{next(self.numbers)}"),
            "OutputDataConfig": {"S3OutputPath": "s3://artifacts/out"},
            "CheckpointConfig": {"S3Uri": "{% 's3://artifacts/' & $states.context.Execution.Name & '/' %}"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 90_000},
            "EnableManagedSpotTraining": True,
        }
        return {"Type": "Task", "Resource": SYNC, "Arguments": request, "End": True}

    def clock(self, **wish: Any) -> dict[str, Any]:
        data = json.dumps(wish).encode() if wish else None
        request = urllib.request.Request(f"{self.account.endpoint}/_trainwright/clock", data=data)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def settled(self) -> None:
        """Wait until nobody in the account has anything left to do."""
        end = time.monotonic() + PATIENCE
        while (state := self.clock())["running"] or state["ready"] or state["waiting"]:
            assert time.monotonic() < end, state
            time.sleep(0.01)


def took(execution: dict[str, Any]) -> float:
    return (execution["stopDate"] - execution["startDate"]).total_seconds()


@pytest.fixture(scope="module")
def jumping(tmp_path_factory, helpers) -> Iterator[Driver]:
    folder = tmp_path_factory.mktemp("jumping")
    process = helpers.start_server(folder, faults=JUMP, images=image(folder))
    yield Driver(helpers.Account(helpers.ready_line(process)["endpoint"], folder / "account", process), helpers)
    helpers.stop_server(process)


def image(folder: Any) -> dict[str, str]:
    """The folder that stands for the image: nothing in it ever runs."""
    where = folder / "image"
    where.mkdir()
    (where / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["python", "none.py"]\n')
    return {IMAGE: str(where)}


@pytest.fixture(scope="module")
def clockwork(jumping) -> str:
    """A function that says what time it is, and sleeps."""
    return jumping.function(TELLS_TIME)


def test_an_hour_is_not_waited_for(jumping):
    began = time.monotonic()
    done = jumping.run({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    assert (done["status"], took(done)) == ("SUCCEEDED", 3600)
    stamps = {event["type"]: event["timestamp"] for event in jumping.history(done["executionArn"])}
    assert stamps["WaitStateExited"] - stamps["WaitStateEntered"] == datetime.timedelta(hours=1)
    assert time.monotonic() - began < PATIENCE


def test_a_timestamp_is_waited_for_in_the_accounts_time(jumping):
    then = datetime.datetime.fromtimestamp(jumping.clock()["time"], datetime.UTC) + datetime.timedelta(days=9)
    text = then.strftime("%Y-%m-%dT%H:%M:%SZ")
    done = jumping.run({"Wait": {"Type": "Wait", "Timestamp": text, "End": True}})
    assert done["stopDate"] == then.replace(microsecond=0)


def test_an_execution_times_out(jumping):
    done = jumping.run({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}, TimeoutSeconds=70)
    assert (done["status"], took(done)) == ("TIMED_OUT", 70)


@pytest.mark.parametrize(
    ("limits", "seconds"), [({"TimeoutSeconds": 50}, 50), ({"TimeoutSeconds": 500, "HeartbeatSeconds": 20}, 20)]
)
def test_a_task_whose_token_nobody_answers_times_out(jumping, clockwork, limits, seconds):
    payload = {"FunctionName": clockwork, "Payload": {"token": "{% $states.context.Task.Token %}"}}
    task = {"Type": "Task", "Resource": f"{INVOKE}.waitForTaskToken", "Arguments": payload, "End": True, **limits}
    done = jumping.run({"Ask": task})
    assert (done["status"], done["error"], took(done)) == ("FAILED", "States.Timeout", seconds)


def test_retries_wait_in_the_accounts_time(jumping):
    broken = jumping.function("def handler(event, context): raise ValueError('no')")
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 100, "BackoffRate": 2, "MaxAttempts": 3}]
    arguments = {"FunctionName": broken, "Payload": {}}
    task = {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, "Retry": retry, "End": True}
    assert took(jumping.run({"Try": task})) == 100 + 200 + 400


def test_branches_and_items_wait_side_by_side(jumping):
    def wait(seconds):
        return {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}}

    parallel = {"Type": "Parallel", "Branches": [wait(60), wait(3600), wait(600)], "Next": "Each"}
    each = {"Type": "Map", "Items": [100, 300, 200], "ItemProcessor": wait("{% $states.input %}"), "End": True}
    assert took(jumping.run({"Both": parallel, "Each": each})) == 3600 + 300


def test_a_function_sees_the_accounts_time_and_sleeps_in_it(jumping, clockwork):
    began = jumping.clock()["time"]
    told, answer = jumping.account.invoke(clockwork, {"sleep": 120})
    assert answer.get("FunctionError") is None
    assert told["before"] == pytest.approx(began, abs=0.01)
    assert told["left"] == pytest.approx(300_000, abs=10)
    assert told["after"] - told["before"] == pytest.approx(120, abs=0.01)
    assert told["time"] == pytest.approx(told["after"], abs=1e-5)
    assert jumping.clock()["time"] - began == pytest.approx(120, abs=0.01)
    # the same sandbox, an hour later
    jumping.clock(sleep=3600)
    told, _ = jumping.account.invoke(clockwork)
    assert told["before"] == pytest.approx(began + 3720, abs=0.01)


def test_a_function_that_sleeps_too_long_times_out(jumping):
    told, answer = jumping.account.invoke(jumping.function(TELLS_TIME, Timeout=10), {"sleep": 60})
    assert answer["FunctionError"] == "Unhandled"
    assert told["errorType"] == "Sandbox.Timedout"


def test_while_a_function_sleeps_others_go_on(jumping, clockwork):
    sleep = {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"FunctionName": clockwork, "Payload": {"sleep": "{% $states.input %}"}},
        "End": True,
    }
    processor = {"StartAt": "Sleep", "States": {"Sleep": sleep}}
    done = jumping.run({"Each": {"Type": "Map", "Items": [100, 50, 75], "ItemProcessor": processor, "End": True}})
    assert (done["status"], took(done)) == ("SUCCEEDED", 100)


def test_an_event_is_tried_again_after_one_and_two_minutes(jumping):
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
    table = "attempts"
    jumping.account.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    source = f"""
import boto3, time
def handler(event, context):
    boto3.client("dynamodb").put_item(TableName="{table}", Item={{"id": {{"S": str(time.time())}}}})
    raise ValueError("again")
"""
    began = jumping.clock()["time"]
    jumping.account.client("lambda").invoke(FunctionName=jumping.function(source), InvocationType="Event")
    jumping.settled()
    items = jumping.account.client("dynamodb").scan(TableName=table)["Items"]
    assert sorted(round(float(item["id"]["S"]) - began) for item in items) == [0, 60, 180]


def test_a_training_job_takes_its_time_and_none_of_the_walls(jumping):
    jumping.account.client("s3").create_bucket(Bucket="artifacts")
    done = jumping.run({"Train": jumping.train()})
    assert done["status"] == "SUCCEEDED", done
    job = json.loads(done["output"])
    assert job["TrainingTimeInSeconds"] == 3000
    seen = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    starts = 90 * seen.count("Starting")
    assert took(done) == 3000 + starts
    assert job["TrainingEndTime"] - job["CreationTime"] == 1000 * (3000 + starts)


def test_objects_are_stamped_with_the_accounts_time(jumping):
    s3 = jumping.account.client("s3")
    s3.create_bucket(Bucket="stamped")
    s3.put_object(Bucket="stamped", Key="key")
    stamp = s3.head_object(Bucket="stamped", Key="key")["LastModified"].timestamp()
    assert stamp == pytest.approx(jumping.clock()["time"], abs=1)


def test_a_long_poll_of_a_queue_ends(jumping):
    sqs = jumping.account.client("sqs")
    url = sqs.create_queue(QueueName="empty")["QueueUrl"]
    began = jumping.clock()["time"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert 20 <= jumping.clock()["time"] - began <= 22
    sqs.send_message(QueueUrl=url, MessageBody="here")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"] == "here"


def test_clients_are_told_the_walls_time(jumping):
    """Who finds its own clock wrong by minutes takes every refusal for a matter of time, and tries again and again."""
    with urllib.request.urlopen(f"{jumping.account.endpoint}/_trainwright/health") as answer:
        told = email.utils.parsedate_to_datetime(answer.headers["Date"])
    assert abs(told.timestamp() - time.time()) < PATIENCE


def test_the_page_says_what_it_can_do(jumping):
    state = jumping.clock()
    assert state["mode"] == "jump"
    assert state["held"] is False
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        jumping.clock(hodl=True)
    assert "give hold (true or false)" in refused.value.read().decode()
    refused.value.close()


def test_somebody_outside_can_act_at_an_instant(jumping):
    """A person's StopExecution, half a minute after the start, however fast the machine is."""
    jumping.clock(hold=True)
    execution = jumping.start(jumping.machine({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}))
    with ThreadPoolExecutor(1) as threads:
        instant = threads.submit(jumping.clock, sleep=30, hold=True)
        while jumping.clock()["waiting"] < 1:  # it sleeps: the clock may go on
            time.sleep(0.01)
        jumping.clock(hold=False)
        assert instant.result()["held"]
    jumping.states.stop_execution(executionArn=execution)
    jumping.clock(hold=False)
    done = jumping.finished(execution)
    assert (done["status"], took(done)) == ("ABORTED", 30)


def test_a_schedule_is_kept_on_the_way_and_drives_no_clock(jumping):
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"""
    source = """
import boto3, json
def handler(event, context):
    key = f"{event['time']} {event['detail-type']}"
    boto3.client("s3").put_object(Bucket="scheduled", Key=key, Body=json.dumps(event))
"""
    s3, events = jumping.account.client("s3"), jumping.account.client("events")
    s3.create_bucket(Bucket="scheduled")
    function = jumping.function(source)
    rule = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")["RuleArn"]
    began = jumping.clock()["time"]
    events.put_targets(Rule="hourly", Targets=[{"Id": "t", "Arn": function}])
    jumping.account.client("lambda").add_permission(
        FunctionName=function,
        StatementId="hourly",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    jumping.settled()
    assert jumping.clock()["time"] - began < 1  # nothing waits: no jump
    jumping.clock(sleep=3 * 3600 + 60)
    jumping.settled()
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="scheduled")["Contents"]]
    assert len(keys) == 3 and all(key.endswith(" Scheduled Event") for key in keys)
    event = json.loads(s3.get_object(Bucket="scheduled", Key=keys[0])["Body"].read())
    assert (event["source"], event["resources"], event["detail"]) == ("aws.events", [rule], {})
    events.remove_targets(Rule="hourly", Ids=["t"])
    events.delete_rule(Name="hourly")
    jumping.clock(sleep=7200)
    jumping.settled()
    assert s3.list_objects_v2(Bucket="scheduled")["KeyCount"] == 3


def test_what_ended_two_weeks_ago_is_redriven_no_more(jumping):
    failed = jumping.run({"A": {"Type": "Fail"}})["executionArn"]
    jumping.states.redrive_execution(executionArn=failed)
    assert jumping.finished(failed)["redriveStatus"] == "REDRIVABLE"
    jumping.clock(sleep=14 * 86400 + 1)
    found = jumping.states.describe_execution(executionArn=failed)
    assert (found["redriveStatus"], found["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution redrivable period exceeded",
    )
    with pytest.raises(jumping.states.exceptions.ExecutionNotRedrivable):
        jumping.states.redrive_execution(executionArn=failed)


def test_an_activitys_worker_gets_the_task_that_comes_while_it_asks(jumping):
    arn = jumping.states.create_activity(name="by-hand")["activityArn"]
    machine = jumping.machine({"Ask": {"Type": "Task", "Resource": arn, "End": True}})
    jumping.clock(hold=True)
    execution = jumping.start(machine)
    got: dict[str, Any] = {}
    worker = threading.Thread(target=lambda: got.update(jumping.states.get_activity_task(activityArn=arn)))
    worker.start()
    jumping.clock(hold=False)
    worker.join(PATIENCE)
    jumping.states.send_task_success(taskToken=got["taskToken"], output='"by hand"')
    done = jumping.finished(execution)
    assert (done["status"], done["output"]) == ("SUCCEEDED", '"by hand"')


# --- the same every time -------------------------------------------------------------------------------------------

COUNTS = """
import boto3, datetime, json
def handler(event, context):
    if "detail" in event:  # what happened in the account, as EventBridge tells it
        change = "SET events = list_append(if_not_exists(events, :none), :one)"
        values = {":none": {"L": []}, ":one": {"L": [{"S": json.dumps(event, sort_keys=True)}]}}
        boto3.client("dynamodb").update_item(TableName="seen", Key={"id": {"S": "events"}}, UpdateExpression=change,
                                             ExpressionAttributeValues=values)
    elif "token" in event:
        boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output="{}")
    else:  # three branches of each execution want the next number at the same instant
        number = boto3.client("dynamodb").update_item(
            TableName="seen", Key={"id": {"S": "number"}}, UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}}, ReturnValues="ALL_NEW")["Attributes"]["n"]["N"]
        if int(number) % 3 == 0:
            raise ValueError(number)
        return [number, datetime.datetime.now().isoformat(), context.aws_request_id]
"""


def _race(driver: Driver) -> str:
    """Two executions that begin at one instant and race: their histories and the account's events, as text."""
    account = driver.account
    account.client("dynamodb").create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    function = driver.function(COUNTS)
    events, functions = account.client("events"), account.client("lambda")
    account.client("s3").create_bucket(Bucket="artifacts")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.states", "aws.sagemaker"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": function}])
    functions.add_permission(
        FunctionName=function, StatementId="1", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    executions = _held(driver, driver.machine({**_racing_states(function), "Train": driver.train()}))
    done = [driver.finished(execution) for execution in executions]
    driver.settled()
    found = account.client("dynamodb").get_item(TableName="seen", Key={"id": {"S": "events"}})["Item"]["events"]
    for description in done:
        del description["ResponseMetadata"]
    histories = [driver.history(execution) for execution in executions]
    return json.dumps([done, histories, found], default=str, sort_keys=True)


def _held(driver: Driver, machine: str) -> list[str]:
    driver.clock(hold=True)
    executions = [driver.start(machine) for _ in range(2)]  # without names: those are drawn too
    driver.clock(hold=False)
    return executions


def _racing_states(function: str) -> dict[str, Any]:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "JitterStrategy": "FULL", "MaxAttempts": 9}]
    arguments = {"FunctionName": function, "Payload": {}}
    count = {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, "Retry": retry, "End": True}
    token = {"token": "{% $states.context.Task.Token %}"}
    ask = {"FunctionName": function, "InvocationType": "Event", "Payload": token}
    return {
        "Race": {"Type": "Parallel", "Branches": [{"StartAt": "C", "States": {"C": count}}] * 3, "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": f"{INVOKE}.waitForTaskToken", "Arguments": ask, "Next": "List"},
        "List": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "Next": "Draw"},
        "Draw": {"Type": "Pass", "Output": "{% [$uuid(), $random()] %}", "Next": "Train"},
    }


# An account's process takes seconds to import everything. This one does so once, and is copied for each account: a
# line with the account's configuration in, its process's number and its ready line out; an empty line ends the account.
NURSERY = """
import os, signal, sys
from pathlib import Path
from trainwright.rehearsal import server
from trainwright.rehearsal.config import Config
server._settings(Config(Path(".")), 0)
server._share_botocore_data()
from trainwright.rehearsal import account, bootstrap, mends
mends.apply_all()
import boto3
for service in ("dynamodb", "events", "iam", "lambda", "logs", "s3", "sns", "ssm", "stepfunctions", "sts"):
    boto3.client(service, "us-east-1")
for config in sys.stdin.buffer.raw:
    ready, go = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.read(ready, 1)
        os._exit(server.main(["--config", config.decode().strip()]))
    print(child, flush=True)
    os.write(go, b"!")
    sys.stdin.buffer.raw.readline()
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    os.close(ready)
    os.close(go)
"""


class Nursery:
    def __init__(self, helpers: Any, folder: Any) -> None:
        self.helpers, self.folder, self.numbers = helpers, folder, itertools.count()
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )

    def race(self, seed: int) -> str:
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        file = folder / "account.json"
        faults = {**JUMP, "seed": seed}
        config = {"root": str(folder / "account"), "faults": faults, "images": image(folder)}
        file.write_text(json.dumps(config))
        self._say(str(file))
        self.process.stdout.readline()
        ready = self.helpers.ready_line(self.process)
        try:
            account = self.helpers.Account(ready["endpoint"], folder / "account")
            return _race(Driver(account, self.helpers))
        finally:
            self._say("")

    def close(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0
        self.helpers.close_streams(self.process)

    def _say(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


@pytest.fixture(scope="module")
def races(tmp_path_factory, helpers) -> list[str]:
    """Ten accounts with one seed, and one with another."""

    def run(seeds: list[int]) -> list[str]:
        nursery = Nursery(helpers, tmp_path_factory.mktemp("races"))
        try:
            return [nursery.race(seed) for seed in seeds]
        finally:
            nursery.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(run, ([7] * 5, [7] * 5 + [8]))
    return first + second


def test_the_same_seed_gives_the_same_histories_and_events_ten_times_of_ten(races):
    assert len(set(races[:10])) == 1


def test_another_seed_gives_other_ones(races):
    assert races[10] != races[0]


def test_in_plain_moto_everything_waits_and_draws_as_python_does():
    """What the mends of this clock replace; nothing is mended in the tests' own process."""
    from trainwright.rehearsal.mends import sqs, stepfunctions_clock

    for mend in stepfunctions_clock.MENDS:
        names = vars(importlib.import_module(mend.target.rstrip(":"))).values()
        assert any(found is given for found in names for given, _ in clocked._IN_THE_PLACE), mend.name
    from moto.sqs.models import Queue

    assert source_hash(sqs.MENDS[0].target) == sqs.MENDS[0].sha256
    assert "self._messages_lock.wait_for(" in inspect.getsource(Queue.wait_for_messages)


# --- a faster clock ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fast(tmp_path_factory, helpers) -> Iterator[Driver]:
    folder = tmp_path_factory.mktemp("fast")
    process = helpers.start_server(folder, faults={"clock": {"speed": 1000}})
    yield Driver(helpers.Account(helpers.ready_line(process)["endpoint"], folder / "account", process), helpers)
    helpers.stop_server(process)


def test_a_fast_clock_waits_less_and_says_what_it_waited(fast):
    began = time.monotonic()
    done = fast.run({"Wait": {"Type": "Wait", "Seconds": 1800, "End": True}})
    assert 1800 <= took(done) <= (time.monotonic() - began) * 1000
    assert fast.clock()["mode"] == "speed"


def test_a_function_agrees_with_a_fast_clock_and_keeps_its_time_out_of_the_wall(fast):
    function = fast.function(TELLS_TIME, Timeout=60)
    before = fast.clock()["time"]
    told, answer = fast.account.invoke(function, {"sleep": 600})
    after = fast.clock()["time"]
    assert answer.get("FunctionError") is None  # 600 seconds of the account are less than its 60 of the wall
    assert before <= told["before"] <= told["after"] <= told["time"] <= after
    assert told["after"] - told["before"] >= 600
    assert told["left"] > 600_000
