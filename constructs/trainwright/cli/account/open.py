"""An open account: what is deployed into it, what is put back, and serving until somebody ends it."""

from __future__ import annotations

import time

from trainwright.cli import teams
from trainwright.cli.account import closing
from trainwright.cli.account.folder import Folder
from trainwright.cli.account.restore import Restore
from trainwright.cli.display import Display
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.opening import Opening
from trainwright.cli.rehearse.outcome import count, shown_path
from trainwright.cli.rehearse.session import show_exports
from trainwright.cli.rehearse.synth import App
from trainwright.cli.rehearse.workspace import Workspace
from trainwright.cli.teams import Team

POLL_SECONDS = 0.2


class OpenAccount:
    """One account from its first step to its end. `app` None leaves it empty; `data` None forgets what is in it."""

    account: Account

    def __init__(
        self, opening: Opening, app: App | None, data: Folder | None, display: Display, workspace: Workspace
    ) -> None:
        self._opening = opening
        self._app = app
        self._data = data
        self._display = display
        self._workspace = workspace
        self._teams: list[Team] = []
        self._keeps = False

    def serve(self) -> None:
        """Open, and serve until KeyboardInterrupt, which goes on up once the runs are stopped; StepFailed when a step
        is not true or the account's process dies.
        """
        self._open()
        self._show()
        try:
            self._stay()
        except KeyboardInterrupt:
            self._end()
            raise

    def _open(self) -> None:
        if self._app is None:
            self.account = self._opening.start_empty()
            return
        self.account = self._opening.synthesise_and_start(self._app)
        self._opening.deploy(self.account, self._find_teams)
        if self._data:
            self._put_back(self._data)

    def _find_teams(self) -> str:
        self._teams = teams.everyone(self.account.client("ssm"))
        return ", ".join(f"team {team.name}" for team in self._teams) or "no team"

    def _put_back(self, data: Folder) -> None:
        with self._display.step(4, "put back what --data keeps") as step:
            restore = Restore(self.account, data)
            restored = restore.put_back()
            for place in restored.left_out:
                step.note(f"kept for an app that has it again: {place} is not in what is deployed")
            for place, rows in restored.refused.items():
                step.note(f"kept, but not put back: {count(rows, 'table row')} of {place}, which has another key now")
            restore.begin()
            self._keeps = True
            for run in closing.close_left_running(self.account, self._teams):
                step.note(f"{run} was under way when the account ended: closed as ABORTED")
            step.result = f"{count(restored.objects, 'object')}, {count(restored.items, 'table row')}"

    def _show(self) -> None:
        for team in self._teams:
            self._display.line(f"team {team.name}: {team.state_machine_arn}, data in s3://{team.data_bucket}/")
        self._display.line(f"Its logs, while it is up: {shown_path(self._workspace.account)}")
        show_exports(self.account, self._display)
        if self._teams:
            self._display.line("and there: trainwright run RUN.yaml, trainwright list, trainwright stop RUN")

    def _stay(self) -> None:
        while True:
            self.account.check_alive()
            time.sleep(POLL_SECONDS)

    def _end(self) -> None:
        if self._data and self._keeps:
            self._stop_runs()
            kept = self._data.now()
            said = f"{count(kept.objects, 'object')} and {count(kept.items, 'table row')}"
            self._display.line(f"{shown_path(self._data.root)} keeps {said}.")

    def _stop_runs(self) -> None:
        """A second Ctrl-C does not wait for the runs: the next start closes them."""
        try:
            stopped = closing.stop_running(self.account, self._teams, self._display.line)
        except KeyboardInterrupt:
            stopped = False
        if not stopped:
            self._display.line("Not every run has ended by itself; the next start with --data closes them.")
