"""Rules with a schedule: their targets get a "Scheduled Event" every so often, in the account's time.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html (Scheduled Event)

A clock that jumps passes these moments on its way to others and never jumps for their sake: it would not come to rest.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

from trainwright.rehearsal import clock, events

LOG = logging.getLogger("trainwright.rehearsal")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def period(expression: str) -> float | None:
    """The seconds between two events of ``rate(...)``; None: another kind of schedule, which is not kept here."""
    found = _RATE.fullmatch(expression)
    return float(found.group(1)) * _SECONDS[found.group(2)] if found else None


def keep(rule: Any, is_current: Callable[[], bool], send: Callable[[Any, dict[str, Any]], None]) -> None:
    """Send the events of a rule from now on, until it is deleted or put anew; returns at once.

    The first comes one period after the rule was made.
    """
    seconds = period(rule.scheduled_expression)
    if seconds is None:
        LOG.warning("rule %s: the rehearsal does not keep the schedule %s", rule.name, rule.scheduled_expression)
        return
    clock.thread(_keep, f"schedule {rule.name}", rule, seconds, is_current, send)


def _keep(rule: Any, seconds: float, is_current: Callable[[], bool], send: Callable[..., None]) -> None:
    due = clock.time() + seconds
    while is_current():
        clock.Event(weak=True).wait(due - clock.time())
        if clock.time() < due or not is_current():  # the account goes down, or the rule has
            continue
        if rule.state in events.ENABLED:
            _send(rule, due, send)
        due += seconds * max(1, (clock.time() - due) // seconds + 1)


def _send(rule: Any, due: float, send: Callable[..., None]) -> None:
    try:
        send(rule, scheduled_event(rule, due))
    except Exception:
        LOG.exception("the scheduled event of rule %s could not be delivered", rule.name)


def scheduled_event(rule: Any, due: float) -> dict[str, Any]:
    """The event, as EventBridge itself sends it."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": due,
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
