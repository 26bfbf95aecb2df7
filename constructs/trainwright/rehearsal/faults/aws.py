"""Names that AWS knows, from botocore's models: services, operations, error codes, instance types."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from botocore import loaders

# Errors that every operation of these services can answer beside its own, with their HTTP status.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
COMMON_ERRORS = {
    "AccessDeniedException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 403,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServerException": 500,
    "RequestExpired": 400,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
S3_ERRORS = {
    "AccessDenied": 403,
    "ExpiredToken": 400,
    "InternalError": 500,
    "OperationAborted": 409,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
}
# Where AWS calls a query service's common errors otherwise.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
QUERY_ERRORS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InternalFailure": 500,
    "RequestExpired": 400,
    "ServiceUnavailable": 503,
    "Throttling": 400,
    "ThrottlingException": 400,
    "ValidationError": 400,
}

# Texts of common errors. "Rate exceeded" is what SageMaker says (aws/sagemaker-python-sdk issue 645), "Rate Exceeded."
# what Lambda says; S3's are those of its page on error responses, the rest those of the pages on common errors.
_MESSAGES = {
    "AccessDenied": "Access Denied",
    "AccessDeniedException": "You do not have sufficient access to perform this action.",
    "InternalError": "We encountered an internal error. Please try again.",
    "InternalFailure": "The request processing has failed because of an unknown error, exception or failure.",
    "InternalServerError": "We encountered an internal error. Please try again.",
    "InternalServerException": "We encountered an internal error. Please try again.",
    "RequestExpired": "The request reached the service more than 15 minutes after the date stamp on the request.",
    "RequestTimeout": (
        "Your socket connection to the server was not read from or written to within the timeout period."
    ),
    "ServiceUnavailable": "The request has failed due to a temporary failure of the server.",
    "SlowDown": "Please reduce your request rate.",
    "Throttling": "Rate exceeded",
    "ThrottlingException": "Rate exceeded",
    "TooManyRequestsException": "Rate Exceeded.",
}
# IAM's prefixes that are not botocore's names.
_PREFIXES = (
    "states",
    "servicequotas",
    "tag",
    "elasticfilesystem",
    "elasticloadbalancing",
    "execute-api",
    "access-analyzer",
)


@functools.cache
def services() -> tuple[str, ...]:
    """Services by botocore's names."""
    return tuple(loaders.create_loader().list_available_services("service-2"))


def operations(service: str) -> tuple[str, ...]:
    """The operations of a service."""
    return tuple(_model(service)["operations"])


def errors(service: str, operation: str) -> dict[str, int]:
    """The error codes that an operation can answer, with their HTTP status."""
    model = _model(service)
    shapes = [shape["shape"] for shape in model["operations"][operation].get("errors", ())]
    own = dict(_code(name, model["shapes"][name]) for name in shapes)
    return {**_common(model["metadata"]), **own}


def error_message(service: str, code: str) -> str:
    """An error's text in AWS's words: what is on record, else what the model says of it."""
    if code in _MESSAGES:
        return _MESSAGES[code]
    shapes = _model(service)["shapes"]
    said = [shape for name, shape in shapes.items() if shape.get("exception") and _code(name, shape)[0] == code]
    text = re.sub(r"<[^>]+>", "", said[0].get("documentation", "")) if said else ""
    return " ".join(text.split()) or code


def required(service: str, operation: str) -> tuple[str, ...]:
    """The parameters without which an operation cannot be called: they say what a call is about."""
    model = _model(service)
    shape = model["operations"][operation].get("input", {}).get("shape")
    return tuple(model["shapes"][shape].get("required", ())) if shape else ()


@functools.cache
def action_prefixes() -> tuple[str, ...]:
    """The prefixes of IAM actions, which are the names that services are signed for, and those they are called by.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    return tuple(sorted({*services(), *_PREFIXES}))


def instance_types() -> tuple[str, ...]:
    """The instance types of training jobs."""
    return tuple(_model("sagemaker")["shapes"]["TrainingInstanceType"]["enum"])


def _code(name: str, shape: Mapping[str, Any]) -> tuple[str, int]:
    error = shape.get("error", {})
    return error.get("code", name), error.get("httpStatusCode", 500 if shape.get("fault") else 400)


def _common(metadata: Mapping[str, Any]) -> dict[str, int]:
    if metadata["endpointPrefix"] == "s3":
        return S3_ERRORS
    return QUERY_ERRORS if metadata["protocol"] in ("query", "ec2", "rest-xml") else COMMON_ERRORS


@functools.cache
def _model(service: str) -> dict[str, Any]:
    model: dict[str, Any] = loaders.create_loader().load_service_model(service, "service-2")
    return model
