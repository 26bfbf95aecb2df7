"""AWS as the command line uses it: boto3 with the user's own settings, and every failure in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from trainwright.cli.errors import AwsFailed

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_UNKNOWN_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"}
)
_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.UnauthorizedSSOTokenError,
    aws.SSOTokenLoadError,
    aws.TokenRetrievalError,
)
UNREACHABLE = (aws.HTTPClientError, aws.ConnectionError)
"""What a watch outlives: a laptop that slept, a network that was away."""

_ACTION = re.compile(r"perform: ([a-z0-9-]+:[A-Za-z]+)")
_GRANTS = {
    "ssm:GetParameter": "grant_start",
    "states:StartExecution": "grant_start",
    "states:StopExecution": "grant_stop",
    "states:ListExecutions": "grant_watch",
    "states:DescribeExecution": "grant_watch",
    "states:GetExecutionHistory": "grant_watch",
    "sagemaker:DescribeTrainingJob": "grant_watch",
    "logs:DescribeLogStreams": "grant_watch",
    "logs:GetLogEvents": "grant_watch",
    "dynamodb:GetItem": "grant_watch",
    "s3:GetObject": "grant_read_reports",
    "s3:PutObject": "grant_upload_data",
    "s3:HeadObject": "grant_upload_data",
    "s3:ListBucket": "grant_upload_data",
}


class Aws:
    """Clients of one account and region: those of AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and the like."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}

    @cached_property
    def region(self) -> str:
        """AWS_REGION first, as every other AWS SDK has it; boto3 alone knows only AWS_DEFAULT_REGION."""
        with in_words():
            region = os.environ.get("AWS_REGION") or boto3.Session().region_name
        if not region:
            raise AwsFailed("AWS: no region is set. Set AWS_REGION, or give your profile a region.")
        return region

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        if service not in self._clients:
            region = self.region
            with in_words():
                self._clients[service] = boto3.client(service, region_name=region, config=_config())
        return self._clients[service]


def _config() -> Config:
    return Config(s3=style) if (style := local_style()) else Config()


def local_style() -> Any:
    """S3's addressing: a local endpoint has no names for buckets (`bucket.localhost`), so they go into the path."""
    host = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname or ""
    local = host == "localhost" or host.startswith("127.") or host == "::1"
    return {"addressing_style": "path"} if local else {}


@contextmanager
def in_words(consequence: str = "") -> Iterator[None]:
    """What botocore raises as AwsFailed, one sentence and `consequence`."""
    try:
        yield
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise AwsFailed(f"{sentence(error)} {consequence}".rstrip()) from error


def sentence(error: Exception) -> str:
    """What went wrong and what to do about it."""
    if isinstance(error, aws.ClientError):
        return _refusal(error)
    if isinstance(error, _NO_CREDENTIALS):
        return "AWS: no credentials were found, or they could not be renewed. Sign in, or set AWS_PROFILE."
    if isinstance(error, aws.NoRegionError):
        return "AWS: no region is set. Set AWS_REGION, or give your profile a region."
    if isinstance(error, UNREACHABLE):
        return f"AWS cannot be reached: {' '.join(str(error).split())}"
    return f"AWS: {' '.join(str(error).split())}"


def code(error: aws.ClientError) -> str:
    """AWS's word for what is wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: aws.ClientError) -> bool:
    """Whether these credentials may not do this."""
    return code(error) in _DENIED


def _refusal(error: aws.ClientError) -> str:
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    if code(error) in _UNKNOWN_CREDENTIALS:
        return "AWS does not know these credentials, or they have expired: sign in again."
    if is_denied(error):
        action = _action(error, message)
        grant = next((name for known, name in _GRANTS.items() if known.endswith(action)), None)
        remedy = f": ask the platform team for {grant}." if grant else ": ask the platform team for it."
        return f"AWS denied {action} to these credentials{remedy}"
    return f"AWS refused {error.operation_name}: {code(error)}: {message}".rstrip(": ")


def _action(error: aws.ClientError, message: str) -> str:
    """As AWS names it in its message; the name of the call where it does not."""
    match = _ACTION.search(message)
    return (
        match[1]
        if match
        else next((known for known in _GRANTS if known.partition(":")[2] == error.operation_name), error.operation_name)
    )
