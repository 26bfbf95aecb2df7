"""Which bytes of an object are fetched for the reads of one open file: small at first, more as it is read in sequence.

AWS's guide (Access Training Data) says of FastFile only that it streams "on demand" and is best read in sequence. The
way here is that of AWS's own Mountpoint for S3: a small first request, each next one in sequence a few times as large,
one of them ahead of the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

FIRST_BYTES = 256 * 1024
GROWTH = 4
MOST_BYTES = 8 * 1024 * 1024
#: The window in use, the one ahead, and the one before (the kernel's own reads come a little out of order).
KEPT = 3

Fetch = Callable[[int, int], "Future[bytes]"]


@dataclass(frozen=True)
class Window:
    """A range of the object that is being fetched or is here."""

    start: int
    stop: int
    content: Future[bytes]

    @property
    def has_failed(self) -> bool:
        """Whether it has to be fetched again to be had."""
        return self.content.done() and self.content.exception() is not None


@dataclass(frozen=True)
class Part:
    """A piece of the answer: ``start`` and ``stop`` count from the window's beginning."""

    content: Future[bytes]
    start: int
    stop: int


class OpenFile:
    """What one open file has fetched; used by one thread.

    Args:
        size: the object's, in bytes.
        fetch: begins to fetch the bytes from ``start`` to before ``stop``.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size, self._fetch = size, fetch
        self._windows: list[Window] = []

    def read(self, offset: int, size: int) -> list[Part]:
        """What answers a read; less than ``size`` bytes only at the end of the file."""
        parts, position, stop = [], offset, min(offset + size, self._size)
        while position < stop:
            window = self._covering(position) or self._open(position, stop)
            parts.append(
                Part(window.content, position - window.start, min(stop, window.stop) - window.start),
            )
            position = min(stop, window.stop)
        if parts:
            self._read_ahead(position)
        return parts

    def _covering(self, position: int) -> Window | None:
        self._windows = [window for window in self._windows if not window.has_failed]
        return next((window for window in reversed(self._windows) if window.start <= position < window.stop), None)

    def _open(self, start: int, needed: int) -> Window:
        before = next((window for window in self._windows if window.stop == start), None)
        length = FIRST_BYTES if before is None else min((before.stop - before.start) * GROWTH, MOST_BYTES)
        stop = min(max(start + length, needed), self._size)
        window = Window(start, stop, self._fetch(start, stop))
        self._windows = [*self._windows[1 - KEPT :], window]
        return window

    def _read_ahead(self, position: int) -> None:
        """Begin the next window when half of the newest one is read."""
        newest = self._windows[-1] if self._windows else None
        if newest and (newest.start + newest.stop) / 2 <= position <= newest.stop < self._size:
            self._open(newest.stop, newest.stop)
