"""The user's scripts as `sourcedir.tar.gz`: the same folder makes the same archive, wherever and whenever it is packed.

Its address is made of the digest of the archive before compression, so it does not depend on who compresses either.
Scripts lie at the archive's root, as AWS's training toolkit and the SageMaker SDK expect them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from trainwright import names
from trainwright.cli.errors import BadInput
from trainwright_runtime import problems as codes
from trainwright_runtime.problems import Problem, shown
from trainwright_runtime.request import local_source

IGNORED = (".env", ".git", "__pycache__", ".DS_Store", ".cache", ".ipynb_checkpoints")
"""Names left out wherever they stand, when `ignore_patterns` is not given: those of SageMaker SDK v3, SourceCode."""

MOST_BYTES = 1024**3
"""Every host of every attempt loads and unpacks the archive before it trains, on a volume of 30 GB unless it asks for
more: what is larger than 1 GiB is data or a model, and belongs in an input channel."""

LARGE_BYTES = 50 * 1024**2
"""A file that is worth a word: it travels again whenever any script changes."""

ARCHIVE = "sourcedir.tar.gz"
_LEVEL = 6
_SOURCE_DIR = ("source_code", "source_dir")


@dataclass(frozen=True)
class Member:
    """A file of the archive: its name there, and the file on this machine."""

    name: str
    file: Path
    size: int


@dataclass(frozen=True)
class Source:
    """A packed folder.

    Args:
        folder: what was packed.
        digest: SHA-256 of the archive before compression, in hex.
        members: the files in it.
    """

    folder: Path
    digest: str
    members: tuple[Member, ...]

    @property
    def key(self) -> str:
        """Its key in the data bucket."""
        return f"{names.SOURCE}{self.digest}/{ARCHIVE}"

    @property
    def address(self) -> str:
        """Its address in a run request."""
        return f"data://{self.key}"

    @property
    def size(self) -> int:
        """Bytes of its files before compression."""
        return sum(member.size for member in self.members)

    @property
    def large(self) -> list[Member]:
        """Its files that are large for scripts."""
        return [member for member in self.members if member.size > LARGE_BYTES]

    def upload(self, client: Any, bucket: str) -> bool:
        """Upload it unless it is there already; answers whether it was uploaded. `client` is boto3's of S3."""
        if _is_there(client, bucket, self.key):
            return False
        with tempfile.TemporaryFile() as archive:
            self.write(archive)
            archive.seek(0)
            client.upload_fileobj(archive, bucket, self.key)
        return True

    def write(self, target: IO[bytes]) -> None:
        """Write sourcedir.tar.gz; BadInput where the files are no longer what they were."""
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=target, mtime=0) as compressed:
            digest = _write(self.members, compressed)
        if digest != self.digest:
            raise BadInput(f"{self.folder}: its files changed while they were packed. Try again.")


@dataclass(frozen=True)
class Packed:
    """A request's value with the local folder's address in its place; `source` is None where it names none."""

    value: Any
    source: Source | None = None
    problems: tuple[Problem, ...] = ()


class _Refused(Exception):
    """Why a folder cannot be packed."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem)


def pack_local(value: Any, beside: Path) -> Packed:
    """The request's value with its local `source_code.source_dir` packed; relative to the folder `beside`.

    What is wrong with the folder comes as problems, and the value then holds an address all the same, so that the
    rest can be checked too.
    """
    if (given := local_source(value)) is None:
        return Packed(value)
    try:
        source = pack(beside / given, _patterns(value["source_code"]))
    except _Refused as refused:
        wrong = Problem(codes.OUT_OF_RANGE, _SOURCE_DIR, refused.problem, value=shown(given), remedy=refused.remedy)
        return Packed(_with_address(value, f"data://{names.SOURCE}{'0' * 64}/{ARCHIVE}"), None, (wrong,))
    return Packed(_with_address(value, source.address), source, tuple(_absent(value, source)))


def pack(folder: Path, ignored: Sequence[str] = IGNORED) -> Source:
    """What a folder's archive will be; its files are read once here, and again by `Source.write`."""
    members = tuple(sorted(_members(folder, ignored), key=lambda member: member.name))
    if not members:
        raise _Refused("there are no files in this folder", "name the folder that holds your scripts")
    size = sum(member.size for member in members)
    if size > MOST_BYTES:
        largest = max(members, key=lambda member: member.size)
        problem = f"{size / 1024**3:.1f} GiB are too much to pack, 1 GiB is the limit; the largest file is"
        remedy = "put data and models in an input channel, or name what to leave out in source_code.ignore_patterns"
        raise _Refused(f"{problem} {largest.name}", remedy)
    try:
        return Source(folder, _write(members), members)
    except OSError as error:
        problem = f"{error.filename or folder} cannot be read: {error.strerror or error}"
        raise _Refused(problem, "give yourself the right to read it, or ignore it") from error


