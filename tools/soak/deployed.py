"""An embedded account with the platform in it, many executions at once, and what the account needed for them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.cli import teams
from trainwright.cli.display import Display
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import synth
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.opening import Opening
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.cli.rehearse.workspace import opened
from trainwright.cli.teams import Team

REQUEST: dict[str, Any] = {
    "name": "soak",
    "image": "platform",
    "compute": {"instance_type": "ml.m5.large"},
    "checkpoints": True,
    "limits": {"max_runtime": "10m"},
}
AT_ONCE = 16


@dataclass
class Platform:
    """The deployed platform."""

    account: Account
    team: Team

    def start(self, names: Sequence[str], **changes: Any) -> list[str]:
        """Start executions of these names, as fast as they can be asked for; their ARNs."""
        client, text = self.account.client("stepfunctions"), json.dumps({**REQUEST, **changes})
        machine = self.team.state_machine_arn

        def begin(name: str) -> str:
            arn: str = client.start_execution(stateMachineArn=machine, name=name, input=text)["executionArn"]
            return arn

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(begin, names))

    def hold(self, *, held: bool) -> None:
        """Keep the account's clock, and everything that it does by itself, from going on."""
        page = f"{self.account.endpoint}/_trainwright/clock"
        with urllib.request.urlopen(page, json.dumps({"hold": held}).encode(), timeout=10):  # noqa: S310 - loopback
            return

    def statuses(self) -> dict[str, str]:
        """Every execution's status."""
        pages = self.account.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self.team.state_machine_arn, maxResults=1000)
        return {item["name"]: item["status"] for page in found for item in page["executions"]}

    def finish(self, count: int, seconds: float) -> dict[str, str]:
        """Wait until `count` executions are final; what they are after `seconds`, final or not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.account.check_alive()
            if not self._is_running() and len(statuses := self.statuses()) == count:
                return statuses
            time.sleep(0.2)
        return self.statuses()

    def _is_running(self) -> bool:
        """Whether any execution is; a list of all of them would be a load of its own."""
        found = self.account.client("stepfunctions").list_executions(
            stateMachineArn=self.team.state_machine_arn, statusFilter="RUNNING", maxResults=1
        )
        return bool(found["executions"])


@dataclass
class Watch:
    """What the account's process needed, looked at ten times a second."""

    pid: int
    megabytes: float = 0.0
    threads: int = 0
    began: float = 0.0
    functions_began: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        self.began, self.functions_began = _cpu(self.pid), self._functions()
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    @property
    def cpu_seconds(self) -> float:
        """What the account's own process has worked since the watch began, its children left out."""
        return _cpu(self.pid) - self.began

    @property
    def function_seconds(self) -> float:
        """The same of the sandboxes of Lambda functions."""
        return self._functions() - self.functions_began

    def _functions(self) -> float:
        return sum(_cpu(pid) for pid in processes_of(self.pid) if _says(pid, b"functions/inside.py"))

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
            shown = dict(line.split(":", 1) for line in lines)
            self.megabytes = max(self.megabytes, int(shown["VmRSS"].split()[0]) / 1024)
            self.threads = max(self.threads, int(shown["Threads"]))


@contextmanager
def deployed(faults: Mapping[str, Any]) -> Iterator[Platform]:
    """Open an account with these faults and deploy the platform into it."""
    app = synth.App(f'"{sys.executable}" app.py', Path(__file__).parent, {}, Path(__file__).with_name("app.py"))
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        opened(Path(folder)) as workspace,
        Processes() as processes,
    ):
        options, python = AccountOptions(dict(faults)), Path(sys.executable)
        opening = Opening(workspace, Display(), processes, port=0, python=python, options=options, seconds={})
        account = opening.synthesise_and_start(app)
        opening.deploy(account, lambda: "the platform")
        try:
            yield Platform(account, teams.find(account.client("ssm"), None))
        finally:
            kept = Path(tempfile.gettempdir(), "soak-account.log")
            kept.write_bytes((workspace.account / "account.log").read_bytes())
            print(f"the account's log: {kept}")  # noqa: T201 - what a tool is for


def processes_of(pid: int) -> list[int]:
    """Every process below this one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def is_training(pid: int) -> bool:
    """Whether a process belongs to a training job's host."""
    return _says(pid, b"jobs/inside.py")


def _says(pid: int, word: bytes) -> bool:
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _cpu(pid: int) -> float:
    """Seconds that a process has worked; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
