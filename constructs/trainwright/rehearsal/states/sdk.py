"""Calls that a Task makes of a service, as the state machine's role: parameters, results and errors in the SDK's names.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.response import StreamingBody

from trainwright.rehearsal import facade
from trainwright.rehearsal.states.checks import PRINCIPAL
from trainwright.rehearsal.states.models import BOTO_NAMES
from trainwright.rehearsal.states.running import iso


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """boto_client_for: a client that calls as the state's role, made once for each service and role."""
    role = getattr(state_credentials, "role_arn", None)
    name = BOTO_NAMES.get(service, service)
    if role is None:
        return facade.client(name)
    return facade.client(name, role_arn=role, service_principal=PRINCIPAL)


def request_id(response: dict[str, Any]) -> str:
    """The request's id in a response or an error of boto3."""
    return str(response.get("ResponseMetadata", {}).get("RequestId", ""))


def status_code(response: dict[str, Any]) -> int:
    """The HTTP status in a response or an error of boto3."""
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))


def long_cause(error: Any, service: str) -> str:
    """The cause of a refusal through an optimised integration (the SDK for Java 1's words)."""
    response = error.response
    details = (
        f"Service: {service}; Status Code: {status_code(response)}; Error Code: {response['Error']['Code']}; "
        f"Request ID: {request_id(response)}; Proxy: null"
    )
    return f"{response['Error'].get('Message', '')} ({details})"


# --- values --------------------------------------------------------------------------------------------------------


def to_request(value: Any, shape: Shape | None) -> Any:
    """Parameters under the names and in the types that the service's model wants."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members: dict[Any, Shape] = dict(shape.members)
        names = {name.lower(): name for name in shape.members}
        return {
            (known := names.get(key.lower(), key)): to_request(item, members.get(known)) for key, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_request(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_request(item, shape.value) for key, item in value.items()}
    return _scalar(value, shape)


def _scalar(value: Any, shape: Shape | None) -> Any:
    kind = shape.type_name if shape is not None else None
    if kind == "string" and value is not None and not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    if kind == "blob" and not isinstance(value, bytes):
        return (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
    return value


def to_result(value: Any, instant: Callable[[datetime.datetime], Any] = iso, *, pascal: bool = True) -> Any:
    """A response as JSON: text for streams and bytes, ``instant`` of times, names with a capital first letter."""
    if isinstance(value, dict):
        return {_pascal(key) if pascal else key: to_result(item, instant, pascal=pascal) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_result(item, instant, pascal=pascal) for item in value]
    if isinstance(value, datetime.datetime):
        return instant(value)
    if isinstance(value, StreamingBody):
        return _text(value.read())
    return _text(value) if isinstance(value, bytes) else value


def response_to_result(value: Any, shape: Shape | None, instant: Callable[[datetime.datetime], Any] = iso) -> Any:
    """A response as the SDK names it: members with a capital first letter, the keys of maps as they are."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {_pascal(key): response_to_result(item, shape.members.get(key), instant) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [response_to_result(item, shape.member, instant) for item in value]
    return to_result(value, instant, pascal=False)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()


def metadata(response: dict[str, Any]) -> dict[str, Any]:
    """SdkHttpMetadata and SdkResponseMetadata, which the optimised integrations add to a response."""
    headers = dict(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": status_code(response),
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": request_id(response)}}
