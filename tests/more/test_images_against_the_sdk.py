"""The image look-up against `image_uris` of AWS's own SDKs, v2 and v3: every combination that their data allow.

    python tests/more/test_images_against_the_sdk.py    # writes tests/unit/data/image_uris.json, the sample, anew

The SDKs are found in TRAINWRIGHT_SDK_V2 and TRAINWRIGHT_SDK_V3, environments of their own, else in .sdk/v2 and .sdk/v3.
"""

import importlib.util
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import EllipsisType
from typing import Any, NamedTuple

import pytest

from trainwright_runtime import images

pytestmark = pytest.mark.more

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "unit" / "data" / "image_uris.json"
CPU, GPU, V100, A100, TRAINIUM, K80, GRAVITON = (
    *("ml.m5.xlarge", "ml.g5.xlarge", "ml.p3.2xlarge", "ml.p4d.24xlarge", "ml.trn1.32xlarge", "ml.p2.xlarge"),
    "ml.c6g.xlarge",
)
NOWHERE, NO_VERSION, NO_PYTHON = "us-nowhere-1", "0.0.0", "py27"

# Runs under an SDK's own Python, with regions and instance types on its standard input. It walks the SDK's data, not
# the table, so that what the table lacks shows. Files that the SDK reads again at every call are read once.
JUDGE = """
import functools, itertools, json, logging, sys
logging.disable(logging.CRITICAL)
try:
    from sagemaker.core import common_utils as utils, image_uris
except ImportError:
    from sagemaker import image_uris, utils
from pathlib import Path

resolver = utils._botocore_resolver()
utils._botocore_resolver = lambda: resolver
image_uris.config_for_framework = functools.cache(image_uris.config_for_framework)
asked = json.load(sys.stdin)

def ask(**given):
    if given["version"] is None:
        del given["version"]
    if given["framework"] != "huggingface":
        call = image_uris.retrieve
        if not given.pop("scopeless", False):
            given["image_scope"] = "training"
    else:
        base, compiler = given.pop("base_framework_version"), given.pop("training_compiler_config", None)
        name = "pytorch" if base.startswith("pytorch") else "tensorflow"
        given[name + "_version"] = base.removeprefix(name)
        given["framework_version"] = given.pop("version", None)
        call = functools.partial(image_uris.get_training_image_uri, compiler_config=compiler)
    try:
        return call(**given)
    except (ValueError, KeyError, TypeError, AttributeError, FileNotFoundError):
        return None

def out(case, **given):
    print(json.dumps([*case, [ask(region=region, **given) for region in asked["regions"]]]))

def versions_and_pythons(name, config):
    # Every version, alias and base of the data with its Pythons; a version and a Python that nothing has; none given.
    aliases = config.get("version_aliases", {})
    for version in [*config["versions"], *aliases, "0.0.0", None]:
        block = config["versions"].get(aliases.get(version, version)) or next(iter(config["versions"].values()))
        short = block.get("version_aliases", {})
        bases = [key for key in block if key != "version_aliases"] if name.startswith("huggingface") else [None]
        for base in [*bases, *short]:
            image = block[short.get(base, base)] if base else block
            pythons = image.get("py_versions") or [key for key in image if key.startswith("py")]
            yield from ((version, base, python) for python in [*pythons, None, "py27"])

def instance_types(name):
    # Each with whether one of SageMaker's distribution libraries is used.
    if name.endswith("-training-compiler"):
        return [(instance_type, False) for instance_type in asked["gpu_instance_types"]]
    none = [None] if name == "hyperpod-recipes-neuron" else []
    return [("ml.p3.2xlarge", True), *((instance_type, False) for instance_type in asked["instance_types"] + none)]

def walk(name, config):
    framework, compiler = name.removesuffix("-training-compiler"), name.endswith("-training-compiler")
    places = itertools.product(versions_and_pythons(name, config), instance_types(name))
    for (version, base, python), (instance_type, smdistributed) in places:
        given = dict(framework=framework, version=version, py_version=python, instance_type=instance_type)
        given |= {"base_framework_version": base} if base else {}
        given |= {"training_compiler_config": {"enabled": True}} if compiler else {}
        given |= {"distribution": {"smdistributed": {"dataparallel": {"enabled": True}}}} if smdistributed else {}
        road = "compiler" if compiler else "framework"
        out([road, framework, version, base, python, instance_type, smdistributed], **given)

def smp(config):
    distribution = {"torch_distributed": {"enabled": True}, "smdistributed": {"modelparallel": {"enabled": True}}}
    for version in [*config["versions"], *config.get("version_aliases", ())]:
        for instance_type in ("ml.g5.xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge"):
            answers = []
            for region in asked["regions"]:
                try:
                    answers.append(image_uris.get_training_image_uri(region, "pytorch", version,
                        distribution=distribution, instance_type=instance_type))
                except ValueError:
                    answers.append(None)
            print(json.dumps(["smp", "pytorch", version, None, None, instance_type, False, answers]))

for file in sorted((Path(image_uris.__file__).parent / "image_uri_config").glob("*.json")):
    data, name = json.loads(file.read_text()), file.stem
    config = data if "training" in data.get("scope", ()) else data.get("training")
    if name == "pytorch-smp":
        smp(config)
    elif name in ("debugger", "detailed-profiler"):
        out([name, name, None, None, None, None, False], framework=name, version=None, scopeless=True)
    elif config:
        walk(name, config)
"""


