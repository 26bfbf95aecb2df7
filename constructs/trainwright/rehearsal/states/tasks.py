"""Tasks: what the interpreter's service integrations do otherwise than Step Functions.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import LambdaFunctionErrorException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_api_gateway import (
    SfnGatewayException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
    CallbackTimeoutError,
    HeartbeatTimedOut,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError
from moto.stepfunctions.parser.quotas import is_within_size_quota

from trainwright.rehearsal import clock
from trainwright.rehearsal.states import failures, models, running, sdk

_CODE = re.compile(r"/[^\"\\]*/functions/code/[0-9a-f]{32}/")
_NO_FUNCTION = re.compile(r"^(Function not found: arn:[^:]+:lambda:[^:]+:\d+:function:[^:\s]+)(?=\s)")
TEXT_LIMIT = "returned a result with a size exceeding the maximum number of bytes service limit."


# --- errors --------------------------------------------------------------------------------------------------------


def execution_state_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    """ExecutionState._from_error: what is no failure yet is one of the machine itself."""
    if isinstance(ex, FailureEventException):
        return ex.failure_event
    cause = running.no_such_path(env, ex) if isinstance(ex, NoSuchJsonPathError) else str(ex)
    return failures.runtime_failure(env, cause).failure_event


def task_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    """StateTask._from_error: time-outs, a missed heartbeat under its own name as well."""
    if not isinstance(ex, TimeoutError):
        failed: FailureEvent = ExecutionState._from_error(self, env=env, ex=ex)
        return failed
    failure: Any = self._get_timed_out_failure_event(env)
    if isinstance(ex, HeartbeatTimeoutError):
        failure.error_name = failures.HeartbeatTimeoutName()
    return cast(FailureEvent, failure)


def callback_error(self: Any, env: Any, ex: CallbackOutcomeFailureError) -> FailureEvent:
    """StateTaskServiceCallback._get_callback_outcome_failure_event: SendTaskFailure's error, with its cause."""
    outcome = ex.callback_outcome_failure
    return failures.task_failed(env, self, outcome.error, outcome.cause)


def lambda_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    """StateTaskServiceLambda._from_error.

    A function's error goes by its errorType, a refusal of the service by its exception, any refusal that Invoke does
    not declare (access, above all) by Lambda.AWSLambdaException.
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
    """
    if isinstance(ex, LambdaFunctionErrorException):
        return failures.task_failed(env, self, error_type(ex.payload), _compact(ex.payload))
    if isinstance(ex, ClientError):
        code = ex.response["Error"]["Code"]
        name = code if code in models.modelled(models.operation("lambda", "invoke")) else "AWSLambdaException"
        return failures.task_failed(env, self, f"Lambda.{name}", _unqualified(sdk.long_cause(ex, "AWSLambda")))
    if isinstance(ex, BotoCoreError):
        return failures.task_failed(env, self, "Lambda.SdkClientException", str(ex))
    return StateTaskServiceCallback._from_error(self, env=env, ex=ex)


def _unqualified(cause: str) -> str:
    # The integration asks for the version $LATEST where the function's name has none, and Lambda's refusal says so.
    return _NO_FUNCTION.sub(r"\1:$LATEST", cause)


def _compact(payload: str) -> str:
    # The optimised integration writes the payload anew; a function's ARN as the resource passes it as it came.
    try:
        return json.dumps(json.loads(payload), separators=(",", ":"))
    except ValueError:
        return payload


def error_type(payload: str) -> str:
    """The name of a function's error, from the payload that it answered."""
    try:
        return str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Exception"


def api_gateway_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    """StateTaskServiceApiGateway._from_error: by the status of the answer, whose body is the cause.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
    """
    if isinstance(ex, SfnGatewayException):
        return failures.task_failed(env, self, f"ApiGateway.{ex.response.status_code}", ex.response.text)
    if isinstance(ex, FailureEventException):
        return ex.failure_event
    return failures.task_failed(env, self, f"ApiGateway.{type(ex).__name__}", str(ex))


def sdk_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    """StateTaskServiceAwsSdk._from_error."""
    service, action = self.resource.api_name, self.resource.api_action
    if isinstance(ex, ClientError):
        error = models.exception_name(service, models.operation(service, action), ex.response["Error"]["Code"])
        return failures.task_failed(env, self, error, _sdk_cause(service, ex))
    if isinstance(ex, ParamValidationError):
        return failures.runtime_failure(env, f"The Parameters could not be used to start the Task: {ex}").failure_event
    if isinstance(ex, BotoCoreError):
        return failures.task_failed(env, self, f"{models.exception_prefix(service)}.SdkClientException", str(ex))
    return StateTaskServiceCallback._from_error(self, env=env, ex=ex)


def _sdk_cause(service: str, error: ClientError) -> str:
    response: Any = error.response
    details = (
        f"Service: {models.exception_prefix(service)}, Status Code: {sdk.status_code(response)}, "
        f"Request ID: {sdk.request_id(response)}"
    )
    if service == "s3":
        second = response["ResponseMetadata"].get("HostId") or base64.b64encode(clock.random().randbytes(57)).decode()
        details += f", Extended Request ID: {second}"
    return f"{response['Error'].get('Message', '')} ({details})"


# --- parameters and results ----------------------------------------------------------------------------------------


