"""The account's own calls of itself: through the gate like everybody's, without a socket.

A run makes some fifteen calls of the account to itself. Over HTTP on the loopback each costs twice what it does here,
where the thread that asks answers too.
"""

from __future__ import annotations

import contextvars
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.client import HTTPMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_app: App | None = None


def serve(app: App) -> None:
    """Answer the calls of this process with ``app``, once there is one."""
    global _app  # noqa: PLW0603  (one account a process)
    _app = app


class Session:
    """What a botocore client sends its requests with."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Ask the account in this thread; over the network as long as it is not served here."""
        if _app is None:
            answer: AWSResponse = self._network.send(request)
            return answer
        # the answer is made in a context of its own, as in a thread of the server
        status, headers, body = contextvars.copy_context().run(_ask, _app, environ(request))
        return _response(request, status, headers, body)


def use(client: Any) -> None:
    """Let a client of this account ask in its own thread."""
    client._endpoint.http_session = Session(client._endpoint.http_session)


def environ(request: AWSPreparedRequest) -> Environ:
    """The request as a server would have read it from a socket (PEP 3333)."""
    url = urlsplit(request.url)
    body = _body(request.body)
    headers: dict[str, Any] = dict(request.headers.items())
    made: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1") or "/",
        "RAW_URI": f"{url.path}?{url.query}" if url.query else url.path,
        "REQUEST_URI": f"{url.path}?{url.query}" if url.query else url.path,
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "localhost",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    return {**made, **dict(_headers(headers)), PRESERVED_HEADER_NAMES_ENVIRON_KEY: _spelt(headers)}


def _spelt(headers: Mapping[str, Any]) -> dict[str, str]:
    """Names that the environment would change (``x-amz-meta-my_key``), as moto's own server hands them on."""
    return {environ_key_for_header(name): name for name in headers if should_preserve_original_header_name(name)}


def _headers(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if key == "CONTENT_TYPE":
            yield key, text
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "EXPECT"):
            yield f"HTTP_{key}", text


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else bytes(body.read())


def _ask(app: App, environ: Environ) -> tuple[int, HTTPMessage, bytes]:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [status, headers]

    body = b"".join(app(environ, start_response))
    status, given = started
    headers = HTTPMessage()
    for name, value in given:
        headers.add_header(name, value)
    return int(status.split(" ", 1)[0]), headers, body


class _Raw(io.BytesIO):
    """A body that botocore can stream."""

    def stream(self, amt: int = 65536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def _response(request: AWSPreparedRequest, status: int, headers: Any, body: bytes) -> AWSResponse:
    answer = AWSResponse(request.url, status, headers, _Raw(body))
    if not request.stream_output:
        answer.content  # noqa: B018  (reads it now, as botocore's own session does)
    return answer
