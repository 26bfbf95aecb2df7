"""Notices: who is to hear of a run's end, its findings and the month's money, and in which words. Pure functions of
report.json and of the month's item; handlers/notify.py sends what comes out of them."""

from trainwright_runtime.notices.budget import THRESHOLDS, Month, of_month, threshold
from trainwright_runtime.notices.document import Notice, Place, json_schema
from trainwright_runtime.notices.events import DEFAULT_EVENTS, EVENTS, Event, of_report
from trainwright_runtime.notices.message import LIMIT, chat_message, message
from trainwright_runtime.notices.run import of_run

__all__ = [
    "DEFAULT_EVENTS",
    "EVENTS",
    "LIMIT",
    "THRESHOLDS",
    "Event",
    "Month",
    "Notice",
    "Place",
    "chat_message",
    "json_schema",
    "message",
    "of_month",
    "of_report",
    "of_run",
    "threshold",
]
