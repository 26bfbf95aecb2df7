"""Carries connections out of a job's network: bytes from a listening socket in it to where they are to go.

Standard library only: `network_holder` runs it. A thread for each direction of a connection, for a job has few.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 18
_DNS_SECONDS = 10.0
_RESET = struct.pack("ii", 1, 0)


class Door:
    """A listening socket and where its connections lead.

    Args:
        listener: in the job's network.
        port: of this machine's loopback; None: wherever the host wanted to go.
    """

    def __init__(self, listener: socket.socket, port: int | None) -> None:
        self.listener, self._port = listener, port

    def open(self) -> None:
        """Take one connection and carry it, on threads of its own."""
        client, _ = self.listener.accept()
        threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client:
            target = (LOOPBACK, self._port) if self._port else client.getsockname()
            try:
                server = socket.create_connection(target)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return
            with server:
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Carry one direction to its end, and say so; what breaks one direction breaks both."""
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
    except OSError:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
    else:
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def answer_names(listener: socket.socket, nameserver: tuple[str, int]) -> None:
    """Pass questions (DNS over UDP) on to the machine's name server, one thread each; never returns."""
    while True:
        question, client = listener.recvfrom(4096)
        threading.Thread(target=ask, args=(listener, nameserver, question, client), daemon=True).start()


def ask(listener: socket.socket, nameserver: tuple[str, int], question: bytes, client: tuple[str, int]) -> None:
    """Pass one question on, and the answer back; no answer is none, as with every name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream, contextlib.suppress(OSError):
        upstream.settimeout(_DNS_SECONDS)
        upstream.sendto(question, nameserver)
        listener.sendto(upstream.recv(65536), client)


def serve(doors: Sequence[Door]) -> None:
    """Open doors as somebody knocks; never returns."""
    threading.stack_size(1 << 18)
    selector = selectors.DefaultSelector()
    for door in doors:
        selector.register(door.listener, selectors.EVENT_READ, door)
    while True:
        for key, _ in selector.select():
            with contextlib.suppress(OSError):
                key.data.open()
