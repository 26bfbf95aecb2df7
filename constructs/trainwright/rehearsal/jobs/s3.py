"""S3 as the training service uses it: with the execution role's rights, and SageMaker's words when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

#: One thread a transfer: the account is on this machine, threads only cost.
_TRANSFER = TransferConfig(use_threads=False, multipart_threshold=64 * 1024 * 1024)


class ClientFault(Exception):
    """The job fails with this FailureReason, which is the customer's to mend."""


@dataclass(frozen=True)
class Uri:
    """``s3://bucket/key``; the key may be a prefix or empty."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Take an S3 URI apart."""
        bucket, _, key = text.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def below(self, name: str) -> Uri:
        """``name`` under this prefix, with exactly one ``/`` between them."""
        return Uri(self.bucket, f"{self.key.rstrip('/')}/{name}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Store:
    """What a job reads and writes, as its execution role."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def keys(self, prefix: Uri) -> Iterator[str]:
        """All keys that begin with the prefix (plain text, as S3 has it), folder markers left out.

        Raises:
            ClientFault: "Data download failed", when the role may not list.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()) if not item["Key"].endswith("/"))
        except ClientError as error:
            raise ClientFault(f"ClientError: Data download failed:Unable to list {prefix} {_reason(error)}") from error

    def download(self, source: Uri, target: Path) -> None:
        """Fetch one object.

        Raises:
            ClientFault: "Data download failed", when the role may not read it or it is gone.
        """
        if ".." in source.key.split("/"):
            raise ClientFault(f"ClientError: Data download failed:{source} has an illegal part '..' in its key")
        target.parent.mkdir(parents=True, exist_ok=True)
        body = self.read(source)
        with target.open("wb") as file:
            for chunk in body.iter_chunks(1024 * 1024):
                file.write(chunk)

    def read(self, source: Uri) -> StreamingBody:
        """One object's bytes, as they come.

        Raises:
            ClientFault: "Data download failed", when the role may not read it or it is gone.
        """
        try:
            return self._client.get_object(Bucket=source.bucket, Key=source.key)["Body"]
        except ClientError as error:
            raise ClientFault(
                f"ClientError: Data download failed:Unable to download object {source} {_reason(error)}"
            ) from error

    def upload(self, file: BinaryIO, target: Uri, *, kms_key: str | None = None) -> None:
        """Store one object.

        Raises:
            ClientFault: "Artifact upload failed", when the role may not write it.
        """
        extra: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            self._client.upload_fileobj(file, target.bucket, target.key, ExtraArgs=extra, Config=_TRANSFER)
        except ClientError as error:
            raise ClientFault(
                f"ClientError: Artifact upload failed:Unable to upload file to {target} {_reason(error)}"
            ) from error


def _reason(error: ClientError) -> str:
    return f"({error.response['Error']['Code']}: {error.response['Error']['Message']})"
