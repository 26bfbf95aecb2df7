"""A notice as the arguments of SNS's Publish: one message, its text for mail, its JSON for everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trainwright_runtime.notices.document import Notice

LIMIT = 262_144
"""Bytes of a message and its attributes together (Publish, API reference)."""
_SMS = 140

Arguments = dict[str, Any]


def message(notice: Notice) -> Arguments:
    """For the topic of notices: mail gets the text, SMS the subject, every other protocol the JSON."""
    arguments = _arguments(notice)
    while _size(arguments) > LIMIT and notice.document["findings"]:
        notice = notice.shorter()
        arguments = _arguments(notice)
    return arguments


def chat_message(notice: Notice) -> Arguments:
    """For the chat's topic: Amazon Q Developer reads the message itself and knows no other form."""
    return {"Message": _json(notice.chat), "MessageAttributes": _attributes(notice.attributes)}


def _arguments(notice: Notice) -> Arguments:
    forms = {"default": _json(notice.document), "email": notice.text, "sms": notice.subject[:_SMS]}
    return {
        "Subject": notice.subject,
        "Message": _json(forms),
        "MessageStructure": "json",
        "MessageAttributes": _attributes(notice.attributes),
    }


def _attributes(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _size(arguments: Arguments) -> int:
    attributes = sum(len(name) + len(each["StringValue"]) + 6 for name, each in arguments["MessageAttributes"].items())
    return len(arguments["Message"].encode()) + attributes
