"""Looking at an attempt: what SageMaker, the progress file and the log say of it, put together and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime import record as records
from trainwright_runtime.attempts import Planned, Progress, metrics, model_uri, row
from trainwright_runtime.diagnosis import Texts, diagnose
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.outcome import Outcome, RunStatus, observe

LOG_LINES = 40
_STREAMS = 8
_LINE = 1000


@dataclass(frozen=True)
class Look:
    """An attempt as it stands: the job's description (None: no such job) and the outcome it means."""

    planned: Planned
    job: Mapping[str, Any] | None
    outcome: Outcome
    error: str | None = None
    cause: str | None = None


def look(clients: Services, planned: Planned, error: str | None = None, cause: str | None = None) -> Look:
    """Ask SageMaker how the attempt stands. `error` and `cause` are what the state machine heard, as raw text."""
    job = describe(clients, planned.job_name)
    return Look(planned, job, observe(job, error, cause), error, cause)


def describe(clients: Services, job_name: str) -> dict[str, Any] | None:
    """DescribeTrainingJob's answer, None where there is no such job.

    SageMaker says ValidationException "Requested resource not found." for that; its API model says ResourceNotFound.
    """
    try:
        answer: dict[str, Any] = dict(clients.sagemaker.describe_training_job(TrainingJobName=job_name))
    except ClientError as error:
        message = str(error.response.get("Error", {}).get("Message", "")).lower()
        if error_code(error) == "ResourceNotFound" or (error_code(error) == "Validation" and "not found" in message):
            return None
        raise
    answer.pop("ResponseMetadata", None)
    return answer


def keep(seen: Look, store: Store, run: str, *, verdict: RunStatus | None, diagnosis: Mapping[str, Any] | None) -> None:
    """Write down what was seen: Describe's answer in S3, the attempt in the run record."""
    number = seen.planned.number
    if seen.job is not None:
        store.put_document(run, f"attempts/{number}.json", seen.job)
    progress = store.progress(run) if seen.planned.request.get("CheckpointConfig") else Progress()
    finding = records.Finding(
        row=row(seen.planned, seen.job, progress, _refusal(seen)),
        model=model_uri(seen.job),
        metrics=metrics(seen.job),
        diagnosis=diagnosis,
        verdict=verdict,
    )
    store.update(records.update_attempt(run, finding, now()))


def _refusal(seen: Look) -> str | None:
    """Why there is no job, in the words of whoever refused it."""
    if seen.job is not None:
        return None
    return " ".join(text for text in (seen.error, seen.cause) if text)[:2000] or None


def why(seen: Look, clients: Services) -> dict[str, Any]:
    """The diagnosis of an attempt that did not complete, with the end of its log, as report.json has it."""
    tail = log_tail(clients, seen.planned) if seen.job is not None else []
    reason = (seen.job or {}).get("FailureReason")
    # with a job, Step Functions' text only repeats Describe's answer as JSON: the job's own words are better evidence
    heard = (None, None) if seen.job is not None else (seen.error, seen.cause)
    return diagnose(Texts(reason, *heard, log_tail=tuple(tail)), seen.outcome).to_dict(tail)


def log_tail(clients: Services, planned: Planned) -> list[str]:
    """The last 40 lines of the job's log, hosts merged by time. A log that cannot be read is one line that says so."""
    try:
        events = [event for stream in _streams(clients, planned) for event in _events(clients, planned, stream)]
    except ClientError as error:
        logger.warning("log not read", extra={"job": planned.job_name, "code": error_code(error)})
        return [f"(the log could not be read: {error_code(error)})"]
    return [text[:_LINE] for _, text in sorted(events, key=lambda event: event[0])[-LOG_LINES:]]


def _streams(clients: Services, planned: Planned) -> list[str]:
    try:
        found = clients.logs.describe_log_streams(
            logGroupName=planned.log_group, logStreamNamePrefix=f"{planned.job_name}/", limit=_STREAMS
        )
    except clients.logs.exceptions.ResourceNotFoundException:
        return []
    return [stream["logStreamName"] for stream in found["logStreams"]]


def _events(clients: Services, planned: Planned, stream: str) -> list[tuple[int, str]]:
    answer = clients.logs.get_log_events(
        logGroupName=planned.log_group, logStreamName=stream, limit=LOG_LINES, startFromHead=False
    )
    return [(event["timestamp"], event["message"].rstrip("\n")) for event in answer["events"]]
