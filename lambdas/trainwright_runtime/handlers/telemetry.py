"""What every handler has: its logging, under POWERTOOLS_SERVICE_NAME, and its clock. What is logged: ids, names,
states, counts; never a request's values.

Tracing is Lambda's own (active tracing, a segment for each call): the X-Ray SDK would add a segment for each AWS call,
and a quarter of a cold start.
"""

from typing import Any, Protocol

from aws_lambda_powertools import Logger

logger = Logger()


class Clock(Protocol):
    """How much time is left; the Lambda context is one."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""


def handling(function: Any) -> Any:
    """Decorate a handler: context keys in each log line, the event not logged."""
    return logger.inject_lambda_context(function, log_event=False, clear_state=True)
