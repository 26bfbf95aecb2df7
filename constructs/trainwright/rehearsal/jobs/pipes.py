"""Pipe mode: a channel comes as named pipes, ``<channel>_0``, ``<channel>_1`` and so on, one an epoch.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html (Training Data):
a script reads a pipe to its end or closes it early, and then looks for the next. The next pipe is there as soon as the
one before was opened; one that was read or closed goes. Nothing is read from S3 before a pipe is opened.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import itertools
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwright.rehearsal.jobs import recordio
from trainwright.rehearsal.jobs.channels import PIPE, mode_of, share
from trainwright.rehearsal.jobs.contents import Item, items
from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri

_CHUNK = 1024 * 1024
#: How long the end of a job waits for a pipe's thread, which may be reading from S3 just then.
_STOP_SECONDS = 2.0
_log = logging.getLogger(__name__)


class _Closed(Exception):
    """Nobody reads the present pipe any more."""


class Pipe:
    """Feeds one channel of one host on a thread of its own, epoch after epoch, for as long as the host lives.

    Args:
        stem: the path of the pipes without ``_0``; the first is made at once.
        epoch_parts: what an epoch sends: its number to one iterable of chunks after the other.
        on_fault: called when an epoch cannot be sent to its end; ``fault`` says why. The reader is left waiting, so
            that no script takes half of the data for all of it.
    """

    def __init__(
        self, stem: Path, epoch_parts: Callable[[int], Iterable[Iterable[bytes]]], on_fault: Callable[[], None]
    ) -> None:
        self.fault: Exception | None = None
        self._stem, self._epoch_parts, self._on_fault = stem, epoch_parts, on_fault
        self._epoch = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pipe-{stem.name}", daemon=True)
        self._make(0)

    def start(self) -> None:
        """Begin to wait for a reader."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, wherever it waits; for the time when no process of the host is left."""
        self._stopped.set()
        end = time.monotonic() + _STOP_SECONDS
        while self._thread.is_alive() and time.monotonic() < end:
            with _reader(self._path(self._epoch)):
                self._thread.join(0.05)

    def _path(self, epoch: int) -> Path:
        return self._stem.with_name(f"{self._stem.name}_{epoch}")

    def _make(self, epoch: int) -> None:
        os.mkfifo(self._path(epoch), 0o644)

    def _run(self) -> None:
        try:
            for self._epoch in itertools.count():
                with self._opened() as descriptor:
                    if self._stopped.is_set():
                        return
                    self._feed(descriptor)
        except OSError:
            if not self._stopped.is_set():  # the script removed the pipe, or the whole folder
                _log.exception("the pipe %s", self._path(self._epoch))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """This end of the present pipe, when the script has opened the other one."""
        path = self._path(self._epoch)
        descriptor = os.open(path, os.O_WRONLY)
        try:
            yield descriptor
        finally:
            path.unlink(missing_ok=True)  # before the end is told: whoever has seen it does not find the name again
            os.close(descriptor)

    def _feed(self, descriptor: int) -> None:
        try:
            self._make(self._epoch + 1)
            for part in self._epoch_parts(self._epoch):
                for chunk in part:
                    self._write(descriptor, chunk)
        except _Closed:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must come to know
            if not self._stopped.is_set():
                self.fault = error
                self._on_fault()
                self._stopped.wait()

    def _write(self, descriptor: int, chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            if self._stopped.is_set():
                raise _Closed
            try:
                left = left[os.write(descriptor, left) :]
            except BrokenPipeError as error:  # a script may close a pipe early
                raise _Closed from error


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[None]:
    """The other end of a pipe for a moment, for a thread that waits for one; nothing where there is no pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def lay_pipes(
    store: Store,
    channels: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    mode: str,
    host: int,
    hosts: int,
    on_fault: Callable[[], None],
) -> list[Pipe]:
    """Make the first pipe of every channel that comes in Pipe mode, in one host's input folder.

    Raises:
        ClientFault: as SageMaker words it, for a missing right to list, no data at all, or a manifest that is none.
    """
    made = []
    for channel in channels:
        if mode_of(channel, mode) == PIPE:
            found = items(store, channel["DataSource"]["S3DataSource"])
            epoch_parts = functools.partial(_epoch, store, channel, found, host, hosts)
            made.append(Pipe(folder / channel["ChannelName"], epoch_parts, on_fault))
    return made


def _epoch(
    store: Store, channel: Mapping[str, Any], found: Sequence[Item], host: int, hosts: int, epoch: int
) -> Iterator[Iterable[bytes]]:
    """What one host gets in one epoch.

    ShuffleConfig: "shuffling is done at the start of every epoch", and a shard may then go to another host (API
    reference, Channel).
    """
    unzips = channel.get("CompressionType") == "Gzip"
    wraps = channel.get("RecordWrapperType") == "RecordIO"
    for item in share(found, channel, host=host, hosts=hosts, epoch=epoch):
        for part in item:
            chunks = _object(store, part, unzips=unzips) if isinstance(part, Uri) else iter([part])
            yield recordio.wrap(chunks) if wraps else chunks


def _object(store: Store, uri: Uri, *, unzips: bool) -> Iterator[bytes]:
    body = store.read(uri)
    if not unzips:
        yield from body.iter_chunks(_CHUNK)
        return
    try:
        with gzip.GzipFile(fileobj=body) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ClientFault(f"ClientError: Data download failed:{uri} is not compressed with Gzip: {error}") from error
