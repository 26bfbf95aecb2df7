"""The scope of a stack's template: parameters by their types, pseudo parameters, conditions, other resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.stacks import store
from trainwright.rehearsal.stacks.errors import ResourceFailed, ValidationError
from trainwright.rehearsal.stacks.model import Resource, Stack
from trainwright.rehearsal.stacks.template import NO_VALUE, Scope

_SSM_VALUE = "AWS::SSM::Parameter::Value<"


def pseudo(stack_name: str, stack_id: str, notification_arns: list[str]) -> dict[str, Any]:
    """The pseudo parameters."""
    return {
        "AWS::AccountId": facade.account_id(),
        "AWS::NotificationARNs": notification_arns,
        "AWS::Partition": "aws",
        "AWS::Region": facade.region(),
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def parameters(template: Mapping[str, Any], given: Mapping[str, str], client: Callable[[str], Any]) -> dict[str, Any]:
    """The values of a template's parameters, in their types.

    Raises:
        ValidationError: one is missing, is not declared, or has a value that its declaration does not allow.
    """
    declared = template.get("Parameters") or {}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, one in declared.items() if name not in given and "Default" not in one]
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: _parameter(name, one, given.get(name, one.get("Default")), client) for name, one in declared.items()}


def _parameter(name: str, declared: Mapping[str, Any], value: Any, client: Callable[[str], Any]) -> Any:
    kind = declared.get("Type", "String")
    if kind.startswith(_SSM_VALUE):
        value, kind = _from_store(name, str(value), client), kind[len(_SSM_VALUE) : -1]
    allowed = [str(one) for one in declared.get("AllowedValues", [])]
    if allowed and str(value) not in allowed:
        raise ValidationError(f"Parameter '{name}' must be one of AllowedValues")
    if kind.startswith("List<") or kind == "CommaDelimitedList":
        return [part.strip() for part in str(value).split(",")] if not isinstance(value, list) else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_store(name: str, path: str, client: Callable[[str], Any]) -> str:
    try:
        return str(client("ssm").get_parameter(Name=path)["Parameter"]["Value"])
    except client("ssm").exceptions.ParameterNotFound as error:
        raise ValidationError(
            f"Unable to fetch parameters [{path}] from parameter store for this account. (parameter {name})"
        ) from error


def scope_of(
    stack: Stack, template: Mapping[str, Any], values: Mapping[str, Any], client: Callable[[str], Any]
) -> Scope:
    """The scope in which a stack's template is resolved; resources are those that exist at the time of asking."""

    def resource(name: str) -> Resource:
        found = stack.resources.get(name)
        if found is None:
            raise ValidationError(f"Template error: {name} is referred to, but does not exist in the stack")
        return found

    def attribute(name: str, wanted: str) -> Any:
        attributes = resource(name).attributes
        if wanted in attributes:
            return attributes[wanted]
        if wanted.partition(".")[0] in attributes and "." in wanted:
            return _inside(attributes, wanted, name)
        raise ResourceFailed(
            f"Requested attribute {wanted} does not exist in schema for {resource(name).type} ({name})"
        )

    return Scope(
        parameters=values,
        pseudo=pseudo(stack.name, stack.id, stack.notification_arns),
        mappings=template.get("Mappings") or {},
        conditions=template.get("Conditions") or {},
        ref=lambda name: resource(name).physical_id,
        attribute=attribute,
        export=store.export,
        dynamic=lambda service, name: _dynamic(service, name, client),
    )


def _inside(attributes: Mapping[str, Any], path: str, name: str) -> Any:
    found: Any = attributes
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ResourceFailed(f"{name} has no attribute {path}")
        found = found[part]
    return found


def _dynamic(service: str, name: str, client: Callable[[str], Any]) -> str:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html"""
    if service.startswith("ssm"):
        return str(client("ssm").get_parameter(Name=name, WithDecryption=service == "ssm-secure")["Parameter"]["Value"])
    secret, *rest = name.split(":SecretString:")
    found = client("secretsmanager").get_secret_value(SecretId=secret.split(":SecretString")[0])["SecretString"]
    key = rest[0].partition(":")[0] if rest else ""
    if key:
        return str(json.loads(found)[key])
    return str(found)


def wanted_resources(template: Mapping[str, Any], scope: Scope) -> dict[str, dict[str, Any]]:
    """The resources whose conditions hold."""
    return {
        name: body
        for name, body in template["Resources"].items()
        if "Condition" not in body or scope.holds(body["Condition"])
    }


def check_rules(template: Mapping[str, Any], scope: Scope) -> None:
    """Evaluate a template's Rules.

    Raises:
        ValidationError: an assertion does not hold; with its description.
    """
    for name, rule in (template.get("Rules") or {}).items():
        if "RuleCondition" in rule and not scope.resolve(rule["RuleCondition"]):
            continue
        for one in rule.get("Assertions", []):
            if not scope.resolve(one["Assert"]):
                raise ValidationError(f"Template validation error: rule {name}: {one.get('AssertDescription', '')}")


def properties_of(body: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """A resource's properties, resolved."""
    resolved = scope.resolve(body.get("Properties") or {})
    return {} if resolved is NO_VALUE else dict(resolved)
