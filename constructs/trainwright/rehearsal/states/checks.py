"""What CreateStateMachine and UpdateStateMachine ask of the state machine's role, and how they refuse.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html (the managed rule)
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html (the log destination)
https://docs.aws.amazon.com/step-functions/latest/dg/tracing.html (X-Ray)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.core.exceptions import AWSError

from trainwright.rehearsal import facade
from trainwright.rehearsal.states.definition import resources

PRINCIPAL = "states.amazonaws.com"
MANAGED_RULES = {
    "sagemaker:createTrainingJob.sync": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "states:startExecution.sync:2": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "codebuild:startBuild.sync": "StepFunctionsGetEventForCodeBuildStartBuildRule",
    "batch:submitJob.sync": "StepFunctionsGetEventsForBatchJobsRule",
    "ecs:runTask.sync": "StepFunctionsGetEventsForECSTaskRule",
}
RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
LOG_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
TRACE_ACTIONS = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)


class AccessDenied(AWSError):
    """AccessDeniedException of the Step Functions API."""

    TYPE = "AccessDeniedException"
    STATUS = 400


def check_role(role_arn: str, definition: str, logging: dict[str, Any] | None, tracing: dict[str, Any] | None) -> None:
    """Refuse a role that lacks what the definition, its logging and its tracing need of it.

    Raises:
        AccessDenied: in AWS's words.
    """
    _check_trust(role_arn)
    for rule in sorted({MANAGED_RULES[name] for name in resources(definition) if name in MANAGED_RULES}):
        arn = f"arn:aws:events:{facade.region()}:{facade.account_id()}:rule/{rule}"
        _check(role_arn, RULE_ACTIONS, arn, f"'{role_arn}' is not authorized to create managed-rule.")
    if (logging or {}).get("level", "OFF") != "OFF":
        words = "The state machine IAM Role is not authorized to access the Log Destination"
        _check(role_arn, LOG_ACTIONS, "*", words)
    if (tracing or {}).get("enabled"):
        _check(role_arn, TRACE_ACTIONS, "*", "The state machine IAM Role is not authorized to access AWS X-Ray")


def client_as(service: str, role_arn: str) -> Any:
    """A client that calls as a state machine's role, which trusts Step Functions by its global or its regional name.

    Raises:
        PermissionDenied: it trusts neither.
    """
    try:
        return facade.client(service, role_arn=role_arn, service_principal=PRINCIPAL)
    except facade.PermissionDenied as denied:
        regional = f"states.{facade.region()}.amazonaws.com"
        try:
            return facade.client(service, role_arn=role_arn, service_principal=regional)
        except facade.PermissionDenied:
            raise denied from None


def _check_trust(role_arn: str) -> None:
    try:
        client_as("sts", role_arn)
    except facade.PermissionDenied as error:
        words = (
            f"Neither the global service principal {PRINCIPAL}, nor the regional one is authorized to assume the "
            "provided role."
        )
        raise AccessDenied(words) from error


def _check(role_arn: str, actions: Iterable[str], resource: str, words: str) -> None:
    context: dict[str, str | list[str]] = {"events:ManagedBy": PRINCIPAL} if resource != "*" else {}
    try:
        for action in actions:
            facade.authorize(role_arn, action, resource, context)
    except facade.PermissionDenied as error:
        raise AccessDenied(words) from error
