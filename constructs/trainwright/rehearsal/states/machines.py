"""State machines: what creating and updating them checks, and what is kept of them.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.models import StateMachine, StepFunctionBackend
from moto.stepfunctions.parser.api import InvalidDefinition, MissingRequiredParameter
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

from trainwright.rehearsal import facade
from trainwright.rehearsal.states import checks
from trainwright.rehearsal.states.definition import problems
from trainwright.rehearsal.states.history import log_group

DEFINITION_LIMIT = 1_048_576


class StateMachineAlreadyExists(AWSError):
    """The name belongs to a machine with another definition, type or configuration."""

    TYPE = "StateMachineAlreadyExists"
    STATUS = 400


class InvalidLoggingConfiguration(AWSError):
    """The log group is missing or there is more than one."""

    TYPE = "InvalidLoggingConfiguration"
    STATUS = 400


def check_definition(definition: str) -> None:
    """StepFunctionsParserBackend._validate_definition: every problem at once, in AWS's form.

    Raises:
        InvalidDefinition: the graph, a field or an expression is wrong.
    """
    if len((definition or "").encode()) > DEFINITION_LIMIT:
        raise ValidationException(
            "1 validation error detected: Value at 'definition' failed to satisfy constraint: "
            f"Member must have length less than or equal to {DEFINITION_LIMIT}"
        )
    found = [str(problem) for problem in problems(definition)] or _grammar(definition)
    if found:
        raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(found)}'")


def _grammar(definition: str) -> list[str]:
    try:
        AmazonStateLanguageParser.parse(definition)
    except ASLParserException as error:
        return [f"SCHEMA_VALIDATION_FAILED: {problem}" for problem in error.errors]
    except Exception as error:  # noqa: BLE001  (whatever the interpreter cannot read is an invalid definition)
        return [f"SCHEMA_VALIDATION_FAILED: {error}"]
    return []


def create(  # noqa: PLR0917  (moto's signature)
    self: Any,
    name: str,
    definition: str,
    roleArn: str,
    tags: list[dict[str, str]] | None = None,
    publish: bool | None = None,
    loggingConfiguration: dict[str, Any] | None = None,
    tracingConfiguration: dict[str, Any] | None = None,
    encryptionConfiguration: dict[str, Any] | None = None,
    version_description: str | None = None,
    sm_type: str | None = None,
) -> StateMachine:
    """StepFunctionsParserBackend.create_state_machine: idempotent for the very same machine, refused for another."""
    self._validate_name(name)
    self._validate_role_arn(roleArn)
    check_definition(definition)
    logging = full_logging(loggingConfiguration)
    _check_logging(logging)
    checks.check_role(roleArn, definition, logging, tracingConfiguration)
    existing = next((machine for machine in self.state_machines if machine.name == name), None)
    if existing is not None:
        return _same(existing, definition, sm_type or "STANDARD", logging, tracingConfiguration)
    machine = StepFunctionBackend.create_state_machine(
        self,
        name=name,
        definition=definition,
        roleArn=roleArn,
        tags=tags,
        publish=publish,
        loggingConfiguration=logging,
        tracingConfiguration=tracingConfiguration,
        encryptionConfiguration=encryptionConfiguration,
        version_description=version_description,
        sm_type=sm_type,
    )
    machine.sm_type = machine.type
    return machine


def _same(
    machine: StateMachine, definition: str, kind: str, logging: dict[str, Any], tracing: dict[str, Any] | None
) -> StateMachine:
    wanted = (definition, kind, logging, tracing or {"enabled": False})
    if wanted == (machine.definition, machine.type, machine.loggingConfiguration, machine.tracingConfiguration):
        return machine
    raise StateMachineAlreadyExists(f"State Machine Already Exists: '{machine.arn}'")


def update(  # noqa: PLR0917  (moto's signature)
    self: Any,
    arn: str,
    definition: str | None = None,
    role_arn: str | None = None,
    logging_configuration: dict[str, Any] | None = None,
    tracing_configuration: dict[str, Any] | None = None,
    encryption_configuration: dict[str, Any] | None = None,
    publish: bool | None = None,
    version_description: str | None = None,
) -> StateMachine:
    """StepFunctionsParserBackend.update_state_machine: checked as a whole; executions that run are not touched."""
    machine = self.describe_state_machine(arn)
    changes = (definition, role_arn, logging_configuration, tracing_configuration, encryption_configuration)
    if not any(changes):
        raise MissingRequiredParameter(
            "Either the definition, the role ARN, the LoggingConfiguration, the EncryptionConfiguration or the "
            "TracingConfiguration must be specified"
        )
    if definition is not None:
        check_definition(definition)
    logging = full_logging(logging_configuration) if logging_configuration else machine.loggingConfiguration
    _check_logging(logging)
    tracing = tracing_configuration or machine.tracingConfiguration
    checks.check_role(role_arn or machine.roleArn, definition or machine.definition, logging, tracing)
    updated = StepFunctionBackend.update_state_machine(
        self,
        arn,
        definition,
        role_arn,
        logging_configuration=logging,
        tracing_configuration=tracing_configuration,
        encryption_configuration=encryption_configuration,
        publish=publish,
        version_description=version_description,
    )
    vars(updated)["revision_id"] = str(uuid.uuid4())
    return updated


def full_logging(given: dict[str, Any] | None) -> dict[str, Any]:
    """A logging configuration with the defaults that Describe shows."""
    return {"level": "OFF", "includeExecutionData": False} | (given or {})


def _check_logging(logging: dict[str, Any]) -> None:
    if logging["level"] == "OFF":
        return
    name = log_group(logging)
    if name is None:
        raise InvalidLoggingConfiguration("Invalid Logging Configuration: Must specify exactly one Log Destination.")
    groups = facade.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if not any(group["logGroupName"] == name for group in groups):
        raise InvalidLoggingConfiguration("Invalid Logging Configuration: Log Destination not found.")