class Case(NamedTuple):
    """What was asked: by which road (framework, compiler, smp, ...), for what; None is what was left out."""

    road: str
    name: str
    version: str | None
    base: str | None
    python: str | None
    instance_type: str | None
    smdistributed: bool
    region: str


Answers = dict[Case, str | None]


def sdk_python(major: str) -> Path:
    place = Path(os.environ.get(f"TRAINWRIGHT_SDK_{major.upper()}") or ROOT / ".sdk" / major)
    interpreter = place / "bin" / "python"
    if not interpreter.exists():
        pytest.skip(
            f"there is no sagemaker SDK {major} in {place}: install it there, or set TRAINWRIGHT_SDK_{major.upper()}"
        )
    return interpreter


@cache
def judged(interpreter: Path) -> Answers:
    regions = [*sorted({region for registry in images._table()["registries"] for region in registry}), NOWHERE]
    gpus = [GPU, V100, A100]
    asked = {"regions": regions, "gpu_instance_types": gpus, "instance_types": [*gpus, CPU, TRAINIUM, K80, GRAVITON]}
    done = subprocess.run(
        [str(interpreter), "-c", JUDGE], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: Answers = {}
    for line in done.stdout.splitlines():
        *case, uris = json.loads(line)
        answers |= {Case(*case, region): uri for region, uri in zip(regions, uris, strict=True)}
    return answers


def ours(case: Case) -> str | None:
    function, arguments = call(case)
    try:
        return getattr(images, function)(**arguments)
    except images.ImageError:
        return None


def call(case: Case) -> tuple[str, dict[str, Any]]:
    """The function that answers a case, and its arguments."""
    if case.road in ("debugger", "detailed-profiler"):
        return {"debugger": "debugger_rules_image"}.get(case.road, "detailed_profiler_image"), {"region": case.region}
    if case.road == "smp":
        arguments = {"pytorch_version": case.version, "instance_type": case.instance_type, "region": case.region}
        return "smp_image", arguments
    arguments = {"name": case.name, "version": case.version, "region": case.region}
    options = {"base_framework_version": case.base, "py_version": case.python}
    if case.road == "compiler":
        return "training_compiler_image", arguments | _given(options)
    arguments["instance_type"] = case.instance_type or TRAINIUM
    if case.name in images.ALGORITHMS and case.name not in images.FRAMEWORKS:
        return "algorithm_image", arguments
    return "framework_image", arguments | _given({**options, "smdistributed": case.smdistributed})


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value}


Expected = str | None | EllipsisType
AS_THE_SDK = ...


def no_version(case: Case, answers: Answers) -> Expected:
    several = case.road == "framework" and len(images.versions(case.name)) > 1
    return None if several and case.version is None else AS_THE_SDK


def unknown_version(case: Case, answers: Answers) -> Expected:
    on_trainium = case.name == "pytorch" and case.instance_type == TRAINIUM and case.version not in ("1.11", "1.11.0")
    return None if case.version == NO_VERSION or on_trainium else AS_THE_SDK


def no_python(case: Case, answers: Answers) -> Expected:
    if case.python or case.road != "framework" or case.version in (None, NO_VERSION):
        return AS_THE_SDK
    newest_first = [case._replace(python=python) for python in images.python_versions(case.name, case.version)]
    return next((answers[other] for other in newest_first if answers.get(other)), AS_THE_SDK)


def graviton(case: Case, answers: Answers) -> Expected:
    return None if case.instance_type == GRAVITON else AS_THE_SDK


def transformers_alias(case: Case, answers: Answers) -> Expected:
    """The SDK v3 is compared without this one."""
    full = images._family("huggingface").aliases.get(case.version or "")
    applies = case.road == "framework" and case.name == "huggingface" and full
    return answers[case._replace(version=full)] if applies else AS_THE_SDK


def recipes_for_trainium(case: Case, answers: Answers) -> Expected:
    applies = case.name == "hyperpod-recipes-neuron" and case.instance_type == TRAINIUM
    return answers[case._replace(instance_type=None)] if applies else AS_THE_SDK


