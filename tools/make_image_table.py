"""Makes lambdas/trainwright_runtime/data/images.json: SageMaker's own training images, from the data of AWS's SDK.

    python tools/make_image_table.py            # writes the table anew, from the environment .sdk/v3
    python tools/make_image_table.py FOLDER     # from another environment that has the sagemaker SDK v3

The source is the SDK v3's `sagemaker/core/image_uri_config/*.json`: the v2's is the same data with fewer versions. Of
each file the training images are taken; which rules of `image_uris.retrieve()` are settled here, and which are left to
`trainwright_runtime.images`, is said where it is done. Nothing of the SDK is imported or run: its files are read.

An image in the table is what these versions share:
    versions          of the framework; an alias (`2.8`) is in the family's `aliases`
    repository        in ECR
    registries        position in the table's `registries`: region -> account
    processors        which of cpu, gpu and trn have an image; without it, one image serves every instance type
    py_versions       which of Python's versions have one; without it, the image has the one it has
    tag_prefix        begins the tag; without it, the version does
    word              stands in the tag where the processor's name else stands; "" is no word at all
    suffixes          ends the tag, by processor
    base, base_aliases  Hugging Face only: the framework below transformers (`pytorch2.8.0`) and its short names
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "lambdas" / "trainwright_runtime" / "data" / "images.json"

# Not training images, yet part of training jobs: what evaluates the debugger's and the profiler's rules.
BESIDE_TRAINING = {"debugger": "debugger", "detailed-profiler": "detailed-profiler"}
LEFT_OUT = {
    # retrieve() refuses Hugging Face on Trainium, and rightly: all but one of these training entries name a container
    # for Inferentia alone, and 4.55.4 another PyTorch (2.7.0) than the published tag (2.8.0).
    "huggingface-neuronx",
}
# What retrieve() writes in the processor's place: the inference tool that it derives from a Trainium instance type; and
# the one name of an image that the SDK asks for without an instance type.
WORDS = {"pytorch-neuron": "neuron", "hyperpod-recipes-neuron": "neuronx"}
PROCESSORS = {"cpu": "cpu", "gpu": "gpu", "trn": "trn", "neuronx": "trn"}
# Ends the tag where Hugging Face's data name no container version (`image_uris.get_training_image_uri`).
HUGGING_FACE_SUFFIX = "cu110-ubuntu18.04"
# Every key that an image of the data may have: one that is not here may change a tag, and must be looked at.
KEYS = {
    *("container_version", "processor_in_tag", "processors", "py_versions", "registries", "repository", "sdk_versions"),
    *("tag_prefix", "version_aliases"),
}


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else environment()
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text(site_packages(folder)), encoding="utf-8")
    return 0


def environment() -> Path:
    """The environment with the SDK v3: TRAINWRIGHT_SDK_V3, else the checkout's .sdk/v3."""
    return Path(os.environ.get("TRAINWRIGHT_SDK_V3") or ROOT / ".sdk" / "v3")


def site_packages(folder: Path) -> Path:
    """Where an environment keeps its packages."""
    (found,) = folder.glob("lib/python3*/site-packages")
    return found


def text(packages: Path) -> str:
    """The table as its file holds it: a line for each registry and each family, so that a new version is a short
    diff."""
    core = packages / "sagemaker" / "core"
    registries: list[dict[str, str]] = []
    families = {name: _family(name, config, registries) for name, config in _training_configs(core)}
    regions = sorted({region for registry in registries for region in registry})
    parts = {
        "about": _json(_about(packages)),
        "dns_suffixes": _json(_dns_suffixes(packages, regions)),
        "p4d_suffixes": _json(_p4d_suffixes(core)),
        "registries": "[\n" + ",\n".join(map(_json, registries)) + "\n]",
        "families": "{\n" + ",\n".join(f'"{name}":{_json(family)}' for name, family in families.items()) + "\n}",
    }
    return "{\n" + ",\n".join(f'"{name}":{part}' for name, part in parts.items()) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _about(packages: Path) -> dict[str, str]:
    return {
        "source": f"sagemaker-core {_version(packages, 'sagemaker-core')}, sagemaker/core/image_uri_config/*.json and"
        f" image_uris.py; botocore {_version(packages, 'botocore')}, endpoints.json",
        "sdk_version": _version(packages, "sagemaker"),
        "licence": "Apache-2.0",
        "copyright": "Copyright Amazon.com, Inc. or its affiliates. All Rights Reserved.",
        "changed": "training images only, rearranged by tools/make_image_table.py",
    }


