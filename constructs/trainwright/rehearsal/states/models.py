"""The models of AWS's services, by the names that the SDK for Java 2 gives services, operations and errors.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import functools
import re

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel

# The name in a resource ARN is the one of the SDK for Java 2, where boto3 has another.
BOTO_NAMES = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "elasticloadbalancingv2": "elbv2",
    "emrserverless": "emr-serverless",
    "eventbridge": "events",
    "resourcegroups": "resource-groups",
    "sagemakerruntime": "sagemaker-runtime",
    "servicequotas": "service-quotas",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
}
_NEXT_WORD = re.compile(r"[A-Z]{2,}(?=[^a-z]|$)|[A-Z]{2,}(?=[A-Z][a-z])")


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.lru_cache(maxsize=64)
def _model(service: str) -> ServiceModel:
    return _session().get_service_model(BOTO_NAMES.get(service, service))


@functools.lru_cache(maxsize=256)
def operation(service: str, action: str) -> OperationModel | None:
    """The model of a service's operation, by its name in a resource ARN (createTrainingJob), or None."""
    try:
        model = _model(service)
    except UnknownServiceError:
        return None
    wanted = action.lower()
    name = next((each for each in model.operation_names if each.lower() == wanted), None)
    return model.operation_model(name) if name else None


@functools.lru_cache(maxsize=256)
def exception_prefix(service: str) -> str:
    """The service in the names of its errors, as the SDK for Java 2 spells it (DynamoDb, Sfn, SageMaker)."""
    words = re.split(r"[^A-Za-z0-9]+", str(_model(service).service_id))
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return _NEXT_WORD.sub(lambda found: found.group().capitalize(), joined)


def exception_name(service: str, called: OperationModel | None, code: str) -> str:
    """The error of a refused call: the modelled exception, or the service's general one.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html#use-awssdk-integ
    """
    prefix = exception_prefix(service)
    name = code.rpartition(".")[2].rpartition("#")[2]
    if name not in modelled(called):
        return f"{prefix}.{prefix}Exception"
    return f"{prefix}.{name}" if name.endswith("Exception") else f"{prefix}.{name}Exception"


def modelled(called: OperationModel | None) -> set[str]:
    """The codes and the names of the errors that an operation declares."""
    shapes = called.error_shapes if called is not None else []
    return {str(shape.name) for shape in shapes} | {
        shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes
    }
