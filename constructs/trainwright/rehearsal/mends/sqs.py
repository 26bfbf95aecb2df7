"""SQS: a long poll ends in the account's time."""

from __future__ import annotations

from typing import Any

from trainwright.rehearsal import clock
from trainwright.rehearsal.mends import Mend, find, replace

_WAIT = "moto.sqs.models:Queue.wait_for_messages"


def _wait_in_account() -> None:
    original = find(_WAIT)

    def wait_for_messages(self: Any, timeout: float) -> None:
        if clock.current().mode == "jump":
            clock.sleep(timeout)
        else:
            original(self, timeout)

    replace(_WAIT, wait_for_messages)


MENDS = (
    Mend(
        "sqs-long-poll",
        _WAIT,
        "58432562ccf2e13ed8841c825dd2614b6e57b71733d1ce9ba6926d38530ba1f1",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html",
        "moto waits for a message until the wall's clock says so, which an account whose time stands still never does.",
        _wait_in_account,
    ),
)
