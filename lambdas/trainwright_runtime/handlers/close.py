"""close: an execution ended in a way its own states could not see. Stop what is alive, settle the record, report.

EventBridge starts it for each execution that is FAILED, TIMED_OUT or ABORTED; it may come twice and changes nothing
then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from botocore.exceptions import ClientError

from trainwright_runtime import record as records
from trainwright_runtime.attempts import Planned, iso
from trainwright_runtime.diagnosis import Diagnosis
from trainwright_runtime.facts import Run, name_in, run_id
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers.aws import Services, error_code, services
from trainwright_runtime.handlers.look import Look, Verdict, describe, keep, log_tail, look, rowed, why
from trainwright_runtime.handlers.orphans import is_alive, stop, sweep
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.report import finished
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import handling, logger
from trainwright_runtime.outcome import Fault, Outcome, RunStatus
from trainwright_runtime.underway import Underway

Event = dict[str, Any]

_POLL_SECONDS = 5
_RESERVE_SECONDS = 45


class StillAliveError(Exception):
    """The job has not ended in the time this function has. Lambda calls again, and again finds the job."""


class Clock(Protocol):
    """How much time is left; the Lambda context is one."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""


@handling
def handler(event: Event, context: Clock) -> None:
    """The Lambda function behind the rule on "Step Functions Execution Status Change"."""
    environment = environments.read()
    close(event["detail"], Store(services, environment), services, environment, context)


def close(
    detail: Event,
    store: Store,
    clients: Services,
    environment: environments.Environment,
    clock: Clock,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Leave nothing running and nothing unreported, whatever the execution died of."""
    if _goes_on(detail, clients):
        logger.info("the execution was redriven and goes on", extra={"execution": detail["executionArn"]})
        return
    record = _record(detail, store, clients, environment)
    logger.append_keys(run=record["run"])
    attempt = _last_planned(record, store, environment)
    sweep(clients, [row for row in records.rows(record) if attempt is None or row["number"] != attempt.number])
    job = describe(clients, attempt.job_name) if attempt else None
    if records.is_final(record) and not is_alive(job) and _as_recorded(record, attempt, job) and _told(record, store):
        logger.info("already settled", extra={"status": record["status"]})
        return
    seen = _ended(attempt, detail, clients, clock, sleep) if attempt else None
    _settle(record, seen, detail, Publisher(store, clients, environment))
    if seen and is_alive(seen.job):
        raise StillAliveError(f"training job {seen.planned.job_name} is {(seen.job or {}).get('TrainingJobStatus')}")


def _goes_on(detail: Event, clients: Services) -> bool:
    """Whether the execution runs again: the news of its end came after its redrive. One that is not there any more, or
    was another state machine's, does not."""
    try:
        return _asked(detail, clients).get("status") == "RUNNING"
    except ClientError as error:
        if error_code(error) in ("ExecutionDoesNotExist", "AccessDenied"):
            logger.info("the execution cannot be asked about", extra={"code": error_code(error)})
            return False
        raise


def _told(record: records.Item, store: Store) -> bool:
    return store.document(record["run"], "report.json") is not None


def _as_recorded(record: records.Item, attempt: Planned | None, job: Mapping[str, Any] | None) -> bool:
    """Whether the record already says how the job ended; a job that outlived its run's report ends later."""
    row = record["attempts"].get(str(attempt.number)) if attempt else None
    return job is None or (row is not None and row["status"] == job.get("TrainingJobStatus"))


def _record(detail: Event, store: Store, clients: Services, environment: environments.Environment) -> records.Item:
    """The run's record; where Prepare never came to write one, a new one."""
    arn = detail["executionArn"]
    if (alias := store.record(records.alias_key(arn))) and (found := store.record(alias["target"])):
        return found
    started = detail["startDate"] / 1000
    team = environment.deployment.team
    request = _input(detail, clients)
    run = Run(run_id(arn, started, team), team, name_in(request))
    store.put_document(run.id, "request.json", request)
    store.put(records.put_alias(arn, run.id))
    item = records.new(run, arn, _moment(started), now())
    store.put(records.put_new(item))
    return store.record(run.id) or item


def _moment(epoch_seconds: float) -> str | None:
    return iso(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_seconds)))


def _input(detail: Event, clients: Services) -> Any:
    """The execution's input: in the event, or asked for where it was too long for one."""
    text = detail.get("input") or _asked(detail, clients).get("input")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _asked(detail: Event, clients: Services) -> Mapping[str, Any]:
    return clients.states.describe_execution(executionArn=detail["executionArn"])


