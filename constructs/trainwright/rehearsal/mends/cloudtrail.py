"""CloudTrail: asked for its events, it says that there are none, since this account keeps no trail."""

from __future__ import annotations

import json
from typing import Any

from trainwright.rehearsal import gate, wire
from trainwright.rehearsal.mends import Mend


def answer(call: wire.Call, environ: dict[str, Any]) -> wire.Answer:
    """LookupEvents; the CDK CLI asks after every failed deployment."""
    if call.operation == "LookupEvents":
        return wire.Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"Events": []}).encode())
    message = f"the rehearsal's CloudTrail does not answer {call.operation}"
    return wire.error("cloudtrail", "NotImplemented", message, environ, 501)


MENDS: tuple[Mend, ...] = (
    Mend(
        "cloudtrail-lookup-events",
        "moto.cloudtrail.responses:CloudTrailResponse",
        "c46fe68d07188f5dbfad5369d4c3245a554e142607dcb6d0ad9361f1e2abc68c",
        "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html",
        "moto has no LookupEvents and fails, which the CDK CLI tries again for half a minute after a failed deployment",
        lambda: gate.service("cloudtrail", answer),
    ),
)
