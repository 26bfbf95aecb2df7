"""Calls to AWS with the image's boto3, where there is one: nothing else in this package needs more than Python.

boto3 finds the execution role's credentials by itself, and AWS_ENDPOINT_URL where it leads elsewhere than to AWS.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class AwsError(Exception):
    """A call failed; ``code`` is AWS's error code, or the name of what went wrong before AWS could answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def call(service: str, region: str | None, action: Callable[[Any], T]) -> T:
    """What `action` makes of a client of the service.

    Args:
        service: as boto3 calls it.
        region: by default the job's own (AWS_REGION).
        action: gets the client.

    Raises:
        AwsError: the image has no boto3, or the call fails.
    """
    try:
        boto3: Any = importlib.import_module("boto3")
        exceptions: Any = importlib.import_module("botocore.exceptions")
    except ImportError:
        raise AwsError("NoBoto3", "this image has no boto3; add it to the image") from None
    try:
        return action(boto3.client(service, region_name=region or os.environ.get("AWS_REGION")))
    except exceptions.ClientError as error:
        answer = error.response["Error"]
        raise AwsError(str(answer["Code"]), str(answer["Message"])) from None
    except (exceptions.BotoCoreError, OSError) as error:
        raise AwsError(type(error).__name__, str(error)) from None
