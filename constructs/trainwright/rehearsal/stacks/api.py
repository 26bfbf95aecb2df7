"""CloudFormation's API, as the CDK CLI and other clients call it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlparse

from trainwright.rehearsal import clock, gate, wire
from trainwright.rehearsal.resources import custom
from trainwright.rehearsal.stacks import describe, engine, plan, store
from trainwright.rehearsal.stacks import scope as scopes
from trainwright.rehearsal.stacks.errors import AlreadyExists, InsufficientCapabilities, ValidationError
from trainwright.rehearsal.stacks.model import ChangeSet, Stack, Wish
from trainwright.rehearsal.stacks.template import read

log = logging.getLogger("trainwright.rehearsal")

Params = Mapping[str, Any]
_NAME, _LONGEST_NAME = "[a-zA-Z][-a-zA-Z0-9]*", 128
NO_UPDATES = "No updates are to be performed."
_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
# A client that asks for a stack in progress gets its answer when the operation ends, or after so many seconds: the CDK
# CLI would otherwise sleep five seconds after a deployment that took one.
_PATIENCE = 4.0
_BUSY = ("_IN_PROGRESS",)


def register() -> None:
    """Answer CloudFormation here, in moto's place."""
    gate.service("cloudformation", answer)
    gate.page("cloudformation-response", _custom_resource_answer)


def answer(call: wire.Call, environ: dict[str, Any]) -> wire.Answer:
    """Answer one call."""
    operation = _OPERATIONS.get(call.operation)
    if operation is None:
        message = f"the rehearsal's CloudFormation does not answer {call.operation}"
        return wire.error("cloudformation", "NotImplemented", message, environ, 400)
    try:
        return wire.result(call, operation(call.params), environ)
    except ValidationError as error:
        return wire.error("cloudformation", error.code, str(error), environ, 400)


def _custom_resource_answer(environ: dict[str, Any]) -> wire.Answer:
    body = wire.buffer_body(environ)
    taken = custom.take_answer(environ.get("PATH_INFO", ""), body)
    return gate.json_answer({"taken": taken}, status=200 if taken else 404)


# --- what a caller wants -------------------------------------------------------------------------------------------


def _wish(params: Params, stack: Stack | None) -> Wish:
    body = _template_body(params, stack)
    previous = stack.parameters if stack else {}
    return Wish(
        template=read(body),
        template_body=body,
        parameters=_parameters(params, previous, read(body)),
        tags=_tags(params, stack),
        role_arn=params.get("RoleARN") or (stack.role_arn if stack else None),
        capabilities=tuple(params.get("Capabilities") or ()),
        notification_arns=tuple(params.get("NotificationARNs") or ()),
        disable_rollback=bool(params.get("DisableRollback")),
        on_failure=params.get("OnFailure") or params.get("OnStackFailure") or "ROLLBACK",
        token=params.get("ClientRequestToken"),
        extras={"tags_before": dict(stack.tags)} if stack else {},
    )


def _template_body(params: Params, stack: Stack | None) -> str:
    if params.get("TemplateBody"):
        return str(params["TemplateBody"])
    if params.get("TemplateURL"):
        return _fetch(str(params["TemplateURL"]), params.get("RoleARN"))
    if params.get("UsePreviousTemplate") and stack is not None:
        return stack.template_body
    raise ValidationError("Either Template URL or Template Body must be specified.")


def _fetch(url: str, role_arn: str | None) -> str:
    """A template from this account's S3, whatever the host in its address: path style, or the bucket in the host."""
    parsed = urlparse(url)
    path = unquote(parsed.path).lstrip("/")
    host = parsed.hostname or ""
    bucket, _, key = path.partition("/")
    if ".s3." in host:
        bucket, key = host.split(".s3.")[0], path
    elif host.endswith(".localhost"):
        bucket, key = host.removesuffix(".localhost"), path
    try:
        found = engine.client_for(role_arn)("s3").get_object(Bucket=bucket, Key=key)
    except Exception as error:
        raise ValidationError(f"S3 error: the template {url} cannot be read: {error}") from error
    return str(found["Body"].read().decode())


def _parameters(params: Params, previous: Mapping[str, str], template: Mapping[str, Any]) -> dict[str, str]:
    given: dict[str, str] = {}
    for one in params.get("Parameters") or []:
        name = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            if name in previous:
                given[name] = previous[name]
        else:
            given[name] = str(one.get("ParameterValue", ""))
    return given