def _version(packages: Path, name: str) -> str:
    (found,) = Distribution.discover(name=name, path=[str(packages)])
    return found.version


def _training_configs(core: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each family with its training images. A file holds one block for all its scopes, or a block for each scope."""
    for file in sorted((core / "image_uri_config").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        scope = BESIDE_TRAINING.get(file.stem, "training")
        block = data if scope in data.get("scope", ()) else data.get(scope)
        if block is not None and file.stem not in LEFT_OUT:
            yield file.stem, block


def _family(name: str, config: dict[str, Any], registries: list[dict[str, str]]) -> dict[str, Any]:
    versions: dict[str, list[str]] = {}
    for version, block in config["versions"].items():
        for image in _images(name, block, config.get("processors"), registries):
            versions.setdefault(_json(image), []).append(version)
    images = [{"versions": shared, **json.loads(image)} for image, shared in versions.items()]
    aliases = config.get("version_aliases")
    return {**({"aliases": aliases} if aliases else {}), "images": images}


def _images(
    name: str, block: dict[str, Any], processors: list[str] | None, registries: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    """The images of one version: one, or one for each Python, or one for each framework below Hugging Face's."""
    if "repository" in block:
        yield _image(name, block, processors, registries)
        return
    short_names = block.get("version_aliases", {})
    for key, inner in block.items():
        if key == "version_aliases":
            continue
        if re.fullmatch(r"py\d+", key):
            yield _image(name, {**inner, "py_versions": [key]}, processors, registries)
        else:
            image = _image(name, inner, processors, registries)
            yield {**image, "base": key, "base_aliases": [short for short, full in short_names.items() if full == key]}


def _image(
    name: str, block: dict[str, Any], processors: list[str] | None, registries: list[dict[str, str]]
) -> dict[str, Any]:
    if unknown := set(block) - KEYS:
        raise ValueError(f"{name}: the data have keys that no rule here knows: {sorted(unknown)}")
    image = {
        "repository": block["repository"],
        "registries": _position(block["registries"], registries),
        "processors": [PROCESSORS[given] for given in processors or block.get("processors", ())],
        "py_versions": block.get("py_versions"),
        "tag_prefix": block.get("tag_prefix"),
        "word": "" if block.get("processor_in_tag") is False else WORDS.get(name),
        "suffixes": _suffixes(name, block),
    }
    return {key: value for key, value in image.items() if value not in (None, [], {})}


def _position(registry: dict[str, str], registries: list[dict[str, str]]) -> int:
    ordered = dict(sorted(registry.items()))
    if ordered not in registries:
        registries.append(ordered)
    return registries.index(ordered)


def _suffixes(name: str, block: dict[str, Any]) -> dict[str, str]:
    """What follows Python's version in a tag, by processor; the Neuron SDK's version goes before it."""
    given = block.get("container_version") or ({"gpu": HUGGING_FACE_SUFFIX} if name == "huggingface" else {})
    neuron = sorted(block.get("sdk_versions", ()))[-1:]
    return {PROCESSORS[processor]: "-".join([*neuron, suffix]) for processor, suffix in given.items()}


def _dns_suffixes(packages: Path, regions: list[str]) -> dict[str, str]:
    """The end of a registry's host name, for regions where it is not amazonaws.com."""
    partitions = json.loads((packages / "botocore" / "data" / "endpoints.json").read_text(encoding="utf-8"))[
        "partitions"
    ]
    found = {}
    for region in regions:
        (suffix,) = {entry["dnsSuffix"] for entry in partitions if re.match(entry["regionRegex"], region)}
        if suffix != "amazonaws.com":
            found[region] = suffix
    return found


def _p4d_suffixes(core: Path) -> dict[str, str]:
    """The table that stands in the code of `image_uris._get_image_tag`: `<framework>-<tag>` -> what ends the tag on p4d
    or with a smdistributed library."""
    code = ast.parse((core / "image_uris.py").read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in ast.walk(code)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "container_versions"
    )
    table: dict[str, str] = ast.literal_eval(value)
    return table


if __name__ == "__main__":
    sys.exit(main())
