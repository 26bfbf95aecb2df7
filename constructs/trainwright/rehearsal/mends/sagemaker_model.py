"""SageMaker refuses what its own model does not allow, in every operation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.model import StructureShape
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.sagemaker import responses
from moto.sagemaker.exceptions import SagemakerClientError

from trainwright.rehearsal import constraints
from trainwright.rehearsal.mends import Mend

_TARGET = "moto.core.responses:BaseResponse.call_action"

Call = Callable[[responses.SageMakerResponse], Any]


def call_action(self: responses.SageMakerResponse, otherwise: Call) -> Any:
    """What botocore's model refuses is refused before moto sees it."""
    try:
        request = json.loads(self.body or "{}")
    except ValueError:
        return _refuse(self, constraints.Problem("SerializationException", "The request is not JSON."))
    found = _problem(self._get_action(), request)
    return _refuse(self, found) if found else otherwise(self)


def _problem(operation: str | None, request: Any) -> constraints.Problem | None:
    model = get_service_model("sagemaker")
    shape = model.operation_model(operation).input_shape if operation in model.operation_names else None
    return constraints.problem(shape, request) if isinstance(shape, StructureShape) else None


def _refuse(response: responses.SageMakerResponse, found: constraints.Problem) -> Any:
    status, headers, body = response.serialized(ActionResult(SagemakerClientError(found.code, found.message)))
    return status, headers, body


def _apply() -> None:
    before = responses.SageMakerResponse.call_action
    setattr(responses.SageMakerResponse, "call_action", lambda self: call_action(self, before))  # noqa: B010


MENDS: tuple[Mend, ...] = (
    Mend(
        "sagemaker-model",
        _TARGET,
        "26076963fd17fd1a40be642032b5a8d90f159c19d01b80a5f0b0c839770ee0d6",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html",
        "moto checks no value against the API's model: an unknown sort key gives a 500, an unknown status no jobs",
        _apply,
    ),
)
