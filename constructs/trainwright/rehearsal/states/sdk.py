"""Calls that a Task makes of a service, as the state machine's role: parameters, results and errors in the SDK's names.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import base64
import datetime
import email.utils
import json
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.response import StreamingBody
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import StateCredentials

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.states.checks import client_as
from trainwright.rehearsal.states.models import BOTO_NAMES
from trainwright.rehearsal.states.running import iso

#: Error codes that ask for another try, as botocore's own retries know them.
THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"})
CONTENT_TYPES = {
    "dynamodb": "application/x-amz-json-1.0",
    "sns": "text/xml",
    "sqs": "application/x-amz-json-1.0",
    "states": "application/x-amz-json-1.0",
}


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """boto_client_for: a client that calls as the state's role, made once for each service and role."""
    role = getattr(state_credentials, "role_arn", None)
    name = BOTO_NAMES.get(service, service)
    if role is None:
        return facade.client(name)
    execution_role = getattr(state_credentials, "assumed_by", None)
    if execution_role is None:
        return client_as(name, role)
    _assume(role, execution_role)
    return facade.client(name, role_arn=role)


@dataclass
class TaskCredentials(StateCredentials):
    """The role in a Task's Credentials, which the state machine's own role assumes.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
    """

    assumed_by: str


def task_credentials(self: Any, env: Any) -> StateCredentials:
    """StateTask._eval_state_credentials: the machine's role, or the one that it assumes for this Task."""
    execution_role = env.aws_execution_details.role_arn
    if not self.credentials:
        return StateCredentials(role_arn=execution_role)
    self.credentials.eval(env=env)
    return TaskCredentials(role_arn=env.stack.pop().role_arn, assumed_by=execution_role)


def _assume(role: str, execution_role: str) -> None:
    """Ask STS, as the execution role: its policies must allow it and the other role must trust it."""
    client_as("sts", execution_role).assume_role(RoleArn=role, RoleSessionName="states")


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
    """Parameters under the names and in the types that the service's model wants; what is null is not sent."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members: dict[Any, Shape] = dict(shape.members)
        names = {name.lower(): name for name in shape.members}
        return {
            (known := names.get(key.lower(), key)): to_request(item, members.get(known))
            for key, item in value.items()
            if item is not None
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
        # What is streamed (S3's Body) is written as JSON, a text with its quotes: recorded with AWS, see s3_result.
        as_text = isinstance(value, str) and not (shape and shape.serialization.get("streaming"))
        return (value if as_text else json.dumps(value, separators=(",", ":"))).encode()
    return value


def s3_result(action: str, result: dict[str, Any]) -> dict[str, Any]:
    """What S3 adds to the object that it stores or gives, and what it does not say unasked.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/services/test_aws_sdk_task_service
    """
    if action == "putObject":
        return {"ChecksumType": "FULL_OBJECT", "ServerSideEncryption": "AES256"} | result
    if action == "getObject":
        told = {key: value for key, value in result.items() if not key.startswith("Checksum")}
        return {"ServerSideEncryption": "AES256"} | told
    return result


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


def invocation_metadata(response: dict[str, Any], length: int) -> dict[str, Any]:
    """SdkHttpMetadata and SdkResponseMetadata of an Invoke whose payload has ``length`` bytes, in AWS's spelling.

    The headers are those of Lambda's own endpoint, not of the server that plays it here.
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax
    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/services/test_lambda_task_service
    """
    instant = datetime.datetime.now(tz=datetime.UTC)
    # Lambda's request ids are UUIDs, which those of this account's server are not.
    identifier = str(uuid.uuid5(uuid.NAMESPACE_OID, request_id(response)))
    headers = {
        "X-Amz-Executed-Version": response.get("ExecutedVersion", "$LATEST"),
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "x-amzn-RequestId": identifier,
        "Content-Length": str(length),
        "Date": email.utils.format_datetime(instant, usegmt=True),
        "X-Amzn-Trace-Id": f"root=1-{int(instant.timestamp()):08x}-{clock.random().randbytes(12).hex()};sampled=0",
        "Content-Type": "application/json",
    }
    return _metadata(response, headers, identifier)


def integration_metadata(service: str, response: dict[str, Any]) -> dict[str, Any]:
    """The metadata that the optimised integrations of these services add to a response, with the service's headers.

    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/services/test_sqs_task_service
    """
    identifier = str(uuid.uuid4())
    body = _body(service, response)
    headers = {
        "x-amzn-RequestId": identifier,
        "Connection" if service == "dynamodb" else "connection": "keep-alive",
        "Content-Length": str(len(body)),
        "Date": email.utils.format_datetime(datetime.datetime.now(tz=datetime.UTC), usegmt=True),
        "Content-Type": CONTENT_TYPES[service],
    }
    if service == "dynamodb":
        headers |= {"Server": "Server", "x-amz-crc32": str(zlib.crc32(body))}
    return _metadata({"ResponseMetadata": {"HTTPStatusCode": 200}}, headers, identifier)


def _body(service: str, response: dict[str, Any]) -> bytes:
    if service != "sns":
        return json.dumps(response, separators=(",", ":"), default=_stored).encode()
    result = "".join(f"    <{name}>{value}</{name}>\n" for name, value in response.items())
    request = f"  <ResponseMetadata>\n    <RequestId>{uuid.uuid4()}</RequestId>\n  </ResponseMetadata>\n"
    start = '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">\n'
    return f"{start}  <PublishResult>\n{result}  </PublishResult>\n{request}</PublishResponse>\n".encode()


def _stored(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return round(value.timestamp(), 3)
    return _text(value) if isinstance(value, bytes) else str(value)


def metadata(response: dict[str, Any]) -> dict[str, Any]:
    """SdkHttpMetadata and SdkResponseMetadata, which the optimised integrations add to a response."""
    headers = dict(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    return _metadata(response, headers, request_id(response))


def _metadata(response: dict[str, Any], headers: dict[str, str], identifier: str) -> dict[str, Any]:
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": status_code(response),
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": identifier}}
