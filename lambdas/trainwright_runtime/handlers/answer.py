"""Answer: a training job has ended, and the state that launched it waits to hear so.

EventBridge calls it for every job of the team that ends, some of them more than once. Jobs that the state machine
started itself (`.sync`) have no token, and nothing is done about them. How a job ended Assess asks SageMaker.
"""

from __future__ import annotations

from typing import Any

from trainwright_runtime import record as records
from trainwright_runtime.facts import attempt_of
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import tokens
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function behind the rule on "SageMaker Training Job State Change"."""
    environment = environments.read()
    answer(event["detail"], Store(services, environment), services, environment.deployment.team)


def answer(detail: Event, store: Store, clients: Services, team: str) -> None:
    """Answer the token that waits for this job, if one does."""
    job = detail["TrainingJobName"]
    token = _token(attempt_of(job, team), store)
    answered = token is not None and tokens.succeed(clients, token, {})
    logger.info("answered" if answered else "nobody waits for this job", extra={"job": job})


def _token(found: tuple[str, int] | None, store: Store) -> str | None:
    record = store.record(found[0]) if found else None
    return records.token_of(record, found[1]) if found and record else None
