"""Script mode: the user's own code, packed in an archive, in place of the image's script.

The keys are those of AWS's sagemaker-training toolkit (files.py, entry_point.py, params.py), which the SageMaker SDK
sends: ``sagemaker_submit_directory`` is the archive, ``sagemaker_program`` the script in it. So a request made for
AWS's own framework images runs in the platform's image too.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from trainkit import aws
from trainkit.environment import Job
from trainkit.failure import LaunchError
from trainkit.processes import Relay, run

ML = "/opt/ml/"
#: Names the file of requirements where it is not called so.
REQUIREMENTS, DEFAULT_REQUIREMENTS = "TRAINWRIGHT_REQUIREMENTS", "requirements.txt"

_NO_INDEX = re.compile(
    "NewConnectionError|NameResolutionError|Temporary failure in name resolution|Network is unreachable"
    "|Connection refused|ConnectTimeoutError|ProxyError|Max retries exceeded"
)
_NO_INDEX_HINT = (
    "; no package index can be reached from this job (network isolation, or a VPC without a way out): build the "
    "packages into the image, or put wheels into source_dir and begin the file with --no-index --find-links"
)


def has_source(job: Job) -> bool:
    """Whether the request asks for script mode."""
    return bool(job.toolkit.get("sagemaker_program") and job.toolkit.get("sagemaker_submit_directory"))


def fetch(job: Job) -> Path:
    """Unpack the source into ``/opt/ml/code``, emptied first, and answer that folder.

    Raises:
        LaunchError: the archive cannot be had or holds what it should not, or the script is not in it.
    """
    address, program = str(job.toolkit["sagemaker_submit_directory"]), str(job.toolkit["sagemaker_program"])
    folder = job.base / "code"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if address.startswith("s3://"):
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch) / "sourcedir.tar.gz"
            _download(address, archive)
            unpack(archive, folder, address)
    else:
        _take(_local(job, address), folder, address)
    if not _inside(folder, program) or not (folder / program).is_file():
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
        raise LaunchError(f"the source {address} has no file {program}; at its top it has: {found}")
    return folder


def _local(job: Job, address: str) -> Path:
    """A path below /opt/ml is one below the job's base directory, wherever that lies."""
    return job.base / address.removeprefix(ML) if address.startswith(ML) else Path(address)


def _take(source: Path, folder: Path, address: str) -> None:
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    elif source.is_file():
        unpack(source, folder, address)
    else:
        raise LaunchError(f"the source {address} is not there; is there an input channel for it?")


def _download(address: str, target: Path) -> None:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        aws.call("s3", None, lambda client: client.download_file(bucket, key, str(target)))
    except aws.AwsError as error:
        raise LaunchError(f"the source {address} cannot be fetched: {error}") from None


def unpack(archive: Path, folder: Path, address: str) -> None:
    """Unpack a gzipped tar of plain files and folders.

    Raises:
        LaunchError: it is no such archive, or has a link, a device, or a name that leads out of the folder.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            for member in members:
                _check(member, folder, address)
            tar.extractall(folder, members, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise LaunchError(f"the source {address} cannot be unpacked: {type(error).__name__}: {error}") from None


def _check(member: tarfile.TarInfo, folder: Path, address: str) -> None:
    if not (member.isfile() or member.isdir()):
        raise LaunchError(f"the source {address} has {member.name}, which is no plain file; pack files only, no links")
    if not _inside(folder, member.name):
        raise LaunchError(f"the source {address} has {member.name}, which leads out of the folder")


def _inside(folder: Path, name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and (folder / name).resolve().is_relative_to(folder)


def install_requirements(folder: Path, relay: Relay) -> None:
    """Install what the source's file of requirements lists, with the script's own Python.

    Raises:
        LaunchError: pip fails; the message has the line of the file and pip's own words.
    """
    name = os.environ.get(REQUIREMENTS) or DEFAULT_REQUIREMENTS
    if not (folder / name).is_file():
        if os.environ.get(REQUIREMENTS):
            raise LaunchError(f"the source has no file {name}, which {REQUIREMENTS} names")
        return
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
    ended = run([sys.executable, "-m", "pip", *words, "-r", name], relay, cwd=folder)
    if ended.returncode:
        lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
        raise LaunchError(complaint(name, lines, ended.tail))


def complaint(name: str, requirements: Sequence[str], said: Sequence[str]) -> str:
    """What pip complained about: the line of the file where it can be found, pip's last error, and what to do."""
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    last = errors[-1] if errors else (said[-1] if said else "pip gave no reason")
    number = _line_number(requirements, said)
    at = f"{name} line {number} ({requirements[number - 1].strip()})" if number else name
    hint = _NO_INDEX_HINT if any(_NO_INDEX.search(line) for line in said) else ""
    return f"{at} cannot be installed: {last}{hint}"


def _line_number(requirements: Sequence[str], said: Sequence[str]) -> int | None:
    """pip names the requirement, or for a line that it cannot read, the line's number."""
    text = "\n".join(said)
    numbered = re.search(r"\(from line (\d+) of ", text)
    if numbered and int(numbered[1]) <= len(requirements):
        return int(numbered[1])
    named = re.search(r"(?:No matching distribution found for|satisfies the requirement) (\S+)", text)
    found = (number for number, line in enumerate(requirements, start=1) if named and _names(line, named[1]))
    return next(found, None)


def _names(line: str, requirement: str) -> bool:
    """Whether a line asks for what pip names, which writes a requirement in its own way."""
    return bool(line.strip()) and _project(line) == _project(requirement)


def _project(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""
