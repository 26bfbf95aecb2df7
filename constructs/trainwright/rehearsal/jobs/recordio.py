"""The framing of MXNet's RecordIO, in which Pipe mode wraps what it sends when RecordWrapperType says so.

A record is the magic number, its length with three bits of flags above 29 bits, the data, and zeros up to a multiple
of four; all numbers little-endian (https://mxnet.apache.org/api/architecture/note_data_loading#data-format). The flags
are 0 for a whole record, else 1, 2 and 3 for a first, a middle and a last part. AWS's own reader joins parts with
nothing between them (aws/sagemaker-tensorflow-extensions, RecordIOReader.cpp); MXNet's puts the magic number there.
So parts are made only of what is too long for the 29 bits, as AWS's reader joins them.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

MAGIC = 0xCED7230A
#: The longest part: its length has 29 bits.
LONGEST = (1 << 29) - 1
_WHOLE, _FIRST, _MIDDLE, _LAST = 0, 1, 2, 3
_IN_MEMORY = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


def wrap(chunks: Iterable[bytes], *, longest: int = LONGEST) -> Iterator[bytes]:
    """One record around the chunks, which are collected first: a record begins with its length."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        for chunk in chunks:
            spool.write(chunk)
        size = spool.tell()
        spool.seek(0)
        for flag, length in _parts(size, longest):
            yield struct.pack("<II", MAGIC, flag << 29 | length)
            yield from _take(spool, length)
            yield bytes(-length % 4)


def _parts(size: int, longest: int) -> Iterator[tuple[int, int]]:
    if size <= longest:
        yield _WHOLE, size
        return
    yield _FIRST, longest
    left = size - longest
    while left > longest:
        yield _MIDDLE, longest
        left -= longest
    yield _LAST, left


def _take(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length:
        chunk = file.read(min(length, _CHUNK))
        yield chunk
        length -= len(chunk)