def _tags(params: Params, stack: Stack | None) -> dict[str, str]:
    if "Tags" not in params and stack is not None:
        return dict(stack.tags)
    return {one["Key"]: one["Value"] for one in params.get("Tags") or []}


def _validate(stack: Stack, wish: Wish) -> dict[str, Any]:
    """Whatever is refused before anything happens; returns the resources that are wanted."""
    client = engine.client_for(wish.role_arn or stack.role_arn)
    values = scopes.parameters(wish.template, wish.parameters, client)
    scope = scopes.scope_of(stack, wish.template, values, client)
    scopes.check_rules(wish.template, scope)
    wanted = scopes.wanted_resources(wish.template, scope)
    plan.dependencies(wish.template, wanted)
    _check_capabilities(wish, wanted)
    return wanted


def _check_capabilities(wish: Wish, wanted: Mapping[str, Any]) -> None:
    named = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}
    needed = set()
    for body in wanted.values():
        if body["Type"].startswith("AWS::IAM::") and body["Type"] != "AWS::IAM::ServiceLinkedRole":
            has_name = named.get(body["Type"]) in (body.get("Properties") or {})
            needed.add("CAPABILITY_NAMED_IAM" if has_name else "CAPABILITY_IAM")
    given = set(wish.capabilities)
    if "CAPABILITY_NAMED_IAM" in given:
        return
    missing = needed - given
    if missing:
        raise InsufficientCapabilities(f"Requires capabilities : [{', '.join(sorted(missing))}]")


# --- stacks --------------------------------------------------------------------------------------------------------


def _new_stack(params: Params, wish: Wish, status: str) -> Stack:
    name = params["StackName"]
    _check_name(name)
    stack = Stack(
        name=name,
        id=store.new_id("stack", name),
        template={},
        template_body="",
        tags=dict(wish.tags),
        capabilities=list(wish.capabilities),
        notification_arns=list(wish.notification_arns),
        role_arn=wish.role_arn,
        description=wish.template.get("Description"),
        status=status,
        disable_rollback=wish.disable_rollback,
        termination_protection=bool(params.get("EnableTerminationProtection")),
        token=wish.token,
    )
    stack.idle.set()
    return stack


def _check_name(name: str) -> None:
    """The pattern of StackName in the API reference of CreateStack and CreateChangeSet."""
    for wrong, constraint in (
        (not re.fullmatch(_NAME, name), f"Member must satisfy regular expression pattern: {_NAME}"),
        (len(name) > _LONGEST_NAME, f"Member must have length less than or equal to {_LONGEST_NAME}"),
    ):
        if wrong:
            start = f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint"
            raise ValidationError(f"{start}: {constraint}")


def _create_stack(params: Params) -> dict[str, Any]:
    with store.lock:
        if store.living(params["StackName"]) is not None:
            raise AlreadyExists(f"Stack [{params['StackName']}] already exists")
        wish = _wish(params, None)
        stack = _new_stack(params, wish, "CREATE_IN_PROGRESS")
        _validate(stack, wish)
        store.stacks[stack.id] = stack
        stack.tell("CREATE_IN_PROGRESS", "User Initiated")
        engine.start(engine.create, stack, wish)
    return {"StackId": stack.id}


def _update_stack(params: Params) -> dict[str, Any]:
    with store.lock:
        stack = store.find(params["StackName"])
        _check_updatable(stack)
        wish = _wish(params, stack)
        wanted = _validate(stack, wish)
        if not _differs(stack, wish, wanted):
            raise ValidationError(NO_UPDATES)
        _start_update(stack, wish)
    return {"StackId": stack.id}


def _start_update(stack: Stack, wish: Wish) -> None:
    stack.token, stack.role_arn = wish.token, wish.role_arn or stack.role_arn
    stack.capabilities = list(wish.capabilities)
    stack.description = wish.template.get("Description")
    stack.tell("UPDATE_IN_PROGRESS", "User Initiated")
    engine.start(engine.update, stack, wish)


def _check_updatable(stack: Stack) -> None:
    if stack.status not in _UPDATABLE:
        raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
}


