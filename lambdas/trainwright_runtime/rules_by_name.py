"""The built-in rules of SageMaker Debugger and Profiler that a run may name, and what each wants saved.

Names and collections: smdebug_rulesconfig 1.0.1, the package that the SageMaker SDK v2 takes them from. The developer
guide ("Amazon SageMaker Debugger release notes", 2023-03-16) says which were discontinued with framework profiling.
"""

from collections.abc import Iterable, Mapping

from pydantic_core import PydanticCustomError

from trainwright_runtime import problems as codes
from trainwright_runtime.reading import nearest_choice, refusal

PROFILER = (
    "ProfilerReport",
    "BatchSize",
    "CPUBottleneck",
    "GPUMemoryIncrease",
    "IOBottleneck",
    "LoadBalancing",
    "LowGPUUtilization",
    "MaxInitializationTime",
    "OverallSystemUsage",
    "StepOutlier",
)

MEANT: Mapping[str, tuple[str, ...]] = {"HardwareUtilization": ("OverallSystemUsage", "LowGPUUtilization")}
"""What users call a rule that AWS has under other names."""

DISCONTINUED = frozenset({"MaxInitializationTime", "StepOutlier"})
"""They look at framework profiling, which AWS has discontinued."""

_EVERY_500 = {"save_interval": "500"}
DEBUGGER: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "AllZero": {},
    "CheckInputImages": {"input_image": {"include_regex": ".*hybridsequential0_input_0", **_EVERY_500}},
    "ClassImbalance": {},
    "Confusion": {},
    "CreateXgboostReport": {
        "metrics": {"save_interval": "5"},
        "feature_importance": {"save_interval": "5"},
        "hyperparameters": {"save_steps": "0"},
        "predictions": {"save_interval": "5"},
        "labels": {"save_interval": "5"},
    },
    "DeadRelu": {"relu_output": {"include_regex": ".*relu_output", **_EVERY_500}},
    "ExplodingTensor": {},
    "FeatureImportanceOverweight": {"feature_importance": _EVERY_500},
    "LossNotDecreasing": {"losses": _EVERY_500},
    "NLPSequenceRatio": {"input_sequence": {"include_regex": ".*embedding0_input_0", **_EVERY_500}},
    "Overfit": {},
    "Overtraining": {},
    "PoorWeightInitialization": {"relu_input": {"include_regex": ".*relu_input", **_EVERY_500}},
    "SaturatedActivation": {},
    "SimilarAcrossRuns": {},
    "StalledTrainingRule": {},
    "TensorVariance": {},
    "TreeDepth": {},
    "UnchangedTensor": {},
    "VanishingGradient": {"gradients": _EVERY_500},
    "WeightUpdateRatio": {"weights": _EVERY_500},
}
"""The debugger's rules, with the collections of tensors that each needs saved."""


def unknown(what: str, name: str, known: Iterable[str]) -> PydanticCustomError:
    """The refusal of a rule that does not exist, with the one that was surely meant."""
    names = tuple(known)
    problem, allowed = f"there is no {what} rule of this name", ", ".join(names)
    if (near := nearest_choice(name, names)) is None:
        return refusal(codes.OUT_OF_RANGE, problem, allowed=allowed)
    return refusal(codes.OUT_OF_RANGE, problem, allowed=allowed, remedy=f"write {near}", replacement=near)
