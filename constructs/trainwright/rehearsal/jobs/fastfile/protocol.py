"""The kernel's FUSE messages as far as a read-only file system needs them: pure packing and unpacking.

The structures and numbers are those of Linux's include/uapi/linux/fuse.h (protocol 7.31 and its predecessors since
7.27, the first whose kernel lets a user namespace mount FUSE). The libraries for this want libfuse, a C library with a
set-uid helper that bare machines lack; the protocol itself needs neither.
"""

from __future__ import annotations

import errno
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Opcode(IntEnum):
    """What the kernel asks for; what is not here is answered with ENOSYS."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    OPEN = 14
    READ = 15
    STATFS = 17
    RELEASE = 18
    INIT = 26
    READDIR = 28
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42
    READDIRPLUS = 44


#: Messages that get no answer.
SILENT = {Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT, Opcode.DESTROY}
ROOT = 1
#: The tree never changes, so the kernel may remember names and attributes for as long as it likes.
FOREVER = 1 << 30

_ASYNC_READ, _DO_READDIRPLUS, _READDIRPLUS_AUTO = 1 << 0, 1 << 13, 1 << 14
# With the last of these, OPENDIR's ENOSYS means that the kernel may open folders alone and keep their listings.
_PARALLEL_DIROPS, _NO_OPENDIR_SUPPORT = 1 << 18, 1 << 24
_FLAGS = _ASYNC_READ | _DO_READDIRPLUS | _READDIRPLUS_AUTO | _PARALLEL_DIROPS | _NO_OPENDIR_SUPPORT
_MAJOR, _MINOR = 7, 31
_MAX_WRITE = 4096
#: The kernel refuses to hand out messages into a smaller buffer (FUSE_MIN_READ_BUFFER).
BUFFER_BYTES = 16 * 1024

_IN_HEADER = struct.Struct("=IIQQIIII")
_OUT_HEADER = struct.Struct("=IiQ")
_ATTRIBUTES = struct.Struct("=QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("=QQQQII")
_ATTRIBUTES_VALID = struct.Struct("=QII")
_OPENED = struct.Struct("=QII")
_READ = struct.Struct("=QQI")
_HANDLE = struct.Struct("=Q")
_DIRENT = struct.Struct("=QQII")
_STATFS = struct.Struct("=QQQQQIIII24x")
_INIT_IN = struct.Struct("=IIII")
_INIT_OUT = struct.Struct("=IIIIHHIIHHI28x")


@dataclass(frozen=True)
class Request:
    """One message of the kernel's: what it asks, of which inode, and the rest of the message."""

    opcode: int
    unique: int
    inode: int
    body: memoryview


@dataclass(frozen=True)
class Attributes:
    """What stat() tells of a file or folder; ``modified`` in seconds since the epoch."""

    inode: int
    is_folder: bool
    size: int
    modified: float


def parse(message: bytes) -> Request:
    """Take a message from /dev/fuse apart."""
    _, opcode, unique, inode, *_ = _IN_HEADER.unpack_from(message)
    return Request(opcode, unique, inode, memoryview(message)[_IN_HEADER.size :])


def answer(unique: int, *parts: bytes | memoryview) -> list[bytes | memoryview]:
    """The buffers of an answer, for one writev()."""
    length = _OUT_HEADER.size + sum(len(part) for part in parts)
    return [_OUT_HEADER.pack(length, 0, unique), *parts]


def refusal(unique: int, number: int = errno.ENOSYS) -> list[bytes | memoryview]:
    """The answer that makes the system call fail with this errno."""
    return [_OUT_HEADER.pack(_OUT_HEADER.size, -number, unique)]


def init(body: memoryview) -> bytes:
    """The answer to INIT: what both sides can do."""
    _, minor, max_readahead, flags = _INIT_IN.unpack_from(body)
    return _INIT_OUT.pack(
        _MAJOR, min(minor, _MINOR), max_readahead, flags & _FLAGS, 64, 48, _MAX_WRITE, 1_000_000_000, 0, 0, 0
    )


def name(body: memoryview) -> bytes:
    """The name that LOOKUP asks for."""
    return bytes(body).rstrip(b"\0")


def read_arguments(body: memoryview) -> tuple[int, int, int]:
    """Handle, offset and size of READ, READDIR and READDIRPLUS."""
    handle, offset, size = _READ.unpack_from(body)
    return handle, offset, size


def handle(body: memoryview) -> int:
    """The handle that RELEASE gives back."""
    return int(_HANDLE.unpack_from(body)[0])


def opened(number: int) -> bytes:
    """The answer to OPEN; without FOPEN_KEEP_CACHE every open reads anew."""
    return _OPENED.pack(number, 0, 0)


def attributes(of: Attributes) -> bytes:
    """The answer to GETATTR."""
    return _ATTRIBUTES_VALID.pack(FOREVER, 0, 0) + _attributes(of)


def entry(of: Attributes) -> bytes:
    """The answer to LOOKUP."""
    return _ENTRY.pack(of.inode, 0, FOREVER, FOREVER, 0, 0) + _attributes(of)


def no_entry() -> bytes:
    """The answer to LOOKUP for a name that there is not, and never will be."""
    return _ENTRY.pack(0, 0, FOREVER, 0, 0, 0) + bytes(_ATTRIBUTES.size)


def _attributes(of: Attributes) -> bytes:
    seconds, nanoseconds = int(of.modified), int(of.modified % 1 * 1_000_000_000)
    mode = stat.S_IFDIR | 0o555 if of.is_folder else stat.S_IFREG | 0o444
    times, parts = (seconds,) * 3, (nanoseconds,) * 3
    links = 2 if of.is_folder else 1
    return _ATTRIBUTES.pack(of.inode, of.size, -(-of.size // 512), *times, *parts, mode, links, 0, 0, 0, 4096, 0)


def listing(children: Iterable[tuple[bytes, Attributes]], offset: int, size: int, *, plus: bool) -> bytes:
    """As many entries of a folder as fit into ``size`` bytes; ``offset`` is the number of the first."""
    packed = bytearray()
    for number, (label, of) in enumerate(children, start=offset + 1):
        record = _record(label, of, number, plus=plus)
        if len(packed) + len(record) > size:
            break
        packed += record
    return bytes(packed)


def _record(label: bytes, of: Attributes, number: int, *, plus: bool) -> bytes:
    kind = (stat.S_IFDIR if of.is_folder else stat.S_IFREG) >> 12
    padded = label.ljust(-(-len(label) // 8) * 8, b"\0")
    record = _DIRENT.pack(of.inode, number, len(label), kind) + padded
    if not plus:
        return record
    return (no_entry() if label in (b".", b"..") else entry(of)) + record


def statfs(files: int, total: int) -> bytes:
    """The answer to STATFS: so many files of so many bytes in all, and no room for more."""
    return _STATFS.pack(-(-total // 4096), 0, 0, files, 0, 4096, 255, 4096, 0)
