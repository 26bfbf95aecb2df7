"""One embedded account for the whole session, and one unmended moto to show what it would do without the mends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}


class Account:
    """A running account: clients, its own pages, and roles and functions made in a line."""

    def __init__(self, endpoint: str, root: Path, process: subprocess.Popen[str] | None = None) -> None:
        self.endpoint, self.root, self.process = endpoint, root, process
        self._clients: dict[Any, Any] = {}

    def client(self, service: str, key: tuple[str, str, str | None] = ("test", "test", None)) -> Any:
        if (service, key) not in self._clients:
            self._clients[service, key] = boto3.session.Session().client(
                service,
                endpoint_url=self.endpoint,
                region_name="us-east-1",
                aws_access_key_id=key[0],
                aws_secret_access_key=key[1],
                aws_session_token=key[2],
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._clients[service, key]

    def page(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.endpoint}/_trainwright/{path}", timeout=10) as answer:
            return json.load(answer)

    def role(self, *statements: dict[str, Any], trust: dict[str, Any] | None = None, **more: Any) -> str:
        """Make a role with these statements; returns its ARN."""
        name = unique("role")
        iam = self.client("iam")
        document = json.dumps(trust or {**TRUST_LAMBDA, "Statement": [*TRUST_LAMBDA["Statement"], trust_root()]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=policy)
        return arn

    def as_role(self, arn: str, service: str) -> Any:
        """A client with the role's credentials."""
        found = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="tester")["Credentials"]
        return self.client(service, (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]))

    def function(self, source: str, role: str | None = None, **more: Any) -> str:
        """Make a function of one module with ``handler(event, context)``; returns its name."""
        name = unique("function")
        settings = {"Runtime": "python3.13", "Handler": "app.handler", "Timeout": 5, **more}
        role = role or self.role(allow("logs:*", "*"))
        self.client("lambda").create_function(
            FunctionName=name, Role=role, Code={"ZipFile": zipped(source)}, **settings
        )
        return name

    def invoke(self, function: str, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
        """Invoke; returns the payload and the whole answer."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event or {}), **more)
        text = answer["Payload"].read()
        return (json.loads(text) if text else None), answer


def trust_root() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}


def allow(action: str | list[str], resource: str | list[str], **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, **({"Condition": condition} if condition else {})}


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:10]}"


def zipped(source: str, name: str = "app.py") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, source)
    return content.getvalue()


def start_server(folder: Path, **config: Any) -> subprocess.Popen[str]:
    """Start the account's process with a pipe on its standard input."""
    file = folder / "account.json"
    file.write_text(json.dumps({"root": str(folder / "account"), **config}))
    return subprocess.Popen(
        [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    return json.loads(line)


def stop_server(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=15)
    close_streams(process)
    return code


def close_streams(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(check: Any, seconds: float = 15.0) -> Any:
    """The first true answer of ``check``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} seconds")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The embedded account, mended, in a process of its own."""
    folder = tmp_path_factory.mktemp("account")
    process = start_server(folder)
    yield Account(ready_line(process)["endpoint"], folder / "account", process)
    stop_server(process)


@pytest.fixture(scope="session")
def plain_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Moto as it comes, in a process of its own."""
    program = "\n".join(
        (
            "import sys",
            "from moto.server import ThreadedMotoServer",
            "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)",
            "server.start()",
            "print('http://localhost:%d' % server.get_host_and_port()[1], flush=True)",
            "sys.stdin.read()",
        )
    )
    environment = {**os.environ, "MOTO_ACCOUNT_ID": "123456789012"}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    yield Account(process.stdout.readline().strip(), tmp_path_factory.mktemp("plain"), process)
    process.kill()
    process.communicate()


@pytest.fixture(scope="session")
def helpers() -> Any:
    """This module, for tests: importlib mode lets no test import it by name."""
    return sys.modules[__name__]
