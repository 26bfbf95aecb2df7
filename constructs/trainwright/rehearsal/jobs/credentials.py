"""The training process's own AWS credentials: those of the execution role, fetched from a local address.

On SageMaker a container finds them through AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, at 169.254.170.2 (recorded in logs
of AWS's own algorithms). That address cannot be had on another machine, so here it is
AWS_CONTAINER_CREDENTIALS_FULL_URI, which every AWS SDK reads in the same place
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/v2/credentials/"
Fetch = Callable[[str], Mapping[str, str]]


class CredentialsServer:
    """Hands out a role's credentials to whoever knows its address; on the loopback only.

    Args:
        fetch: gives AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN for a role's ARN.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._roles: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="credentials", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def open(self, role: str) -> str:
        """An address for one job's processes."""
        path = f"{PATH}{uuid.uuid4()}"
        self._roles[path] = role
        return f"http://localhost:{self.port}{path}"

    def close(self, address: str) -> None:
        """The job has ended: its address answers no more."""
        self._roles.pop(PATH + address.rpartition("/")[2], None)

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> dict[str, str] | None:
        """The document that SDKs expect; None for an unknown address."""
        role = self._roles.get(path)
        if role is None:
            return None
        variables = self._fetch(role)
        expires = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "RoleArn": role,
            "AccessKeyId": variables["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": variables["AWS_SECRET_ACCESS_KEY"],
            "Token": variables["AWS_SESSION_TOKEN"],
            "Expiration": expires,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = answer(self.path)
                body = json.dumps(document or {"message": "no such credentials"}).encode()
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the account's log is for what goes wrong."""

        return Handler
