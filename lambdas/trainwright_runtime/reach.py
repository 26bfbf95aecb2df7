"""How far a team policy lets a run reach: which images, machines, places and ARNs its settings may name, those in free
text and raw fields among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from trainwright_runtime import images, named_things
from trainwright_runtime.fields import image_is_uri, is_ecr_uri
from trainwright_runtime.forms import Leaf
from trainwright_runtime.problems import Path
from trainwright_runtime.resolved import Values

if TYPE_CHECKING:
    from trainwright_runtime.policy_sections import Allow, Capabilities

ANY_NAMED, ANY_URI = "platform", "uri"
_IMAGES = ("TrainingImage", "RuleEvaluatorImage")

Beyond = tuple[Leaf, Path, str, Sequence[str]]
"""A setting, the path below it, what it names there, and what is allowed."""


def beyond(values: Values, allow: Allow, has: Capabilities) -> Iterator[Beyond]:
    """What the debugger, the profiler and raw fields name that the policy does not allow."""
    for leaf, path, image in named_things.rule_images(values):
        if not evaluator_allowed(image, allow, has):
            yield leaf, path, image, allow.images
    for leaf, path, kind in named_things.rule_machines(values):
        if not any_of(kind, allow.instance_types):
            yield leaf, path, kind, allow.instance_types
    for leaf, path, place in named_things.observing_places(values):
        if not place.startswith(tuple(allow.data)):
            yield leaf, path, place, allow.data
    if allow.overrides:
        yield from _raw(values, allow, has)


def _raw(values: Values, allow: Allow, has: Capabilities) -> Iterator[Beyond]:
    for leaf, path, text in named_things.raw_texts(values):
        name = (*leaf, *path)[-1]
        if name in _IMAGES and not evaluator_allowed(text, allow, has):
            yield leaf, path, text, allow.images
        if name == "AlgorithmName" and not algorithm_allowed(text, allow):
            yield leaf, path, text, resources(allow)
        for place in named_things.places(text):
            if not place.startswith((*allow.data, *has.write)):
                yield leaf, path, place, [*allow.data, *has.write]
        for arn in named_things.arns(text):
            if name != "AlgorithmName" and not _arn_allowed(arn, has):
                yield leaf, path, arn, ["what the policy's capabilities list"]


def any_of(value: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(value, glob) for glob in globs)


def image_allowed(image: str, allow: Allow, has: Capabilities) -> bool:
    """Whether a run may name an image of the platform, or one by its address."""
    words = allow.images
    if image_is_uri(image):
        named = any_of(image, [word for word in words if "/" in word])
        return ANY_URI in words or named or _in_repositories(image, has.repositories)
    return ANY_NAMED in words or image in words


def evaluator_allowed(image: str, allow: Allow, has: Capabilities) -> bool:
    """Whether a rule may run in an image, which is given by its address: AWS's own evaluators, and what a run may name
    for its jobs."""
    return images.evaluates_rules(image) or (is_ecr_uri(image) and image_allowed(image, allow, has))


def algorithm_allowed(name: str, allow: Allow) -> bool:
    """Whether a run may name an algorithm resource: an image of anybody's in the account, or in AWS Marketplace, behind
    another name. The word `algorithm` is for SageMaker's own."""
    return ANY_URI in allow.images or any_of(name, [word for word in allow.images if "/" in word])


def resources(allow: Allow) -> list[str]:
    """What `allow.images` has for algorithm resources, in words."""
    patterns = [word for word in allow.images if word.startswith("arn:")]
    return patterns or ["an algorithm resource whose ARN allow.images lists"]


def _in_repositories(image: str, repositories: Iterable[str]) -> bool:
    """Whether an image's URI is in one of these repositories, given by ARN."""
    host, _, path = image.partition("/")
    account, region = host.split(".")[0], host.split(".")[3]
    name = path.partition("@")[0].partition(":")[0]
    return any(arn.endswith(f":ecr:{region}:{account}:repository/{name}") for arn in repositories)


def _arn_allowed(arn: str, has: Capabilities) -> bool:
    listed = (*has.mlflow, *has.model_package, *has.secrets, *has.keys, *has.training_plans)
    return is_awss(arn) or matches(arn, listed) or matches(group_of(arn) or "", has.model_package)


def is_awss(arn: str) -> bool:
    """Whether an ARN is one of AWS's own, whose account is written `aws`: the public hub's content."""
    return arn.startswith("arn:") and arn.split(":")[4:5] == ["aws"]


def group_of(package: str) -> str | None:
    """The model package group that a version belongs to; None for anything else."""
    place, found, name = package.partition(":model-package/")
    group, _, number = name.partition("/")
    return f"{place}:model-package-group/{group}" if found and number.isdecimal() else None


def matches(value: str, known: Iterable[str]) -> bool:
    """Whether a value is listed, by itself or by a pattern that ends in `*`."""
    return any(fnmatchcase(value, entry) if entry.endswith("*") else value == entry for entry in known)
