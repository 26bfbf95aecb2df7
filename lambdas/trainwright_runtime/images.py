"""SageMaker's own training images: what `image_uris.retrieve()` of AWS's SDK answers, without the SDK.

The table, data/images.json, is made by tools/make_image_table.py from the SDK's data and says of what version it is. It
is read once, at the first question. The rules are those of the sagemaker SDK v2 and v3, image_uris.py; where the two
differ, v3's. tests/more/test_images_against_the_sdk.py compares every combination and names the differences meant.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Literal, NamedTuple

FRAMEWORKS = (
    *("autogluon", "chainer", "coach-mxnet", "coach-tensorflow", "huggingface", "hyperpod-recipes-neuron", "mxnet"),
    *("pytorch", "pytorch-amzn2023", "ray-pytorch", "ray-tensorflow", "sklearn", "tensorflow", "vw", "xgboost"),
)
"""Containers that run a script, by the SDK's names."""
ALGORITHMS = (
    *("blazingtext", "factorization-machines", "forecasting-deepar", "image-classification", "ipinsights", "kmeans"),
    *("knn", "lda", "linear-learner", "ntm", "object-detection", "object2vec", "pca", "randomcutforest"),
    *("semantic-segmentation", "seq2seq", "xgboost"),
)
"""Built-in algorithms, by the SDK's names. xgboost is both: with a script it is a framework."""

Part = Literal["name", "version", "py_version", "base_framework_version", "instance_type", "region"]

_TABLE = Path(__file__).with_name("data") / "images.json"
_OTHER_NAMES = {"scikit-learn": "sklearn"}
# What an image is, where its family in the table is named after more than the framework.
_KNOWN_AS = {
    "huggingface-training-compiler": "huggingface",
    "hyperpod-recipes-neuron": "pytorch",
    "pytorch-amzn2023": "pytorch",
    "pytorch-neuron": "pytorch",
    "pytorch-smp": "pytorch",
    "pytorch-training-compiler": "pytorch",
}
_NO_TRAINING = ("debugger", "detailed-profiler")
# fw_utils.GRAVITON_ALLOWED_TARGET_INSTANCE_FAMILY: for these the SDK answers images for inference.
_GRAVITON = {"c6g", "c6gd", "c6gn", "c7g", "m6g", "m6gd", "r6g", "r6gd"}
# image_uris._validate_instance_deprecation: from these versions on, there is nothing for p2.
_FIRST_WITHOUT_P2 = {"pytorch": (1, 13), "tensorflow": (2, 12)}
_SPOKEN = {"cpu": "CPU", "gpu": "GPU", "trn": "Trainium", "inf": "Inferentia"}
_BY_URI = "give the image's URI: it is in AWS's list of Deep Learning Containers"

