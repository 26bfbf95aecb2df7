"""Steps 6 and 7: an execution and its training jobs, watched through the AWS API as a person would watch them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from trainwright.cli.display import Step
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.team import Team

POLL_SECONDS = 0.3
# More lines than this at once are summed up on the screen; the log file has them all.
SHOWN_LINES = 12
# SageMaker's word for a job that lost its instance, and the state it enters next.
INTERRUPTED = "Interrupted"


@dataclass
class WatchedJob:
    """A training job as last seen."""

    name: str
    description: dict[str, Any] = field(default_factory=dict)
    transitions: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def interruptions(self) -> int:
        return sum(item["Status"] == INTERRUPTED for item in self.description.get("SecondaryStatusTransitions", []))

    @property
    def is_resumable_spot(self) -> bool:
        """Spot with checkpoints: what can lose its instance and go on."""
        return bool(self.description.get("EnableManagedSpotTraining") and self.description.get("CheckpointConfig"))


@dataclass
class Watch:
    """Follows one execution and shows what happens in it."""

    account: Account
    team: Team
    execution_arn: str
    jobs: dict[str, WatchedJob] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def until_it_ends(self, step: Step) -> dict[str, Any]:
        """The execution's last DescribeExecution; statuses and log lines appear as notes of `step`."""
        while True:
            self.account.check_alive()
            execution: dict[str, Any] = self._client("stepfunctions").describe_execution(
                executionArn=self.execution_arn
            )
            self._look(step)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(POLL_SECONDS)

    def write_logs(self, folder: Path) -> None:
        """The jobs' logs and the execution's history, for reading later."""
        for job in self.jobs.values():
            (folder / "logs" / f"{job.name}.log").write_text("".join(f"{line}\n" for line in job.log), encoding="utf-8")
        (folder / "history.json").write_text(json.dumps(self.events, indent=1, default=str), encoding="utf-8")

    def _look(self, step: Step) -> None:
        self.events = self._history()
        for name in _job_names(self.events):
            self.jobs.setdefault(name, WatchedJob(name))
        for job in self.jobs.values():
            if self._describe(job):
                self._read_log(job, step)
                self._tell_transitions(job, step)

    def _history(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        arguments = {"executionArn": self.execution_arn, "maxResults": 1000, "includeExecutionData": True}
        while True:
            page = self._client("stepfunctions").get_execution_history(**arguments)
            events += page["events"]
            if not page.get("nextToken"):
                return events
            arguments["nextToken"] = page["nextToken"]

    def _describe(self, job: WatchedJob) -> bool:
        try:
            job.description = self._client("sagemaker").describe_training_job(TrainingJobName=job.name)
        except ClientError:
            return False  # asked for and refused, or not there yet: the execution's history says which
        return True

    def _tell_transitions(self, job: WatchedJob, step: Step) -> None:
        transitions = job.description.get("SecondaryStatusTransitions", [])
        for item in transitions[job.transitions :]:
            message = item.get("StatusMessage") or ""
            step.note(f"{job.name}  {item['Status']:<12} {message}".rstrip())
        job.transitions = len(transitions)

    def _read_log(self, job: WatchedJob, step: Step) -> None:
        lines = [line for stream in self._streams(job) for line in self._new_lines(job, stream)]
        job.log += lines
        for line in lines[:SHOWN_LINES]:
            step.note(f"  {line}")
        if len(lines) > SHOWN_LINES:
            step.note(f"  ... and {len(lines) - SHOWN_LINES} more lines")

    def _streams(self, job: WatchedJob) -> list[str]:
        try:
            answer = self._client("logs").describe_log_streams(
                logGroupName=self.team.log_group, logStreamNamePrefix=f"{job.name}/"
            )
        except ClientError:
            return []
        return [stream["logStreamName"] for stream in answer["logStreams"]]

    def _new_lines(self, job: WatchedJob, stream: str) -> list[str]:
        arguments = {"logGroupName": self.team.log_group, "logStreamName": stream, "startFromHead": True}
        lines: list[str] = []
        while True:
            token = job.tokens.get(stream)
            page = self._client("logs").get_log_events(**arguments, **({"nextToken": token} if token else {}))
            lines += [event["message"].rstrip("\n") for event in page["events"]]
            job.tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == token or not page["events"]:
                return lines

    def _client(self, service: str) -> Any:
        return self.account.client(service)


def _job_names(events: list[dict[str, Any]]) -> list[str]:
    """The training jobs that the execution asked for, in their order."""
    names = []
    for event in events:
        scheduled = event.get("taskScheduledEventDetails", {})
        if scheduled.get("resourceType") == "sagemaker" and str(scheduled.get("resource", "")).startswith(
            "createTrainingJob"
        ):
            names.append(json.loads(scheduled["parameters"])["TrainingJobName"])
    return names
