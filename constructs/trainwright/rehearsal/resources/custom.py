"""Custom resources: a function is asked, and somebody answers by a PUT to the address that it was given.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.resources.base import Made, Wish
from trainwright.rehearsal.stacks.errors import ResourceFailed

# CloudFormation's own default for ServiceTimeout.
DEFAULT_SECONDS = 3600
_PATH = "/_trainwright/cloudformation-response/"


@dataclass
class _Awaited:
    """An answer that a stack waits for."""

    arrived: threading.Event = field(default_factory=threading.Event)
    answer: dict[str, Any] = field(default_factory=dict)


_awaited: dict[str, _Awaited] = {}


def take_answer(path: str, body: bytes) -> bool:
    """Take what was PUT to a response address; False when nobody waits there, or the body is not an object."""
    waiting = _awaited.get(path.rstrip("/").rsplit("/", 1)[-1])
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    if waiting is None or not isinstance(answer, dict):
        return False
    if not waiting.arrived.is_set():
        waiting.answer = answer
        waiting.arrived.set()
    return True


class CustomKind:
    """A resource that somebody else's code makes."""

    tagged = False

    def replaces(self, wish: Wish) -> bool:
        """Only another function makes another resource; otherwise the answer to Update decides."""
        return wish.changed("ServiceToken")

    def create(self, wish: Wish) -> Made:
        """Ask for it."""
        return _made(_ask(wish, "Create", {}))

    def update(self, wish: Wish) -> Made:
        """Ask for the change; another physical id in the answer means that the old resource must go."""
        asked = {"PhysicalResourceId": wish.physical_id, "OldResourceProperties": stringified(wish.before)}
        return _made(_ask(wish, "Update", asked), known=wish.physical_id)

    def delete(self, wish: Wish) -> None:
        """Ask for its removal."""
        asked = {"PhysicalResourceId": wish.physical_id}
        _ask(Wish(**{**wish.__dict__, "properties": wish.before}), "Delete", asked)


def _made(answer: dict[str, Any], known: str = "") -> Made:
    physical_id = answer.get("PhysicalResourceId") or known
    if not physical_id:
        raise ResourceFailed("Invalid PhysicalResourceId")
    return Made(str(physical_id), _flat(answer.get("Data") or {}))


def _flat(data: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Attributes of objects in Data are named by dots."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat[f"{before}{key}"] = value
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
    return flat


def stringified(value: Any) -> Any:
    """Properties as CloudFormation hands them over: every scalar is a text."""
    if isinstance(value, dict):
        return {key: stringified(one) for key, one in value.items()}
    if isinstance(value, list):
        return [stringified(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _ask(wish: Wish, kind: str, more: dict[str, Any]) -> dict[str, Any]:
    token, waiting = uuid.uuid4().hex, _Awaited()
    _awaited[token] = waiting
    try:
        _invoke(wish, {**_event(wish, kind, token), **more}, waiting)
        if not waiting.arrived.wait(_seconds(wish)):
            raise ResourceFailed(
                f"CloudFormation did not receive a response from your Custom Resource within {_seconds(wish)} seconds."
            )
    finally:
        _awaited.pop(token, None)
    return _checked(waiting.answer)


def _seconds(wish: Wish) -> int:
    return int(wish.properties.get("ServiceTimeout") or DEFAULT_SECONDS)


def _event(wish: Wish, kind: str, token: str) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ServiceToken": wish.properties["ServiceToken"],
        "ResponseURL": f"{facade.endpoint()}{_PATH}{token}",
        "StackId": wish.stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": wish.logical_id,
        "ResourceType": wish.type,
        "ResourceProperties": stringified(wish.properties),
    }


def _invoke(wish: Wish, event: dict[str, Any], waiting: _Awaited) -> None:
    token = wish.properties["ServiceToken"]
    if ":lambda:" not in token:
        raise ResourceFailed(f"the rehearsal's custom resources are answered by Lambda functions, not by {token}")
    answer = wish.client("lambda").invoke(FunctionName=token, InvocationType="Event", Payload=json.dumps(event))
    _listen_for_failure(answer["ResponseMetadata"].get("RequestId", ""), waiting)


def _listen_for_failure(request_id: str, waiting: _Awaited) -> None:
    """A function that fails answers nobody; AWS lets the stack wait until its time is up, this account does not."""
    from trainwright.rehearsal.functions import engine  # noqa: PLC0415
    from trainwright.rehearsal.functions.spec import Outcome  # noqa: PLC0415

    def tell(outcome: Outcome) -> None:
        reason = f"the function failed and answered nobody: {outcome.payload.decode(errors='replace')[:2000]}"
        waiting.answer = {"Status": "FAILED", "Reason": reason}
        waiting.arrived.set()

    engine.on_failure(request_id, tell)


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("Status") == "SUCCESS":
        return answer
    reason = answer.get("Reason") or "Reason not given"
    raise ResourceFailed(f"Received response status [FAILED] from custom resource. Message returned: {reason}")
