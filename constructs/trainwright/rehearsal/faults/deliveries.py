"""Events that are lost, late, or delivered more than once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from trainwright.rehearsal import clock, faults
from trainwright.rehearsal.faults.calls import EventFault
from trainwright.rehearsal.faults.fields import matches
from trainwright.rehearsal.faults.tally import Tally

_FATES_KEPT = 1000

_tally = Tally()
_lock = threading.Lock()
_fates: OrderedDict[str, EventFault | None] = OrderedDict()


def pass_on(event: Mapping[str, Any], send: Callable[[], None]) -> None:
    """Send an event to a rule's targets: once and now, unless a fault says otherwise.

    An event that several rules match has one fate.
    """
    fault = _fate(event) if faults.active().events else None
    if fault is None:
        send()
    elif fault.late is not None:
        clock.Timer(fault.late, send, "late-event").start()
    else:
        for _ in range(fault.copies or 0):
            send()


def _fate(event: Mapping[str, Any]) -> EventFault | None:
    with _lock:
        if event["id"] not in _fates:
            _fates[event["id"]] = _struck(event)
        while len(_fates) > _FATES_KEPT:
            _fates.popitem(last=False)
        return _fates.get(event["id"])


def _struck(event: Mapping[str, Any]) -> EventFault | None:
    active = faults.active()
    for fault in active.events:
        if means(fault, event) and _tally.strikes(fault, active.seed, *_subject(event), times=fault.times):
            faults.note(fault, f"{event['detail-type']}: {', '.join(_subject(event)[2:]) or event['source']}")
            return fault
    return None


def means(fault: EventFault, event: Mapping[str, Any]) -> bool:
    """Whether a fault is about an event."""
    detail = event.get("detail") or {}
    return (
        matches((fault.source,), event["source"])
        and matches((fault.detail_type,), event["detail-type"])
        and all(name in detail and _equals(wanted, detail[name]) for name, wanted in fault.detail.items())
    )


def _equals(wanted: object, value: object) -> bool:
    return matches((wanted,), str(value)) if isinstance(wanted, str) else wanted == value


def _subject(event: Mapping[str, Any]) -> tuple[str, ...]:
    """What an event is about, without its id and times: they are others each time."""
    detail = event.get("detail") or {}
    status = [str(value) for name, value in detail.items() if name.lower().endswith("status")]
    return (event["source"], event["detail-type"], *map(str, event.get("resources") or ()), *status)
