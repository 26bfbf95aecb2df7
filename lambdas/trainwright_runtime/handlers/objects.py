"""Objects of S3, many and large: listed, and read ahead by a few threads while those before them are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime.handlers import throttling
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.profiled import Found, Place

THREADS = 8
AHEAD = 48 << 20
"""Bytes that are read ahead at most, all threads together."""
LARGEST = 64 << 20
"""Bytes of an object that is read; a larger one counts as one that cannot be."""


@dataclass(frozen=True)
class Read:
    """An object's content, or why there is none."""

    key: str
    content: bytes | None
    why: str | None = None


def listed(clients: Services, place: Place) -> list[Found]:
    """All objects at a place. Raises ClientError."""
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.prefix)
    return [Found(each["Key"], each["Size"], each["ETag"]) for page in pages for each in page.get("Contents", ())]


def read(clients: Services, bucket: str, wanted: Sequence[Found], is_late: Callable[[], bool]) -> Iterator[Read]:
    """The objects in their order. One that cannot be read, is larger than LARGEST, or comes after `is_late` said so,
    says why. Raises ClientError only where AWS throttles."""
    with ThreadPoolExecutor(THREADS) as threads:
        running: deque[tuple[Found, Future[Read]]] = deque()
        try:
            for each in wanted:
                while running and _bytes(running) + each.size > AHEAD:
                    yield running.popleft()[1].result()
                running.append((each, threads.submit(_one, clients, bucket, each, is_late)))
            while running:
                yield running.popleft()[1].result()
        finally:
            for _, future in running:
                future.cancel()


def _bytes(running: Iterable[tuple[Found, Future[Read]]]) -> int:
    return sum(max(found.size, 1 << 16) for found, _ in running)


def _one(clients: Services, bucket: str, wanted: Found, is_late: Callable[[], bool]) -> Read:
    if is_late():
        return Read(wanted.key, None, "there was no time left")
    if wanted.size > LARGEST:
        return Read(wanted.key, None, f"larger than {LARGEST >> 20} MiB")
    try:
        body = clients.s3.get_object(Bucket=bucket, Key=wanted.key)["Body"]
        return Read(wanted.key, body.read())
    except (ClientError, BotoCoreError) as error:
        return Read(wanted.key, None, throttling.said(error))
