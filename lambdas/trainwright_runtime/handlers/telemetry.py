"""Logging of the handlers, under POWERTOOLS_SERVICE_NAME. What is logged: ids, names, states, counts; never a request's
values.

Tracing is Lambda's own (active tracing, a segment for each call): the X-Ray SDK would add a segment for each AWS call,
and a quarter of a cold start.
"""

from typing import Any

from aws_lambda_powertools import Logger

logger = Logger()


def handling(function: Any) -> Any:
    """Decorate a handler: context keys in each log line, the event not logged."""
    return logger.inject_lambda_context(function, log_event=False, clear_state=True)