def eval_parameters(self: Any, env: Any) -> dict[str, Any]:
    """StateTask._eval_parameters: an object, within the size that a state may pass, unknown names left out."""
    parameters: Any = {}
    if self.parargs is not None:
        self.parargs.eval(env=env)
        parameters = env.stack.pop()
    if not isinstance(parameters, dict):
        raise failures.runtime_failure(env, f"The Arguments of a Task must be an object, got: {json.dumps(parameters)}")
    if not is_within_size_quota(parameters):
        raise failures.task_failure(env, self, failures.DATA_LIMIT, f"The state/task '{self.name}' {TEXT_LIMIT}")
    supported = self._get_supported_parameters()
    return {key: value for key, value in parameters.items() if not supported or key in supported}


def normalise_parameters(
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """StateTaskService._normalise_parameters: the SDK's PascalCase becomes the service's own names."""
    called = _operation(self, boto_service_name, service_action_name)
    if called is None or called.input_shape is None:
        return
    request = sdk.to_request(dict(parameters), called.input_shape)
    parameters.clear()
    parameters.update(request)


def normalise_response(
    self: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """StateTaskService._normalise_response: the service's own names become the SDK's PascalCase, times become text."""
    called = _operation(self, boto_service_name, service_action_name)
    if not isinstance(response, dict):
        return
    shape = called.output_shape if called is not None else None
    result = sdk.response_to_result(dict(response), shape)
    if service_action_name is None and self.resource.service_name in sdk.CONTENT_TYPES:
        result |= sdk.integration_metadata(self.resource.service_name, response)
    if self.resource.api_name == "s3":
        result = sdk.s3_result(self.resource.api_action, result)
    response.clear()
    response.update(result)


def _operation(self: Any, service: str | None, action: str | None) -> Any:
    return models.operation(service or self.resource.api_name, (action or self.resource.api_action).replace("_", ""))


def lambda_result(env: Any, parameters: dict[str, Any], region: str, state_credentials: Any) -> None:
    """execute_lambda_function_integration: invoke, raise what the function raised, push what Step Functions returns."""
    response = sdk.client_for(region, "lambda", state_credentials).invoke(**parameters)
    content = response["Payload"].read()
    if response.get("FunctionError"):
        raise LambdaFunctionErrorException(response["FunctionError"], as_on_lambda(content.decode(errors="replace")))
    env.stack.append(
        {
            "ExecutedVersion": response.get("ExecutedVersion", "$LATEST"),
            "Payload": _payload(content),
            **sdk.invocation_metadata(response, len(content)),
            "StatusCode": response["StatusCode"],
        }
    )


def as_on_lambda(payload: str) -> str:
    """A function's error with the code where it lies on Lambda, ``/var/task``, not in this account's folder.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (LAMBDA_TASK_ROOT)
    """
    return _CODE.sub("/var/task/", payload)


def _payload(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


# --- integration patterns ------------------------------------------------------------------------------------------


def eval_integration_pattern(
    self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
) -> None:
    """StateTaskServiceCallback._eval_integration_pattern: wait for a token or for the job, no longer than asked.

    An integration that only knows ``.sync`` has no token to clean up after.
    """
    endpoint = None
    if self.resource.condition == ResourceCondition.WaitForTaskToken:
        endpoint = env.callback_pool_manager.get(env.states.context_object.context_object_data["Task"]["Token"])
        env.stack.pop()
        outcome = _wait_for_token(self, env, endpoint)
    else:
        outcome = _wait_for_job(self, env, resource_runtime_part, normalised_parameters, state_credentials)
    _push(env, outcome)


def _wait_for_token(self: Any, env: Any, endpoint: Any) -> Any:
    self.timeout.eval(env=env)
    seconds = env.stack.pop()
    heartbeat = _heartbeat(self, env, endpoint)
    running.on_end(env, endpoint.interrupt_all)
    try:
        return self._eval_wait_for_task_token(
            env=env, timeout_seconds=seconds, callback_endpoint=endpoint, heartbeat_endpoint=heartbeat
        )
    finally:
        # A later answer under this token is told that nobody waits for it.
        endpoint.report(CallbackConsumerTimeout())


def _heartbeat(self: Any, env: Any, endpoint: Any) -> Any:
    if not self.heartbeat:
        return None
    self.heartbeat.eval(env=env)
    return endpoint.setup_heartbeat_endpoint(heartbeat_seconds=env.stack.pop())


def _wait_for_job(self: Any, env: Any, runtime: Any, parameters: dict[str, Any], credentials: Any) -> Any:
    build = self._build_sync_resolver
    if self.resource.condition != ResourceCondition.Sync:
        build = self._build_sync2_resolver
    resolver = build(
        env=env, resource_runtime_part=runtime, normalised_parameters=parameters, state_credentials=credentials
    )
    return self._eval_sync(
        env=env, timeout_seconds=None, callback_endpoint=None, heartbeat_endpoint=None, sync_resolver=resolver
    )


def _push(env: Any, outcome: Any) -> None:
    if isinstance(outcome, CallbackOutcomeTimedOut):
        raise CallbackTimeoutError
    if isinstance(outcome, HeartbeatTimedOut):
        raise HeartbeatTimeoutError
    if isinstance(outcome, CallbackOutcomeFailure):
        raise CallbackOutcomeFailureError(callback_outcome_failure=outcome)
    env.stack.append(json.loads(outcome.output) if isinstance(outcome, CallbackOutcomeSuccess) else outcome)
