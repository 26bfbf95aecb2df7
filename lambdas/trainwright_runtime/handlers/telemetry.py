"""Logging and tracing of the handlers, under POWERTOOLS_SERVICE_NAME. What is logged: ids, names, states, counts; never
a request's values.
"""

from typing import Any

from aws_lambda_powertools import Logger, Tracer

logger = Logger()
tracer = Tracer(patch_modules=("botocore",))


def handling(function: Any) -> Any:
    """Decorate a handler: context keys in each log line, a trace segment, neither event nor answer recorded."""
    traced = tracer.capture_lambda_handler(function, capture_response=False)
    return logger.inject_lambda_context(traced, log_event=False, clear_state=True)
