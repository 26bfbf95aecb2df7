"""EventBridge: events that reach Lambda functions, state machines and topics."""

from __future__ import annotations

import copy
import json
from typing import Any

from trainwright.rehearsal import events, schedules
from trainwright.rehearsal.mends import Mend, find, replace

_GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide"
_SEND = "moto.events.models:Rule.send_to_targets"
_PUT_RULE = "moto.events.models:EventsBackend.put_rule"
_PUT = "moto.events.models:EventsBackend.put_events"


def _deliver() -> None:
    original = find(_SEND)

    def send_to_targets(self: Any, original_event: dict[str, Any], transform_input: bool = True) -> None:
        def otherwise(target: dict[str, Any]) -> None:
            alone = copy.copy(self)
            alone.targets = [target]
            original(alone, original_event, transform_input)

        events.deliver(self, original_event, otherwise)

    replace(_SEND, send_to_targets)


def _keep_schedules() -> None:
    original = find(_PUT_RULE)

    def put_rule(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        rule = original(self, name, *args, **kwargs)
        if rule.scheduled_expression:
            bus = self._get_event_bus(rule.event_bus_name)
            schedules.keep(rule, lambda: bus.rules.get(name) is rule, _send_scheduled)
        return rule

    replace(_PUT_RULE, put_rule)


def _send_scheduled(rule: Any, event: dict[str, Any]) -> None:
    def otherwise(target: dict[str, Any]) -> None:
        raise NotImplementedError(f"the rehearsal sends no scheduled event to {target['Arn']}")

    events.send(rule, event, otherwise)


def _tell() -> None:
    original = find(_PUT)

    def put_events(self: Any, events_: list[dict[str, Any]]) -> Any:
        for entry in events_:
            if str(entry.get("Source", "")).startswith("aws."):
                events.tell_listeners(entry["DetailType"], json.loads(entry["Detail"]))
        return original(self, events_)

    replace(_PUT, put_events)


def _refuse_texts() -> None:
    original = find(_PUT)

    def put_events(self: Any, events_: list[dict[str, Any]]) -> Any:
        return original(self, [_malformed(entry) for entry in events_])

    replace(_PUT, put_events)


def _malformed(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry, with a Detail that nothing can parse where it is JSON but no object."""
    try:
        parsed = json.loads(entry.get("Detail") or "{}")
    except ValueError:
        return entry
    return entry if isinstance(parsed, dict) else {**entry, "Detail": "{"}


MENDS = (
    Mend(
        "events-targets",
        _SEND,
        "472e002e2dab8a599554a7d6c7ea0910625a5b39c7699b9ca4404255efcfc172",
        f"{_GUIDE}/eb-targets.html",
        "moto fails at the first Lambda function and forgets the targets after it; a schedule gets every event.",
        _deliver,
    ),
    Mend(
        "events-schedules",
        _PUT_RULE,
        "28bf0ac76b1b1a3eba0544843e6207d5039c2715d7db3f24cff3619f5de8ab3b",
        f"{_GUIDE}/eb-scheduled-rule-pattern.html",
        "moto keeps no schedule.",
        _keep_schedules,
    ),
    Mend(
        "events-listeners",
        _PUT,
        "c56f6ac1f932c70d3dbe82d2e85d4a6de2bdc2368dda47d755d3548481e46783",
        "https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync",
        "moto has no managed rules, with which services of AWS listen to each other.",
        _tell,
    ),
    Mend(
        "events-detail",
        _PUT,
        "c56f6ac1f932c70d3dbe82d2e85d4a6de2bdc2368dda47d755d3548481e46783",
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html",
        "moto takes a Detail that is JSON but no object, which AWS calls malformed.",
        _refuse_texts,
    ),
)
