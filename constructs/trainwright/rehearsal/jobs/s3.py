"""S3 as the training service uses it: with the execution role's rights, and SageMaker's words when they fail."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef

    from trainwright.rehearsal.jobs.volumes import Room

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


@dataclass(frozen=True)
class Listed:
    """An object as ListObjectsV2 tells of it; ``size`` in bytes, ``modified`` in seconds since the epoch."""

    uri: Uri
    size: int
    modified: float
    etag: str


class Store:
    """What a job reads and writes, as its execution role."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def keys(self, prefix: Uri) -> Iterator[str]:
        """All keys that begin with the prefix (plain text, as S3 has it), folder markers left out.

        Raises:
            ClientFault: "Data download failed", when the role may not list.
        """
        return (found.uri.key for found in self.listed(prefix))

    def listed(self, prefix: Uri) -> Iterator[Listed]:
        """The same with what the listing tells of each object.

        Raises:
            ClientFault: "Data download failed", when the role may not list.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        try:
            for page in pages:
                yield from (_listed(prefix.bucket, item) for item in page.get("Contents", ()) if item["Key"][-1] != "/")
        except ClientError as error:
            raise ClientFault(f"ClientError: Data download failed:Unable to list {prefix} {_reason(error)}") from error

    def download(self, source: Uri, target: Path, room: Room | None = None) -> None:
        """Fetch one object, which must find room on the host's volume.

        Raises:
            ClientFault: "Data download failed", when the role may not read it, it is gone, or it does not fit.
        """
        refuse_illegal(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        answer = self._get(source)
        if room is not None:
            room.take(answer["ContentLength"])
        body = answer["Body"]
        with target.open("wb") as file:
            for chunk in body.iter_chunks(1024 * 1024):
                file.write(chunk)

    def read(self, source: Uri) -> StreamingBody:
        """One object's bytes, as they come.

        Raises:
            ClientFault: "Data download failed", when the role may not read it or it is gone.
        """
        return self._get(source)["Body"]

    def read_range(self, source: Listed, start: int, stop: int) -> bytes:
        """The object's bytes from ``start`` to before ``stop``, if it is still the one that was listed.

        Raises:
            ClientFault: the role may not read it, it is gone, or it was overwritten.
        """
        return self._get(source.uri, Range=f"bytes={start}-{stop - 1}", IfMatch=source.etag)["Body"].read()

    def _get(self, source: Uri, **more: Any) -> GetObjectOutputTypeDef:
        try:
            return self._client.get_object(Bucket=source.bucket, Key=source.key, **more)
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
            if _size(file) < _TRANSFER.multipart_threshold:  # s3transfer starts three threads for each file
                self._client.put_object(Bucket=target.bucket, Key=target.key, Body=file, **extra)
            else:
                self._client.upload_fileobj(file, target.bucket, target.key, ExtraArgs=extra, Config=_TRANSFER)
        except ClientError as error:
            raise ClientFault(
                f"ClientError: Artifact upload failed:Unable to upload file to {target} {_reason(error)}"
            ) from error


def _size(file: BinaryIO) -> int:
    """Bytes from where the file stands to its end."""
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end - here


def refuse_illegal(source: Uri) -> None:
    """Refuse a key that would lead out of the channel's folder.

    Raises:
        ClientFault: the words are ours.
    """
    if ".." in source.key.split("/"):
        raise ClientFault(f"ClientError: Data download failed:{source} has an illegal part '..' in its key")


def _listed(bucket: str, item: ObjectTypeDef) -> Listed:
    return Listed(Uri(bucket, item["Key"]), item["Size"], item["LastModified"].timestamp(), item["ETag"])


def _reason(error: ClientError) -> str:
    return f"({error.response['Error']['Code']}: {error.response['Error']['Message']})"
