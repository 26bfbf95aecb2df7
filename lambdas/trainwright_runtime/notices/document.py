"""A notice: what it says to people, to programs and to a chat; and its JSON, for queues, functions and web hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainwright_runtime.notices.events import Event
from trainwright_runtime.notices.texts import data

Document = dict[str, Any]

SCHEMA = 1


@dataclass(frozen=True)
class Place:
    """Where what a notice leads to is: S3 URIs of a run's page and of its report.json, None for a notice of no run."""

    html_uri: str | None = None
    json_uri: str | None = None


@dataclass(frozen=True)
class Notice:
    """One notice. `id` is the same whenever it is made again; `text` is the mail's, `document` the JSON, `chat` the
    custom notification."""

    event: Event
    id: str
    team: str
    subject: str
    text: str
    document: Document
    chat: Document
    status: str | None = None
    fault: str | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """What a subscription may filter by (message attributes)."""
        known = {"event": self.event, "team": self.team, "status": self.status, "fault": self.fault}
        return {name: value for name, value in known.items() if value}

    def shorter(self) -> Notice:
        """The same with half of its findings, for a message that is too long."""
        left = self.document["findings"][: len(self.document["findings"]) // 2]
        return replace(self, document={**self.document, "findings": left})


def document(event: Event, id: str, team: str, at: str, *, subject: str, verdict: str, **parts: Any) -> Document:
    """The JSON of a notice (docs/notice.schema.json): every key always there, null where it says nothing."""
    empty: Document = {
        "fault": None,
        "run": None,
        "diagnosis": None,
        "cost": None,
        "headline": None,
        "goodput": None,
        "advice": None,
        "findings": [],
        "month": None,
        "report": None,
        "command": None,
        "links": [],
    }
    head = {"schema": SCHEMA, "id": id, "event": event, "team": team, "at": at, "subject": subject}
    return {**head, "verdict": data(verdict), **empty, **parts}


def picked(found: Mapping[str, Any] | None, names: Sequence[str]) -> Document | None:
    """These entries of a part of the report, fit for JSON; null where there is no such part."""
    return None if found is None else {name: data(found.get(name)) for name in names}


def json_schema() -> Document:
    """The JSON schema of a notice; docs/notice.schema.json is this."""
    from trainwright_runtime.notices.schema import schema  # noqa: PLC0415  no Lambda function needs it

    return schema()