def _write(members: Sequence[Member], target: gzip.GzipFile | None = None) -> str:
    """Write the archive without compressing it; answers its digest."""
    tee = _Tee(target)
    with tarfile.open(fileobj=tee, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            _add(tar, member)
    return tee.digest.hexdigest()


def _add(tar: tarfile.TarFile, member: Member) -> None:
    """The file's content and whether it can be executed, and nothing else of it: not when, whose, or on which disk."""
    with member.file.open("rb") as content:
        info = tarfile.TarInfo(member.name)
        info.size = os.fstat(content.fileno()).st_size
        info.mode = 0o755 if os.fstat(content.fileno()).st_mode & stat.S_IXUSR else 0o644
        tar.addfile(info, content)


class _Tee(io.RawIOBase):
    """A file for tarfile to write to, which hashes what it passes on."""

    def __init__(self, target: gzip.GzipFile | None) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, block: Any) -> int:
        self.digest.update(block)
        if self._target:
            self._target.write(block)
        return len(block)


def _members(folder: Path, ignored: Sequence[str]) -> Iterator[Member]:
    if not folder.is_dir():
        raise _Refused(
            "there is no such folder", "name a folder beside the request, or an address: data://... or s3://"
        )
    yield from _walk(folder, PurePosixPath(), ignored, folder.resolve(), ())


def _walk(
    folder: Path, name: PurePosixPath, ignored: Sequence[str], root: Path, above: tuple[Path, ...]
) -> Iterator[Member]:
    """The files below `folder`, links followed as long as they stay inside `root` and lead to no folder around them."""
    here = folder.resolve()
    if here in above:
        raise _Refused(f"{name} is a link to a folder that it stands in", "remove the link, or ignore it")
    for entry in _entries(folder):
        if any(fnmatchcase(entry.name, pattern) for pattern in ignored):
            continue
        inner = name / entry.name
        file = _followed(folder / entry.name, inner, root)
        if file.is_dir():
            yield from _walk(folder / entry.name, inner, ignored, root, (*above, here))
        elif file.is_file():
            yield Member(str(inner), file, file.stat().st_size)
        else:
            raise _Refused(f"{inner} is no plain file", f"remove it, or ignore it: {_HOW_TO_IGNORE}")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise _Refused(f"{folder} cannot be read: {error.strerror}", "give yourself the right to read it") from error


def _followed(file: Path, name: PurePosixPath, root: Path) -> Path:
    if not file.is_symlink():
        return file
    target = file.resolve()
    if not target.exists():
        raise _Refused(f"{name} is a link to what is not there", f"remove it, or ignore it: {_HOW_TO_IGNORE}")
    if not target.is_relative_to(root):
        remedy = f"put the file itself there, or ignore the link: {_HOW_TO_IGNORE}"
        raise _Refused(f"{name} is a link to a place outside the folder ({target})", remedy)
    return target


_HOW_TO_IGNORE = "source_code.ignore_patterns"


def _patterns(settings: Mapping[str, Any]) -> Sequence[str]:
    """What the request leaves out; where it says nothing that can be used, the check of the request says so."""
    given = settings.get("ignore_patterns")
    usable = isinstance(given, list) and all(isinstance(pattern, str) for pattern in given)
    return given if usable and given is not None else IGNORED


def _absent(value: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """The files that the request names and the folder does not hold."""
    there = {member.name for member in source.members}
    for path in (("source_code", "entry_script"), ("source_code", "requirements"), ("distributed", "config")):
        section = value.get(path[0])
        name = section.get(path[1]) if isinstance(section, Mapping) else None
        if isinstance(name, str) and os.path.normpath(name) not in there:
            near = ", ".join(sorted(each for each in there if Path(each).suffix == Path(name).suffix)[:8])
            ignored = (source.folder / name).exists()
            problem = f"source_code.source_dir holds no such file{', because it is ignored' if ignored else ''}"
            remedy = f"there are {near}" if near else "name a file of that folder"
            yield Problem(codes.OUT_OF_RANGE, path, problem, value=shown(name), remedy=remedy)


def _with_address(value: Mapping[str, Any], address: str) -> dict[str, Any]:
    return {**value, "source_code": {**value["source_code"], "source_dir": address}}


def _is_there(client: Any, bucket: str, key: str) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - not needed to pack

    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return False
        raise
    return True
