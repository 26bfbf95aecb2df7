"""Steps 6 and 7: an execution and its training jobs, watched until the execution ends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from trainwright.cli.display import Step
from trainwright.cli.following import Following, WatchedJob
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.team import Team

__all__ = ["Watch", "WatchedJob"]

POLL_SECONDS = 0.3


class Watch(Following):
    """Follows one execution and shows what happens in it."""

    def __init__(self, account: Account, team: Team, execution_arn: str) -> None:
        super().__init__(account.client, team.log_group, execution_arn)
        self.account = account

    def until_it_ends(self, step: Step) -> dict[str, Any]:
        """The execution's last DescribeExecution; statuses and log lines appear as notes of `step`."""
        while True:
            self.account.check_alive()
            execution = self.look(step.note)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(POLL_SECONDS)

    def write_logs(self, folder: Path) -> None:
        """The jobs' logs and the execution's history, for reading later."""
        for job in self.jobs.values():
            (folder / "logs" / f"{job.name}.log").write_text("".join(f"{line}\n" for line in job.log), encoding="utf-8")
        (folder / "history.json").write_text(json.dumps(self.events, indent=1, default=str), encoding="utf-8")
