"""Stack operations: create, update, delete, each with its rollback.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from trainwright.rehearsal import clock, facade, resources
from trainwright.rehearsal.resources import base
from trainwright.rehearsal.stacks import scope as scopes
from trainwright.rehearsal.stacks.errors import ResourceFailed, ValidationError
from trainwright.rehearsal.stacks.model import Output, Resource, Stack, Wish, now
from trainwright.rehearsal.stacks.plan import dependencies, removal_order

log = logging.getLogger("trainwright.rehearsal")

_operations = ThreadPoolExecutor(max_workers=32, thread_name_prefix="stack")
# Resources that do not need each other are made at the same time, as CloudFormation does.
_AT_ONCE = 8
_CANCELLED = "Resource creation cancelled"


@dataclass
class _Change:
    """What an operation has done so far, so that it can be taken back or finished."""

    stack: Stack
    wish: Wish
    values: dict[str, Any]
    client: Callable[[str], Any]
    made: list[str] = field(default_factory=list)
    changed: dict[str, Resource] = field(default_factory=dict)  # as it was
    replaced: dict[str, Resource] = field(default_factory=dict)  # the old one
    outlived: list[Resource] = field(default_factory=list)  # removed in the cleanup, if all goes well


def client_for(role_arn: str | None) -> Callable[[str], Any]:
    """Clients as CloudFormation has them: under the stack's role, or as whoever deploys."""
    if role_arn is None:
        return facade.client
    return lambda service: facade.client(
        service, role_arn=role_arn, service_principal="cloudformation.amazonaws.com", session_name="AWSCloudFormation"
    )


def start(operation: Callable[..., None], stack: Stack, *args: Any) -> None:
    """Run an operation in the background; the stack is not idle until it ends."""
    stack.idle.clear()

    def run() -> None:
        try:
            operation(stack, *args)
        except Exception as error:
            log.exception("the operation on stack %s failed", stack.name)
            status = stack.status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP") + "_FAILED"
            stack.tell(status, f"the embedded account failed: {error!r}")
        finally:
            stack.idle.set()

    _operations.submit(run)


def create(stack: Stack, wish: Wish) -> None:
    """Make every resource of a new stack; on a failure, take back what was made."""
    change = _begin(stack, wish)
    reason = _apply(change)
    if reason is None:
        reason = _take_outputs(change)
    if reason is None:
        stack.tell("CREATE_COMPLETE")
    elif wish.on_failure == "DO_NOTHING" or wish.disable_rollback:
        stack.tell("CREATE_FAILED", reason)
    else:
        _roll_back_creation(change, reason)


def _begin(stack: Stack, wish: Wish) -> _Change:
    client = client_for(wish.role_arn or stack.role_arn)
    values = scopes.parameters(wish.template, wish.parameters, client)
    return _Change(stack, wish, values, client)


def _roll_back_creation(change: _Change, reason: str) -> None:
    stack = change.stack
    stack.tell("ROLLBACK_IN_PROGRESS", f"{reason}. Rollback requested by user.")
    left = {name: one for name, one in stack.resources.items() if name in change.made}
    failed = [one for one in removal_order(left) if not _remove(change, one, one.deletion_policy, on_create=True)]
    if failed:
        listed = ", ".join(one.logical_id for one in failed)
        stack.tell("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{listed}].")
    elif change.wish.on_failure == "DELETE":
        stack.tell("DELETE_COMPLETE")
    else:
        stack.tell("ROLLBACK_COMPLETE")


