"""Claims on what is to be told once, as pure data: attributes of a run's record, or of a month's item.

An attribute a notice and topic (`told:<what>:<topic>`): `pending` with its moment while it is sent, `told` after. A
redriven run ends again, and that is told again: a claim holds for one redrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Call = dict[str, Any]

PATIENCE = timedelta(minutes=5)
"""How long a claim may be pending before somebody else may send: far more than a publish with its retries takes."""

_PENDING, _TOLD = "pending", "told"


@dataclass(frozen=True)
class Claim:
    """A claim on telling `what` through `topic`: in the item of `key`, made at a moment, for a redrive of a run."""

    key: str
    what: str
    topic: str
    redrive: int
    moment: datetime

    @property
    def at(self) -> int:
        """Its moment in epoch milliseconds: also what tells it from another's."""
        return int(self.moment.timestamp() * 1000)


def attribute(what: str, topic: str) -> str:
    """The attribute's name; no run's id, which a month's item holds beside it, has a colon."""
    return f"told:{what}:{topic}"


def take(claim: Claim) -> Call:
    """UpdateItem that claims it: refused where it was told, or is being told."""
    stale = claim.at - int(PATIENCE.total_seconds() * 1000)
    free = "attribute_not_exists(#told) OR #told.#redrive < :redrive"
    call = _set(claim, _PENDING, f"{free} OR (#told.#state = :pending AND #told.#at <= :stale)")
    call["ExpressionAttributeNames"] |= {"#redrive": "redrive", "#state": "state", "#at": "at"}
    call["ExpressionAttributeValues"] |= {":redrive": claim.redrive, ":pending": _PENDING, ":stale": stale}
    return call


def settle(claim: Claim) -> Call:
    """UpdateItem that says that it was told; refused where somebody took it over."""
    return _mine(claim, _set(claim, _TOLD, "#told = :mine"))


def give_back(claim: Claim) -> Call:
    """UpdateItem that lets somebody else tell it; refused where somebody took it over."""
    call = _mine(claim, _set(claim, _TOLD, "#told = :mine"))
    call["UpdateExpression"] = "REMOVE #told"
    del call["ExpressionAttributeValues"][":told"]
    return call


def _set(claim: Claim, state: str, free: str) -> Call:
    return {
        "Key": {"run": claim.key},
        "UpdateExpression": "SET #told = :told",
        "ConditionExpression": f"attribute_exists(#run) AND ({free})",
        "ExpressionAttributeNames": {"#run": "run", "#told": attribute(claim.what, claim.topic)},
        "ExpressionAttributeValues": {":told": _state(claim, state)},
        "ReturnValues": "ALL_NEW",
    }


def _mine(claim: Claim, call: Call) -> Call:
    call["ExpressionAttributeValues"][":mine"] = _state(claim, _PENDING)
    return call


def _state(claim: Claim, state: str) -> Mapping[str, Any]:
    return {"state": state, "at": claim.at, "redrive": claim.redrive}
