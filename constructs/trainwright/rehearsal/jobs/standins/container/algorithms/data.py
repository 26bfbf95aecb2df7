"""Reads a channel to its end, and counts: files, bytes, and records where the format tells where one ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

#: What begins a record (https://mxnet.apache.org/api/faq/recordio).
_MAGIC = 0xCED7230A
_CHUNK = 1 << 20


@dataclass
class Count:
    """What a channel has; ``records`` stays None for formats that this does not take apart."""

    files: int = 0
    bytes: int = 0
    records: int | None = None

    def as_dict(self) -> dict[str, int | None]:
        """For JSON."""
        return asdict(self)

    def add(self, records: int | None) -> None:
        """One more file's records."""
        if records is not None:
            self.records = (self.records or 0) + records


class NotRecordIO(ValueError):
    """A file that should be RecordIO is none."""


def sources(folder: Path, channel: str) -> Iterator[Path]:
    """The channel's files, or for Pipe mode its first epoch."""
    pipe = folder / f"{channel}_0"
    if pipe.is_fifo():
        yield pipe
        return
    yield from (path for path in sorted((folder / channel).rglob("*")) if path.is_file())


def read(path: Path, count: Count, *, recordio: bool, lines: bool) -> None:
    """Read one source and add it to the count.

    Raises:
        NotRecordIO: it is to be RecordIO and is not.
    """
    count.files += 1
    with path.open("rb") as file:
        if recordio:
            count.add(_recordio(file, count))
        else:
            newlines = _plain(file, count)
            count.add(newlines if lines else None)


def _recordio(file: BinaryIO, count: Count) -> int:
    records = 0
    while head := file.read(8):
        magic, length = struct.unpack("<II", head.ljust(8, b"\0"))
        length &= (1 << 29) - 1
        body = file.read(length + -length % 4)
        if magic != _MAGIC or len(body) < length:
            raise NotRecordIO(file.name)
        count.bytes += 8 + len(body)
        records += 1
    return records


def _plain(file: BinaryIO, count: Count) -> int:
    lines, last = 0, b"\n"
    while chunk := file.read(_CHUNK):
        count.bytes += len(chunk)
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return lines + (last != b"\n")


def first_line(path: Path) -> str:
    """A text file's first line, without its end."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\r\n")
