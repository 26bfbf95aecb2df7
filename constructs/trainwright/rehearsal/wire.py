"""What a request says and how an answer is written, for every AWS service: botocore's models over moto's codecs."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

# Where the name in a signature is not botocore's name of the service (SigV4 signing names).
SERVICE_BY_SIGNING_NAME = {
    "states": "stepfunctions",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
    "elasticfilesystem": "efs",
    "email": "ses",
    "cost-explorer": "ce",
}
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
# Payloads that say nothing about permissions and may be large stay unread.
_BODY_NOT_NEEDED = {"s3": {"PutObject", "UploadPart"}}


class NotRouted(Exception):
    """No operation of the service answers to this request."""


@dataclass(frozen=True)
class Signature:
    """Who signed a request and for which service (botocore's name)."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True)
class Call:
    """One API call as botocore's model reads it."""

    service: str
    operation: str
    params: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def signature(environ: Mapping[str, Any]) -> Signature | None:
    """The signature in the headers or, for a presigned URL, in the query; None for an unsigned request."""
    text = environ.get("HTTP_AUTHORIZATION", "")
    if not text:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if "AWSAccessKeyId" in query:  # signature version 2, which boto3 still presigns S3 addresses with
            return Signature(query["AWSAccessKeyId"][0], "", "s3")
        text = f"Credential={query.get('X-Amz-Credential', [''])[0]}"
    match = _CREDENTIAL.search(text)
    if match is None:
        return None
    access_key, region, name = match.groups()
    return Signature(access_key, region, _service(name.lower(), environ))


def _service(name: str, environ: Mapping[str, Any]) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if name == "dynamodb" and target.startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if name == "sagemaker" and not target:
        path = environ.get("PATH_INFO", "")
        return "sagemaker-metrics" if path.endswith("BatchPutMetrics") else "sagemaker-runtime"
    return SERVICE_BY_SIGNING_NAME.get(name, name)


def buffer_body(environ: dict[str, Any]) -> bytes:
    """Read a request's body and put it back for whoever reads it next."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if environ.get("wsgi.input_terminated") and not length:  # sent in chunks
        body: bytes = environ["wsgi.input"].read()
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def operation_of(service: str, environ: dict[str, Any]) -> str:
    """The operation that a request names; reads no body except a form's.

    Raises:
        NotRouted: no operation answers to it, or botocore has no such service.
    """
    return str(_route(service, environ)[0].name)


def decode(service: str, environ: dict[str, Any]) -> Call:
    """Read a request by the service's model; the body is put back."""
    operation, path_params = _route(service, environ)
    body = b"" if operation.name in _BODY_NOT_NEEDED.get(service, set()) else buffer_body(environ)
    request = Request({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    protocol = determine_request_protocol(get_service_model(service), request.content_type)
    parser = PROTOCOL_PARSERS[protocol](operation)
    params = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.get_data(),
            "url_path": request.path,
            "url_params": path_params,
        }
    )
    return Call(service, operation.name, params or {}, dict(request.headers))


def _route(service: str, environ: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = buffer_body(environ)
        request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    else:
        request = Request({**environ, "wsgi.input": io.BytesIO(b"")})
    try:
        operation, path_params = _router(service).match(request)
    except (NotFound, NotImplementedError) as error:
        raise NotRouted(f"{service}: {request.method} {request.path}") from error
    return operation, path_params


@cache
def _router(service: str) -> Any:
    return get_service_router(service)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, before it is sent."""

    status: int
    headers: dict[str, str]
    body: bytes


def result(call: Call, output: Mapping[str, Any], environ: Mapping[str, Any]) -> Answer:
    """Write what an operation answers, in the protocol that the request spoke."""
    model = get_service_model(call.service)
    serializer = get_serializer_class(call.service, _protocol(call.service, environ))
    serialized = serializer(model.operation_model(call.operation)).serialize(dict(output))
    body = serialized["body"]
    return Answer(
        serialized["status_code"],
        {str(key): str(value) for key, value in serialized["headers"].items()},
        body.encode() if isinstance(body, str) else body,
    )


def error(service: str, code: str, message: str, environ: Mapping[str, Any], status: int) -> Answer:
    """Write an error in the protocol that the request spoke, with the given HTTP status.

    Shapes: https://smithy.io/2.0/aws/protocols/index.html (the section on error serialisation of each protocol).
    """
    protocol = _protocol(service, environ)
    if protocol in ("query", "ec2", "rest-xml"):
        return Answer(status, {"Content-Type": "text/xml"}, _xml_error(service, protocol, code, message).encode())
    headers = {"Content-Type": _JSON_TYPES.get(protocol, "application/json"), "X-Amzn-ErrorType": code}
    return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())


_JSON_TYPES = {"json": "application/x-amz-json-1.1"}


def _protocol(service: str, environ: Mapping[str, Any]) -> str:
    try:
        return str(determine_request_protocol(get_service_model(service), environ.get("CONTENT_TYPE")))
    except Exception:  # noqa: BLE001  (no such service, or a protocol that nobody speaks: any client can print JSON)
        return "json"


def _xml_error(service: str, protocol: str, code: str, message: str) -> str:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return f"<Error>{inner}</Error>"
    if protocol == "ec2":
        return f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>rehearsal</RequestID></Response>"
    error = f"<Error><Type>Sender</Type>{inner}</Error>"
    return f"<ErrorResponse>{error}<RequestId>rehearsal</RequestId></ErrorResponse>"


def send(answer: Answer, start_response: Any) -> Iterable[bytes]:
    """Hand an answer to the WSGI server."""
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    start_response(f"{answer.status} {_REASON.get(answer.status, 'Answer')}", list(headers.items()))
    return [answer.body]


_REASON = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    501: "Not Implemented",
}
