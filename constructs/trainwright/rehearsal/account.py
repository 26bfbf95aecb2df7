"""The account's HTTP server: the gate in front of moto, and the account's own pages."""

from __future__ import annotations

import socket
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from trainwright.rehearsal import facade, faults, gate, inprocess, permissions, pricing, quotas, wire
from trainwright.rehearsal.clock import page, processes
from trainwright.rehearsal.faults import denials
from trainwright.rehearsal.keeping import answers
from trainwright.rehearsal.permissions import granted


class _Handler(MotoRequestHandler):
    # Two small writes a response and Nagle's algorithm cost 40 ms a call.
    disable_nagle_algorithm = True
    timeout = 3600

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header Date: the wall's time, by which clients set their clocks and judge whether to try again."""
        return super().date_time_string(processes.wall_time() if timestamp is None else timestamp)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing: a run makes thousands of requests."""


def http_server(listener: socket.socket) -> BaseWSGIServer:
    """A server on the bound socket; call its ``serve_forever``."""
    gate.page("health", _health)
    gate.page("clock", page.answer)
    gate.page("permissions", _permissions)
    gate.page("faults", _faults)
    gate.page("keeping", answers.begin)
    application = gate.Gate(DomainDispatcherApplication(create_backend_app))
    inprocess.serve(application)
    pricing.serve()
    quotas.serve()
    host, port = listener.getsockname()[:2]
    return make_server(host, port, application, threaded=True, request_handler=_Handler, fd=listener.fileno())


def _health(environ: dict[str, Any]) -> wire.Answer:
    return gate.json_answer({"status": "ok", "endpoint": facade.endpoint()})


def _permissions(environ: dict[str, Any]) -> wire.Answer:
    if environ["PATH_INFO"].endswith("/record"):
        return gate.json_answer(granted.document())
    return gate.json_answer({**permissions.report(), "injected": denials.report()})


def _faults(environ: dict[str, Any]) -> wire.Answer:
    return gate.json_answer(faults.report())
