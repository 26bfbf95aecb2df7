"""ssh and sshd of a job's hosts: ``ssh [options] host command`` runs the command on another host that runs ``sshd``.

MPI starts its processes on other hosts with ssh, and SageMaker's images bring sshd and keys for it (sagemaker-training,
mpi.py: every host starts ``/usr/sbin/sshd -D``). A rehearsal's image is a folder without either, and a real sshd wants
keys and a user of its own; so these two stand in: the same command lines and exit codes, without encryption, for nobody
else is in the job's network. As with a real sshd, a command finds little in its environment and runs in a login's
folder. Standard library only: a host has what its image has.

A command's answer is a row of frames: one byte for what it is, four for the length, and the bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PORT = 22
OUT, ERR, EXIT = 1, 2, 3
CANNOT = 255  # ssh(1): "255 if an error occurred"
_HEAD = struct.Struct("!BI")
# ssh(1): the options that take a value
_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR")


# --- ssh -----------------------------------------------------------------------------------------------------------


def ssh(words: Sequence[str]) -> int:
    """Run a command on another host; its exit code."""
    host, command = read_line(words)
    try:
        server = socket.create_connection((host.rpartition("@")[2], PORT))
    except OSError as error:
        print(f"ssh: connect to host {host} port {PORT}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return CANNOT
    with server:
        server.sendall(json.dumps(command).encode() + b"\n")
        threading.Thread(target=_send_input, args=(server,), daemon=True).start()
        return _print_answer(server.makefile("rb"))


def read_line(words: Sequence[str]) -> tuple[str, str]:
    """Host and command of ssh's command line; an empty command asks for a shell.

    Raises:
        SystemExit: there is no host.
    """
    rest = list(words)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        option = rest.pop(0)
        if option[-1] in _WITH_VALUE and not any(letter in _WITH_VALUE for letter in option[1:-1]):
            rest = rest[1:]
    if not rest:
        print("usage: ssh [options] destination [command [argument ...]]", file=sys.stderr)  # noqa: T201
        raise SystemExit(CANNOT)
    return rest[0], " ".join(rest[1:])


def _send_input(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(0, 65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)


def _print_answer(frames: IO[bytes]) -> int:
    while head := frames.read(_HEAD.size):
        kind, size = _HEAD.unpack(head)
        data = frames.read(size)
        if kind == EXIT:
            return int(data)
        stream = sys.stdout if kind == OUT else sys.stderr
        stream.buffer.write(data)
        stream.flush()
    return CANNOT  # the other host has gone


# --- sshd ----------------------------------------------------------------------------------------------------------


def sshd(words: Sequence[str]) -> int:
    """Serve this host's network until killed; in the background without -D."""
    try:
        listener = socket.create_server(("", PORT), backlog=64)
    except OSError as error:
        print(f"error: Bind to port {PORT} on 0.0.0.0 failed: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return CANNOT
    if not any(word.startswith("-") and "D" in word for word in words) and os.fork():
        return 0
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client,), daemon=True).start()


def _serve(client: socket.socket) -> None:
    with client, contextlib.suppress(OSError):
        command = json.loads(_read_line(client))
        line = [shutil.which("bash") or "/bin/sh", *(["-c", command] if command else ["-l"])]
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = subprocess.Popen(
            line,
            env=environment,
            cwd=os.environ.get("HOME", "/"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        threading.Thread(target=_feed, args=(client, process), daemon=True).start()
        _answer(client, process)


def _read_line(client: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        data = client.recv(1)  # what follows is the command's input
        if not data:
            raise ConnectionError
        line += data
    return line


def _feed(client: socket.socket, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(OSError), process.stdin as pipe:
        while data := client.recv(65536):
            pipe.write(data)
            pipe.flush()


def _answer(client: socket.socket, process: subprocess.Popen[bytes]) -> None:
    whole = threading.Lock()
    readers = [
        threading.Thread(target=_carry, args=(stream, kind, client, whole))
        for stream, kind in ((process.stdout, OUT), (process.stderr, ERR))
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    code = process.wait()
    _frame(client, whole, EXIT, str(code if code >= 0 else 128 - code).encode())


def _carry(stream: IO[bytes] | None, kind: int, client: socket.socket, whole: threading.Lock) -> None:
    assert stream is not None  # noqa: S101 - it is a pipe
    with stream, contextlib.suppress(OSError):
        while data := os.read(stream.fileno(), 65536):
            _frame(client, whole, kind, data)


def _frame(client: socket.socket, whole: threading.Lock, kind: int, data: bytes) -> None:
    with whole:
        client.sendall(_HEAD.pack(kind, len(data)) + data)


def install(python: str, ssh_at: Path, sshd_at: Path) -> None:
    """Put the two programs where a host finds them, unless its image has them."""
    for name, path in (("ssh", ssh_at), ("sshd", sshd_at)):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'#!/bin/sh\nexec "{python}" -I -S "{__file__}" {name} "$@"\n')
            path.chmod(0o755)


if __name__ == "__main__":
    sys.exit({"ssh": ssh, "sshd": sshd}[sys.argv[1]](sys.argv[2:]))
