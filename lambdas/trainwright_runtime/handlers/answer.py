"""Answer: a training job has ended, and the state that launched it waits to hear so.

EventBridge calls it for every job of the team that ends, some of them more than once. Jobs that the state machine
started itself (`.sync`) have no token, and nothing is done about them. How a job ended Assess asks SageMaker.
"""

from __future__ import annotations

import re
from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import tokens
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]

_JOB_NAME = re.compile(r"(?P<run>[a-z0-9]+-[0-9a-f]{10})-(?P<attempt>[0-9]+)(?:r[0-9]+)?", re.ASCII)


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function behind the rule on "SageMaker Training Job State Change"."""
    answer(event["detail"], Store(services, environments.read()), services)


def answer(detail: Event, store: Store, clients: Services) -> None:
    """Answer the token that waits for this job, if one does."""
    job = detail["TrainingJobName"]
    token = _token(job, store)
    answered = token is not None and tokens.succeed(clients, token, {})
    logger.info("answered" if answered else "nobody waits for this job", extra={"job": job})


def _token(job: str, store: Store) -> str | None:
    found = attempt_of(job)
    record = store.record(found[0]) if found else None
    return records.token_of(record, found[1]) if found and record else None


def attempt_of(job_name: str) -> tuple[str, int] | None:
    """The run's id and the attempt's number in a job's name; None for a job that is no run's (`facts.job_name`)."""
    match = _JOB_NAME.fullmatch(job_name)
    return (match["run"], int(match["attempt"])) if match else None
