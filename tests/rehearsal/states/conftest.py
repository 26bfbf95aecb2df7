"""An embedded account in a process of its own, and state machines in it that do as they are told."""

import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ACCOUNT = "123456789012"
REGION = "us-east-1"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
IMAGE = "rehearsed:1"

PROGRAM = """
import json, os, sys, time
from pathlib import Path
ml = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
exec(json.loads((ml / "input/config/hyperparameters.json").read_text()).get("code", ""))
"""

FUNCTIONS = {
    "echo": "def handler(event, context):\n    return {'got': event, 'version': context.function_version}\n",
    "fail": "class Refused(Exception): pass\ndef handler(event, context):\n    raise Refused('not today')\n",
    "record": (
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    key = event.get('id') or event['key']\n"
        "    body = json.dumps(event).encode()\n"
        "    boto3.client('s3').put_object(Bucket='seen', Key=f\"{context.function_name}/{key}\", Body=body)\n"
    ),
    "token": (
        "import boto3\n"
        "def handler(event, context):\n"
        "    states = boto3.client('stepfunctions')\n"
        "    if event.get('error'):\n"
        "        states.send_task_failure(taskToken=event['token'], error=event['error'], cause='as asked')\n"
        "    elif event.get('answer'):\n"
        "        states.send_task_success(taskToken=event['token'], output=event['answer'])\n"
    ),
    "slow": "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 'done'\n",
}


def _policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, *resources, **condition):
    statement = {"Effect": "Allow", "Action": actions, "Resource": list(resources) or ["*"]}
    return {**statement, "Condition": condition} if condition else statement


def machine_rights():
    """What the workflow role of the main job has."""
    return [
        allow(["lambda:InvokeFunction"], f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"),
        allow(
            ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"],
            f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*",
        ),
        allow(["sagemaker:AddTags"], f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*"),
        allow(
            ["iam:PassRole"],
            f"arn:aws:iam::{ACCOUNT}:role/trainer",
            StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
        ),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], RULE),
        allow(
            [
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ]
        ),
        allow(
            [
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ]
        ),
    ]


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


def wait_for(ready, what, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {seconds} seconds")


@dataclass
class Account:
    """A running account, and short ways to make and run state machines in it."""

    endpoint: str
    process: subprocess.Popen
    clients: dict = field(default_factory=dict)
    numbers: object = field(default_factory=lambda: itertools.count(1))

    wait_for = staticmethod(wait_for)
    allow = staticmethod(allow)
    machine_rights = staticmethod(machine_rights)
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/workflow"
    rule_arn = RULE

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self.clients[service]

    @property
    def states(self):
        return self.client("stepfunctions")

    def role(self, name, service, statements):
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=_policy(*statements))
        return arn

    def workflow_role_without(self, action):
        """A workflow role that lacks one action of the usual one."""
        rights = machine_rights()
        for statement in rights:
            statement["Action"] = [each for each in statement["Action"] if each != action]
        name = f"without-{action.replace(':', '-')}-{next(self.numbers)}"
        return self.role(name, "states.amazonaws.com", [each for each in rights if each["Action"]])

    def function(self, name, code=None, role="functions"):
        made = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
            Handler="code.handler",
            Code={"ZipFile": zipped(code=code or FUNCTIONS[name])},
            Timeout=10,
        )
        return made["FunctionArn"]

    def machine(self, states, *, start=None, language="JSONata", role=None, name=None, top=None, **arguments):
        definition = {"QueryLanguage": language, "StartAt": start or next(iter(states)), "States": states}
        name = name or f"machine-{next(self.numbers)}"
        made = self.states.create_state_machine(
            name=name, definition=json.dumps({**definition, **(top or {})}), roleArn=role or self.role_arn, **arguments
        )
        return made["stateMachineArn"]

    def start(self, machine, value=None, **arguments):
        text = value if isinstance(value, str) else json.dumps(value if value is not None else {})
        return self.states.start_execution(stateMachineArn=machine, input=text, **arguments)["executionArn"]

    def finish(self, execution, seconds=60):
        def ended():
            found = self.states.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        return wait_for(ended, "the execution's end", seconds)

    def run(self, states, value=None, **arguments):
        """Make a machine, run it once, and give its description when it has ended."""
        return self.finish(self.start(self.machine(states, **arguments), value))

    def output(self, states, value=None, **arguments):
        ended = self.run(states, value, **arguments)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def history(self, execution, **arguments):
        return self.states.get_execution_history(executionArn=execution, **arguments)["events"]

    def entered(self, execution, state):
        """Wait until an execution has entered a state."""

        def there():
            return any(
                event.get("stateEnteredEventDetails", {}).get("name") == state for event in self.history(execution)
            )

        wait_for(there, f"the state {state}")

    def seen(self, key):
        """What the function 'record' wrote."""
        s3 = self.client("s3")

        def written():
            try:
                return json.loads(s3.get_object(Bucket="seen", Key=key)["Body"].read())
            except s3.exceptions.NoSuchKey:
                return None

        return wait_for(written, key)

    def seen_under(self, prefix):
        listed = self.client("s3").list_objects_v2(Bucket="seen", Prefix=prefix).get("Contents", [])
        return [
            json.loads(self.client("s3").get_object(Bucket="seen", Key=item["Key"])["Body"].read()) for item in listed
        ]


def training_request(name, code="", **changes):
    made = {
        "TrainingJobName": name,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/trainer",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"code": code},
        "OutputDataConfig": {"S3OutputPath": "s3://seen/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {**made, **changes}


@pytest.fixture(scope="session")
def training():
    """A function that gives a CreateTrainingJob request which runs the given Python."""
    return training_request


@contextlib.contextmanager
def running(root: Path):
    image = root / "image"
    image.mkdir(parents=True)
    (image / "Dockerfile").write_text(
        'FROM scratch\nWORKDIR /p\nCOPY program.py .\nENTRYPOINT ["python", "program.py"]\n'
    )
    (image / "program.py").write_text(PROGRAM)
    config = {"root": str(root / "account"), "python": sys.executable, "images": {IMAGE: str(image)}}
    (root / "config.json").write_text(json.dumps(config))
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(root / "config.json")],
        # a script that is asked to stop before it listens ends with the grace, which AWS makes 120 seconds long
        env={**os.environ, "TRAINWRIGHT_STOP_GRACE_SECONDS": "1.5"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        line = process.stdout.readline()
        assert line, f"the account did not start: {process.wait()}"
        account = Account(json.loads(line)["endpoint"], process)
        _furnish(account)
        yield account
    finally:
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()


def _furnish(account):
    account.client("s3").create_bucket(Bucket="seen")
    account.role("workflow", "states.amazonaws.com", machine_rights())
    account.role(
        "functions",
        "lambda.amazonaws.com",
        [
            allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
            allow(["s3:PutObject"], "arn:aws:s3:::seen/*"),
            allow(["states:SendTaskSuccess", "states:SendTaskFailure"]),
        ],
    )
    account.role(
        "trainer",
        "sagemaker.amazonaws.com",
        [
            allow(["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "arn:aws:s3:::seen", "arn:aws:s3:::seen/*"),
            allow(["ecr:GetAuthorizationToken"]),
            allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]),
        ],
    )
    for name in FUNCTIONS:
        account.function(name)


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    with running(tmp_path_factory.mktemp("states")) as started:
        yield started


@pytest.fixture(scope="session")
def start_account():
    """A context manager that starts one more account."""
    return running
