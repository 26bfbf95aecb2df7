"""An execution and its training jobs, seen through the AWS API as a person would see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

# More lines than this at once are summed up on the screen; the log has them all.
SHOWN_LINES = 12
# SageMaker's word for a job that lost its instance, and the state it enters next.
INTERRUPTED = "Interrupted"

Say = Callable[[str], None]


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
class Following:
    """Follows one execution: its history, its jobs and their logs.

    Args:
        client: answers boto3's client of a service.
        log_group: where the jobs' logs go.
        execution_arn: the execution.
    """

    client: Callable[[str], Any]
    log_group: str
    execution_arn: str
    jobs: dict[str, WatchedJob] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    _told: int = 0

    def look(self, say: Say) -> dict[str, Any]:
        """The execution as DescribeExecution has it; what is new of its jobs and their logs is said."""
        execution: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=self.execution_arn)
        self.events = self._history()
        self._tell_decisions(say)
        for name in _job_names(self.events):
            self.jobs.setdefault(name, WatchedJob(name))
        for job in self.jobs.values():
            if self._describe(job):
                self._read_log(job, say)
                self._tell_transitions(job, say)
        return execution

    @property
    def last_job(self) -> WatchedJob | None:
        """The newest job, None before there is one."""
        return next(reversed(self.jobs.values()), None)

    def _tell_decisions(self, say: Say) -> None:
        """Why the run waits, tries again or ends, in the words of its own steps."""
        for event in self.events[self._told :]:
            if reason := _reason(event):
                say(reason)
        self._told = len(self.events)

    def _history(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        arguments = {"executionArn": self.execution_arn, "maxResults": 1000, "includeExecutionData": True}
        while True:
            page = self.client("stepfunctions").get_execution_history(**arguments)
            events += page["events"]
            if not page.get("nextToken"):
                return events
            arguments["nextToken"] = page["nextToken"]

    def _describe(self, job: WatchedJob) -> bool:
        try:
            job.description = self.client("sagemaker").describe_training_job(TrainingJobName=job.name)
        except ClientError:
            return False  # asked for and refused, or not there yet: the execution's history says which
        return True

    def _tell_transitions(self, job: WatchedJob, say: Say) -> None:
        transitions = job.description.get("SecondaryStatusTransitions", [])
        for item in transitions[job.transitions :]:
            message = item.get("StatusMessage") or ""
            say(f"{job.name}  {item['Status']:<12} {message}".rstrip())
        job.transitions = len(transitions)

    def _read_log(self, job: WatchedJob, say: Say) -> None:
        lines = [line for stream in self._streams(job) for line in self._new_lines(job, stream)]
        job.log += lines
        for line in lines[:SHOWN_LINES]:
            say(f"  {line}")
        if len(lines) > SHOWN_LINES:
            say(f"  ... and {len(lines) - SHOWN_LINES} more lines")

    def _streams(self, job: WatchedJob) -> list[str]:
        try:
            answer = self.client("logs").describe_log_streams(
                logGroupName=self.log_group, logStreamNamePrefix=f"{job.name}/"
            )
        except ClientError:
            return []
        return [stream["logStreamName"] for stream in answer["logStreams"]]

    def _new_lines(self, job: WatchedJob, stream: str) -> list[str]:
        arguments = {"logGroupName": self.log_group, "logStreamName": stream, "startFromHead": True}
        lines: list[str] = []
        while True:
            token = job.tokens.get(stream)
            page = self.client("logs").get_log_events(**arguments, **({"nextToken": token} if token else {}))
            lines += [event["message"].rstrip("\n") for event in page["events"]]
            job.tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == token or not page["events"]:
                return lines


def _job_names(events: list[dict[str, Any]]) -> list[str]:
    """The training jobs that the execution asked for, in their order."""
    names = []
    for event in events:
        scheduled = event.get("taskScheduledEventDetails", {})
        resource = str(scheduled.get("resource", ""))
        if scheduled.get("resourceType") == "sagemaker" and resource.startswith("createTrainingJob"):
            names.append(json.loads(scheduled["parameters"])["TrainingJobName"])
        elif resource == "invoke.waitForTaskToken":
            payload = json.loads(scheduled["parameters"]).get("Payload") or {}
            names += [payload["job_name"]] if "job_name" in payload else []
    return list(dict.fromkeys(names))


def _reason(event: dict[str, Any]) -> str | None:
    """The sentence that a step brings, where this is the event of a function that answered one."""
    output = event.get("taskSucceededEventDetails", {}).get("output")
    if not output or '"reason"' not in output:
        return None
    answer = json.loads(output)
    step = answer.get("Payload", answer) if isinstance(answer, dict) else None
    return step.get("reason") if isinstance(step, dict) and step.get("next") in ("train", "wait") else None
