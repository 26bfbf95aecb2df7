"""Looking at an attempt: what SageMaker, the progress file and the log say of it, put together and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trainwright_runtime import money
from trainwright_runtime import record as records
from trainwright_runtime.attempts import SHORT_REFUSAL, Planned, Seen, metrics, model_uri, row
from trainwright_runtime.diagnosis import Diagnosis, Texts, diagnose
from trainwright_runtime.facts import RUN_TAG
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.host_metrics import peaks
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.outcome import Outcome, RunStatus, observe
from trainwright_runtime.progress import Progress
from trainwright_runtime.warm_pool import pool_of

LOG_LINES = 40
_NAME_IN_USE = "ResourceInUse"
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


@dataclass(frozen=True)
class Verdict:
    """What was made of a look: why it failed, what comes next in words, and the status that it gives the run."""

    diagnosis: Mapping[str, Any] | None = None
    decision: str | None = None
    then_wait: int = 0
    status: RunStatus | None = None
    current: Mapping[str, Any] | None = None


def look(
    clients: Services, planned: Planned, error: str | None = None, cause: str | None = None, *, redriven: bool = False
) -> Look:
    """Ask SageMaker how the attempt stands. `error` and `cause` are what the state machine heard, as raw text;
    `redriven`: the attempt belongs to the time before a redrive."""
    job = describe(clients, planned.job_name)
    if job is not None and _NAME_IN_USE in f"{error} {cause}" and not _is_own(job, planned, clients):
        job = None  # somebody else's, or made by hand: what became of it says nothing about this run
    outcome = observe(
        job, error, cause, redriven=redriven, cut_by=planned.cut_by, timeout_seconds=planned.timeout_seconds
    )
    return Look(planned, job, outcome, error, cause)


def _is_own(job: Mapping[str, Any], planned: Planned, clients: Services) -> bool:
    """Whether a job that was there before it was asked for is the run's: an earlier call of the same attempt made
    it."""
    wanted = [tag for tag in planned.request.get("Tags") or () if tag["Key"] == RUN_TAG]
    found = clients.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"], MaxResults=50)["Tags"]
    return all({"Key": tag["Key"], "Value": tag["Value"]} in found for tag in wanted)


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


def rowed(seen: Look, record: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """The attempt's row, with what it cost and whether it went on where earlier attempts of the run had saved."""
    planned, before = seen.planned, records.rows_before(record, seen.planned.number)
    found = Seen(
        outcome=seen.outcome.label,
        progress=store.progress(record["run"]) if planned.has_checkpoints else Progress(),
        refusal=_refusal(seen),
        checkpoint_step=max((each["last_step"] or 0 for each in before), default=0) or None,
        earlier_processes=max((each["processes"] for each in before), default=0),
        looks=record["looks"].get(str(planned.number), 0),
    )
    known = (record["money"] or {}).get("prices")
    priced = money.with_cost(row(planned, seen.job, found), planned.usd_per_hour, known)
    return {**priced, "warm_pool": pool_of(seen.job, priced["usd_per_hour"])}


def keep(seen: Look, row: Mapping[str, Any], store: Store, run: str, verdict: Verdict) -> records.Item | None:
    """Write down what was seen: Describe's answer in S3, the attempt in the run record, which is answered."""
    if seen.job is not None:
        store.put_document(run, f"attempts/{seen.planned.number}.json", seen.job)
    finding = records.Finding(
        row={**row, **_words(row, verdict)},
        model=model_uri(seen.job),
        metrics=metrics(seen.job),
        diagnosis=verdict.diagnosis if verdict.status not in (None, "SUCCEEDED") else None,
        verdict=verdict.status,
        current=verdict.current,
    )
    return store.update(records.update_attempt(run, finding, now()))


def _words(row: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Why it ended and what follows. What a refusal said is shortened where the run goes on: there may be many."""
    why = verdict.diagnosis
    short = None if why is None else {name: why[name] for name in ("label", "fault", "summary")}
    reason = row["failure_reason"]
    if reason is not None and row["job_arn"] is None and verdict.status is None:
        reason = reason[:SHORT_REFUSAL]
    return {
        "diagnosis": short,
        "decision": verdict.decision,
        "then_wait_seconds": verdict.then_wait,
        "failure_reason": reason,
    }


def _refusal(seen: Look) -> str | None:
    """Why there is no job, in the words of whoever refused it."""
    if seen.job is not None:
        return None
    return " ".join(text for text in (seen.error, seen.cause) if text) or None


def why(seen: Look, clients: Services) -> tuple[Diagnosis, list[str]]:
    """The diagnosis of an attempt that did not complete, and the end of its log."""
    tail = log_tail(clients, seen.planned) if seen.job is not None else []
    reason = (seen.job or {}).get("FailureReason")
    # with a job, Step Functions' text only repeats Describe's answer as JSON: the job's own words are better evidence
    heard = (None, None) if seen.job is not None else (seen.error, seen.cause)
    full = peaks(clients, seen.job) if seen.job is not None else None
    return diagnose(Texts(reason, *heard, log_tail=tuple(tail), metrics=full), seen.outcome), tail


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
