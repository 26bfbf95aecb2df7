"""What roles did, were refused, and asked that nobody could decide, counted since the account started."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.permissions.policies import Statement

Grant = tuple[str, Statement]
"""A policy (``inline:NAME`` or ``managed:ARN``) and the statement of it that allowed something."""


@dataclass(frozen=True)
class Use:
    """One kind of use: a role's session, for whom it was made, and what was asked for.

    ``by`` is ``process`` for code that runs with the role's credentials (a training script, a Lambda function),
    ``service`` for an AWS service that acts as the role, ``assumed`` for a caller of AssumeRole.
    """

    principal: str
    by: str
    session: str
    action: str
    resource: str


_lock = threading.Lock()
_used: Counter[tuple[Use, bool]] = Counter()
_grants: Counter[tuple[Use, Grant]] = Counter()
_denied: Counter[tuple[Use, str]] = Counter()
_unknown: Counter[tuple[str, str]] = Counter()
_assumed: Counter[tuple[str, str]] = Counter()


def note(use: Use, refusal: str | None, grants: Iterable[Grant] = ()) -> None:
    """Count a use; ``grants`` are the statements of the role's own policies that allow it."""
    with _lock:
        _used[use, refusal is None] += 1
        for grant in grants:
            _grants[use, grant] += 1
        if refusal is not None:
            _denied[use, refusal] += 1


def note_unknown(who: str, what: str) -> None:
    """Count something that could not be evaluated and was refused for that."""
    with _lock:
        _unknown[who, what] += 1


def note_assumed(who: str, what: str) -> None:
    """Count something that this account cannot know and that was decided without it."""
    with _lock:
        _assumed[who, what] += 1


def grants_of(principal: str) -> list[tuple[Use, Grant, int]]:
    """What a role's own statements allowed, and how often."""
    with _lock:
        return [(use, grant, count) for (use, grant), count in _grants.items() if use.principal == principal]


def report() -> dict[str, list[dict[str, Any]]]:
    """Everything that was counted, as the account's page ``permissions`` has it."""
    with _lock:
        return {
            "used": [{**vars(use), "allowed": allowed, "count": count} for (use, allowed), count in _used.items()],
            "denied": [{**vars(use), "message": message, "count": count} for (use, message), count in _denied.items()],
            "unknown": _plain(_unknown),
            "assumed": _plain(_assumed),
        }


def _plain(counter: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"principal": who, "what": what, "count": count} for (who, what), count in counter.items()]
