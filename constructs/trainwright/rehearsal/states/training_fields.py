"""The fields of CreateTrainingJob that ``sagemaker:createTrainingJob`` of Step Functions is known to pass.

The integration has a schema of its own that lags behind the API. What is listed here was never seen to pass; the
integration refuses it as it refuses any field that it does not know.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
https://github.com/aws/aws-step-functions-data-science-sdk-python/issues/15
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from trainwright.rehearsal.states.models import operation

NOT_KNOWN_TO_PASS: dict[str, tuple[str, ...]] = {
    "": (
        "EnableInterContainerTrafficEncryption",
        "InfraCheckConfig",
        "MlflowConfig",
        "ModelPackageConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "RemoteDebugConfig",
        "ServerlessJobConfig",
        "SessionChainingConfig",
        "TensorBoardOutputConfig",
    ),
    "AlgorithmSpecification": ("ContainerArguments", "ContainerEntrypoint"),
    "ResourceConfig": ("InstancePreferences", "KeepAlivePeriodInSeconds", "TrainingPlanArn"),
    "StoppingCondition": ("MaxPendingTimeInSeconds",),
}


def is_create(resource: str) -> bool:
    """Whether a Task's resource is the optimised integration (``.sync`` or not)."""
    return resource.partition(":states:::")[2] in ("sagemaker:createTrainingJob", "sagemaker:createTrainingJob.sync")


def unsupported(request: Mapping[str, Any]) -> list[str]:
    """The names of the fields that the integration refuses, in the order of the request."""
    top = _members()
    found = [name for name in request if name not in top or name in NOT_KNOWN_TO_PASS[""]]
    for block, names in NOT_KNOWN_TO_PASS.items():
        inner = request.get(block)
        if block and isinstance(inner, Mapping):
            found += [name for name in inner if name.removesuffix(".$") in names]
    return found


@functools.cache
def _members() -> frozenset[str]:
    called = operation("sagemaker", "createTrainingJob")
    shape = called.input_shape if called is not None else None
    return frozenset(shape.members if shape is not None else ())
