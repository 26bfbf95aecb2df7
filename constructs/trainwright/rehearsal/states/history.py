"""The event history of an execution, and its delivery to CloudWatch Logs.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import datetime
import json
import logging
import threading
import uuid
from collections import deque
from typing import Any

from moto.stepfunctions.parser.api import LogLevel
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from trainwright.rehearsal import facade

LOG = logging.getLogger(__name__)
DATA_KEYS = ("input", "inputDetails", "output", "outputDetails")
LAST_EVENTS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
FLUSH_SECONDS = 0.5


def add_event(
    self: Any,
    context: Any,
    event_type: Any,
    event_details: Any = None,
    timestamp: datetime.datetime | None = None,
    update_source_event_id: bool = True,
) -> int:
    """EventManager.add_event: nothing follows the execution's last event or comes from an abandoned attempt."""
    with self._mutex:
        if getattr(context, "closed", False) or getattr(self, "ended", False):
            return int(context.source_event_id)
        event = _event(self, context, event_type, event_details, timestamp)
        context.last_published_event_id = event["id"]
        if update_source_event_id:
            context.source_event_id = event["id"]
        self._history_event_list.append(event)
        self.ended = event["type"] in LAST_EVENTS
    session = self._cloud_watch_logging_session
    if session is not None:
        session.deliver(event)
    return int(event["id"])


def _event(self: Any, context: Any, event_type: Any, details: Any, timestamp: Any) -> dict[str, Any]:
    instant = timestamp or datetime.datetime.now(tz=datetime.UTC)
    event = dict(details or {})
    event["id"] = self._event_id_gen.get()
    event["previousEventId"] = context.source_event_id
    event["type"] = getattr(event_type, "value", event_type)
    event["timestamp"] = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    return event


def get_event_history(self: Any) -> list[dict[str, Any]]:
    """EventManager.get_event_history: the events are never changed once written, so no copy of them is needed."""
    with self._mutex:
        return list(self._history_event_list)


def go_on(manager: Any, context: Any) -> None:
    """Let events follow the execution's last one: it was redriven."""
    with manager._mutex:
        manager.ended = False
        context.source_event_id = context.last_published_event_id = manager._history_event_list[-1]["id"]


def without_data(event: dict[str, Any]) -> dict[str, Any]:
    """An event as it is shown where execution data is left out."""
    return {key: _stripped(value) if key.endswith("EventDetails") else value for key, value in event.items()}


def _stripped(details: Any) -> Any:
    return {key: value for key, value in details.items() if key not in DATA_KEYS}


class LogSession:
    """The delivery of one execution's events to the log group of its state machine."""

    def __init__(self, *, execution_arn: str, group: str, stream: str, level: str, include_data: bool) -> None:
        self.execution_arn = execution_arn
        self.group = group
        self.stream = stream
        self.level = level
        self.include_data = include_data
        self.redrive_count = 0

    def deliver(self, event: dict[str, Any]) -> None:
        """Hand over one event; it reaches the log group within a second, as vended logs do later than the event."""
        if not is_logging_enabled_for(LogLevel(self.level), event["type"]):
            return
        instant = int(event["timestamp"].timestamp() * 1000)
        DELIVERY.put(self.group, self.stream, instant, self.line(event, instant))

    def line(self, event: dict[str, Any], instant: int) -> str:
        """The event as one line of the log: texts for numbers, snake_case names."""
        shown = event if self.include_data else without_data(event)
        line: dict[str, Any] = {
            "id": str(event["id"]),
            "type": event["type"],
            "details": next((value for key, value in shown.items() if key.endswith("EventDetails")), {}),
            "redrive_count": str(self.redrive_count),
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(instant),
            "execution_arn": self.execution_arn,
        }
        return to_json_str(line, separators=(",", ":"))


def log_session(state_machine: Any, execution_arn: str) -> LogSession | None:
    """The log delivery that a state machine's logging configuration asks for, or None."""
    configuration = state_machine.loggingConfiguration or {}
    group = log_group(configuration)
    level = configuration.get("level", "OFF")
    if group is None or level == "OFF":
        return None
    started = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d-%H-%M")
    return LogSession(
        execution_arn=execution_arn,
        group=group,
        stream=f"states/{state_machine.name}/{started}/{uuid.uuid4().hex[:8]}",
        level=level,
        include_data=bool(configuration.get("includeExecutionData")),
    )


def log_group(configuration: dict[str, Any]) -> str | None:
    """The name of the log group in a logging configuration."""
    for destination in configuration.get("destinations") or []:
        arn = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn") or ""
        name = arn.partition(":log-group:")[2].removesuffix(":*")
        if name:
            return str(name)
    return None


class Delivery:
    """One thread for all executions that writes log lines in batches; it ends when nothing came for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], deque[tuple[int, str]]] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def put(self, group: str, stream: str, instant: int, line: str) -> None:
        """Take one line for a log stream."""
        with self._lock:
            self._lines.setdefault((group, stream), deque()).append((instant, line))
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="states log delivery", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Write what is left and start no thread again."""
        self._stopped.set()
        self.flush()

    def flush(self) -> None:
        """Write what came so far."""
        with self._lock:
            lines, self._lines = self._lines, {}
        for (group, stream), batch in lines.items():
            self._write(group, stream, list(batch))

    def _write(self, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
        try:
            facade.put_log_lines(group, stream, lines)
        except Exception as error:  # noqa: BLE001  (a lost log line must not end an execution; AWS delivers best effort)
            LOG.warning("state machine log lines for %s were lost: %s", group, json.dumps(str(error)))

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            with self._lock:
                if not self._lines:
                    self._thread = None
                    return
            self.flush()


DELIVERY = Delivery()
