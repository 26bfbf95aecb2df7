"""``sagemaker:createTrainingJob`` and its ``.sync``: the job is created, waited for and stopped as the machine's role.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
"""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped

from trainwright.rehearsal import clock, events
from trainwright.rehearsal.states import failures, running, sdk, training_fields

LOG = logging.getLogger(__name__)
STATE_CHANGE = "SageMaker Training Job State Change"
MANAGED_TAG = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
FINAL = ("Completed", "Failed", "Stopped")
# An event wakes the wait. Describe is asked now and then as well, as Step Functions does, in case that one is lost.
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 5.0, 60.0
NOT_RUN_HERE = (
    "The rehearsal account does not run arn:aws:states:::sagemaker:{}, only sagemaker:createTrainingJob(.sync)."
)


def service_for(original: Any) -> Any:
    """state_task_service_for that knows SageMaker."""

    def state_task_service_for(service_name: str) -> StateTaskService:
        return TrainingTask() if service_name == "sagemaker" else original(service_name=service_name)

    return state_task_service_for


class TrainingTask(StateTaskServiceCallback):
    """A Task on SageMaker's optimised integration."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition(ResourceCondition.Sync)})

    def _validate_service_integration_is_supported(self) -> None:
        if not training_fields.is_create(self.resource.resource_arn):
            name = self.resource.resource_arn.partition(":::sagemaker:")[2]
            raise ValueError(NOT_RUN_HERE.format(name))

    def _eval_parameters(self, env: Any) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._eval_parameters(env=env)
        refused = training_fields.unsupported(parameters)
        if refused:
            fields = ", ".join(f'The field "{name}" is not supported by Step Functions' for name in refused)
            text = json.dumps(parameters, separators=(",", ":"))
            raise failures.runtime_failure(
                env, f"The Parameters '{text}' could not be used to start the Task: [{fields}]"
            )
        return parameters

    def _normalise_parameters(self, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
        """The request travels as it is: its fields already have the API's names."""

    def _normalise_response(self, response: Any, *_: Any, **__: Any) -> None:
        """The results below are JSON already."""

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        request = dict(normalised_parameters)
        if self.resource.condition is not None:
            request["Tags"] = [*(request.get("Tags") or []), MANAGED_TAG]
        client = sdk.client_for(resource_runtime_part.region, "sagemaker", state_credentials)
        response = client.create_training_job(**request)
        env.stack.append({"TrainingJobArn": response["TrainingJobArn"], **sdk.metadata(response)})

    def _eval_integration_pattern(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        env.stack.pop()
        client = sdk.client_for(resource_runtime_part.region, "sagemaker", state_credentials)
        job = wait_for(env, client, normalised_parameters["TrainingJobName"])
        if job is None:
            return
        description = described(job)
        if job["TrainingJobStatus"] != "Completed":
            cause = json.dumps(description, separators=(",", ":"))
            raise failures.task_failure(env, self, failures.TASK_FAILED, cause)
        env.stack.append(description)

    def _after_eval_execution(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        super()._after_eval_execution(
            env=env,
            resource_runtime_part=resource_runtime_part,
            normalised_parameters=normalised_parameters,
            state_credentials=state_credentials,
        )

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            return failures.task_failed(env, self, error_name(ex), sdk.long_cause(ex, "AmazonSageMaker"))
        if isinstance(ex, ParamValidationError):
            return failures.task_failed(env, self, "SageMaker.AmazonSageMakerException", _invalid(ex))
        if isinstance(ex, BotoCoreError):
            return failures.task_failed(env, self, "SageMaker.SdkClientException", str(ex))
        return super()._from_error(env=env, ex=ex)


def error_name(error: ClientError) -> str:
    """The name that the integration gives a refusal: only the three declared errors have one of their own."""
    code = error.response["Error"]["Code"]
    if code in ("ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"):
        return f"SageMaker.{code}Exception"
    return "SageMaker.AmazonSageMakerException"


def _invalid(error: ParamValidationError) -> str:
    details = "Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationException; Request ID: ; Proxy: null"
    return f"{error} ({details})"


def described(job: dict[str, Any]) -> dict[str, Any]:
    """A DescribeTrainingJob response as the integration's result; times in milliseconds, as its events have them."""
    result: dict[str, Any] = sdk.to_result(
        {key: value for key, value in job.items() if key != "ResponseMetadata"}, _milliseconds, pascal=False
    )
    return result


def _milliseconds(instant: datetime.datetime) -> int:
    return int(instant.timestamp() * 1000)


def wait_for(env: Any, client: Any, name: str) -> dict[str, Any] | None:
    """The job's description once it has ended; None when the state or the execution ended before.

    A job whose execution is stopped, or whose sibling branch failed, is stopped too; one whose Task timed out is not:
    Step Functions does not promise that.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html (best effort to cancel)
    """
    changed = clock.Event()
    with events.listen(STATE_CHANGE, lambda detail: _wake(detail, name, changed)):
        running.on_end(env, changed.set)
        pause = FIRST_POLL_SECONDS
        while env.is_running():
            job = _describe(client, name)
            if job and job["TrainingJobStatus"] in FINAL:
                return job
            changed.wait(pause)
            changed.clear()
            pause = min(pause * 2, LONGEST_POLL_SECONDS)
    if isinstance(env.program_state(), (ProgramStopped, ProgramError)):
        _cancel(client, name)
    return None


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    """The job; None when the service could not answer this time: the next look is soon enough."""
    try:
        job: dict[str, Any] = client.describe_training_job(TrainingJobName=name)
    except ClientError as error:
        passing = error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        if passing or error.response["Error"]["Code"] in sdk.THROTTLED:
            return None
        raise
    return job


def _wake(detail: dict[str, Any], name: str, changed: clock.Event) -> None:
    if detail.get("TrainingJobName") == name and detail.get("TrainingJobStatus") in FINAL:
        changed.set()


def _cancel(client: Any, name: str) -> None:
    try:
        client.stop_training_job(TrainingJobName=name)
    except (ClientError, BotoCoreError) as error:
        LOG.warning("the training job %s of a stopped execution could not be stopped: %s", name, error)
