"""One open account for all clients, which get nothing but the lines that `account up` prints."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

HERE = Path(__file__).parent
IMAGE = "clients:1"
ROLE = "arn:aws:iam::123456789012:role/trainer"
BUCKET = "jobs"
FAULTS = {"spot_interruptions": [{"after": "checkpoint", "fraction": 0.3, "jobs": "v2-spot-*"}]}


class Beyond:
    """The only way out that clients are given: a proxy that notes where they wanted to go, and lets nobody through."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return {**dict.fromkeys(names, proxy), **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")}

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self.wanted.append(connection.recv(400).decode("latin-1").partition("\r\n")[0])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Account:
    """An account that `trainwright account up` opened: its export lines, and what every test needs."""

    image, role, bucket, programs = IMAGE, ROLE, BUCKET, HERE / "programs"

    def __init__(self, exports: dict[str, str], home: Path, beyond: Beyond) -> None:
        self.exports, self.beyond = exports, beyond
        ours = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        self.environment = {**ours, **beyond.environment, **exports}
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.exports["AWS_ENDPOINT_URL"],
                region_name=self.exports["AWS_REGION"],
                aws_access_key_id=self.exports["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.exports["AWS_SECRET_ACCESS_KEY"],
            )
        return self._clients[service]

    def run(self, *command: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a client with the account's environment and none of ours."""
        words = [str(word) for word in command]
        environment = {**self.environment, **changes}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=240, check=False)

    def request(self, name: str, **changes: Any) -> dict[str, Any]:
        """A CreateTrainingJob that trains for a moment."""
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
            "HyperParameters": {"epochs": "3"},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
            **changes,
        }
        return {key: value for key, value in request.items() if value is not None}


@pytest.fixture(scope="package")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An empty account with a role for training, a bucket and an image."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "home").mkdir()
    (folder / "faults.yaml").write_text(json.dumps(FAULTS))
    words = ["account", "up", "--no-deploy", "--image", f"{IMAGE}={HERE / 'image'}", "--faults", "faults.yaml"]
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright.cli", *words], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = ""
    while "AWS_MAX_ATTEMPTS" not in said or "SAGEMAKER_USER_CONFIG_OVERRIDE" not in said:
        line = process.stdout.readline()
        assert line, f"the account did not open:\n{said}"
        said += line
    beyond = Beyond()
    account = Account(dict(re.findall(r"^  export (\w+)=(.*)$", said, re.MULTILINE)), folder / "home", beyond)
    _furnish(account)
    yield account
    beyond.close()
    process.terminate()
    process.wait(60)
    process.stdout.close()


def _furnish(account: Account) -> None:
    def policy(**statement: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

    account.client("s3").create_bucket(Bucket=BUCKET)
    iam = account.client("iam")
    trust = policy(Action="sts:AssumeRole", Principal={"Service": ["sagemaker.amazonaws.com", "states.amazonaws.com"]})
    iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=trust)
    rights = policy(Action=["s3:*", "logs:*", "sagemaker:*", "cloudwatch:*", "ecr:*", "ec2:*"], Resource="*")
    iam.put_role_policy(RoleName="trainer", PolicyName="rights", PolicyDocument=rights)


@pytest.fixture(autouse=True)
def _nobody_leaves_the_machine(account: Account) -> Iterator[None]:
    account.beyond.wanted.clear()
    yield
    assert account.beyond.wanted == []


@pytest.fixture(scope="package")
def finished(account: Account) -> str:
    """A job that has trained; returns its name."""
    sagemaker, name = account.client("sagemaker"), "finished-by-boto3"
    sagemaker.create_training_job(**account.request(name, Tags=[{"Key": "who", "Value": "boto3"}]))
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return name
