"""Code and layers on disk: unpacked once, by content."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import zipfile
from functools import lru_cache
from pathlib import Path

from trainwright.rehearsal.functions.spec import FunctionSpec, Layer

_lock = threading.Lock()

# What the Lambda runtime for Python brings itself.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = frozenset(
    {
        "awslambdaric",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "runtime_client",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot_restore_py",
        "urllib3",
    }
)


def unpack(code: bytes, folder: Path) -> Path:
    """Unpack a zip under its content's hash and return where it lies."""
    target = folder / hashlib.sha256(code).hexdigest()[:32]
    with _lock:
        if not target.exists():
            _unpack_into(code, target)
    return target


def _unpack_into(code: bytes, target: Path) -> None:
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        archive.extractall(partial)
    partial.rename(target)


@lru_cache(maxsize=64)
def layer_names(code: bytes) -> frozenset[str]:
    """The top-level packages and distributions in a layer's ``python/`` folder."""
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        tops = {
            name.split("/")[1] for name in archive.namelist() if name.startswith("python/") and name.count("/") >= 1
        }
    return frozenset(top for top in tops if top)


def importable(spec: FunctionSpec) -> frozenset[str]:
    """What a sandbox may import from this machine's environment: what its layers and the Lambda runtime bring."""
    names = set(RUNTIME_PACKAGES)
    for layer in spec.layers:
        names |= {_package(name) for name in layer_names(layer.code)}
    return frozenset(names)


def _package(name: str) -> str:
    if name.endswith((".dist-info", ".egg-info")):
        return name.rsplit("-", 1)[0].replace("-", "_").lower()
    return name.partition(".")[0]


def layer_folders(layers: tuple[Layer, ...], folder: Path) -> list[str]:
    """Where layers lie that hold something this environment does not have; it is looked at last."""
    site = site_folders()
    return [str(unpack(layer.code, folder) / "python") for layer in layers if not _all_here(layer, site)]


def _all_here(layer: Layer, site: tuple[str, ...]) -> bool:
    packages = [name for name in layer_names(layer.code) if not name.endswith(".dist-info")]
    return all(any(any(Path(root).glob(f"{_package(name)}*")) for root in site) for name in packages)


@lru_cache(maxsize=1)
def site_folders() -> tuple[str, ...]:
    """Where this process's installed packages lie."""
    return tuple(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
