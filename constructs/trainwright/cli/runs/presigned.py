"""Presigned links to S3, with the life that they really have: the shortest of what was asked for, what S3 allows, and
what the credentials that sign have left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError

from trainwright.cli.aws import local_style
from trainwright.cli.errors import BadInput
from trainwright_runtime.units import parse_duration, spell_duration

LONGEST = 7 * 86_400
"""Seconds: "the maximum ... 7 days" for Signature Version 4, and never longer than temporary credentials live
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html)."""


@dataclass(frozen=True)
class Link:
    """A presigned link. `seconds` is its life as far as that is known; `certain` is False where the credentials that
    signed it are temporary and do not say until when: it may end with them, earlier."""

    url: str
    seconds: int
    made: datetime
    certain: bool

    def said(self, asked: int) -> Iterator[str]:
        """What whoever passes it on should know."""
        until = f"{self.made + timedelta(seconds=self.seconds):%Y-%m-%d %H:%M:%S} UTC"
        life = spell_duration(self.seconds)
        if not self.certain:
            yield (
                f"The link lives until {until} ({life}) at most: it was signed with temporary credentials, and ends "
                "with them; they do not say when."
            )
        elif self.seconds < min(asked, LONGEST):
            yield f"The link lives until {until} ({life}): the temporary credentials that signed it end then."
        elif self.seconds < asked:
            yield f"The link lives until {until} ({life}): S3 takes no longer time."
        else:
            yield f"The link lives until {until} ({life})."
        yield "Whoever has it can read the page until then, without signing in to AWS."


def seconds(text: str) -> int:
    """A time such as `1h` in seconds; BadInput for anything else."""
    found = parse_duration(text)
    if not found:
        raise BadInput(f"--presign {text}: this is no duration; write 30m, 1h or 7d")
    return found


def link(region: str, bucket: str, key: str, asked: int) -> Link:
    """A link to an object, for whoever has it. Whether the caller may read the object is not asked: S3 does, each time
    that it is used."""
    session = boto3.Session(region_name=region)
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen = credentials.get_frozen_credentials()  # what is signed with, renewed first where it ends soon
    most = min(asked, LONGEST)
    left = _left(credentials, most)
    client = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id=frozen.access_key,
        aws_secret_access_key=frozen.secret_key,
        aws_session_token=frozen.token,
        config=Config(signature_version="s3v4", s3=local_style()),
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=left)
    return Link(url, left, datetime.now(UTC), certain=frozen.token is None or _says_when(credentials))


def _says_when(credentials: Any) -> bool:
    return isinstance(credentials, RefreshableCredentials)


def _left(credentials: Any, most: int) -> int:
    """Seconds that credentials live still, `most` at most, where they say so.

    botocore tells whether they end within a time, not when; the time is halved until it is known to the second.
    """
    if not _says_when(credentials) or not credentials.refresh_needed(refresh_in=most):
        return most
    lives, ends = 0, most
    while ends - lives > 1:
        middle = (lives + ends) // 2
        lives, ends = (lives, middle) if credentials.refresh_needed(refresh_in=middle) else (middle, ends)
    return max(lives, 1)
