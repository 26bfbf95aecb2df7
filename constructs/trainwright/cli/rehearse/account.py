"""The embedded account: a server process of its own, and clients that talk to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from trainwright.cli.environment import ROOT_KEY, aws_environment, child_environment
from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.rehearsal.config import OWN_AGENT

# The account and region of the AWS documentation's examples: an app that names no environment is deployed here.
ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
START_SECONDS = 60.0


@dataclass
class Account:
    """An account that answers."""

    endpoint: str
    region: str
    account_id: str
    lost_guarantees: list[str]
    process: subprocess.Popen[str]
    log: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client with the account root's credentials."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=ROOT_KEY,
                aws_secret_access_key=ROOT_KEY,
                config=Config(
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                    proxies={},
                    user_agent_extra=OWN_AGENT,  # so that no fault for users strikes the rehearsal itself
                ),
            )
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """For commands that deploy into this account."""
        return child_environment() | aws_environment(self.endpoint, self.region)

    def check_alive(self) -> None:
        """Raises StepFailed with the end of its log when the process has gone."""
        if self.process.poll() is not None:
            raise _ended(self.process, self.log)


class StartingAccount:
    """An account that has been started and may not be ready yet: other work can be done meanwhile."""

    def __init__(
        self,
        processes: Processes,
        root: Path,
        *,
        port: int,
        region: str,
        account_id: str,
        python: Path,
        options: AccountOptions,
    ) -> None:
        self._root = root
        self.region = region
        self.account_id = account_id
        config = {"port": port, "region": region, "account_id": account_id, "root": str(root), "python": str(python)}
        config_file = root / "config.json"
        config_file.write_text(json.dumps(config | options.config()), encoding="utf-8")
        with self._answer.open("w") as answer, self._log.open("w") as log:
            # Its end of the pipe closes when we die, however we die: that is how it knows to go too.
            self.process = processes.start(
                [sys.executable, "-m", "trainwright.rehearsal.server", "--config", config_file],
                env=child_environment() | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
                stdin=subprocess.PIPE,
                stdout=answer,
                stderr=log,
            )

    def wait(self) -> Account:
        """The account, once it says that it is ready."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            line, newline, _ = self._answer.read_text(encoding="utf-8").partition("\n")
            if newline:
                return self._ready(json.loads(line))
            if self.process.poll() is not None:
                raise _ended(self.process, self._log)
            time.sleep(0.02)
        raise StepFailed(f"the embedded account was not ready after {START_SECONDS:.0f} s", details=_tail(self._log))

    @property
    def _answer(self) -> Path:
        return self._root / "ready.json"

    @property
    def _log(self) -> Path:
        return self._root / "server.err"

    def _ready(self, answer: dict[str, Any]) -> Account:
        return Account(
            endpoint=answer["endpoint"],
            region=answer["region"],
            account_id=answer["account_id"],
            lost_guarantees=list(answer["lost_guarantees"]),
            process=self.process,
            log=self._log,
        )


def check_port(port: int) -> None:
    """Raises BadInput when something else listens on `port`; 0 means any free one."""
    if not port:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadInput(
                f"--port {port}: cannot be used ({reason}). Choose another, or leave --port out: a free one is found."
            ) from error


def _ended(process: subprocess.Popen[str], log: Path) -> StepFailed:
    return StepFailed(f"the embedded account ended by itself (exit code {process.returncode})", details=_tail(log))


def _tail(log: Path, lines: int = 15) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if log.exists() else []
