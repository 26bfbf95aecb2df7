"""Which image SageMaker's frameworks and algorithms run in: AWS's own answers, and what is said where there is none."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainwright_runtime import images
from trainwright_runtime.images import ImageError

# Made by the real SDK: tests/more/test_images_against_the_sdk.py.
SAMPLE = json.loads((Path(__file__).parent / "data" / "image_uris.json").read_text(encoding="utf-8"))
TABLE = Path(images.__file__).parent / "data" / "images.json"
REGIONS = sorted({region for registry in json.loads(TABLE.read_text())["registries"] for region in registry})
WEST, GPU, CPU = "us-west-2", "ml.g5.xlarge", "ml.m5.xlarge"
INSTANCES = {"cpu": CPU, "gpu": GPU, "trn": "ml.trn1.32xlarge"}
DLC = "763104351884.dkr.ecr.us-west-2.amazonaws.com"


def framework(name, version, **other):
    return images.framework_image(name, version, **{"region": WEST, "instance_type": GPU, **other})


def refusal(function, *positional, **named) -> ImageError:
    with pytest.raises(ImageError) as caught:
        function(*positional, **named)
    return caught.value


def test_the_answers_are_the_sdks() -> None:
    wrong = [
        (function, arguments, uri, mine)
        for function, arguments, uri in SAMPLE
        if (mine := getattr(images, function)(**arguments)) != uri
    ]
    assert len(SAMPLE) > 300
    assert wrong == []


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "763104351884.dkr.ecr.us-east-1.amazonaws.com"),
        ("ap-southeast-3", "907027046896.dkr.ecr.ap-southeast-3.amazonaws.com"),
        ("cn-north-1", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("us-iso-east-1", "886529160074.dkr.ecr.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "094389454867.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"),
    ],
)
def test_a_partition_has_its_own_account_and_host(region: str, host: str) -> None:
    assert framework("pytorch", "2.10.0", region=region).startswith(f"{host}/pytorch-training:2.10.0-gpu-py313")


def test_every_region_of_the_data_has_the_newest_pytorch() -> None:
    assert len(REGIONS) >= 45
    assert [region for region in REGIONS if f".{region}." not in framework("pytorch", "2.10.0", region=region)] == []


def test_the_names_are_those_of_the_table() -> None:
    beside = {"debugger", "detailed-profiler", "pytorch-neuron", "pytorch-smp"}
    beside |= {"huggingface-training-compiler", "pytorch-training-compiler"}
    families = json.loads(TABLE.read_text(encoding="utf-8"))["families"]
    assert {*images.FRAMEWORKS, *images.ALGORITHMS} == set(families) - beside


def test_every_image_of_the_table_is_found_in_every_region_that_has_it() -> None:
    table, count = json.loads(TABLE.read_text(encoding="utf-8")), 0
    for name, family in table["families"].items():
        for entry in family["images"]:
            for region, account in table["registries"][entry["registries"]].items():
                for uri in images_of(name, entry, region):
                    assert uri.startswith(f"{account}.dkr.ecr.{region}."), uri
                    assert f"/{entry['repository']}:" in uri, uri
                    count += 1
    assert count > 14_000


def images_of(name: str, entry: dict[str, Any], region: str) -> Iterator[str]:
    """All images of an entry of the table: every version, Python and processor."""
    base = {"base_framework_version": entry["base"]} if "base" in entry else {}
    for version, python in itertools.product(entry["versions"], entry.get("py_versions", (None,))):
        if name in ("debugger", "detailed-profiler"):
            yield {"debugger": images.debugger_rules_image}.get(name, images.detailed_profiler_image)(region)
        elif name == "pytorch-smp":
            yield images.smp_image(version, region=region)
        elif name.endswith("-training-compiler"):
            framework_name = name.removesuffix("-training-compiler")
            yield images.training_compiler_image(framework_name, version, region=region, py_version=python, **base)
        elif name in images.ALGORITHMS and name != "xgboost":
            yield images.algorithm_image(name, version, region=region, instance_type=CPU)
        else:
            for processor in entry.get("processors", ("cpu", "gpu")):
                place = {"region": region, "instance_type": INSTANCES[processor]}
                yield framework(
                    "pytorch" if name == "pytorch-neuron" else name, version, py_version=python, **place, **base
                )


def test_what_is_left_out_is_the_newest_or_the_only_one() -> None:
    assert framework("pytorch", "1.6.0").endswith("pytorch-training:1.6.0-gpu-py36")
    assert framework("huggingface", "4.56.2").endswith(":2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04")
    assert images.algorithm_image("kmeans", None, region=WEST, instance_type=CPU).endswith("/kmeans:1")
    assert images.versions("pytorch")[:2] == ("2.10.0", "2.9.0")
    assert images.python_versions("tensorflow", "1.15.5") == ("py37", "py36", "py3")
    assert images.python_versions("kmeans", "1") == ()


def test_an_alias_stays_what_it_is() -> None:
    assert framework("pytorch", "2.1").endswith("pytorch-training:2.1-gpu-py310")
    assert framework("huggingface", "4.28", base_framework_version="pytorch2.0").endswith(
        ":2.0-transformers4.28.1-gpu-py310-cu118-ubuntu20.04"
    )
    assert framework("scikit-learn", "1.2-1", instance_type=CPU).endswith("sagemaker-scikit-learn:1.2-1-cpu-py3")


@pytest.mark.parametrize(
    ("version", "instance_type", "tag"),
    [
        ("2.0.1", "ml.p4d.24xlarge", "2.0.1-gpu-py310-cu118"),
        ("2.0.1", "ml.p5.48xlarge", "2.0.1-gpu-py310-cu121"),
        ("2.0.1", None, "2.0.1-gpu-py310-cu118"),
        ("2.2.0", "ml.p4d.24xlarge", "2.2.0-gpu-py310-cu121"),
        ("2.5.1", "ml.p5.48xlarge", "2.5.1-gpu-py311-cu124"),
    ],
)
def test_the_model_parallelism_library_comes_with_its_cuda(version: str, instance_type: str | None, tag: str) -> None:
    uri = images.smp_image(version, region=WEST, instance_type=instance_type)
    assert uri == f"658645717510.dkr.ecr.us-west-2.amazonaws.com/smdistributed-modelparallel:{tag}"


NEAR_MISSES = [
    ("name", "pytroch", "2.8.0", {}, "pytorch"),
    ("name", "PyTorch", "2.8.0", {}, "pytorch"),
    ("name", "torch", "2.8.0", {}, "pytorch"),
    ("name", "jax", "0.4", {}, None),
    ("version", "pytorch", "2.8.1", {}, "2.8.0"),
    ("version", "pytorch", "v2.8.0", {}, "2.8.0"),
    ("version", "xgboost", "1.7", {}, "1.7-1"),
    ("version", "xgboost", "1.7.1", {}, "1.7-1"),
    ("version", "xgboost", "1.2", {}, None),
    ("version", "pytorch", "3.0.0", {}, None),
    ("version", "pytorch", "", {}, None),
    ("version", "pytorch", None, {}, None),
    ("version", "tensorflow", "1.1", {}, None),
    ("version", "pytorch", "2.8.0", {"instance_type": "ml.trn1.32xlarge"}, None),
    ("py_version", "pytorch", "2.8.0", {"py_version": "3.12"}, "py312"),
    ("py_version", "pytorch", "2.8.0", {"py_version": "py39"}, None),
    ("region", "pytorch", "2.8.0", {"region": "us-west2"}, "us-west-2"),
    ("region", "pytorch", "2.8.0", {"region": "us-iso-east-1"}, None),
    ("instance_type", "pytorch", "2.8.0", {"instance_type": "g5.xlarge"}, "ml.g5.xlarge"),
    ("instance_type", "pytorch", "2.8.0", {"instance_type": "ml.c6g.xlarge"}, None),
    ("instance_type", "pytorch", "2.8.0", {"instance_type": "ml.p2.xlarge"}, None),
    ("instance_type", "huggingface", "4.56.2", {"instance_type": "ml.m5.xlarge"}, None),
    ("instance_type", "huggingface", "4.56.2", {"instance_type": "ml.trn1.32xlarge"}, None),
    ("instance_type", "sklearn", "1.2-1", {"instance_type": "ml.inf2.xlarge"}, None),
    ("base_framework_version", "huggingface", "4.56.2", {"base_framework_version": "pytorch-2.8.0"}, "pytorch2.8.0"),
    ("base_framework_version", "huggingface", "4.17.0", {}, None),
    ("base_framework_version", "pytorch", "2.8.0", {"base_framework_version": "pytorch2.8.0"}, None),
]


@pytest.mark.parametrize(("part", "name", "version", "other", "meant"), NEAR_MISSES)
def test_a_near_miss_is_told_which_part_is_wrong_and_what_was_meant(part, name, version, other, meant) -> None:
    error = refusal(framework, name, version, **other)
    assert (error.part, error.sure_value) == (part, meant)
    assert error.problem
    assert error.allowed or error.remedy


def test_a_version_that_a_yaml_reader_took_for_a_number_is_recognised() -> None:
    remedy = refusal(framework, "tensorflow", "1.1").remedy
    assert remedy == "1.10 without quotes is read as 1.1: put a version in quotes"


def test_an_unknown_version_is_answered_with_the_newest_and_the_nearest() -> None:
    error = refusal(framework, "pytorch", "1.14.0")
    assert error.problem == "pytorch has no image of version 1.14.0"
    assert error.allowed == "2.10.0, 2.9.0, 2.8.0, 2.7.1, 2.6.0 and 26 older ones"
    assert error.remedy == "near it: 2.0, 1.13.1"


def test_a_version_without_a_number_is_near_nothing() -> None:
    error = refusal(framework, "pytorch", "latest")
    assert (error.remedy, error.sure_value) == (None, None)


def test_an_unknown_version_of_what_has_but_one_is_refused() -> None:
    error = refusal(images.algorithm_image, "kmeans", "2", region=WEST, instance_type=CPU)
    assert (error.part, error.allowed) == ("version", "1")


def test_an_algorithm_is_not_asked_for_as_a_framework() -> None:
    assert refusal(framework, "linear-learner", "1").remedy == "ask for it as a built-in algorithm"
    assert "linear-learner is a built-in algorithm" in str(refusal(framework, "linear_learner", "1").remedy)
    error = refusal(images.algorithm_image, "pytorch", "2.8.0", region=WEST, instance_type=CPU)
    assert error.remedy == "ask for it as a framework"


def test_the_training_compiler_has_images_for_two_frameworks() -> None:
    uri = images.training_compiler_image("pytorch", "1.13.1", region=WEST)
    assert uri == f"{DLC}/pytorch-trcomp-training:1.13.1-gpu-py39"
    assert refusal(images.training_compiler_image, "mxnet", "1.9", region=WEST).part == "name"
    assert refusal(images.training_compiler_image, "pytorch", "2.0.1", region=WEST).part == "version"


@pytest.mark.parametrize(
    ("uri", "known"),
    [
        (f"{DLC}/pytorch-training:2.1.0-gpu-py310", ("pytorch", "2.1.0")),
        (f"{DLC}/pytorch-training:2.6.0-gpu-py312-cu126-ubuntu22.04-sagemaker", ("pytorch", "2.6.0")),
        (f"{DLC}/pytorch-training:2.99.1-gpu-py400", ("pytorch", "2.99.1")),
        (f"{DLC}/pytorch-training:2.8.0-gpu-py312@sha256:{'0' * 64}", ("pytorch", "2.8.0")),
        (f"{DLC}/pytorch-training-neuronx:2.8.0-neuronx-py311-sdk2.26.0-ubuntu22.04", ("pytorch", "2.8.0")),
        (f"{DLC}/tensorflow-training:2.19-gpu-py312", ("tensorflow", "2.19")),
        (f"{DLC}/huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129", ("huggingface", "4.56.2")),
        (f"{DLC}/huggingface-pytorch-training:2.9.9-transformers9.9.9-gpu-py312", ("huggingface", "9.9.9")),
        ("727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/mxnet-training:1.9.0-cpu-py38", ("mxnet", "1.9.0")),
        ("246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1", ("xgboost", "1.7-1")),
        ("246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:9.1-2-cpu-py3", ("xgboost", "9.1-2")),
        ("433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:latest", ("xgboost", "latest")),
        ("433757028032.dkr.ecr.us-west-2.amazonaws.com/image-classification:1", ("image-classification", "1")),
        ("174872318107.dkr.ecr.us-west-2.amazonaws.com/kmeans:latest", ("kmeans", "latest")),
        (
            "658645717510.dkr.ecr.us-west-2.amazonaws.com/smdistributed-modelparallel:2.2.0-gpu-py310-cu121",
            ("pytorch", "2.2.0"),
        ),
        (f"{DLC}/pytorch-training@sha256:{'0' * 64}", None),
        (f"{DLC}/pytorch-training:latest", None),
        (f"{DLC}/pytorch-inference:2.1.0-gpu-py310", None),
        ("895741380848.dkr.ecr.us-west-2.amazonaws.com/sagemaker-debugger-rules:latest", None),
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.1.0-gpu-py310", None),
        ("docker.io/library/python:3.12", None),
        ("", None),
    ],
)
def test_an_image_of_aws_is_recognised_by_its_address(uri: str, known: tuple[str, str] | None) -> None:
    assert images.family_of(uri) == known


def test_every_image_of_the_sample_is_recognised() -> None:
    trained = [(arguments, uri) for function, arguments, uri in SAMPLE if "version" in arguments]
    # An alias of transformers' is written out in the tag, and some families are PyTorch under another name.
    for arguments, uri in trained:
        name, version = images.family_of(uri) or ("", "")
        assert name in (arguments["name"], "pytorch"), uri
        assert version.startswith(arguments["version"]) or arguments["version"] == "latest", uri
    assert len(trained) > 250


def test_the_table_says_where_it_is_from_and_stays_small() -> None:
    about = json.loads(TABLE.read_text(encoding="utf-8"))["about"]
    assert about["licence"] == "Apache-2.0"
    assert about["sdk_version"].startswith("3.")
    assert "image_uri_config" in about["source"]
    assert TABLE.stat().st_size < 45_000


def test_the_table_is_read_at_the_first_question_only() -> None:
    # What the module itself costs, beside the standard library, which Prepare has loaded anyway; in processor time.
    program = (
        "import difflib, functools, json, pathlib, re, string, time, typing; import trainwright_runtime;"
        "start = time.process_time(); from trainwright_runtime import images; spent = time.process_time() - start;"
        "print(spent, images._table.cache_info().currsize)"
    )
    with_bytecode = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    runs = [
        subprocess.run(command, env=with_bytecode, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert {currsize for _, currsize in runs} == {"0"}
    assert min(float(spent) for spent, _ in runs) < 0.005


def test_a_look_up_is_quick() -> None:
    framework("huggingface", "4.56.2")
    spent = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(200):
            framework("huggingface", "4.56.2")
        spent.append((time.process_time() - start) / 200)
    assert min(spent) < 50e-6
