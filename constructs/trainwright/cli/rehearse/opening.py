"""Steps 1 to 3: an app becomes templates, the embedded account starts, the CDK CLI deploys into it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from trainwright.cli.display import Display
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import tools
from trainwright.cli.rehearse.account import ACCOUNT_ID, REGION, Account, StartingAccount
from trainwright.cli.rehearse.deploy import deploy
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.cli.rehearse.outcome import count
from trainwright.cli.rehearse.synth import App, synthesise
from trainwright.cli.rehearse.workspace import Workspace


class Opening:
    """How an account opens. `seconds` takes what synthesising and deploying took."""

    def __init__(
        self,
        workspace: Workspace,
        display: Display,
        processes: Processes,
        *,
        port: int,
        python: Path,
        options: AccountOptions,
        seconds: dict[str, float | None],
    ) -> None:
        self._workspace = workspace
        self._display = display
        self._processes = processes
        self._port = port
        self._python = python
        self._options = options
        self._seconds = seconds
        self._account: Account | None = None

    def endpoint(self) -> str | None:
        """Where the account answers; None before there is one."""
        return self._account.endpoint if self._account else None

    def start_empty(self) -> Account:
        """The account alone, with nothing deployed."""
        return self._ready(1, self._start(ACCOUNT_ID, REGION))

    def synthesise_and_start(self, app: App) -> Account:
        """Steps 1 and 2: the account starts while the app is synthesised."""
        starting = self._start(ACCOUNT_ID, REGION)
        with self._display.step(1, "synthesise the app with aws-cdk-lib") as step:
            log = self._workspace.logs / "synth.log"
            assembly = synthesise(app, self._workspace.assembly, log, self._processes)
            self._seconds["synth"] = round(step.seconds, 2)
            step.result = f"{count(len(assembly.stacks), 'stack')}, {assembly.resources} resources"
        return self._ready(2, starting, assembly.environment)

    def _ready(self, number: int, starting: StartingAccount, wanted: tuple[str, str] | None = None) -> Account:
        with self._display.step(number, "start the embedded account") as step:
            if wanted and wanted != (starting.account_id, starting.region):
                self._processes.stop(starting.process)
                starting = self._start(*wanted)
            account = self._account = starting.wait()
            step.result = f"{account.account_id} in {account.region} at {account.endpoint}"
            for lost in account.lost_guarantees:
                step.note(f"not as on SageMaker here: {lost}")
        return account

    def _start(self, account_id: str, region: str) -> StartingAccount:
        return StartingAccount(
            self._processes,
            self._workspace.account,
            port=self._port,
            account_id=account_id,
            region=region,
            python=self._python,
            options=self._options,
        )

    def deploy(self, account: Account, found: Callable[[], str]) -> None:
        """Step 3; `found` looks at what was deployed and says it in a few words."""
        with self._display.step(3, "deploy with the CDK CLI") as step:
            spare = self._workspace.root / "tools"
            if not tools.is_ready(spare):
                step.note("fetching the CDK CLI, this first time only")
            cdk = tools.cdk(self._processes, spare)
            began = time.monotonic()
            log, home = self._workspace.logs / "deploy.log", self._workspace.root / "cdk-home"
            deploy(cdk, self._workspace.assembly, account, log=log, home=home, processes=self._processes, step=step)
            step.result = found()
            self._seconds["deploy"] = round(time.monotonic() - began, 2)
