"""Makes constructs/trainwright/rehearsal/jobs/standins/data/registries.json: which of AWS's accounts has which of
SageMaker's own training images in which region, from the data of AWS's SDK.

    python tools/make_standin_table.py            # writes the table anew, from the environment .sdk/v3
    python tools/make_standin_table.py FOLDER     # from another environment that has the sagemaker SDK v3

The source is `sagemaker/core/image_uri_config/*.json`. The rehearsal may not read the table of the runtime
(tools/make_image_table.py), which picks images by version: here only the address counts. Nothing of the SDK is
imported or run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "constructs/trainwright/rehearsal/jobs/standins/data/registries.json"
# What the SDK's data leave out of "training", and is one.
LEFT_OUT = {"debugger", "detailed-profiler"}


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("TRAINWRIGHT_SDK_V3", ROOT / ".sdk/v3"))
    TABLE.parent.mkdir(exist_ok=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    TABLE.write_text(text(packages), encoding="utf-8")
    return 0


def text(packages: Path) -> str:
    """The table as its file holds it: a line for each registry and for each repository."""
    registries: list[dict[str, str]] = []
    repositories: dict[str, list[int]] = {}
    for name, registry in sorted(_images(packages / "sagemaker" / "core"), key=_order):
        if registry not in registries:
            registries.append(registry)
        places = repositories.setdefault(name, [])
        if registries.index(registry) not in places:
            places.append(registries.index(registry))
    parts = {
        "about": _json(_about(packages)),
        "registries": "[\n" + ",\n".join(map(_json, registries)) + "\n]",
        "repositories": "{\n" + ",\n".join(f'"{name}":{places}' for name, places in repositories.items()) + "\n}",
    }
    return "{\n" + ",\n".join(f'"{name}":{part}' for name, part in parts.items()) + "\n}\n"


def _order(image: tuple[str, dict[str, str]]) -> tuple[str, str]:
    return image[0], _json(image[1])


def _images(core: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for file in sorted((core / "image_uri_config").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        block = data if "training" in data.get("scope", ()) else data.get("training")
        if block is not None and file.stem not in LEFT_OUT:
            yield from _below(block["versions"])


def _below(block: Any) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(block, dict):
        if "repository" in block:
            yield block["repository"], dict(sorted(block["registries"].items()))
        for inner in block.values():
            yield from _below(inner)


def _about(packages: Path) -> dict[str, str]:
    return {
        "source": f"sagemaker-core {_version(packages, 'sagemaker-core')}, sagemaker/core/image_uri_config/*.json",
        "sdk_version": _version(packages, "sagemaker"),
        "licence": "Apache-2.0",
        "copyright": "Copyright Amazon.com, Inc. or its affiliates. All Rights Reserved.",
        "changed": "addresses of training images only, rearranged by tools/make_standin_table.py",
    }


def _version(packages: Path, name: str) -> str:
    (found,) = Distribution.discover(name=name, path=[str(packages)])
    return found.version


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
