"""In which order a template's resources are made, and what a change changes."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trainwright.rehearsal.stacks.errors import ValidationError
from trainwright.rehearsal.stacks.model import Resource, Stack
from trainwright.rehearsal.stacks.template import references

_PSEUDO = "AWS::"


def dependencies(template: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, set[str]]:
    """For each resource the resources that must exist before it.

    Raises:
        ValidationError: a reference leads nowhere, or resources need each other in a circle.
    """
    names, declared = set(template["Resources"]), set(template.get("Parameters") or {})
    graph: dict[str, set[str]] = {}
    nowhere: set[str] = set()
    for name, body in wanted.items():
        explicit = body.get("DependsOn") or []
        explicit = {explicit} if isinstance(explicit, str) else set(explicit)
        found = references(body.get("Properties") or {}) | explicit
        nowhere |= {one for one in found if one not in names | declared and not one.startswith(_PSEUDO)}
        graph[name] = {one for one in found if one in wanted and one != name}
    if nowhere:
        listed = ", ".join(sorted(nowhere))
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{listed}] in the Resources block of the template"
        )
    _check_circles(graph)
    return graph


def _check_circles(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = ", ".join(dict.fromkeys(error.args[1]))
        raise ValidationError(f"Circular dependency between resources: [{circle}]") from error


def removal_order(resources: Mapping[str, Resource]) -> list[Resource]:
    """Resources so that each comes before what it needs."""
    graph = {name: {one for one in resource.depends_on if one in resources} for name, resource in resources.items()}
    return [resources[name] for name in reversed(list(TopologicalSorter(graph).static_order()))]


def changes(stack: Stack, template: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What DescribeChangeSet lists: additions, changes of the template's text, removals."""
    listed = []
    before = stack.template.get("Resources", {})
    for name, body in wanted.items():
        if name not in stack.resources:
            listed.append(_change("Add", name, body["Type"]))
        elif before.get(name) != body:
            resource = stack.resources[name]
            details = [
                {"Target": {"Attribute": "Properties"}, "Evaluation": "Static", "ChangeSource": "DirectModification"}
            ]
            more = {"Replacement": "Conditional", "Scope": ["Properties"], "Details": details}
            listed.append(_change("Modify", name, body["Type"], resource.physical_id, more))
    for name, resource in stack.resources.items():
        if name not in wanted:
            listed.append(_change("Remove", name, resource.type, resource.physical_id))
    return listed


def _change(
    action: str, name: str, kind: str, physical_id: str | None = None, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    change = {
        "Action": action,
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Scope": [],
        "Details": [],
        **(more or {}),
    }
    if physical_id:
        change["PhysicalResourceId"] = physical_id
    return {"Type": "Resource", "ResourceChange": change}
