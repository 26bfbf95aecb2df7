"""SNS: messages that reach functions, queues and mailboxes, where these let SNS in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.sns.exceptions import InvalidParameterValue

from trainwright.rehearsal import notifications
from trainwright.rehearsal.mends import Mend, find, replace

_GUIDE = "https://docs.aws.amazon.com/sns/latest/dg"
_DELIVER = "moto.sns.models:Subscription.publish"
_PUBLISH = "moto.sns.models:SNSBackend.publish"


def _deliver() -> None:
    original = find(_DELIVER)

    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        def otherwise() -> None:
            original(self, message, message_id, subject, message_attributes, **more)

        if self._filter_policy_matcher and not self._filter_policy_matcher.matches(message_attributes, message):
            return
        if self.protocol == "sqs":
            _to_queue(self, otherwise)
        elif self.protocol in ("lambda", "email", "email-json"):
            as_json = more.get("message_structure") == "json"
            text = self._parse_message_structure(message, self.protocol) if as_json else message
            _SENDERS[self.protocol](self, message_id, text, subject, message_attributes)
        else:
            otherwise()

    replace(_DELIVER, publish)


def _to_queue(subscription: Any, send: Callable[[], None]) -> None:
    if notifications.may_reach(subscription.endpoint, subscription.topic.arn):
        send()


def _to_function(
    subscription: Any, message_id: str, text: str, subject: str | None, attributes: dict[str, Any] | None
) -> None:
    function, topic = subscription.endpoint, subscription.topic.arn
    if notifications.may_reach(function, topic):
        shown = notifications.notification(topic, message_id, text, subject, attributes)
        notifications.to_function(function, subscription.arn, shown)


def _to_mailbox(
    subscription: Any, message_id: str, text: str, subject: str | None, attributes: dict[str, Any] | None
) -> None:
    topic = subscription.topic.arn
    if subscription.protocol == "email-json":
        text = json.dumps(notifications.notification(topic, message_id, text, subject, attributes))
    notifications.to_mailbox(subscription.endpoint, topic, text, subject)


_SENDERS = {"lambda": _to_function, "email": _to_mailbox, "email-json": _to_mailbox}


def _refuse() -> None:
    original = find(_PUBLISH)

    def publish(self: Any, message: str, *args: Any, **kwargs: Any) -> Any:
        why = notifications.refused(message, kwargs.get("subject"))
        if why:
            raise InvalidParameterValue(why)
        return original(self, message, *args, **kwargs)

    replace(_PUBLISH, publish)


MENDS = (
    Mend(
        "sns-delivery",
        _DELIVER,
        "fd07bd0bb87fbe2a2756313a8dae6320aab8fc6540b59ea4bfe50139683f9674",
        f"{_GUIDE}/sns-event-destinations.html",
        "moto runs a function while the publisher waits, with a made-up record, asks no policy, and sends no mail.",
        _deliver,
    ),
    Mend(
        "sns-publish",
        _PUBLISH,
        "6356a2b5b79eb3de95310121382af269daf267821a5c936c9d728d4e96a4fe28",
        "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html",
        "moto takes control characters in a subject, and counts a message's characters instead of its bytes.",
        _refuse,
    ),
)
