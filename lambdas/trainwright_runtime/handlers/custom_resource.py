"""CloudFormation custom resources that answer by themselves: one PUT to the ResponseURL, whatever happened."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_REASON = 2000
_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """How a custom resource's request ended. `data` are the attributes that Fn::GetAtt reads."""

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True)
class Target:
    """Whom to answer."""

    url: str
    stack_id: str
    request_id: str
    logical_id: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Target:
        """From CloudFormation's own event."""
        return cls(event["ResponseURL"], event["StackId"], event["RequestId"], event["LogicalResourceId"])


def respond(target: Target, answer: Answer) -> None:
    """PUT the answer, as CloudFormation's custom resource protocol wants it: JSON, and an empty Content-Type, because
    the URL is signed for none (AWS CloudFormation guide, "Custom resource response objects").
    """
    body = json.dumps(
        {
            "Status": "FAILED" if answer.failure else "SUCCESS",
            "Reason": (answer.failure or "")[:_REASON],
            "PhysicalResourceId": answer.physical_id,
            "StackId": target.stack_id,
            "RequestId": target.request_id,
            "LogicalResourceId": target.logical_id,
            "NoEcho": False,
            "Data": dict(answer.data),
        }
    ).encode()
    request = urllib.request.Request(target.url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as reply:  # noqa: S310  the URL is CloudFormation's
        reply.read()