_INSTANCE_TYPE = re.compile(r"ml\.([a-z\d-]+)\.\w+", re.ASCII)
_URI = re.compile(
    r"(\d{12})\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+/([a-z0-9./_-]+):([\w.-]+)(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_ADDRESS = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>[a-z0-9./_-]+)"
    r"(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_TAG_VERSION = re.compile(r"(\d+(?:\.\d+)+(?:-\d+(?=-|$))?)", re.ASCII)
_TRANSFORMERS = re.compile(r"-transformers(\d+(?:\.\d+)*)", re.ASCII)
_LISTED = 5

# "Amazon SageMaker Debugger image URIs for custom rule evaluators" (developer guide, Debugger references); those of
# China: AWS's own tests, aws/sagemaker-python-sdk, tests/integ/test_debugger.py. The SDK's data has built-in ones only.
_CUSTOM_RULES = "sagemaker-debugger-rule-evaluator"
_CUSTOM_RULES_REGISTRY = {
    "ap-east-1": "645844755771",
    "ap-northeast-1": "670969264625",
    "ap-northeast-2": "326368420253",
    "ap-south-1": "552407032007",
    "ap-southeast-1": "631532610101",
    "ap-southeast-2": "445670767460",
    "ca-central-1": "105842248657",
    "cn-north-1": "617202126805",
    "cn-northwest-1": "658559488188",
    "eu-central-1": "691764027602",
    "eu-north-1": "091235270104",
    "eu-west-1": "606966180310",
    "eu-west-2": "074613877050",
    "eu-west-3": "224335253976",
    "me-south-1": "050406412588",
    "sa-east-1": "466516958431",
    "us-east-1": "864354269164",
    "us-east-2": "840043622174",
    "us-west-1": "952348334681",
    "us-west-2": "759209512951",
}


class ImageError(ValueError):
    """There is no such image: what is wrong (`problem`), with which argument (`part`), what there is (`allowed`).

    `sure_value` is the argument's value that was meant, where exactly one is near; `remedy` says it in words.
    """

    def __init__(
        self,
        problem: str,
        allowed: str | None = None,
        remedy: str | None = None,
        sure_value: str | None = None,
        *,
        part: Part = "version",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.allowed = allowed
        self.remedy = remedy or (f"write {sure_value}" if sure_value else None)
        self.sure_value = sure_value
        self.part: Part = part


class _Image(NamedTuple):
    """One image in every region; tools/make_image_table.py says what the fields mean."""

    repository: str
    registry: Mapping[str, str]
    processors: tuple[str, ...]
    tag_prefix: str | None
    word: str | None
    suffixes: Mapping[str, str]


class _Family(NamedTuple):
    """A framework's or algorithm's images: version -> framework below it ("" for none) -> Python ("" for none)."""

    name: str
    aliases: Mapping[str, str]
    versions: Mapping[str, Mapping[str, Mapping[str, _Image]]]
    base_aliases: Mapping[str, Mapping[str, str]]


class _Repository(NamedTuple):
    """Whose images a repository of AWS's holds, and what a tag's beginning means, the longest first."""

    names: frozenset[str]
    beginnings: tuple[tuple[str, tuple[str, str]], ...]


def framework_image(
    name: str,
    version: str | None,
    *,
    region: str,
    instance_type: str,
    py_version: str | None = None,
    base_framework_version: str | None = None,
    smdistributed: bool = False,
) -> str:
    """The URI of the container that runs a script with a framework.

    `version` may be an alias of the SDK's (`2.1` for 2.1.0), and be left out where there is but one. `py_version` left
    out is the newest that the version has; an image that leaves no choice ignores it. `base_framework_version` is
    Hugging Face's, as the SDK writes it (`pytorch2.8.0`), left out where there is but one. `smdistributed` says that
    one of SageMaker's own distribution libraries is used, which in 2020 had images of their own.
    """
    name = _known(name, FRAMEWORKS, "framework", ALGORITHMS, "built-in algorithm")
    instance_family = _instance_family(instance_type)
    processor = _processor(instance_family)
    family = _family_for(name, version, processor)
    version = _known_version(family, version)
    _refuse_p2(name, version, instance_family, instance_type)
    image, prefix, python = _choose(family, version, base_framework_version, py_version)
    tag = _tag(image, prefix, _served(image, processor, f"{name} {version}", instance_type), python)
    if smdistributed or instance_family == "p4d":
        tag = _joined(tag, _table()["p4d_suffixes"].get(f"{name}-{tag}"))
    return _uri(image, tag, region, f"{name} {version}")


def algorithm_image(name: str, version: str | None, *, region: str, instance_type: str) -> str:
    """The URI of a built-in algorithm; `version` may be left out for all but xgboost, the one that has several."""
    name = _known(name, ALGORITHMS, "built-in algorithm", FRAMEWORKS, "framework")
    family = _family(name)
    version = _known_version(family, version)
    image, prefix, python = _choose(family, version, None, None)
    processor = _served(image, _processor(_instance_family(instance_type)), f"{name} {version}", instance_type)
    return _uri(image, _tag(image, prefix, processor, python), region, f"{name} {version}")


def training_compiler_image(
    name: str,
    version: str,
    *,
    region: str,
    base_framework_version: str | None = None,
    py_version: str | None = None,
) -> str:
    """The URI of the image with the Training Compiler for pytorch or huggingface; all of them are for GPUs.

    TensorFlow has the compiler in its ordinary image: `framework_image`.
    """
    choices = ("huggingface", "pytorch")
    if name not in choices:
        raise ImageError(f"{name} has no images for the Training Compiler", ", ".join(choices), part="name")
    family = _family(f"{name}-training-compiler")
    version = _known_version(family, version)
    image, prefix, python = _choose(family, version, base_framework_version, py_version)
    return _uri(image, _tag(image, prefix, "gpu", python), region, f"{name} {version} with the Training Compiler")


def smp_image(pytorch_version: str, *, region: str, instance_type: str | None = None) -> str:
    """The URI of the image with SageMaker's model parallelism library v2, for what the SDK calls a PyTorch version.

    The CUDA version is chosen as `image_uris.get_training_image_uri` does; there, only for PyTorch 2.0 does the
    instance type matter.
    """
    family = _family("pytorch-smp")
    version = _known_version(family, pytorch_version)
    image, prefix, python = _choose(family, version, None, None)
    tag = _joined(_tag(image, prefix, "gpu", python), _smp_cuda(version, instance_type))
    return _uri(image, tag, region, f"the model parallelism library for PyTorch {version}")


def debugger_rules_image(region: str) -> str:
    """The URI of the image that evaluates the built-in rules of the debugger and the profiler."""
    return _plain_image("debugger", region, "the evaluation of debugger rules")


def detailed_profiler_image(region: str) -> str:
    """The URI of the image that the SDK's `DetailedProfilerProcessing` rule runs in."""
    return _plain_image("detailed-profiler", region, "detailed profiling")


def evaluates_rules(uri: str) -> bool:
    """Whether an image's URI names one of AWS's own evaluators of the debugger's and the profiler's rules, built-in or
    custom ones, in the registry that AWS has for it in its region."""
    match = _ADDRESS.fullmatch(uri)
    return match is not None and (match["repository"], match["region"], match["account"]) in _rule_evaluators()


def versions(name: str) -> tuple[str, ...]:
    """The versions of a framework or algorithm, newest first, without their aliases."""
    return _newest_first(_any_family(name).versions)


def python_versions(name: str, version: str) -> tuple[str, ...]:
    """Which Pythons (`py312`) a version has images for, newest first; empty where an image leaves no choice."""
    family = _any_family(name)
    full = _full(family, _known_version(family, version))
    return _newest_first({python for pythons in family.versions[full].values() for python in pythons if python})


def family_of(uri: str) -> tuple[str, str] | None:
    """The framework (or algorithm) and version of an image in one of AWS's registries; None for any other image.

    The version is as the tag has it, which may be short (`2.8`); Hugging Face's is that of transformers. A URI with a
    digest and no tag tells no version: None.
    """
    match = _URI.fullmatch(uri)
    repository = _repositories().get(match[2]) if match and match[1] in _accounts() else None
    if match is None or repository is None:
        return None
    tag = match[3]
    for beginning, known in repository.beginnings:
        if tag == beginning or tag.startswith(f"{beginning}-"):
            return known
    return _by_tag(tag, repository.names)


def is_aws_own(uri: str) -> bool:
    """Whether an image's URI names one of AWS's own registries."""
    return uri.partition(".dkr.ecr")[0] in _accounts()


def _by_tag(tag: str, names: frozenset[str]) -> tuple[str, str] | None:
    """What a tag says by itself, for versions that the table does not have."""
    if len(names) != 1:
        return None
    (name,) = names
    if name not in FRAMEWORKS:
        return name, tag
    found = _TRANSFORMERS.search(tag) if name == "huggingface" else _TAG_VERSION.match(tag)
    return (name, found[1]) if found else None


# The table


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table


@cache
def _family(name: str) -> _Family:
    data = _table()["families"][name]
    by_version: dict[str, dict[str, dict[str, _Image]]] = {}
    base_aliases: dict[str, dict[str, str]] = {}
    for entry in data["images"]:
        image, base = _image(entry), entry.get("base", "")
        for version in entry["versions"]:
            pythons = by_version.setdefault(version, {}).setdefault(base, {})
            pythons.update(dict.fromkeys(entry.get("py_versions", ("",)), image))
            base_aliases.setdefault(version, {}).update(dict.fromkeys(entry.get("base_aliases", ()), base))
    return _Family(name, data.get("aliases", {}), by_version, base_aliases)


def _image(entry: Mapping[str, Any]) -> _Image:
    return _Image(
        entry["repository"],
        _table()["registries"][entry["registries"]],
        tuple(entry.get("processors", ())),
        entry.get("tag_prefix"),
        entry.get("word"),
        entry.get("suffixes", {}),
    )


@cache
def _accounts() -> frozenset[str]:
    return frozenset(account for registry in _table()["registries"] for account in registry.values())


@cache
def _rule_evaluators() -> frozenset[tuple[str, str, str]]:
    """Repository, region and account of each."""
    registries = [(_CUSTOM_RULES, _CUSTOM_RULES_REGISTRY)]
    registries += [(image.repository, dict(image.registry)) for image in map(_only_image, _NO_TRAINING)]
    return frozenset((name, region, account) for name, each in registries for region, account in each.items())


def _only_image(name: str) -> _Image:
    family = _family(name)
    image, _, _ = _choose(family, _known_version(family, None), None, None)
    return image


@cache
def _repositories() -> dict[str, _Repository]:
    beginnings: dict[str, dict[str, tuple[str, str]]] = {}
    for family in (_family(name) for name in _table()["families"] if name not in _NO_TRAINING):
        name = _KNOWN_AS.get(family.name, family.name)
        for version in (*family.aliases, *family.versions):
            for base, pythons in family.versions[_full(family, version)].items():
                for image in pythons.values():
                    known = beginnings.setdefault(image.repository, {})
                    known[image.tag_prefix or _beginning(family, version, base)] = (name, version)
    return {
        repository: _Repository(
            frozenset(name for name, _ in known.values()),
            tuple(sorted(known.items(), key=lambda item: len(item[0]), reverse=True)),
        )
        for repository, known in beginnings.items()
    }


# The choice


def _known(name: str, names: tuple[str, ...], kind: str, others: tuple[str, ...], other_kind: str) -> str:
    name = _OTHER_NAMES.get(name, name)
    if name in names:
        return name
    if name in others:
        raise ImageError(f"{name} is a {other_kind}, not a {kind}", None, f"ask for it as a {other_kind}", part="name")
    problem = f"SageMaker has no {kind} of this name: {name[:80]}"
    near = _nearest(name, (*names, *others))
    remedy = f"{near} is a {other_kind}: ask for it as one" if near in others else None
    raise ImageError(problem, ", ".join(names), remedy, near if near in names else None, part="name")


def _any_family(name: str) -> _Family:
    return _family(_known(name, tuple(dict.fromkeys(FRAMEWORKS + ALGORITHMS)), "framework or algorithm", (), ""))


def _family_for(name: str, version: str | None, processor: str) -> _Family:
    """The family that holds the image for an instance: PyTorch's for Trainium is one of its own."""
    if name != "pytorch" or processor != "trn":
        return _family(name)
    family = _family("pytorch-neuron")
    if version in family.versions or version in family.aliases:
        return family
    problem = f"AWS's SDK knows no image of pytorch {version or ''}".rstrip() + " for Trainium instances"
    raise ImageError(problem, _some(family.versions), _BY_URI)


def _known_version(family: _Family, version: str | None) -> str:
    """The version as it stands in the tag: an alias stays what it is."""
    name = family.name
    if version is None and len(family.versions) == 1:
        return next(iter(family.versions))
    if version is None:
        raise ImageError(f"{name} has several versions: say which", _some(family.versions))
    if version in family.versions or version in family.aliases:
        return version
    known = _newest_first((*family.versions, *family.aliases))
    near = _same_versions(version, known)
    remedy, sure_value = None, None
    if f"{version}0" in known:
        remedy = f"{version}0 without quotes is read as {version}: put a version in quotes"
    elif len(near) == 1:
        sure_value = near[0]
    elif _numbers(version):
        remedy = f"near it: {', '.join(near or _neighbours(version, known))}"
    raise ImageError(f"{name} has no image of version {version[:80]}", _some(family.versions), remedy, sure_value)


def _same_versions(version: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The one of the same numbers (`v2.8.0`; `1.7.1` for 1.7-1), else all of the same major and minor version."""
    numbers = _numbers(version)
    same = tuple(other for other in known if _numbers(other) == numbers)
    if len(same) == 1:
        return same
    return tuple(other for other in known if len(_numbers(other)) > 2 and _numbers(other)[:2] == numbers[:2])


def _neighbours(version: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The next newer and the next older one."""
    newer = sum(_numbers(other) > _numbers(version) for other in known)
    return known[max(newer - 1, 0) : newer + 1]


def _full(family: _Family, version: str) -> str:
    return family.aliases.get(version, version)


def _choose(family: _Family, version: str, base: str | None, py_version: str | None) -> tuple[_Image, str, str]:
    """The image of a version, how its tag begins, and its Python ("" where the tag names none)."""
    full, subject = _full(family, version), f"{family.name} {version}"
    bases, short = family.versions[full], family.base_aliases[full]
    base = _known_base(base, bases, short, subject)
    image, python = _choose_python(bases[short.get(base, base)], py_version, f"{subject} {base}".rstrip())
    return image, image.tag_prefix or _beginning(family, version, base), python


def _beginning(family: _Family, version: str, base: str) -> str:
    """How a tag begins: the version as it was asked for; for Hugging Face, the one below it and then its own.

    Hugging Face's own is spelled out as the SDK v3 does (v2 leaves an alias); both leave an alias in the tags of the
    Training Compiler.
    """
    if not base:
        return version
    transformers = _full(family, version) if family.name == "huggingface" else version
    return f"{base.lstrip(ascii_lowercase)}-transformers{transformers}"


def _known_base(base: str | None, bases: Mapping[str, object], short: Mapping[str, str], subject: str) -> str:
    """The framework below, "" where there is none."""
    if base is not None and (base in bases or base in short):
        return base
    if base is None and len(bases) == 1:
        return next(iter(bases))
    part: Part = "base_framework_version"
    if base is None:
        raise ImageError(f"{subject} stands on several frameworks: say which", ", ".join(bases), part=part)
    if "" in bases:
        raise ImageError(f"{subject} stands on no other framework", None, f"leave {part} out", part=part)
    problem = f"{subject} does not stand on {base[:80]}"
    raise ImageError(problem, ", ".join(bases), sure_value=_nearest(base, (*bases, *short)), part=part)


def _choose_python(pythons: Mapping[str, _Image], py_version: str | None, subject: str) -> tuple[_Image, str]:
    if "" in pythons:
        return pythons[""], ""
    known = _newest_first(pythons)
    if py_version is None:
        return pythons[known[0]], known[0]
    if py_version in pythons:
        return pythons[py_version], py_version
    digits = "py" + "".join(re.findall(r"\d", py_version))
    problem = f"{subject} has no image with Python {py_version[:80]}"
    raise ImageError(problem, ", ".join(known), sure_value=digits if digits in known else None, part="py_version")


def _refuse_p2(name: str, version: str, instance_family: str, instance_type: str) -> None:
    first = _FIRST_WITHOUT_P2.get(name)
    if instance_family == "p2" and first and _numbers(version) >= first:
        problem = f"{name} {version} no longer runs on p2 instances ({instance_type})"
        raise ImageError(problem, f"versions before {'.'.join(map(str, first))}", part="instance_type")


def _instance_family(instance_type: str) -> str:
    """`p6-b200` of `ml.p6-b200.48xlarge`."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None:
        problem = f"this is no SageMaker instance type: {instance_type[:80]}"
        with_ml = f"ml.{instance_type}" if _INSTANCE_TYPE.fullmatch(f"ml.{instance_type}") else None
        raise ImageError(problem, "ml.FAMILY.SIZE", sure_value=with_ml, part="instance_type")
    if match[1] in _GRAVITON:
        problem = f"there are no training images for Graviton instances ({instance_type})"
        raise ImageError(problem, "instances with x86 processors", part="instance_type")
    return match[1]


def _processor(instance_family: str) -> str:
    """cpu, gpu, trn or inf, as `image_uris._processor` has it."""
    if instance_family.startswith(("inf", "trn")):
        return instance_family[:3]
    return "gpu" if instance_family[0] in "gp" else "cpu"


def _served(image: _Image, processor: str, subject: str, instance_type: str) -> str | None:
    """The processor as the tag names it; None for an image that serves every instance."""
    if processor in (image.processors or ("cpu", "gpu")):
        return processor if image.processors else None
    problem = f"{subject} has no image for {_SPOKEN[processor]} instances ({instance_type})"
    allowed = " and ".join(_SPOKEN[known] for known in image.processors or ("cpu", "gpu"))
    remedy = _BY_URI if processor == "trn" and "gpu" in image.processors else None
    raise ImageError(problem, f"{allowed} instances", remedy, part="instance_type")


def _smp_cuda(version: str, instance_type: str | None) -> str:
    if version.startswith("2.5"):
        return "cu124"
    if version.startswith(("2.1", "2.2", "2.3", "2.4")) or "p5" in (instance_type or ""):
        return "cu121"
    return "cu118"


# The address


def _plain_image(name: str, region: str, subject: str) -> str:
    family = _family(name)
    version = _known_version(family, None)
    image, prefix, _ = _choose(family, version, None, None)
    return _uri(image, prefix, region, subject)


def _tag(image: _Image, prefix: str, processor: str | None, python: str) -> str:
    word = processor if image.word is None else image.word
    return _joined(prefix, word, python, image.suffixes.get(processor or ""))


def _joined(*parts: str | None) -> str:
    return "-".join(filter(None, parts))


def _uri(image: _Image, tag: str, region: str, subject: str) -> str:
    account = image.registry.get(region)
    if account is None:
        allowed = ", ".join(image.registry)
        problem = f"there is no image for {subject} in {region[:80]}"
        raise ImageError(problem, allowed, sure_value=_same_letters(region, image.registry), part="region")
    suffix = _table()["dns_suffixes"].get(region, "amazonaws.com")
    return f"{account}.dkr.ecr.{region}.{suffix}/{image.repository}:{tag}"


# Near misses


def _nearest(given: str, known: Iterable[str]) -> str | None:
    """The one that was surely meant: the same letters, else one near spelling."""
    known = tuple(known)
    near = difflib.get_close_matches(given[:80].lower(), known, n=2, cutoff=0.75)
    return _same_letters(given, known) or (near[0] if len(near) == 1 else None)


def _same_letters(given: str, known: Iterable[str]) -> str | None:
    plain = {_letters(name): name for name in known}
    return plain.get(_letters(given))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,9}", version, re.ASCII)))


def _newest_first(known: Iterable[str]) -> tuple[str, ...]:
    """Versions by their numbers; of Python's (`py38`, `py312`) the first digit is the major version."""
    spread = {version: _numbers(re.sub(r"^py(\d)", r"\1.", version)) for version in known}
    return tuple(sorted(spread, key=lambda version: spread[version], reverse=True))


def _some(known: Iterable[str]) -> str:
    newest = _newest_first(known)
    older = f" and {len(newest) - _LISTED} older ones" if len(newest) > _LISTED else ""
    return ", ".join(newest[:_LISTED]) + older
