"""Which notices a report gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Event = Literal["failed", "finished", "budget", "finding", "refused"]

EVENTS: tuple[Event, ...] = ("failed", "finished", "budget", "finding", "refused")
DEFAULT_EVENTS: tuple[Event, ...] = ("failed", "finished", "budget", "finding")
"""What is sent where a team's policy does not say (`notices.events`): whoever started a run that was refused has been
told by the command already."""

_SERIOUS = ("high", "medium")


def of_report(report: Mapping[str, Any]) -> tuple[Event, ...]:
    """The events that a run's report tells of: how it ended, and what the profiler found, once all of that is known."""
    return (_end(report), "finding") if _known(report) and serious(report) else (_end(report),)


def _end(report: Mapping[str, Any]) -> Event:
    if report["status"] == "REFUSED":
        return "refused"
    meant = report["status"] == "SUCCEEDED" or _by_person(report)
    return "finished" if meant else "failed"


def _by_person(report: Mapping[str, Any]) -> bool:
    return report["status"] == "STOPPED" and (report["diagnosis"] or {}).get("fault") == "person"


def _known(report: Mapping[str, Any]) -> bool:
    """One notice is to list all findings, and rules go on after a job's end."""
    return bool(report["profile"]["status"] != "pending")


def serious(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The findings that people hear of, in the report's order: the worst first."""
    return [finding for finding in report["findings"] if finding.get("severity") in _SERIOUS]
