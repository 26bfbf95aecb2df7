"""Several processes, precision and resharding: types, versions and pairs that cannot work."""

from collections.abc import Iterator

from trainwright_runtime import images, instances, launchers
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import IMAGE, ISOLATION
from trainwright_runtime.rules.look import Look
from trainwright_runtime.scripts import distribution_of

LAUNCHER = ("distributed", "launcher")
PRECISION = ("precision",)


def _launcher(look: Look) -> Iterator[Problem]:
    request, distribution = look.request, distribution_of(look.request)
    if distribution is None:
        return
    if request.get("algorithm", "name") or request.get("algorithm_name"):
        yield look.conflict(LAUNCHER, "an algorithm distributes itself", remedy="leave distributed out", remove=True)
        return
    if request.get("source_code", "command") is not None:
        problem = "a command starts its processes itself"
        yield look.conflict(LAUNCHER, problem, remedy="leave distributed out, or write entry_script", remove=True)
        return
    name, version = _framework(look)
    found = launchers.conflicts(
        distribution,
        framework=name,
        version=version,
        py_version=request.get("framework", "py_version"),
        instance_types=request.all_instance_types,
        instance_count=request.instance_count,
        training_compiler=_compiler(look),
    )
    for suffix, problem, allowed, remedy in found:
        leaf = ("distributed", *(part for part in suffix.split(".") if part)) if suffix else LAUNCHER
        yield look.conflict(leaf, problem, allowed=allowed, remedy=remedy)


def _framework(look: Look) -> tuple[str | None, str | None]:
    """The framework in the container and its version, as far as it is known."""
    name, version = look.request.container
    image = look.request.get(*IMAGE)
    if name is None and image is not None and image_is_uri(image):
        name, version = images.family_of(image) or (None, None)
    if name not in ("pytorch", "tensorflow", "huggingface", "mxnet", "xgboost", "sklearn"):
        return None, None
    base = look.request.get("framework", "base_framework_version")
    return name, base if name == "huggingface" else version


def _compiler(look: Look) -> bool:
    asked = look.request.get("compilation")
    return asked is not None and asked.training_compiler is not None


def _deepspeed(look: Look) -> Iterator[Problem]:
    stage, config = ("distributed", "zero_stage"), ("distributed", "config")
    request = look.request
    for leaf in (stage, config):
        if request.get(*leaf) is not None and request.get(*LAUNCHER) != "deepspeed":
            problem = f"this is DeepSpeed's, and the launcher is {request.get(*LAUNCHER)}"
            yield look.conflict(leaf, problem, remedy="leave it out, or set launcher: deepspeed", remove=True)
    if request.get(*stage) is not None and request.get(*config) is not None:
        yield look.conflict(stage, "the configuration file says the stage", remedy="leave it out", remove=True)
    if request.get(*config) is not None and request.get("source_code", "source_dir") is None:
        yield look.conflict(config, "the file is to be in source_code.source_dir, and there is none")


def _precision(look: Look) -> Iterator[Problem]:
    """bfloat16 came with NVIDIA's Ampere generation; types before it compute in it by emulation or not at all."""
    if look.request.get(*PRECISION) != "bf16":
        return
    found = [instances.find(name) for name in look.request.all_instance_types]
    without = [kind for kind in found if kind is not None and kind.bf16 is False]
    if without:
        problem = f"{without[0].name} has {without[0].accelerator}, which has no bf16"
        yield look.conflict(PRECISION, problem, allowed="fp16, off", remedy="write fp16, or take another type")


def _half_on_cpu(look: Look) -> Iterator[Problem]:
    if look.request.get(*PRECISION) != "fp16":
        return
    found = [instances.find(name) for name in look.request.all_instance_types]
    if found and all(kind is not None and kind.kind == "cpu" for kind in found):
        problem = "fp16 needs a GPU, and none of the types has one"
        yield look.conflict(PRECISION, problem, allowed="bf16, off", remedy="write off", replacement="off")


def _nothing_listens(look: Look) -> Iterator[str]:
    request = look.request
    for leaf in (PRECISION, ("compilation",)):
        asked = request.get(*leaf)
        if asked not in (None, "off") and (request.get("algorithm", "name") or request.get("algorithm_name")):
            yield f"{look.word(leaf)}: an algorithm of AWS's does not look at it"


def _many_hosts_isolated(look: Look) -> Iterator[str]:
    if look.request.get(*ISOLATION) and look.request.instance_count > 1 and distribution_of(look.request):
        yield f"{look.word(ISOLATION)}: hosts of one job still reach each other; nothing else is reached"


REFUSALS = (_launcher, _deepspeed, _precision, _half_on_cpu)
CAUTIONS = (_nothing_listens, _many_hosts_isolated)
