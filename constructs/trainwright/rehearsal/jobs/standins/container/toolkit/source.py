"""Brings the user's code to /opt/ml/code and installs what it lists (files.py, entry_point.py, modules.py)."""

from __future__ import annotations

import enum
import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

from . import process
from .environment import Environment, log
from .errors import ClientError

_ML = "/opt/ml"
_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*")
_SET = "Set the 'sagemaker_program' hyperparameter (or ContainerEntrypoint) to"
#: A code repository for pip; CodeArtifact is not among what the rehearsal has.
_CODE_ARTIFACT = "CA_REPOSITORY_ARN"


class Kind(enum.Enum):
    """What an entry point is."""

    PACKAGE = enum.auto()
    PROGRAM = enum.auto()
    COMMAND = enum.auto()


def kind_of(folder: Path, name: str) -> Kind:
    """By the entry point's ending, and whether the source has a setup.py."""
    if name.endswith(".sh"):
        return Kind.COMMAND
    if (folder / "setup.py").exists():
        return Kind.PACKAGE
    return Kind.PROGRAM if name.endswith(".py") else Kind.COMMAND


def check_name(name: str | None) -> str:
    """Refuse an entry point that is no plain path below the source (process.validate_entry_point).

    Raises:
        ClientError: with what to write instead.
    """
    if not name:
        raise ClientError(
            f"The training entry point name is empty. {_SET} the name of the script to run, relative to your source "
            "directory -- for example 'train.py' or 'train.sh'."
        )
    if not _NAME.fullmatch(name):
        raise ClientError(
            f"The training entry point {name!r} cannot be used because it contains {_odd(name)}. Rename the script so "
            "its name contains only letters, digits, '.', '_', '+', '-' and '/', and does not start with '-' or '/', "
            f"then {_SET[0].lower()}{_SET[1:]} the new name -- for example 'train.py' or 'bin/train.sh'."
        )
    if {".", ".."} & set(name.split("/")):
        raise ClientError(
            f"The training entry point {name!r} cannot be used because it contains '.' or '..' path segments. The "
            f"entry point must be a path inside your source directory. {_SET} a path relative to that directory -- for "
            "example 'train.py' or 'bin/train.sh'."
        )
    return name


def _odd(name: str) -> str:
    """What is wrong with the name."""
    unsupported = sorted({repr(each) for each in name if not re.match(r"[A-Za-z0-9._+/-]", each)})
    if unsupported:
        return f"the character(s) {', '.join(unsupported)}"
    leading = {"-": "a leading '-', which is read as a command-line option"}
    leading["/"] = "a leading '/', which makes it an absolute path"
    return leading.get(name[0], "an unsupported character at the start of the name")


def fetch(environment: Environment) -> None:
    """Fill /opt/ml/code, unless something is there already, from an archive in S3 or on this host, or a folder."""
    code, uri = environment.code, environment.module_dir
    code.mkdir(parents=True, exist_ok=True)
    if any(code.iterdir()):
        log.info("Provided path: %s is not empty, abandoning unzipping sourcedir.tar.gz", code)
        return
    log.info("Provided path: %s  is empty, unzipping", code)
    if uri.startswith("s3://"):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "tar_file"
            _download(uri, archive, environment.variables)
            _unpack(archive, code)
    else:
        _take(_local(uri, environment), code)


def _local(uri: str, environment: Environment) -> Path:
    """A path below /opt/ml is one below the base directory, wherever that lies."""
    return environment.base / uri.removeprefix(_ML).lstrip("/") if uri.startswith(f"{_ML}/") else Path(uri)


def _take(source: Path, code: Path) -> None:
    if source.is_dir():
        if source != code:
            shutil.copytree(source, code, dirs_exist_ok=True)
    elif tarfile.is_tarfile(source):
        _unpack(source, code)
    else:
        shutil.copy2(source, code)


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:gz") as tar:
        tar.extractall(folder, filter="data")


def _download(uri: str, target: Path, variables: Mapping[str, str]) -> None:
    import boto3  # noqa: PLC0415 - the one thing beside the standard library, and not for every job

    address = urlparse(uri)
    region = variables.get("AWS_REGION", variables.get("SAGEMAKER_REGION"))
    s3 = boto3.client("s3", region_name=region, endpoint_url=variables.get("S3_ENDPOINT_URL"))
    s3.download_file(address.netloc, address.path.lstrip("/"), str(target))


def install(environment: Environment, name: str, *, capture: bool) -> None:
    """Install a package, or what a program's requirements.txt lists; make a command executable.

    Raises:
        CalledProcessError: pip failed.
        RuntimeError: CA_REPOSITORY_ARN is set, which is not played.
    """
    code, kind = environment.code, kind_of(environment.code, name)
    sys.path.insert(0, str(code))
    has_requirements = (code / "requirements.txt").exists()
    if kind is Kind.COMMAND:
        (code / name).chmod(0o777)
        return
    if kind is Kind.PACKAGE:
        log.info("Installing module.")
        words, error = ["install", "."], "InstallModuleError"
    elif has_requirements:
        log.info("Installing dependencies from requirements.txt")
        words, error = ["install"], "InstallRequirementsError"
    else:
        return
    words += ["-r", "requirements.txt"] if has_requirements else []
    if _CODE_ARTIFACT in os.environ:
        raise RuntimeError(f"the rehearsal has no CodeArtifact, which {_CODE_ARTIFACT} names")
    process.run([sys.executable, "-m", "pip", *words], code, capture=capture, name=error)
