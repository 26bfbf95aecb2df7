"""Step Functions: Tasks that call services as the state machine's role, SageMaker's among them."""

from __future__ import annotations

from trainwright.rehearsal.states import sdk, tasks, training
from trainwright.rehearsal.states.mending import swap, wrap

_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_SDK = f"{_GUIDE}/supported-services-awssdk.html"
_ERRORS = f"{_GUIDE}/concepts-error-handling.html"
_EXEC = "moto.stepfunctions.parser.asl.component.state.exec"
_TASK = f"{_EXEC}.state_task"
_SERVICE = f"{_TASK}.service"
_CALLBACK = f"{_SERVICE}.state_task_service_callback:StateTaskServiceCallback"
_BASE = f"{_SERVICE}.state_task_service:StateTaskService"

MENDS = (
    wrap(
        "stepfunctions-client",
        "moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for",
        "1f44dc2ac8aa2179df62365a6e5ea377f1770ea828a0f107440a2554f1b4edb8",
        lambda _: sdk.client_for,
        source=f"{_GUIDE}/procedure-create-iam-role.html",
        why="moto calls without the machine's role and makes a client for every Task.",
    ),
    swap(
        "stepfunctions-credentials",
        f"{_TASK}.state_task:StateTask._eval_state_credentials",
        "c3a8b53e139d7979abc48acf4c554d693a5a203e855e93d86b5017cecd29e9c4",
        sdk.task_credentials,
        source=f"{_GUIDE}/concepts-access-cross-acct-resources.html",
        why="moto lets Step Functions itself take the role in a Task's Credentials, which the machine's role assumes.",
    ),
    swap(
        "stepfunctions-api-gateway-error",
        f"{_SERVICE}.state_task_service_api_gateway:StateTaskServiceApiGateway._from_error",
        "77efd6d15bd3217be5c679b063088acfeea5fd6eaf2ab12f0e086d1b6795aec9",
        tasks.api_gateway_error,
        source=f"{_GUIDE}/connect-api-gateway.html",
        why="moto fails itself when a call through API Gateway fails.",
    ),
    wrap(
        "stepfunctions-sagemaker",
        f"{_SERVICE}.state_task_service_factory:state_task_service_for",
        "a21a16afc5f63679e4968dc9a7da9f2ee5a18c29b6b166220b4c2507d7401769",
        training.service_for,
        source=f"{_GUIDE}/connect-sagemaker.html",
        why="moto has no SageMaker integration.",
    ),
    swap(
        "stepfunctions-execution-error",
        f"{_EXEC}.execute_state:ExecutionState._from_error",
        "e784c91cf9d624ee9307a951861e67beb24704f2d48fd98cc5baff010d5d46e4",
        tasks.execution_state_error,
        source=_ERRORS,
        why="moto words a missing path for itself and shows States.Runtime as the Task's failure.",
    ),
    swap(
        "stepfunctions-task-error",
        f"{_TASK}.state_task:StateTask._from_error",
        "8f7051977d2683ad3dd4fdd9272b5cf9402550eb064d983882a83348e380cb0d",
        tasks.task_error,
        source=_ERRORS,
        why="moto's missed heartbeat is not matched by States.HeartbeatTimeout.",
    ),
    swap(
        "stepfunctions-token-error",
        f"{_CALLBACK}._get_callback_outcome_failure_event",
        "58463aef2eed75adef9afb913c0262df4e18b69ceadc89565dd0a26ee7757249",
        tasks.callback_error,
        source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html",
        why="moto cannot take an error that begins with States.",
    ),
    swap(
        "stepfunctions-lambda-error",
        f"{_SERVICE}.state_task_service_lambda:StateTaskServiceLambda._from_error",
        "ba630b50b845a8d3637d344901a108c1eea8f42cbab0d902087602a3a363aaa2",
        tasks.lambda_error,
        source=f"{_GUIDE}/bp-lambda-serviceexception.html",
        why="moto names refusals that Invoke does not declare by their code.",
    ),
    swap(
        "stepfunctions-sdk-error",
        f"{_SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._from_error",
        "43def989ab2585ba6e993c50bcce4e7864241655c769e5788076f2cd103a86a6",
        tasks.sdk_error,
        source=_SDK,
        why="moto spells the service in an SDK error as the resource ARN does, not as the SDK.",
    ),
    swap(
        "stepfunctions-parameters",
        f"{_TASK}.state_task:StateTask._eval_parameters",
        "f98779b805f9190e512f6cc10d9492f576b75d625041f71137547290a0c836bd",
        tasks.eval_parameters,
        source="https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html",
        why="moto lets a Task's Arguments be of any size and kind.",
    ),
    swap(
        "stepfunctions-request-names",
        f"{_BASE}._normalise_parameters",
        "dece59e76fd5e746d2c67f140a63bc1b25dad5dde3258c1794fa46894e6d07f9",
        tasks.normalise_parameters,
        source=_SDK,
        why="moto sends the SDK's PascalCase to services whose fields begin with a small letter.",
    ),
    swap(
        "stepfunctions-response-names",
        f"{_BASE}._normalise_response",
        "00e0b0a50b1dd4baea457d318dcc88928f27a633d3383c6224ae47c17eedbc87",
        tasks.normalise_response,
        source=_SDK,
        why="moto returns the service's own names and times that are no JSON.",
    ),
    wrap(
        "stepfunctions-lambda-result",
        f"{_TASK}.lambda_eval_utils:execute_lambda_function_integration",
        "f8c714c35a2410c0db337ebf8c11e8e95a631d730b2cf2422cc244e8acf1990a",
        lambda _: tasks.lambda_result,
        source=f"{_GUIDE}/connect-lambda.html",
        why="moto leaves out ExecutedVersion and the SDK's metadata.",
    ),
    swap(
        "stepfunctions-integration-pattern",
        f"{_CALLBACK}._eval_integration_pattern",
        "3b97ada1d4cb7280415bb9d160896565d4a520e56b5b85a0f42e42e6538c0ce9",
        tasks.eval_integration_pattern,
        source=f"{_GUIDE}/connect-to-resource.html",
        why="moto fails in every integration that knows .sync but no token, and waits for a token after its execution.",
    ),
)
