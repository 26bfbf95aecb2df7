"""A run that is under way, as people want to see it: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from trainwright.cli import aws as words
from trainwright.cli.aws import Aws
from trainwright.cli.following import Following
from trainwright.cli.problems import printable
from trainwright.cli.teams import Team
from trainwright_runtime.facts import run_id
from trainwright_runtime.spec import run_prefix

POLL_SECONDS = 3.0
"""Far below what the calls are throttled at (DescribeExecution: 15 a second for an account, Step Functions quotas)."""

PATIENCE_SECONDS = 600.0
"""How long AWS may be out of reach before the watch gives up; the run does not care."""


@dataclass
class Watch:
    """Watches one execution until it ends."""

    aws: Aws
    team: Team
    execution_arn: str
    console: Console
    poll_seconds: float = POLL_SECONDS
    _status: Status | None = None
    _said: str = ""
    _away_since: float | None = None
    _progress_is_denied: bool = False
    following: Following = field(init=False)

    def __post_init__(self) -> None:
        self.following = Following(self.aws.client, self.team.log_group, self.execution_arn)

    def until_it_ends(self) -> dict[str, Any]:
        """The execution as DescribeExecution has it in the end. Raises what botocore raises for what does not pass."""
        with self._live():
            while True:
                execution = self._look()
                if execution and execution["status"] != "RUNNING":
                    return execution
                time.sleep(self.poll_seconds)

    def _look(self) -> dict[str, Any] | None:
        """None while AWS cannot be reached."""
        try:
            execution = self.following.look(self._say)
            self._tell(self._line(execution))
        except words.UNREACHABLE as error:
            self._away_since = self._away_since or time.monotonic()
            if time.monotonic() - self._away_since > PATIENCE_SECONDS:
                raise
            self._tell(f"{words.sentence(error)}; trying again, the run goes on")
            return None
        self._away_since = None
        return execution

    def _line(self, execution: dict[str, Any]) -> str:
        """Where the run stands, in a line."""
        run = run_id(execution["executionArn"], execution["startDate"], self.team.name)
        parts = [f"{run}  {execution['status']}"]
        if (job := self.following.last_job) and (seen := job.description):
            parts.append(f"{job.name} {seen.get('TrainingJobStatus', '')}/{seen.get('SecondaryStatus', '')}")
            parts += [self._step(run)] if "CheckpointConfig" in seen else []
            parts += [_seconds(seen)]
        return ", ".join(part for part in parts if part)

    def _step(self, run: str) -> str:
        """How far the script says it is, beside its checkpoints; "" where it says nothing, or nobody may read it."""
        if self._progress_is_denied:
            return ""
        try:
            answer = self.aws.client("s3").get_object(
                Bucket=self.team.checkpoints_bucket, Key=f"{run_prefix(run)}progress.json"
            )
            progress = json.loads(answer["Body"].read())
        except ClientError as error:
            self._progress_is_denied = words.is_denied(error)
            return ""
        except ValueError:
            return ""
        step, total = (progress.get(name) for name in ("step", "total")) if isinstance(progress, dict) else (None, None)
        return f"step {step}{f' of {total}' if total is not None else ''}" if step is not None else ""

    def _tell(self, line: str) -> None:
        """In a terminal the live line; elsewhere a line of its own, when it says something new."""
        if self._status:
            self._status.update(escape(printable(line)[: max(20, self.console.width - 4)]))
        elif (known := line.rpartition(", ")[0] or line) != self._said:
            self._said = known
            self._say(line)

    def _say(self, line: str) -> None:
        self.console.print(escape(printable(line)), highlight=False, soft_wrap=True)

    @contextmanager
    def _live(self) -> Iterator[None]:
        if not self.console.is_terminal or os.environ.get("CI"):
            yield
            return
        with self.console.status("waiting for the run to begin") as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None


def _seconds(job: dict[str, Any]) -> str:
    """What is billed, once that is known; before that, how long it trains."""
    if (billable := job.get("BillableTimeInSeconds")) is not None:
        return f"{billable} s billed"
    if started := job.get("TrainingStartTime"):
        return f"training for {max(0, int((datetime.now(UTC) - started).total_seconds()))} s"
    return ""
