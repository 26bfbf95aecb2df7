"""SNS: how a message reaches a function, a queue or a mailbox.

A queue and a function take it where their own policy lets SNS in for the topic. A mail is a file in the account's
folder `mail`, one a message and address, as a mail program reads it.

https://docs.aws.amazon.com/sns/latest/dg/sns-event-destinations.html
"""

from __future__ import annotations

import json
import logging
import re
import threading
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from trainwright.rehearsal import clock, facade, permissions

LOG = logging.getLogger("trainwright.rehearsal")
PRINCIPAL = "sns.amazonaws.com"
MAIL = "mail"
_SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_SUBJECT = 100
_MESSAGE_BYTES = 262_144

_lock = threading.Lock()


def refused(message: str, subject: str | None) -> str | None:
    """What SNS says to a message that it does not take; None for one that it does.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: subjects have "no line breaks or control characters",
    messages 262,144 bytes at most.
    """
    if subject is not None and (_CONTROL.search(subject) or len(subject) > _LONGEST_SUBJECT):
        return "Invalid parameter: Subject"
    if len(message.encode()) > _MESSAGE_BYTES:
        return "Invalid parameter: Message too long"
    return None


def may_reach(endpoint: str, topic: str) -> bool:
    """Whether a queue or a function lets SNS in for a topic; a refusal is in the log, as nobody else hears of it."""
    why = permissions.refused_service(PRINCIPAL, endpoint, topic)
    if why:
        LOG.error("topic %s cannot deliver: %s", topic, why)
    return why is None


def to_function(function: str, subscription: str, notification: dict[str, Any]) -> None:
    """Invoke a function asynchronously with a record of the message.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {"MessageAttributes": {}, "Subject": None, **notification, **_UNSIGNED},
    }
    payload = json.dumps({"Records": [record]}).encode()
    facade.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)


_UNSIGNED = {"SignatureVersion": "1", "Signature": "EXAMPLE", "SigningCertUrl": "EXAMPLE", "UnsubscribeUrl": "EXAMPLE"}


def notification(
    topic: str, message_id: str, message: str, subject: str | None, attributes: dict[str, Any] | None
) -> dict[str, Any]:
    """A message as subscribers see it, without its signature."""
    found: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Message": message,
        "Timestamp": _now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return found | ({"Subject": subject} if subject else {}) | ({"MessageAttributes": attributes} if attributes else {})


def to_mailbox(address: str, topic: str, message: str, subject: str | None) -> Path:
    """Write a mail into the account's folder `mail`."""
    mail = EmailMessage()
    mail["From"], mail["To"] = _SENDER, address
    mail["Subject"] = subject or "AWS Notification Message"
    mail["Date"] = format_datetime(_now())
    mail["X-Amz-Sns-Topic"] = topic
    mail.set_content(message)
    folder = facade.root() / MAIL
    folder.mkdir(exist_ok=True)
    with _lock:  # an account that is opened again goes on counting
        file = folder / f"{1 + sum(1 for _ in folder.glob('*.eml')):05}.eml"
        file.write_bytes(mail.as_bytes())
    return file


def _now() -> datetime:
    return datetime.fromtimestamp(clock.time(), UTC)
