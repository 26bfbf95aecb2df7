"""What Step Functions' own integration is not known to pass on to CreateTrainingJob.

The integration has a schema of its own that lags behind the API, and no page lists it any more; a field that it does
not know ends the execution with States.Runtime before a job exists. Below are the fields for which a working example
was found: the ten of the first years, and those that the AWS samples, aws-step-functions-data-science-sdk-python and
aws-cdk send by it. A request with any other field is started by the Launch function instead (docs/unverified.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

_Known = Mapping[str, "_Known | None"]
"""Names that pass, each with the names that pass inside it; None: whatever is inside."""

_ALGORITHM: _Known = dict.fromkeys(
    ("TrainingImage", "AlgorithmName", "TrainingInputMode", "MetricDefinitions", "EnableSageMakerMetricsTimeSeries")
)
KNOWN_TO_PASS: _Known = {
    **dict.fromkeys(("TrainingJobName", "RoleArn", "HyperParameters", "InputDataConfig", "VpcConfig", "Tags")),
    **dict.fromkeys(("Environment", "EnableNetworkIsolation", "RetryStrategy", "ExperimentConfig")),
    **dict.fromkeys(("EnableManagedSpotTraining", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations")),
    "AlgorithmSpecification": _ALGORITHM,
    "OutputDataConfig": dict.fromkeys(("S3OutputPath", "KmsKeyId")),
    "ResourceConfig": dict.fromkeys(("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")),
    "StoppingCondition": dict.fromkeys(("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds")),
}


def not_known_to_pass(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a CreateTrainingJob request that Step Functions' integration may refuse, `ResourceConfig.X` for
    one inside a block."""
    return tuple(_unknown(request, KNOWN_TO_PASS, ""))


def _unknown(block: Mapping[str, Any], known: _Known, at: str) -> Iterator[str]:
    for name, value in block.items():
        inner = known.get(name)
        if name not in known:
            yield f"{at}{name}"
        elif inner is not None and isinstance(value, Mapping):
            yield from _unknown(value, inner, f"{at}{name}.")


REFUSALS = ()
CAUTIONS = ()
