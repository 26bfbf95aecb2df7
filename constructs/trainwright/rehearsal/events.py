"""EventBridge: which rules an event matches, what each target gets, and how it gets there.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html
"""

from __future__ import annotations

import datetime
import fnmatch
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trainwright.rehearsal import facade, permissions
from trainwright.rehearsal.faults import deliveries

LOG = logging.getLogger("trainwright.rehearsal")
PRINCIPAL = "events.amazonaws.com"
ENABLED = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")

Listener = Callable[[dict[str, Any]], None]

# --- listeners inside the account ----------------------------------------------------------------------------------

_listeners: dict[str, set[Listener]] = {}
_lock = threading.Lock()


@contextmanager
def listen(detail_type: str, listener: Listener) -> Iterator[None]:
    """Have ``listener`` called with the detail of every event of that type: the managed rules of AWS's own services."""
    with _lock:
        _listeners.setdefault(detail_type, set()).add(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners[detail_type].discard(listener)


def tell_listeners(detail_type: str, detail: dict[str, Any]) -> None:
    """Call the listeners of an event's type."""
    with _lock:
        waiting = list(_listeners.get(detail_type, ()))
    for listener in waiting:
        listener(detail)


# --- an event for a target -----------------------------------------------------------------------------------------


def envelope(event: dict[str, Any]) -> dict[str, Any]:
    """The event as targets see it: a time of whole seconds in UTC, nothing that only the bus knows."""
    shown = {key: value for key, value in event.items() if key not in ("ingestion-time", "replay-name", "archive-arn")}
    shown["time"] = instant(event.get("time"))
    return shown


def instant(value: Any) -> str:
    """A time of an event as text, from text or seconds since 1970."""
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        return value
    seconds = float(value) if value else datetime.datetime.now(tz=datetime.UTC).timestamp()
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def target_input(target: dict[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """What a target receives: its Input, a part of the event, a template filled from it, or the event itself.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return _json(_at(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if transformer:
        return _fill(transformer, event, rule_arn)
    return _json(event)


def _fill(transformer: dict[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    template: str = transformer["InputTemplate"]
    values = {name: _at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event.json": event,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
    }
    filled, last = "", 0
    for found in _PLACEHOLDER.finditer(template):
        before = template[last : found.start()]
        filled += before
        value = values.get(found.group(1), found.group() if found.group(1) not in values else None)
        filled += _placed(value, quoted=_in_quotes(template, found.start()))
        last = found.end()
    return filled + template[last:]


def _placed(value: Any, *, quoted: bool) -> str:
    if not quoted:
        return _json(value)
    if value is None:
        return ""
    return json.dumps(value if isinstance(value, str) else _json(value))[1:-1]


def _in_quotes(template: str, position: int) -> bool:
    return len(re.findall(r'(?<!\\)"', template[:position])) % 2 == 1


def _at(path: str, event: dict[str, Any]) -> Any:
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415  (slow to import, and rules seldom need it)

    # A part with a hyphen (detail-type) is legal in EventBridge and needs quotes here.
    quoted = re.sub(r"\.([A-Za-z0-9_]*-[A-Za-z0-9_-]*)", r'."\1"', path)
    found = parse(quoted).find(event)
    return found[0].value if found else None


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


# --- delivery ------------------------------------------------------------------------------------------------------


def deliver(rule: Any, event: dict[str, Any], otherwise: Callable[[dict[str, Any]], None]) -> None:
    """Send an event that matches to every target of a rule; a target that fails keeps no other from getting it.

    ``otherwise`` delivers to the kinds of target that are not Lambda functions, state machines or SNS topics.
    """
    if rule.state not in ENABLED or not rule.event_pattern.get_pattern():
        return
    if not rule.event_pattern.matches_event(envelope(event)):
        return
    send(rule, event, otherwise)


def send(rule: Any, event: dict[str, Any], otherwise: Callable[[dict[str, Any]], None]) -> None:
    """Send an event to every target of a rule, whatever its pattern, unless a fault has other plans for it."""
    deliveries.pass_on(event, lambda: _to_targets(rule, event, otherwise))


def _to_targets(rule: Any, event: dict[str, Any], otherwise: Callable[[dict[str, Any]], None]) -> None:
    for target in rule.targets:
        try:
            _deliver(rule, target, event, otherwise)
        except Exception:  # whatever is wrong with one target is in the log, and the others get their event
            LOG.exception("rule %s could not deliver to %s", rule.name, target["Arn"])


def _deliver(rule: Any, target: dict[str, Any], event: dict[str, Any], otherwise: Callable[..., None]) -> None:
    arn = target["Arn"]
    service = arn.split(":")[2]
    senders = {"lambda": _to_lambda, "states": _to_state_machine, "sns": _to_topic}
    if service not in senders:
        if not _refused(rule.arn, arn):
            otherwise(target)
        return
    senders[service](rule.arn, target, target_input(target, envelope(event), rule.arn))


def _to_lambda(rule_arn: str, target: dict[str, Any], payload: str) -> None:
    function = target["Arn"]
    client = facade.client("lambda")
    if not may_invoke(_policy(client, function), rule_arn):
        LOG.error("rule %s may not invoke %s: the function's policy does not allow %s", rule_arn, function, PRINCIPAL)
        return
    client.invoke(FunctionName=function, InvocationType="Event", Payload=payload.encode())


def _policy(client: Any, function: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(client.get_policy(**_function(function))["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return {}
    return policy


def _function(arn: str) -> dict[str, str]:
    parts = arn.split(":")
    named = {"FunctionName": ":".join(parts[:7])}
    return named | ({"Qualifier": parts[7]} if len(parts) > 7 else {})


def may_invoke(policy: dict[str, Any], rule_arn: str) -> bool:
    """Whether a function's own policy lets a rule invoke it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions
    """
    return any(_allows(statement, rule_arn) for statement in policy.get("Statement", []))


def _allows(statement: dict[str, Any], rule_arn: str) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or PRINCIPAL not in _listed(services):
        return False
    if not any(fnmatch.fnmatchcase("lambda:InvokeFunction", action) for action in _listed(statement.get("Action"))):
        return False
    return all(
        any(fnmatch.fnmatchcase(rule_arn, wanted) for wanted in _listed(value))
        for keys in (statement.get("Condition") or {}).values()
        for key, value in keys.items()
        if key.lower() == "aws:sourcearn"
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _to_state_machine(rule_arn: str, target: dict[str, Any], payload: str) -> None:
    role = target.get("RoleArn")
    client = facade.client("stepfunctions", role_arn=role, service_principal=PRINCIPAL if role else None)
    client.start_execution(stateMachineArn=target["Arn"], input=payload)


def _refused(rule_arn: str, resource: str) -> bool:
    """Whether the policy of a topic or a queue, or of its key, keeps EventBridge out."""
    why = permissions.refused_service(PRINCIPAL, resource, rule_arn)
    if why:
        LOG.error("rule %s cannot deliver: %s", rule_arn, why)
    return why is not None


def _to_topic(rule_arn: str, target: dict[str, Any], payload: str) -> None:
    if _refused(rule_arn, target["Arn"]):
        return
    facade.client("sns").publish(TopicArn=target["Arn"], Message=payload)
