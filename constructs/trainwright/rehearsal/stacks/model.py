"""Stacks and what is known about them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def now() -> datetime:
    """The time, as CloudFormation tells it."""
    return datetime.now(UTC)


@dataclass
class Resource:
    """One resource that exists: what it was made of and what it answers."""

    logical_id: str
    type: str
    physical_id: str
    properties: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    depends_on: set[str] = field(default_factory=set)
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    changed: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Event:
    """Something that happened to a stack or to one of its resources."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    when: datetime
    properties: str | None = None
    token: str | None = None
    operation: str | None = None


@dataclass
class Output:
    """One output, and the name under which other stacks may import it."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass
class Stack:
    """A stack: its template and parameters, its resources, its history."""

    name: str
    id: str
    template: dict[str, Any]
    template_body: str
    parameters: dict[str, str] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    notification_arns: list[str] = field(default_factory=list)
    role_arn: str | None = None
    description: str | None = None
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    disable_rollback: bool = False
    termination_protection: bool = False
    token: str | None = None
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    idle: threading.Event = field(default_factory=threading.Event)

    def tell(self, status: str, reason: str | None = None) -> None:
        """Change the stack's own status and note the event."""
        self.status, self.reason = status, reason
        self.note(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)

    def note(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None = None) -> None:
        """Note an event."""
        event_id = f"{logical_id}-{status}-{uuid.uuid4()}"
        self.events.append(Event(event_id, logical_id, physical_id, kind, status, reason, now(), token=self.token))


@dataclass
class ChangeSet:
    """A change that was asked for and has not been made, or has."""

    name: str
    id: str
    stack: Stack
    kind: str
    wish: Wish
    changes: list[dict[str, Any]]
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    reason: str | None = None
    description: str | None = None
    created: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Wish:
    """What a caller wants a stack to become."""

    template: dict[str, Any]
    template_body: str
    parameters: dict[str, str]
    tags: dict[str, str]
    role_arn: str | None = None
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    token: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
