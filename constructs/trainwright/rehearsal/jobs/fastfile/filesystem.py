"""Answers the kernel for one FastFile channel: names at once, bytes when S3 has sent them."""

from __future__ import annotations

import errno
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from trainwright.rehearsal.jobs.fastfile import protocol
from trainwright.rehearsal.jobs.fastfile.protocol import Opcode, Request
from trainwright.rehearsal.jobs.fastfile.reading import OpenFile, Part
from trainwright.rehearsal.jobs.fastfile.tree import File, Folder, Tree
from trainwright.rehearsal.jobs.s3 import Listed

Buffers = list[bytes | memoryview]
Reply = Callable[[Buffers], None]
#: Begins to fetch an object's bytes from the first number to before the second.
FetchRange = Callable[[Listed, int, int], "Future[bytes]"]
_log = logging.getLogger(__name__)


class FileSystem:
    """A read-only view of a tree; `handle` is called by one thread, replies come from any."""

    def __init__(self, tree: Tree, fetch: FetchRange) -> None:
        self._tree, self._fetch = tree, fetch
        self._open_files: dict[int, tuple[Listed, OpenFile]] = {}
        self._handles = itertools.count(1)

    def handle(self, message: bytes, reply: Reply) -> None:
        """Answer one message of the kernel's, now or when the bytes are here; never waits."""
        request = protocol.parse(message)
        if request.opcode in protocol.SILENT:
            return
        if request.opcode == Opcode.READ:
            self._read(request, reply)
        else:
            reply(self._answer(request))

    def _answer(self, request: Request) -> Buffers:
        method = _ANSWERS.get(request.opcode)
        if method is None:
            return protocol.refusal(request.unique)
        try:
            return protocol.answer(request.unique, method(self, request))
        except OSError as error:
            return protocol.refusal(request.unique, error.errno or errno.EIO)

    def _init(self, request: Request) -> bytes:
        return protocol.init(request.body)

    def _node(self, request: Request) -> File | Folder:
        node = self._tree.node(request.inode)
        if node is None:
            raise OSError(errno.ENOENT, "no such inode")
        return node

    def _folder(self, request: Request) -> Folder:
        node = self._node(request)
        if not isinstance(node, Folder):
            raise OSError(errno.ENOTDIR, "no folder")
        return node

    def _look_up(self, request: Request) -> bytes:
        child = self._folder(request).children.get(protocol.name(request.body))
        return protocol.no_entry() if child is None else protocol.entry(child.attributes)

    def _attributes(self, request: Request) -> bytes:
        return protocol.attributes(self._node(request).attributes)

    def _list(self, request: Request) -> bytes:
        _, offset, size = protocol.read_arguments(request.body)
        children = itertools.islice(self._folder(request).order, offset, None)
        return protocol.listing(children, offset, size, plus=request.opcode == Opcode.READDIRPLUS)

    def _statfs(self, _: Request) -> bytes:
        return protocol.statfs(self._tree.files, self._tree.total)

    def _open(self, request: Request) -> bytes:
        node = self._node(request)
        if isinstance(node, Folder):
            raise OSError(errno.EISDIR, "a folder")
        number = next(self._handles)
        self._open_files[number] = node.source, OpenFile(node.source.size, partial(self._fetch, node.source))
        return protocol.opened(number)

    def _release(self, request: Request) -> bytes:
        self._open_files.pop(protocol.handle(request.body), None)
        return b""

    def _read(self, request: Request, reply: Reply) -> None:
        number, offset, size = protocol.read_arguments(request.body)
        if number not in self._open_files:
            reply(protocol.refusal(request.unique, errno.EBADF))
            return
        source, file = self._open_files[number]
        parts = file.read(offset, size)
        _when_all_are_here(parts, lambda: reply(_content(request.unique, source, parts)))


_ANSWERS: dict[int, Callable[[FileSystem, Request], bytes]] = {
    Opcode.INIT: FileSystem._init,
    Opcode.LOOKUP: FileSystem._look_up,
    Opcode.GETATTR: FileSystem._attributes,
    Opcode.READDIR: FileSystem._list,
    Opcode.READDIRPLUS: FileSystem._list,
    Opcode.STATFS: FileSystem._statfs,
    Opcode.OPEN: FileSystem._open,
    Opcode.RELEASE: FileSystem._release,
}


def _when_all_are_here(parts: list[Part], done: Callable[[], None]) -> None:
    missing, lock = [len(parts)], threading.Lock()

    def one_more(_: Future[bytes]) -> None:
        with lock:
            missing[0] -= 1
            is_last = not missing[0]
        if is_last:
            done()

    for part in parts:
        part.content.add_done_callback(one_more)
    if not parts:
        done()


def _content(unique: int, source: Listed, parts: list[Part]) -> Buffers:
    """The bytes, or EIO: POSIX has no other word for an object that may not be read or is gone."""
    try:
        return protocol.answer(unique, *(memoryview(part.content.result())[part.start : part.stop] for part in parts))
    except Exception as error:  # noqa: BLE001 - whatever S3 says, the reading process must get an answer
        _log.warning("FastFile: %s cannot be read: %s", source.uri, error)
        return protocol.refusal(unique, errno.EIO)
