"""Digest: a training job has ended, or a rule that judges one: write down what its profiler says.

EventBridge calls it for every training job and processing job of the team that ends, for some of them late, twice, or
never; so the hourly rule calls it as well, and it looks at the jobs of which there is more to come. It has the memory
and the time for a gigabyte of profiler files. It never fails a run: it only writes, and what cannot be read the profile
says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import open_profiles, profiled
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import throttling
from trainwright_runtime.handlers.aws import Services, services
from trainwright_runtime.handlers.profiles import Profiles
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]

LOOKED_AT = 50
"""Jobs that one hourly call looks at; the rest are for the next one."""
_SHARE = 0.2
"""Part of the time that is kept for writing: reading stops before."""


class Clock(Protocol):
    """What Lambda gives a handler, as far as it is read here."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the call."""


@handling
def handler(event: Event, context: Clock) -> Event:
    """The Lambda function behind the rules on jobs that have ended, and the hourly one; see docs/states.md."""
    environment = environments.read()
    return digest(event, Store(services, environment), services, environment, context)


def digest(event: Event, store: Store, clients: Services, environment: environments.Environment, clock: Clock) -> Event:
    """Bring the profile up to date of the job that the event is about, or of those that more is to come of."""
    kept = clock.get_remaining_time_in_millis() * _SHARE
    profiles = Profiles(
        Publisher(store, clients, environment), is_late=lambda: clock.get_remaining_time_in_millis() < kept
    )
    if "TrainingJobName" in (detail := event.get("detail") or {}):
        looked = {detail["TrainingJobName"]: profiles.bring_up_to_date(detail["TrainingJobName"])}
    elif "ProcessingJobName" in detail:
        looked = {job: profiles.bring_up_to_date(job) for job in _judged(detail, clients)}
    else:
        looked = dict(_open(store, profiles))
    logger.info("digested", extra={"jobs": looked})
    return {"schema": 1, "jobs": looked}


def _judged(detail: Event, clients: Services) -> Iterator[str]:
    """The training job that a processing job judges; none for any other processing job of the team's."""
    name = detail["ProcessingJobName"]
    try:
        job = profiled.training_job(clients.sagemaker.describe_processing_job(ProcessingJobName=name))
    except (ClientError, BotoCoreError) as error:
        logger.warning("processing job not described", extra={"job": name, "why": throttling.said(error)})
        job = profiled.training_job(detail)
    if job:
        yield job


def _open(store: Store, profiles: Profiles) -> Iterator[tuple[str, str]]:
    """The listed jobs, one after the other, while there is time; one that AWS throttles is for the next hour."""
    for job in open_profiles.listed(store.record(open_profiles.PROFILES.key))[:LOOKED_AT]:
        if profiles.is_late():
            return
        try:
            yield job, profiles.bring_up_to_date(job)
        except (ClientError, BotoCoreError) as error:
            logger.warning("profile not brought up to date", extra={"job": job, "error": str(error)})
