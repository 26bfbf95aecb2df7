"""The FastFile mounts of one host: its /dev/fuse descriptors come over a socket, and one thread answers on them.

The host opens /dev/fuse and mounts in its own namespaces (the kernel wants both in one user namespace), so a mount is
seen by nobody else and goes with the host. When this process dies the last descriptor closes, and the kernel fails
every read that waits (fs/fuse/dev.c, fuse_dev_release): nothing hangs.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import socket
import threading
from collections.abc import Mapping

from trainwright.rehearsal.jobs.fastfile.filesystem import Buffers, FileSystem
from trainwright.rehearsal.jobs.fastfile.protocol import BUFFER_BYTES

#: What a read of /dev/fuse says when there is nothing (more) to be read just now.
_AGAIN = {errno.EAGAIN, errno.EINTR, errno.ENOENT}
#: So many messages of one file system are answered before the next one's turn.
_AT_A_TIME = 64
_log = logging.getLogger(__name__)


class _Connection:
    """One mounted file system; closed once, and never written to after that."""

    def __init__(self, descriptor: int, files: FileSystem) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor, self._files = descriptor, files
        self._lock, self._is_open = threading.Lock(), True

    def serve(self) -> bool:
        """Answer what is there; False when it is unmounted."""
        try:
            for _ in range(_AT_A_TIME):
                self._files.handle(os.read(self.descriptor, BUFFER_BYTES), self._reply)
        except OSError as error:
            return error.errno in _AGAIN
        return True

    def _reply(self, buffers: Buffers) -> None:
        with self._lock, contextlib.suppress(OSError):  # whoever asked may be gone
            if self._is_open:
                os.writev(self.descriptor, buffers)

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            os.close(self.descriptor)


class Mounts:
    """Serves file systems to a host from its start to its end.

    Args:
        file_systems: by the folder, as the host's processes see it.
    """

    def __init__(self, file_systems: Mapping[str, FileSystem]) -> None:
        self._file_systems = dict(file_systems)
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stopped, self._is_receiving = threading.Event(), True
        self._wake, self._waker = os.pipe()
        self._connections: dict[int, _Connection] = {}
        self._poll = select.poll()
        self._thread = threading.Thread(target=self._run, name="fastfile", daemon=True)

    @property
    def folders(self) -> list[str]:
        """What is to be mounted."""
        return list(self._file_systems)

    def start(self) -> None:
        """Begin to serve; the host has its end of the socket by now."""
        self.theirs.close()
        self._thread.start()

    def stop(self) -> None:
        """Close everything; who still reads there gets an error. Returns at once, and may be called twice."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        os.close(self._waker)
        if self._thread.ident is None:
            self.theirs.close()
            self._thread.start()

    def _run(self) -> None:
        try:
            self._poll.register(self._wake, select.POLLIN)
            self._poll.register(self._ours, select.POLLIN)
            while not self._stopped.is_set() and (self._is_receiving or self._connections):
                for descriptor, _ in self._poll.poll():
                    self._attend(descriptor)
        except OSError:
            _log.exception("the FastFile channels of a host")
        finally:
            for connection in self._connections.values():
                connection.close()
            self._ours.close()
            os.close(self._wake)

    def _attend(self, descriptor: int) -> None:
        if descriptor == self._ours.fileno():
            self._receive()
        elif descriptor in self._connections and not self._connections[descriptor].serve():
            self._poll.unregister(descriptor)
            self._connections.pop(descriptor).close()

    def _receive(self) -> None:
        name, descriptors, *_ = socket.recv_fds(self._ours, 4096, 1, socket.MSG_CMSG_CLOEXEC)
        if not descriptors:  # the host has sent all, or is gone
            self._poll.unregister(self._ours)
            self._is_receiving = False
            return
        connection = _Connection(descriptors[0], self._file_systems[name.decode()])
        self._connections[connection.descriptor] = connection
        self._poll.register(connection.descriptor, select.POLLIN)
