"""Stacks, resources, events and change sets in the shapes of CloudFormation's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.rehearsal.stacks.model import ChangeSet, Event, Resource, Stack


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _parameters(stack: Stack) -> list[dict[str, str]]:
    declared = stack.template.get("Parameters") or {}
    listed = []
    for name, one in declared.items():
        value = stack.parameters.get(name, str(one.get("Default", "")))
        entry = {"ParameterKey": name, "ParameterValue": "****" if one.get("NoEcho") else value}
        if str(one.get("Type", "")).startswith("AWS::SSM::Parameter::Value<") and name in stack.resolved:
            resolved = stack.resolved[name]
            entry["ResolvedValue"] = ",".join(resolved) if isinstance(resolved, list) else str(resolved)
        listed.append(entry)
    return listed


def stack(one: Stack) -> dict[str, Any]:
    """An entry of DescribeStacks."""
    return _without_none(
        {
            "StackId": one.id,
            "StackName": one.name,
            "Description": one.description,
            "Parameters": _parameters(one),
            "CreationTime": one.created,
            "DeletionTime": one.deleted,
            "LastUpdatedTime": one.updated,
            "StackStatus": one.status,
            "StackStatusReason": one.reason,
            "DisableRollback": one.disable_rollback,
            "NotificationARNs": one.notification_arns,
            "Capabilities": one.capabilities,
            "Outputs": [_output(output) for output in one.outputs],
            "RoleARN": one.role_arn,
            "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
            "EnableTerminationProtection": one.termination_protection,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def _output(output: Any) -> dict[str, Any]:
    return _without_none(
        {
            "OutputKey": output.key,
            "OutputValue": output.value,
            "Description": output.description,
            "ExportName": output.export,
        }
    )


def stack_summary(one: Stack) -> dict[str, Any]:
    """An entry of ListStacks."""
    full = stack(one)
    names = (
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
    )
    return {name: full[name] for name in names if name in full}


def event(one: Stack, happened: Event) -> dict[str, Any]:
    """An entry of DescribeStackEvents."""
    return _without_none(
        {
            "StackId": one.id,
            "EventId": happened.id,
            "StackName": one.name,
            "LogicalResourceId": happened.logical_id,
            "PhysicalResourceId": happened.physical_id,
            "ResourceType": happened.type,
            "Timestamp": happened.when,
            "ResourceStatus": happened.status,
            "ResourceStatusReason": happened.reason,
            "ClientRequestToken": happened.token,
        }
    )


def resource(one: Stack, found: Resource, *, detail: bool = False) -> dict[str, Any]:
    """An entry of DescribeStackResources, or the detail of one."""
    when = "LastUpdatedTimestamp" if detail else "Timestamp"
    return _without_none(
        {
            "StackName": one.name,
            "StackId": one.id,
            "LogicalResourceId": found.logical_id,
            "PhysicalResourceId": found.physical_id,
            "ResourceType": found.type,
            when: found.changed,
            "ResourceStatus": found.status,
            "ResourceStatusReason": found.reason,
        }
    )


def resource_summary(found: Resource) -> dict[str, Any]:
    """An entry of ListStackResources."""
    return _without_none(
        {
            "LogicalResourceId": found.logical_id,
            "PhysicalResourceId": found.physical_id,
            "ResourceType": found.type,
            "LastUpdatedTimestamp": found.changed,
            "ResourceStatus": found.status,
            "ResourceStatusReason": found.reason,
        }
    )


def change_set(one: ChangeSet) -> dict[str, Any]:
    """The answer of DescribeChangeSet."""
    return _without_none(
        {
            **change_set_summary(one),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in one.wish.parameters.items()
            ],
            "NotificationARNs": list(one.wish.notification_arns),
            "Capabilities": list(one.wish.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in one.wish.tags.items()],
            "Changes": one.changes,
        }
    )


def change_set_summary(one: ChangeSet) -> dict[str, Any]:
    """An entry of ListChangeSets."""
    return _without_none(
        {
            "ChangeSetName": one.name,
            "ChangeSetId": one.id,
            "StackId": one.stack.id,
            "StackName": one.stack.name,
            "Description": one.description,
            "CreationTime": one.created,
            "ExecutionStatus": one.execution_status,
            "Status": one.status,
            "StatusReason": one.reason,
        }
    )


def template_summary(template: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of GetTemplateSummary."""
    kinds = sorted({body["Type"] for body in template["Resources"].values()})
    parameters = [
        _without_none(
            {
                "ParameterKey": name,
                "DefaultValue": str(one["Default"]) if "Default" in one else None,
                "ParameterType": one.get("Type", "String"),
                "NoEcho": bool(one.get("NoEcho")),
                "Description": one.get("Description"),
                "ParameterConstraints": {},
            }
        )
        for name, one in (template.get("Parameters") or {}).items()
    ]
    identity = any(kind.startswith("AWS::IAM::") for kind in kinds)
    return _without_none(
        {
            "Parameters": parameters,
            "Description": template.get("Description"),
            "Capabilities": ["CAPABILITY_NAMED_IAM"] if identity else None,
            "ResourceTypes": kinds,
            "Version": template.get("AWSTemplateFormatVersion"),
        }
    )
