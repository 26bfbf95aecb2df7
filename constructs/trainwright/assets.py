"""The Lambda functions' two assets, the same bytes on every machine: the code, and the layer with its pinned wheels.

Both are staged in a cache folder named by their hash and handed to the CDK with that hash, so that neither the place
of an installation nor its `__pycache__` reaches an asset's name, and a second synth copies nothing anew.
"""

import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwright import project

# What an editor, an interpreter or a desktop leaves behind.
_JUNK_NAMES = {"__pycache__", ".DS_Store", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints"}
_JUNK_SUFFIXES = {".pyc", ".pyo"}

LAMBDA_PYTHON = (3, 13)
# One wheel may carry any of the three tags; Amazon Linux 2023 under the Lambda runtime has glibc 2.34 and takes them
# all.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64")
# Raise it when `_install_wheels` or `_strip` change what they leave: the layer's name must change with its content.
_BUNDLER = "1"
# What pip writes about the installing machine, and the scripts that a Lambda function never runs.
_MACHINE_FILES = ("direct_url.json", "INSTALLER", "RECORD", "REQUESTED")


@dataclass(frozen=True)
class StagedAsset:
    """A folder that is ready to be an asset, and the hash that names it."""

    path: Path
    hash: str


def code() -> StagedAsset:
    """The runtime package, alone, as a folder `trainwright_runtime/` at the root of the asset."""
    package = project.runtime_package()
    digest = _content_hash(package)
    return StagedAsset(_staged(f"code-{digest}", lambda target: _copy_files(package, target / package.name)), digest)


def folder(source: Path, identity: Sequence[str]) -> StagedAsset:
    """A folder as it is, without what editors and interpreters leave in it. `identity`: what else makes it another
    asset.
    """
    digest = hashlib.sha256("\0".join([_content_hash(source), *identity]).encode()).hexdigest()
    return StagedAsset(_staged(f"folder-{digest}", lambda target: _copy_files(source, target)), digest)


def layer() -> StagedAsset:
    """The runtime's pinned wheels for Linux on arm64, under `python/`. Needs the package index the first time, no
    Docker.

    The hash is made from the pins, the target and the bundler, not from pip's version: every wheel is pinned by its own
    hash, so whichever pip unpacks it, the content is the same, and two machines must agree on the asset's name.
    """
    requirements = project.path("lambdas", "layer-requirements.txt")
    identity = "\n".join([*_requirement_lines(requirements), *_PLATFORMS, ".".join(map(str, LAMBDA_PYTHON)), _BUNDLER])
    digest = hashlib.sha256(identity.encode()).hexdigest()
    compiled = sys.version_info[:2] == LAMBDA_PYTHON
    name = f"layer-{digest}{'-compiled' if compiled else ''}"
    return StagedAsset(_staged(name, lambda target: _build_layer(requirements, target, compiled=compiled)), digest)


def _requirement_lines(requirements: Path) -> list[str]:
    lines = (line.strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _content_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files(folder):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        names = file.relative_to(folder).parts
        if file.is_file() and not _JUNK_NAMES.intersection(names) and file.suffix not in _JUNK_SUFFIXES:
            yield file


def _copy_files(source: Path, target: Path) -> None:
    for file in _files(source):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        # The zip carries modes, and a umask is a machine's own business; that a script can be run is the folder's.
        copy.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _build_layer(requirements: Path, target: Path, *, compiled: bool) -> None:
    wheels = target / "python"
    _install_wheels(requirements, wheels)
    _strip(wheels)
    if compiled:  # bytecode of another minor version would only be weight
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(wheels, ddir="/opt/python", quiet=1, invalidation_mode=mode)


def _install_wheels(requirements: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", ".".join(map(str, LAMBDA_PYTHON)), "--target", str(target)]
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    done = subprocess.run([*command, "-r", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"pip could not fetch the Lambda layer's wheels ({requirements}). Is the package index reachable? "
            f"pip said:\n{done.stderr.strip()}"
        )


def _strip(wheels: Path) -> None:
    shutil.rmtree(wheels / "bin", ignore_errors=True)
    for leftover in [p for p in wheels.rglob("*") if p.name == "__pycache__" or _is_machine_file(p)]:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _is_machine_file(path: Path) -> bool:
    return path.parent.suffix == ".dist-info" and path.name in _MACHINE_FILES


def _staged(name: str, build: Callable[[Path], None]) -> Path:
    """The cached folder of that name, built when it is missing: beside its place and moved there whole, because two
    synths may run at once and neither may see half a folder."""
    place = _cache_folder() / name
    if not place.is_dir():
        scratch = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{name[:16]}-"))
        try:
            build(scratch)
            scratch.chmod(0o755)
            _move(scratch, place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return place


def _move(scratch: Path, place: Path) -> None:
    try:
        scratch.rename(place)
    except OSError:
        if not place.is_dir():  # else another synth was first, with the same content
            raise


def _cache_folder() -> Path:
    """$XDG_CACHE_HOME/trainwright, else ~/.cache/trainwright, else a folder of this user's in the temporary
    directory.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    for folder in (Path(base) / "trainwright", Path(tempfile.gettempdir()) / f"trainwright-{user}"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise RuntimeError("no folder to cache Lambda assets in: set XDG_CACHE_HOME to one that can be written")
