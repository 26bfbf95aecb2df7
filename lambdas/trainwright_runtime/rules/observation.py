"""Debugger, profiler, metrics. Sources: "Amazon SageMaker Debugger release notes", "Debugger built-in rules" (developer
guide); sagemaker SDK v2, estimator.EstimatorBase."""

from collections.abc import Iterator

from trainwright_runtime import images
from trainwright_runtime.observation import profiles
from trainwright_runtime.problems import Problem
from trainwright_runtime.rules.look import Look
from trainwright_runtime.rules_by_name import DISCONTINUED, MEANT

PROFILER_RULES, DEBUGGER_RULES = ("profiler", "rules"), ("debugger", "rules")
PARAMETERS = ("profiler_config", "profiling_parameters")
DISABLED = ("profiler_config", "disable_profiler")

WITHOUT_PROFILER = frozenset(
    {
        "us-iso-east-1",
        "us-isob-east-1",
        "ap-southeast-3",
        "ap-southeast-4",
        "eu-south-2",
        "me-central-1",
        "ap-south-2",
        "eu-central-2",
        "us-gov-east-1",
    }
)
"""sagemaker SDK v2, fw_utils.DEBUGGER_UNSUPPORTED_REGIONS and PROFILER_UNSUPPORTED_REGIONS, which are the same."""


def _region(look: Look) -> Iterator[Problem]:
    region = look.site.region
    for leaf, asked in ((("profiler", "enabled"), profiles(look.request)), (("debugger", "enabled"), _debugs(look))):
        if asked and region in WITHOUT_PROFILER:
            yield look.conflict(
                leaf, f"AWS has it in other regions only, not in {region}", remedy="leave it out", remove=True
            )
        elif asked and _has_rules(look, leaf[0]):
            yield from _evaluator(look, leaf)


def _debugs(look: Look) -> bool:
    return look.request.get("debugger", "enabled") is True or bool(look.request.below("debug_hook_config"))


def _has_rules(look: Look, kind: str) -> bool:
    if kind == "debugger":
        return bool(look.request.get(*DEBUGGER_RULES))
    return look.request.get("profiler", "enabled") is True and look.request.get(*PROFILER_RULES) != []


def _evaluator(look: Look, leaf: tuple[str, ...]) -> Iterator[Problem]:
    try:
        images.debugger_rules_image(look.site.region)
    except images.ImageError as error:
        yield look.conflict(leaf, error.problem, allowed=error.allowed, remedy="write rules: [], or leave it out")


def _off_and_on(look: Look) -> Iterator[Problem]:
    if look.request.get(*DISABLED) is True and look.request.get("profiler", "enabled") is True:
        yield look.conflict(DISABLED, "profiler is on, and this switches it off", remedy="keep one of them")


def _metrics(look: Look) -> Iterator[Problem]:
    names = list(look.request.below("metrics"))
    if len(names) > 40:
        yield look.conflict(("metrics", names[40]), "SageMaker takes 40 metrics at most")


def _old_profiling(look: Look) -> Iterator[str]:
    if look.request.get(*PARAMETERS) is not None:
        yield (
            f"{look.word(PARAMETERS)}: AWS has deprecated framework profiling; it does nothing from PyTorch 2.0 and "
            "TensorFlow 2.11 on. System metrics come without it"
        )
    for rule in look.request.get(*PROFILER_RULES) or []:
        if rule.name in DISCONTINUED:
            yield f"profiler.rules: {rule.name} looks at framework profiling, which AWS has discontinued"
        if rule.name in MEANT:
            yield f"profiler.rules: AWS calls {rule.name} {' and '.join(MEANT[rule.name])}, which are sent instead"


def _lost_tensors(look: Look) -> Iterator[str]:
    """ "Use Checkpoints in Amazon SageMaker": no debugger with distributed training and checkpoints."""
    if _debugs(look) and look.request.has_checkpoints and look.request.get("distributed", "launcher"):
        yield "debugger: SageMaker saves no tensors of a distributed job that has checkpoints"


REFUSALS = (_region, _off_and_on, _metrics)
CAUTIONS = (_old_profiling, _lost_tensors)