def _differs(stack: Stack, wish: Wish, wanted: Mapping[str, Any]) -> bool:
    """Whether an update has anything to do; a stack whose last operation failed always has."""
    if stack.status in ("CREATE_FAILED", "UPDATE_FAILED") or dict(wish.tags) != stack.tags:
        return True
    if set(wanted) != set(stack.resources) or wish.template.get("Outputs") != stack.template.get("Outputs"):
        return True
    before = stack.template["Resources"]
    if any(before.get(name) != body for name, body in wanted.items()):
        return True
    client = engine.client_for(wish.role_arn or stack.role_arn)
    return scopes.parameters(wish.template, wish.parameters, client) != stack.resolved


def _delete_stack(params: Params) -> dict[str, Any]:
    with store.lock:
        stack = store.living(params["StackName"])
        if stack is None:
            return {}
        if stack.termination_protection:
            raise ValidationError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith(_BUSY) and stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(f"Stack:{stack.id} is in {stack.status} state and can not be deleted.")
        stack.token = params.get("ClientRequestToken")
        stack.tell("DELETE_IN_PROGRESS", "User Initiated")
        engine.start(engine.delete, stack, params.get("RoleARN"), list(params.get("RetainResources") or []))
    return {}


# --- change sets ---------------------------------------------------------------------------------------------------


def _create_change_set(params: Params) -> dict[str, Any]:
    with store.lock:
        kind = params.get("ChangeSetType") or "UPDATE"
        stack = store.living(params["StackName"])
        wish = _wish(params, stack if kind == "UPDATE" else None)
        stack = _stack_of_change_set(params, kind, stack, wish)
        wanted = _validate(stack, wish)
        change_set = ChangeSet(
            name=params["ChangeSetName"],
            id=store.new_id("changeSet", params["ChangeSetName"]),
            stack=stack,
            kind=kind,
            wish=wish,
            changes=plan.changes(stack, wish.template, wanted),
            description=params.get("Description"),
        )
        if kind == "UPDATE" and not _differs(stack, wish, wanted):
            change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", _NO_CHANGES
        store.change_sets[change_set.id] = change_set
    return {"Id": change_set.id, "StackId": stack.id}


def _stack_of_change_set(params: Params, kind: str, stack: Stack | None, wish: Wish) -> Stack:
    if kind == "CREATE":
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            name = params["ChangeSetName"]
            words = f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [{name}]."
            raise ValidationError(words)
        if stack is None:
            stack = _new_stack(params, wish, "REVIEW_IN_PROGRESS")
            store.stacks[stack.id] = stack
            stack.tell("REVIEW_IN_PROGRESS", "User Initiated")
        return stack
    if stack is None:
        raise ValidationError(f"Stack [{params['StackName']}] does not exist")
    _check_updatable(stack)
    return stack


def _execute_change_set(params: Params) -> dict[str, Any]:
    with store.lock:
        change_set = store.find_change_set(params["ChangeSetName"], params.get("StackName"))
        if change_set.execution_status != "AVAILABLE":
            raise ValidationError(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
            )
        change_set.execution_status = "EXECUTE_COMPLETE"
        stack = change_set.stack
        wish = replace(
            change_set.wish,
            token=params.get("ClientRequestToken"),
            disable_rollback=bool(params.get("DisableRollback")) or change_set.wish.disable_rollback,
        )
        if change_set.kind == "CREATE":
            stack.token = wish.token
            stack.tell("CREATE_IN_PROGRESS", "User Initiated")
            engine.start(engine.create, stack, wish)
        else:
            _start_update(stack, wish)
    return {}


def _delete_change_set(params: Params) -> dict[str, Any]:
    try:
        change_set = store.find_change_set(params["ChangeSetName"], params.get("StackName"))
    except ValidationError:
        return {}
    store.change_sets.pop(change_set.id, None)
    return {}


def _describe_change_set(params: Params) -> dict[str, Any]:
    return describe.change_set(store.find_change_set(params["ChangeSetName"], params.get("StackName")))


