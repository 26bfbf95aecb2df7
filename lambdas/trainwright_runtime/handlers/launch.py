"""Launch: creates an attempt's training job with the SageMaker API, for requests that `.sync` is not known to take.

The state that called it waits for its task token. The event of the job's end answers it (see `answer`); where no job
came of it, this does, with the words of whoever refused it. The token is kept before the job is asked for, so that no
job ends before there is a token to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from trainwright_runtime import record as records
from trainwright_runtime.attempts import ALIVE
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import environment as environments
from trainwright_runtime.handlers import tokens
from trainwright_runtime.handlers.aws import Services, error_code, services
from trainwright_runtime.handlers.look import describe
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import handling, logger

Event = dict[str, Any]

EXECUTION_TAG = "trainwright:execution"
"""Says which run created a job, so that a second call for the same attempt knows the job that the first one made."""

RUN_IS_OVER = "TrainwrightRunIsOver"
_TAGS = 50  # as many as a job can have
_SERVER_FAULT = 500


@handling
def handler(event: Event, _context: object) -> None:
    """The Lambda function; see docs/states.md for what comes in."""
    launch(event, Store(services, environments.read()), services)


def launch(event: Event, store: Store, clients: Services) -> None:
    """Create the job, or adopt the one that an earlier call for the same attempt created. Safe to repeat."""
    run, token = Run.from_dict(event["run"]), event["token"]
    logger.append_keys(run=run.id, job=event["job_name"])
    record = store.update(records.put_token(run.id, event["attempt"], token)) or store.existing(run.id)
    if records.is_final(record):  # stopped from outside while this was on its way: nobody would stop its job
        tokens.fail(clients, token, RUN_IS_OVER, f"The run is {record['status']}; no job was started.")
        return
    try:
        clients.sagemaker.create_training_job(**_tagged(event["request"], run.id))
        logger.info("created")
    except (ClientError, BotoCoreError) as error:
        if not (_may_exist(error) and _adopted(event["job_name"], run, token, clients)):
            tokens.fail(clients, token, _name(error), str(error))


def _tagged(request: Mapping[str, Any], run: str) -> dict[str, Any]:
    return {**request, "Tags": [*(request.get("Tags") or ()), {"Key": EXECUTION_TAG, "Value": run}]}


def _adopted(job_name: str, run: Run, token: str, clients: Services) -> bool:
    """Whether the job of this name is the run's own. One that has ended already has had its event: it is answered for
    here."""
    job = describe(clients, job_name)
    if job is None or not _is_of(job["TrainingJobArn"], run.id, clients):
        return False
    logger.info("adopted", extra={"status": job["TrainingJobStatus"]})
    if job["TrainingJobStatus"] not in ALIVE:
        tokens.succeed(clients, token, {})
    return True


def _is_of(job_arn: str, run: str, clients: Services) -> bool:
    tags = clients.sagemaker.list_tags(ResourceArn=job_arn, MaxResults=_TAGS)["Tags"]
    return {"Key": EXECUTION_TAG, "Value": run} in tags


def _may_exist(error: ClientError | BotoCoreError) -> bool:
    """Whether there may be a job of this name all the same: its name is taken, SageMaker failed on the way, or no
    answer came."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        return error_code(error) == "ResourceInUse" or status >= _SERVER_FAULT
    return not isinstance(error, ParamValidationError)


def _name(error: ClientError | BotoCoreError) -> str:
    """The error as Step Functions' own integration names it."""
    if isinstance(error, ClientError):
        return f"SageMaker.{error_code(error)}Exception"
    invalid = isinstance(error, ParamValidationError)
    return "SageMaker.ValidationException" if invalid else "SageMaker.SdkClientException"
