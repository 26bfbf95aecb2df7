"""The Lambda Runtime API, one server a sandbox.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PREFIX = "/2018-06-01/runtime"


@dataclass
class Invocation:
    """One event on its way through a sandbox; ``done`` is set once it has an answer."""

    request_id: str
    event: bytes
    headers: dict[str, str]
    done: threading.Event = field(default_factory=threading.Event)
    payload: bytes = b""
    failed: bool = False

    def answer(self, payload: bytes, *, failed: bool) -> None:
        """Take an answer; only the first counts."""
        if not self.done.is_set():
            self.payload, self.failed = payload, failed
            self.done.set()


class RuntimeApi:
    """Hands events to one runtime client and takes its answers."""

    def __init__(self) -> None:
        self.ready = threading.Event()  # the client has asked for its first event, or failed to start
        self.init_error: bytes | None = None
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._current: Invocation | None = None
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 60}, daemon=True).start()

    @property
    def address(self) -> str:
        """``host:port`` for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def hand_over(self, invocation: Invocation) -> None:
        """Let the client have an event as soon as it asks."""
        self._waiting.put(invocation)

    def close(self) -> None:
        """Stop serving; a client that waits is turned away."""
        self._waiting.put(None)
        self._server.socket.close()

    def next_event(self) -> Invocation | None:
        """What the client's request for an event waits for."""
        self.ready.set()
        self._current = self._waiting.get()
        return self._current

    def take(self, path: str, body: bytes) -> None:
        """An answer, an error, or a failed start."""
        if path.endswith("/init/error"):
            self.init_error = body
            self.ready.set()
        elif self._current is not None:
            self._current.answer(body, failed=path.endswith("/error"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write an answer
    server: _Server

    def do_GET(self) -> None:
        invocation = self.server.api.next_event()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(200, invocation.event, invocation.headers)

    def do_POST(self) -> None:
        body = self._body()
        self.server.api.take(self.path, body)
        self._answer(202, json.dumps({"status": "OK"}).encode(), {})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