def update(stack: Stack, wish: Wish) -> None:
    """Make the stack what the wish says; on a failure, make it again what it was."""
    before = (stack.template, stack.template_body, stack.parameters, stack.tags, stack.outputs)
    change = _begin(stack, wish)
    stack.tags = dict(wish.tags)
    reason = _apply(change)
    if reason is None:
        reason = _take_outputs(change)
    if reason is not None and not wish.disable_rollback:
        _roll_back_update(change, reason, before)
        return
    if reason is not None:
        stack.tell("UPDATE_FAILED", reason)
        return
    stack.updated = now()
    stack.tell("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    _clean_up(change)
    stack.tell("UPDATE_COMPLETE")


def _clean_up(change: _Change) -> None:
    """Remove what is no longer wanted: old ones of what was replaced, and what left the template."""
    for old in change.outlived:
        _remove(change, old, old.update_replace_policy)
    wanted = set(scopes.wanted_resources(change.wish.template, _scope(change)))
    gone = {name: one for name, one in change.stack.resources.items() if name not in wanted}
    for resource in removal_order(gone):
        if _remove(change, resource, resource.deletion_policy):
            change.stack.resources.pop(resource.logical_id, None)


def _roll_back_update(change: _Change, reason: str, before: tuple[Any, ...]) -> None:
    stack = change.stack
    stack.tell("UPDATE_ROLLBACK_IN_PROGRESS", reason)
    stack.template, stack.template_body, stack.parameters, stack.tags, stack.outputs = before
    failed = [name for name, old in reversed(change.changed.items()) if not _put_back(change, name, old)]
    fresh = {name: stack.resources[name] for name in change.made if name in stack.resources}
    stack.tell("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    for resource in removal_order(fresh):
        _remove(change, resource, "Delete")
        stack.resources.pop(resource.logical_id, None)
    stack.resources.update(change.replaced)
    if failed:
        stack.tell("UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{', '.join(failed)}].")
    else:
        stack.tell("UPDATE_ROLLBACK_COMPLETE")


def _put_back(change: _Change, name: str, old: Resource) -> bool:
    """Change a resource back to the properties it had."""
    current = change.stack.resources[name]
    try:
        made = resources.kind_of(old.type).update(_resource_wish(change, current, old.properties))
    except Exception as error:  # noqa: BLE001  (whatever a service refuses is the resource's status reason)
        _note(change, current, "UPDATE_FAILED", _reason(error))
        return False
    change.stack.resources[name] = replace(old, physical_id=made.physical_id, attributes=made.attributes)
    _note(change, change.stack.resources[name], "UPDATE_COMPLETE")
    return True


def delete(stack: Stack, role_arn: str | None, retain: list[str]) -> None:
    """Remove every resource, in the order in which nothing is removed that another still needs."""
    wish = Wish(stack.template, stack.template_body, stack.parameters, stack.tags)
    change = _Change(stack, wish, {}, client_for(role_arn or stack.role_arn))
    failed = []
    for resource in removal_order(stack.resources):
        policy = "Retain" if resource.logical_id in retain else resource.deletion_policy
        if _remove(change, resource, policy):
            stack.resources.pop(resource.logical_id, None)
        else:
            failed.append(resource.logical_id)
    if failed:
        stack.tell("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}].")
        return
    stack.deleted = now()
    stack.outputs = []
    stack.tell("DELETE_COMPLETE")


# --- resources -----------------------------------------------------------------------------------------------------


def _scope(change: _Change) -> Any:
    return scopes.scope_of(change.stack, change.wish.template, change.values, change.client)


def _apply(change: _Change) -> str | None:
    """Make or change everything that the template wants; returns the reason of a failure."""
    stack, wish = change.stack, change.wish
    wanted = scopes.wanted_resources(wish.template, _scope(change))
    graph = dependencies(wish.template, wanted)
    stack.template, stack.template_body = wish.template, wish.template_body
    stack.parameters, stack.resolved = dict(wish.parameters), dict(change.values)
    failed = _in_order(graph, lambda name: _bring_about(change, name, wanted[name], graph[name]))
    if not failed:
        return None
    verb = "create" if stack.status == "CREATE_IN_PROGRESS" else "update"
    return f"The following resource(s) failed to {verb}: [{', '.join(failed)}]"


def _in_order(graph: Mapping[str, set[str]], act: Callable[[str], bool]) -> list[str]:
    """Act on each name once everything that it needs is done; after a failure nothing new is begun."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    failed: list[str] = []
    running: dict[Future[bool], str] = {}
    # one by one where everything is to happen in the same order every time
    at_once = 1 if clock.current().mode == "jump" else _AT_ONCE
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="resource") as pool:
        while sorter.is_active():
            if not failed:
                running.update({pool.submit(act, name): name for name in sorter.get_ready()})
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for one in [each for each in running if each in done]:
                name = running.pop(one)
                if one.result():
                    sorter.done(name)
                else:
                    failed.append(name)
    return failed


def _bring_about(change: _Change, name: str, body: Mapping[str, Any], needs: set[str]) -> bool:
    """Make, change or leave one resource; False when that failed."""
    current = change.stack.resources.get(name)
    try:
        properties = scopes.properties_of(body, _scope(change))
    except (ResourceFailed, ValidationError) as error:
        change.stack.note(name, "", body["Type"], "CREATE_FAILED" if current is None else "UPDATE_FAILED", str(error))
        return False
    fresh = Resource(
        logical_id=name,
        type=body["Type"],
        physical_id="",
        properties=properties,
        depends_on=needs,
        deletion_policy=_policy(body, "DeletionPolicy", properties),
        update_replace_policy=_policy(body, "UpdateReplacePolicy", properties),
    )
    if current is None:
        return _create(change, fresh)
    return _update(change, current, fresh)


def _policy(body: Mapping[str, Any], name: str, properties: Mapping[str, Any]) -> str:
    return str(body.get(name, "Delete"))


def _resource_wish(change: _Change, resource: Resource, properties: dict[str, Any]) -> base.Wish:
    return base.Wish(
        type=resource.type,
        logical_id=resource.logical_id,
        stack_name=change.stack.name,
        stack_id=change.stack.id,
        properties=properties,
        tags=change.stack.tags,
        client=change.client,
        partition="aws",
        region=facade.region(),
        account=facade.account_id(),
        physical_id=resource.physical_id,
        before=resource.properties if resource.physical_id else {},
        attributes=resource.attributes,
        say=lambda reason: _note(change, resource, _progress(resource), reason),
    )


def _progress(resource: Resource) -> str:
    return "UPDATE_IN_PROGRESS" if resource.physical_id else "CREATE_IN_PROGRESS"


def _create(change: _Change, fresh: Resource, *, replacing: bool = False) -> bool:
    doing, verb = ("UPDATE_IN_PROGRESS", "UPDATE") if replacing else ("CREATE_IN_PROGRESS", "CREATE")
    why = (
        "Requested update requires the creation of a new physical resource; hence creating one." if replacing else None
    )
    _note(change, fresh, doing, why)
    try:
        made = resources.kind_of(fresh.type).create(_resource_wish(change, fresh, fresh.properties))
    except Exception as error:  # noqa: BLE001
        _note(change, fresh, f"{verb}_FAILED", _reason(error))
        return False
    finished = replace(
        fresh, physical_id=made.physical_id, attributes=made.attributes, status=f"{verb}_COMPLETE", changed=now()
    )
    change.stack.resources[fresh.logical_id] = finished
    change.made.append(fresh.logical_id)
    _note(change, finished, f"{verb}_COMPLETE")
    return True


def _update(change: _Change, current: Resource, fresh: Resource) -> bool:
    if fresh.type != current.type:
        _note(change, current, "UPDATE_FAILED", "Update of resource type is not permitted")
        return False
    wish, kind = _resource_wish(change, current, fresh.properties), resources.kind_of(fresh.type)
    if fresh.properties == current.properties and not (
        _tags_changed(change) and kind.tagged and not kind.replaces(wish)
    ):
        _keep(change, current, fresh)
        return True
    if kind.replaces(wish):
        return _replace(change, current, fresh)
    _note(change, current, "UPDATE_IN_PROGRESS")
    change.changed[current.logical_id] = copy.copy(current)
    try:
        made = kind.update(wish)
    except Exception as error:  # noqa: BLE001
        _note(change, current, "UPDATE_FAILED", _reason(error))
        return False
    _keep_updated(change, current, fresh, made)
    return True


def _tags_changed(change: _Change) -> bool:
    return dict(change.wish.tags) != dict(change.wish.extras.get("tags_before", change.wish.tags))


def _keep(change: _Change, current: Resource, fresh: Resource) -> None:
    """Leave a resource as it is, but remember what the template now says about its order and its end."""
    change.stack.resources[current.logical_id] = replace(
        current,
        depends_on=fresh.depends_on,
        deletion_policy=fresh.deletion_policy,
        update_replace_policy=fresh.update_replace_policy,
    )


def _keep_updated(change: _Change, current: Resource, fresh: Resource, made: base.Made) -> None:
    finished = replace(
        fresh, physical_id=made.physical_id, attributes=made.attributes, status="UPDATE_COMPLETE", changed=now()
    )
    change.stack.resources[fresh.logical_id] = finished
    if made.physical_id != current.physical_id:  # a custom resource's way of saying that it made another one
        change.outlived.append(replace(current, update_replace_policy=fresh.update_replace_policy))
    _note(change, finished, "UPDATE_COMPLETE")


def _replace(change: _Change, current: Resource, fresh: Resource) -> bool:
    change.replaced[current.logical_id] = current
    if not _create(change, fresh, replacing=True):
        return False
    change.outlived.append(replace(current, update_replace_policy=fresh.update_replace_policy))
    return True


def _remove(change: _Change, resource: Resource, policy: str, *, on_create: bool = False) -> bool:
    if policy == "Retain" or (policy == "RetainExceptOnCreate" and not on_create):
        _note(change, resource, "DELETE_SKIPPED")
        return True
    _note(change, resource, "DELETE_IN_PROGRESS")
    try:
        resources.kind_of(resource.type).delete(_resource_wish(change, resource, resource.properties))
    except Exception as error:  # noqa: BLE001
        _note(change, resource, "DELETE_FAILED", _reason(error))
        return False
    _note(change, resource, "DELETE_COMPLETE")
    return True


def _note(change: _Change, resource: Resource, status: str, reason: str | None = None) -> None:
    if resource.logical_id in change.stack.resources and resource.physical_id:
        resource.status, resource.reason, resource.changed = status, reason, now()
    change.stack.note(resource.logical_id, resource.physical_id, resource.type, status, reason)


def _reason(error: Exception) -> str:
    """A status reason, in the form that CloudFormation gives a service's refusal."""
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict):
        if not isinstance(error, (ResourceFailed, ValidationError)):
            log.error("a resource failed", exc_info=error)
        return str(error) or repr(error)
    details = answer.get("Error", {})
    code, status = details.get("Code", ""), answer.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    return f"{details.get('Message', error)} (Status Code: {status}, Error Code: {code})"


def _take_outputs(change: _Change) -> str | None:
    scope, outputs = _scope(change), []
    try:
        for name, body in (change.wish.template.get("Outputs") or {}).items():
            if "Condition" in body and not scope.holds(body["Condition"]):
                continue
            value = scope.resolve(body["Value"])
            export = scope.resolve(body["Export"]["Name"]) if "Export" in body else None
            text = value if isinstance(value, str) else json.dumps(value)
            outputs.append(Output(name, text, body.get("Description"), export))
    except (ResourceFailed, ValidationError) as error:
        return f"Outputs: {error}"
    change.stack.outputs = outputs
    return None