def _last_planned(record: records.Item, store: Store, environment: environments.Environment) -> Planned | None:
    """The attempt that may be alive: the one that the run was making."""
    if record["current"] is None:
        return None
    return Underway.from_dict(record["current"]).planned(store.plan(record["run"]), environment.deployment.log_group)


def _ended(attempt: Planned, detail: Event, clients: Services, clock: Clock, sleep: Callable[[float], None]) -> Look:
    """The attempt after its job was stopped and has ended, or when the time for waiting is over."""
    seen = _found(attempt, detail, clients, sleep)
    if not is_alive(seen.job):
        return seen
    stop(clients, attempt.job_name)
    while is_alive(seen.job) and clock.get_remaining_time_in_millis() > _RESERVE_SECONDS * 1000:
        sleep(_POLL_SECONDS)
        seen = look(clients, attempt)
    return _not_by_a_person(seen) if detail["status"] == "TIMED_OUT" else seen


def _not_by_a_person(seen: Look) -> Look:
    """SageMaker only says that a job was stopped; this one ran out of the execution's time."""
    return replace(seen, outcome=Outcome.TIMED_OUT) if seen.outcome is Outcome.STOPPED_BY_PERSON else seen


def _found(attempt: Planned, detail: Event, clients: Services, sleep: Callable[[float], None]) -> Look:
    """A job that is not there yet may be on its way: an execution can be stopped while it asks for the job."""
    seen = look(clients, attempt)
    if seen.job is None and detail["status"] != "FAILED":
        sleep(_POLL_SECONDS)
        seen = look(clients, attempt)
    return seen


def _settle(record: records.Item, seen: Look | None, detail: Event, publisher: Publisher) -> None:
    """Settle and report. A run that is settled keeps its status and diagnosis; only its last attempt is brought up to
    date."""
    store = publisher.store
    status: RunStatus = "STOPPED" if detail["status"] == "ABORTED" else "FAILED"
    final = records.is_final(record)
    diagnosis = record["diagnosis"] if final else _diagnosis(detail, seen, publisher.clients)
    if seen and seen.job is not None:
        _keep(seen, record, store, Verdict(diagnosis, status=record["verdict"] if final else status))
    settled = store.update(records.settle(record["run"], status, diagnosis, now()))
    publisher.publish(finished(settled or store.record(record["run"]) or record, publisher))


def _keep(seen: Look, record: records.Item, store: Store, verdict: Verdict) -> None:
    keep(seen, rowed(seen, record, store), store, record["run"], verdict)


def _diagnosis(detail: Event, seen: Look | None, clients: Services) -> dict[str, Any]:
    """Why the execution ended: the job's own failure if it failed by itself, else what happened to the execution."""
    ran = seen is not None and seen.job is not None
    tail = log_tail(clients, seen.planned) if seen and ran else []
    if detail["status"] in _BY_STATUS:
        return _BY_STATUS[detail["status"]].to_dict(tail)
    if seen and seen.job and seen.job.get("TrainingJobStatus") == "Failed":
        diagnosis, tail = why(seen, clients)
        return diagnosis.to_dict(tail)
    return _broken(detail, clients).to_dict(tail)


def _broken(detail: Event, clients: Services) -> Diagnosis:
    said = [detail.get("error"), detail.get("cause")]
    if not any(said):
        asked = _asked(detail, clients)
        said = [asked.get("error"), asked.get("cause")]
    evidence = ": ".join(text for text in said if text)[:1000] or None
    return Diagnosis(
        "platform_error",
        Fault.PLATFORM,
        "no_retry",
        "The platform failed around the training, not the training itself.",
        "Tell the platform team: the evidence says which part failed.",
        evidence,
    )


_STOPPED = Diagnosis(
    "stopped_by_user",
    Fault.PERSON,
    "no_retry",
    "Somebody stopped the execution.",
    "Start the run again when it is wanted; its data and checkpoints are kept.",
    None,
)
_TIMED_OUT = Diagnosis(
    "timed_out",
    Fault.PLATFORM,
    "no_retry",
    "The execution took longer than the platform lets a run take.",
    "Ask for less time, or the platform team for a longer execution time.",
    None,
)
_BY_STATUS = {"ABORTED": _STOPPED, "TIMED_OUT": _TIMED_OUT}
