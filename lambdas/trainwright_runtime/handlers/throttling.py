"""Errors that mean "later": AWS takes no more requests at this moment."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime.handlers.aws import error_code

# botocore/retries/standard.py (ThrottledRetryableChecker), without the `Exception` that error_code takes off
_CODES = frozenset(
    {
        *("Throttling", "Throttled", "RequestThrottled", "TooManyRequests", "ProvisionedThroughputExceeded"),
        *("TransactionInProgress", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceeded", "SlowDown"),
        *("PriorRequestNotComplete", "EC2Throttled"),
    }
)


def said(error: ClientError | BotoCoreError) -> str:
    """Why AWS did not give something, in a word; raises the error itself where it only means "later"."""
    if not isinstance(error, ClientError):
        return type(error).__name__
    if (code := error_code(error)) in _CODES:
        raise error
    return code