def _list_change_sets(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"])
    mine = [one for one in store.change_sets.values() if one.stack is stack]
    return {"Summaries": [describe.change_set_summary(one) for one in mine]}


# --- questions -----------------------------------------------------------------------------------------------------


def _describe_stacks(params: Params) -> dict[str, Any]:
    name = params.get("StackName")
    if not name:
        listed = [one for one in store.stacks.values() if one.status != "DELETE_COMPLETE"]
        return {"Stacks": [describe.stack(one) for one in listed]}
    stack = store.find(name)
    if stack.status.endswith(_BUSY):
        with clock.idle():
            stack.idle.wait(_PATIENCE)
    return {"Stacks": [describe.stack(stack)]}


def _describe_stack_events(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"])
    return {"StackEvents": [describe.event(stack, one) for one in reversed(stack.events)]}


def _describe_stack_resources(params: Params) -> dict[str, Any]:
    physical_id = params.get("PhysicalResourceId")
    stack = store.find(params["StackName"]) if params.get("StackName") else _owner(str(physical_id))
    wanted = params.get("LogicalResourceId")
    listed = [
        one
        for one in stack.resources.values()
        if wanted in (None, one.logical_id) and physical_id in (None, one.physical_id)
    ]
    return {"StackResources": [describe.resource(stack, one) for one in listed]}


def _owner(physical_id: str) -> Stack:
    for stack in store.stacks.values():
        if any(one.physical_id == physical_id for one in stack.resources.values()):
            return stack
    raise ValidationError(f"Stack for {physical_id} does not exist")


def _describe_stack_resource(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"])
    found = stack.resources.get(params["LogicalResourceId"])
    if found is None:
        raise ValidationError(f"Resource {params['LogicalResourceId']} does not exist for stack {stack.name}")
    return {"StackResourceDetail": describe.resource(stack, found, detail=True)}


def _list_stack_resources(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"])
    return {"StackResourceSummaries": [describe.resource_summary(one) for one in stack.resources.values()]}


def _list_stacks(params: Params) -> dict[str, Any]:
    wanted = set(params.get("StackStatusFilter") or [])
    listed = [one for one in store.stacks.values() if not wanted or one.status in wanted]
    return {"StackSummaries": [describe.stack_summary(one) for one in listed]}


def _get_template(params: Params) -> dict[str, Any]:
    if params.get("ChangeSetName"):
        body = store.find_change_set(params["ChangeSetName"], params.get("StackName")).wish.template_body
    else:
        body = store.find(params["StackName"]).template_body
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


def _get_template_summary(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"]) if params.get("StackName") else None
    body = stack.template_body if stack else _template_body(params, None)
    return describe.template_summary(read(body))


def _list_exports(params: Params) -> dict[str, Any]:
    exports = [
        {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
        for stack in store.stacks.values()
        for output in stack.outputs
        if output.export
    ]
    return {"Exports": exports}


def _list_imports(params: Params) -> dict[str, Any]:
    needle = json.dumps(params["ExportName"])
    found = [
        one.name
        for one in store.stacks.values()
        if "Fn::ImportValue" in one.template_body and needle in one.template_body
    ]
    return {"Imports": found}


def _validate_template(params: Params) -> dict[str, Any]:
    template = read(_template_body(params, None))
    plan.dependencies(template, template["Resources"])
    return describe.template_summary(template)


def _set_protection(params: Params) -> dict[str, Any]:
    stack = store.find(params["StackName"])
    stack.termination_protection = bool(params["EnableTerminationProtection"])
    return {"StackId": stack.id}


def _describe_events(params: Params) -> dict[str, Any]:
    return {"OperationEvents": []}


_OPERATIONS: dict[str, Callable[[Params], dict[str, Any]]] = {
    "CreateStack": _create_stack,
    "UpdateStack": _update_stack,
    "DeleteStack": _delete_stack,
    "CreateChangeSet": _create_change_set,
    "ExecuteChangeSet": _execute_change_set,
    "DeleteChangeSet": _delete_change_set,
    "DescribeChangeSet": _describe_change_set,
    "ListChangeSets": _list_change_sets,
    "DescribeStacks": _describe_stacks,
    "DescribeStackEvents": _describe_stack_events,
    "DescribeStackResources": _describe_stack_resources,
    "DescribeStackResource": _describe_stack_resource,
    "ListStackResources": _list_stack_resources,
    "ListStacks": _list_stacks,
    "GetTemplate": _get_template,
    "GetTemplateSummary": _get_template_summary,
    "ListExports": _list_exports,
    "ListImports": _list_imports,
    "ValidateTemplate": _validate_template,
    "UpdateTerminationProtection": _set_protection,
    "DescribeEvents": _describe_events,
}