def newer_region(case: Case, answers: Answers) -> Expected:
    """The one entry that the SDK v2 has too, with a region less than the v3."""
    if case.region != "me-west-1" or case.name != "pytorch" or case.version not in ("2.8", "2.8.0"):
        return AS_THE_SDK
    elsewhere = answers[case._replace(region="us-east-1")]
    return elsewhere and elsewhere.replace("763104351884", "124382933778").replace("us-east-1", "me-west-1")


MEANT: dict[str, Callable[[Case, Answers], Expected]] = {
    "a version left out where there are several: the SDK takes the first or last, here it is asked for": no_version,
    "an unknown version of what has but one: the SDK takes that, for Trainium too; here it is refused": unknown_version,
    "a Python left out where there are several: the SDK asks for it, here it is the newest": no_python,
    "Graviton: the SDK answers images for inference, SageMaker trains on none": graviton,
    "the recipes' image for Trainium: the SDK finds it only where no instance type is named": recipes_for_trainium,
}
ONLY_V2 = {
    "an alias of a transformers version: v3 writes the version out, v2 leaves the alias": transformers_alias,
    "a region that only v3 knows for an image": newer_region,
}


def test_every_answer_of_the_sdk_v2_is_ours() -> None:
    compare(judged(sdk_python("v2")), MEANT | ONLY_V2)


def test_every_answer_of_the_sdk_v3_is_ours() -> None:
    compare(judged(sdk_python("v3")), MEANT)


def compare(answers: Answers, meant: dict[str, Callable[[Case, Answers], Expected]]) -> None:
    reasons: Counter[str] = Counter()
    wrong = []
    for case, uri in answers.items():
        mine = ours(case)
        if mine == uri:
            continue
        reason = next((text for text, rule in meant.items() if rule(case, answers) == mine), None)
        reasons[reason or "not meant"] += 1
        if reason is None:
            wrong.append((case, uri, mine))
    print(f"{len(answers)} combinations, {sum(uri is not None for uri in answers.values())} with an image")
    print("\n".join(f"{count:>7} differ: {reason}" for reason, count in reasons.items()))
    assert wrong[:10] == []
    assert set(reasons) == set(meant), "a reason that nothing needs any more"
    assert sum(uri is not None for uri in answers.values()) > 100_000


def test_the_table_is_what_the_tool_makes_of_the_sdk_v3() -> None:
    tool = load_tool()
    packages = tool.site_packages(sdk_python("v3").parents[1])
    assert tool.text(packages).encode() == images._TABLE.read_bytes(), "run tools/make_image_table.py"


def load_tool() -> Any:
    spec = importlib.util.spec_from_file_location("make_image_table", ROOT / "tools" / "make_image_table.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sample_of_the_unit_tests_is_what_the_sdk_v3_answers() -> None:
    assert sample(judged(sdk_python("v3"))) == SAMPLE.read_text(encoding="utf-8"), f"run {Path(__file__).name}"


def sample(answers: Answers) -> str:
    """A few hundred answers, a line each: every version once, the region and the instance type changing from one to the
    next; Hugging Face's aliases; one version in every region; Trainium; all that has another tag on p4d."""
    spread: dict[tuple[str, str, str | None], list[Case]] = {}
    more: list[Case] = []
    for case in filter(lambda case: _fit_for_the_sample(case, answers), answers):
        if _special(case):
            more += [case] if case.region == "us-east-1" and _has_another_tag(case, answers) else []
        elif case.road != "framework" or case.name == "huggingface" or case.version in images.versions(case.name):
            spread.setdefault((case.road, case.name, case.version), []).append(case)
        if (case.name, case.version, case.instance_type) == ("pytorch", "2.10.0", GPU) and case.python:
            more.append(case)
    cases = [found[(31 * number) % len(found)] for number, found in enumerate(spread.values())] + more
    return "[\n" + ",\n".join(json.dumps([*call(case), answers[case]]) for case in dict.fromkeys(cases)) + "\n]\n"


def _fit_for_the_sample(case: Case, answers: Answers) -> bool:
    left_out = case.road == "framework" and case.version is None
    refused = {NO_PYTHON, GRAVITON}.intersection(case) or unknown_version(case, answers) is None
    return answers[case] is not None and not left_out and not refused


def _special(case: Case) -> bool:
    return case.road == "framework" and (case.smdistributed or case.instance_type in (A100, TRAINIUM, None))


def _has_another_tag(case: Case, answers: Answers) -> bool:
    """Than on an ordinary GPU instance."""
    return answers[case] != answers.get(case._replace(instance_type=GPU, smdistributed=False))


if __name__ == "__main__":
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_text(sample(judged(sdk_python("v3"))), encoding="utf-8")
