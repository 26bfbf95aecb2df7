"""The front door: every request to the account passes here before moto sees it.

It knows who calls, asks the evaluator whether the caller may, answers what the account answers itself (its own health
and permissions, services that are not moto's), and turns what moto fails at into an error that a client can read.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

from trainwright.rehearsal import clock, facade, permissions, wire
from trainwright.rehearsal.config import OWN_AGENT
from trainwright.rehearsal.faults import api_errors, invocations
from trainwright.rehearsal.keeping import answers
from trainwright.rehearsal.permissions.errors import PermissionDenied

log = logging.getLogger("trainwright.rehearsal")

Environ = dict[str, Any]
OwnPage = Callable[[Environ], wire.Answer]
Service = Callable[[wire.Call, Environ], wire.Answer]

_pages: dict[str, OwnPage] = {}
_services: dict[str, Service] = {}


def page(prefix: str, answer: OwnPage) -> None:
    """Answer requests whose path begins with ``/_trainwright/<prefix>``."""
    _pages[prefix] = answer


def service(name: str, answer: Service) -> None:
    """Answer every call of a service here, in moto's place."""
    _services[name] = answer


def json_answer(content: Any, status: int = 200) -> wire.Answer:
    """An answer in JSON for the account's own pages."""
    return wire.Answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())


class Gate:
    """A WSGI application around moto's."""

    def __init__(self, moto: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self._moto = moto

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_trainwright/"):
            return wire.send(_own_page(path.removeprefix("/_trainwright/"), environ), start_response)
        with clock.counted(lambda: _work(environ)):
            return self._serve(path, environ, start_response)

    def _serve(self, path: str, environ: Environ, start_response: Any) -> Iterable[bytes]:
        permissions.caller.set(None)
        signature = wire.signature(environ)
        try:
            refusal = _refusal(signature, environ)
            if refusal is not None:
                wire.buffer_body(environ)  # what stays unread would be taken for the connection's next request
                return wire.send(refusal, start_response)
            if signature is not None and signature.service in _services:
                return wire.send(_answer_here(signature.service, environ), start_response)
            return answers.answer(self._moto, signature.service if signature else None, environ, start_response)
        except PermissionDenied as denied:
            return wire.send(_denied(signature.service if signature else "s3", denied, environ), start_response)
        except invocations.Throttled as throttled:
            return wire.send(wire.error("lambda", throttled.code, str(throttled), environ, 429), start_response)
        except Exception as error:
            log.exception("%s %s failed", environ.get("REQUEST_METHOD"), path)
            return wire.send(_failure(signature, error, environ), start_response)


def _work(environ: Environ) -> str:
    """What a request asks for, in a few letters: the same for the same request in another run."""
    told = (environ.get(key, "") for key in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_AMZ_TARGET"))
    body = wire.buffer_body(environ)
    return f"request {hashlib.sha256(b'|'.join([*(text.encode() for text in told), body])).hexdigest()[:16]}"


def _own_page(path: str, environ: Environ) -> wire.Answer:
    for prefix, answer in _pages.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return answer(environ)
    return json_answer({"error": f"no page {path}", "pages": sorted(_pages)}, status=404)


def _answer_here(name: str, environ: Environ) -> wire.Answer:
    try:
        call = wire.decode(name, environ)
    except wire.NotRouted as error:
        return wire.error(name, "UnknownOperationException", str(error), environ, 400)
    return _services[name](call, environ)


def _refusal(signature: wire.Signature | None, environ: Environ) -> wire.Answer | None:
    """The answer to a caller who may not, or None."""
    if signature is None:
        return _refuse_unsigned(environ)
    if signature.access_key == facade.ROOT_ACCESS_KEY:
        if signature.service == "sts":  # trust policies are for roots too
            permissions.note_call(wire.decode("sts", environ))
        return _struck_user(signature, environ)
    session = permissions.principal(signature.access_key)
    if session is None:
        return _invalid_key(signature, environ)
    try:
        call = wire.decode(signature.service, environ)
    except Exception as error:  # noqa: BLE001  (what cannot be read cannot be judged, so it is refused)
        return _unreadable(signature, environ, error)
    try:
        permissions.check(signature.access_key, call)
    except PermissionDenied as denied:
        return _denied(call.service, denied, environ)
    return _struck(call, session.role_arn.rpartition("/")[2], environ)


def _struck_user(signature: wire.Signature, environ: Environ) -> wire.Answer | None:
    """The error that a fault has for a call of a user's; the account's own calls get none."""
    if OWN_AGENT in environ.get("HTTP_USER_AGENT", "") or not api_errors.wants_users(signature.service):
        return None
    try:
        call = wire.decode(signature.service, environ)
    except wire.NotRouted:
        return None
    return _struck(call, None, environ)


def _struck(call: wire.Call, role: str | None, environ: Environ) -> wire.Answer | None:
    answer = api_errors.strike(call.service, call.operation, call.params, role)
    return wire.error(call.service, answer.code, answer.message, environ, answer.status) if answer else None


def _refuse_unsigned(environ: Environ) -> wire.Answer | None:
    if environ.get("PATH_INFO", "").startswith("/moto-api"):
        return None
    message = "Access Denied: the request carries no signature that this account can read"
    return wire.error("s3", "AccessDenied", message, environ, 403)


def _invalid_key(signature: wire.Signature, environ: Environ) -> wire.Answer:
    if signature.service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return wire.error("s3", "InvalidAccessKeyId", message, environ, 403)
    message = "The security token included in the request is invalid."
    code = "InvalidClientTokenId" if signature.service in permissions.QUERY_SERVICES else "UnrecognizedClientException"
    return wire.error(signature.service, code, message, environ, 403)


def _unreadable(signature: wire.Signature, environ: Environ, error: Exception) -> wire.Answer:
    what = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')} {environ.get('HTTP_X_AMZ_TARGET', '')}".strip()
    permissions.note_unknown(signature.access_key, f"{signature.service}: {what}")
    message = f"the rehearsal's IAM evaluator cannot tell which {signature.service} operation this is: {what} ({error})"
    return wire.error(signature.service, permissions.NOT_EVALUATED, message, environ, 400)


def _denied(name: str, denied: PermissionDenied, environ: Environ) -> wire.Answer:
    code, status = permissions.error_code(name, denied)
    return wire.error(name, code, str(denied), environ, status)


def _failure(signature: wire.Signature | None, error: Exception, environ: Environ) -> wire.Answer:
    name = signature.service if signature else "s3"
    message = f"the embedded account failed: {error!r}; see account.log"
    if isinstance(error, NotImplementedError):  # 501, because SDKs try again on a 500
        return wire.error(name, "NotImplemented", message, environ, 501)
    return wire.error(name, "InternalFailure", message, environ, 500)
