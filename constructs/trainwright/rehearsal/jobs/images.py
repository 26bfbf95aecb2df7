"""What runs for an image: a folder with a Dockerfile, of which the parts that matter at run time are followed.

ENTRYPOINT, CMD, ENV, WORKDIR, COPY and ADD are read as Docker's reference has them
(https://docs.docker.com/reference/dockerfile/); FROM and RUN are not carried out: the folder runs on this machine's
Python and libraries.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.utils.build import exclude_paths  # type: ignore[import-untyped]
from dockerfile_parse import DockerfileParser
from dockerfile_parse.util import WordSplitter, extract_key_values

#: What container engines put into PATH where no image says otherwise.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_INSTRUCTIONS = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    }
)
_ECR = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)"
    r"/(?P<repository>[a-z0-9][a-z0-9._/-]*)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


#: Its line, its name, what follows the name.
Instruction = tuple[int, str, str]


class ImageError(ValueError):
    """The folder cannot serve as an image; the message says why."""


@dataclass(frozen=True)
class Reference:
    """An image's address in ECR, taken apart."""

    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def repository_arn(self) -> str:
        """The repository, for policies."""
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        return f"arn:{partition}:ecr:{self.region}:{self.account}:repository/{self.repository}"

    @property
    def image_id(self) -> dict[str, str]:
        """What ECR's own API calls ``imageId``; without tag and digest it is the tag ``latest``, as for Docker."""
        return {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag or "latest"}


def parse_reference(uri: str) -> Reference | None:
    """Take an ECR address apart; None for an image that lies elsewhere."""
    match = _ECR.fullmatch(uri)
    return match and Reference(*match.group("account", "region", "repository", "tag", "digest"))


@dataclass(frozen=True)
class Copy:
    """One COPY or ADD: patterns below the folder, and an absolute destination (with ``/`` at its end: a folder)."""

    sources: tuple[str, ...]
    destination: str


@dataclass
class Image:
    """What a Dockerfile says about running; ``entrypoint`` and ``command`` as Docker would execute them.

    ``bases`` are all images that a build pulls, ``base`` is the one below the last stage.
    ``client_error`` is the exit code with which an image of AWS's says that the customer's input is at fault.
    """

    folder: Path
    dockerfile: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)
    base: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": DEFAULT_PATH})
    workdir: str = "/"
    copies: list[Copy] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    workdirs: list[str] = field(default_factory=list)
    client_error: int | None = None

    def argv(self, entrypoint: Sequence[str] | None, arguments: Sequence[str] | None) -> list[str]:
        """What SageMaker starts: ``docker run IMAGE train``, or the request's ContainerEntrypoint and -Arguments.

        A shell-form ENTRYPOINT takes no arguments, exactly as with Docker.
        """
        if entrypoint:
            return [*entrypoint, *(arguments or ())]
        return [*self.entrypoint, *(arguments or ("train",))]

    def lay(self, root: Path, *, real: bool) -> None:
        """Copy what COPY and ADD name to where they put it, below ``root``.

        ``real``: follow this machine's symbolic links in a destination (/lib is /usr/lib), for a folder that will lie
        over the machine's file system.
        """
        for workdir in self.workdirs:
            if not (real and Path(workdir).is_dir()):
                (root / workdir.strip("/")).mkdir(parents=True, exist_ok=True)
        files = set(exclude_paths(str(self.folder), _ignored(self.folder)))
        for copy in self.copies:
            target = os.path.realpath(copy.destination) if real else copy.destination
            target += "/" if copy.destination.endswith("/") and not target.endswith("/") else ""
            _copy(self.folder, files, copy.sources, root, target)


def read_image(folder: Path, dockerfile: str = "Dockerfile", build_args: Mapping[str, str] | None = None) -> Image:
    """Read the folder's Dockerfile as a build with these arguments would.

    Raises:
        ImageError: when there is none, or it cannot be followed; the message names the line or the instruction.
    """
    path = folder / dockerfile
    if not path.is_file():
        raise ImageError(f"{folder} has no file {dockerfile}")
    given = dict(build_args or {})
    image = Image(folder, dockerfile, given)
    stages = _Stages(given)
    for line, name, value in stages.last(_instructions(path.read_bytes())):
        apply = _APPLY.get(name)
        if apply:
            with _at(line, name):
                apply(image, value)
    image.bases, image.base = stages.bases, stages.base
    return image


@contextlib.contextmanager
def _at(line: int, name: str) -> Iterator[None]:
    """Say where in the Dockerfile something is wrong, and what cannot be read at all (JSON, quotes)."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"Dockerfile line {line}: {error}") from error
    except ValueError as error:
        raise ImageError(f"Dockerfile line {line}: {name} cannot be read: {error}") from error


class _Stages:
    """Follows FROM: which instructions make the final image, those of the stages it is made FROM first."""

    def __init__(self, build_args: Mapping[str, str]) -> None:
        self._given = build_args
        self._arguments: dict[str, str] = {}
        self._stages: dict[str, list[Instruction]] = {}
        self._roots: dict[str, str] = {}
        self.bases: list[str] = []
        self.base = ""

    def last(self, instructions: Iterator[Instruction]) -> list[Instruction]:
        current: list[Instruction] | None = None
        for line, name, value in instructions:
            with _at(line, name):
                if name == "FROM":
                    current = self._begin(value)
                elif current is not None:
                    current.append((line, name, value))
                elif name == "ARG":
                    self._argument(value)
                else:
                    raise ImageError(f"{name} stands before the first FROM")
        if current is None:
            raise ImageError("Dockerfile: there is no FROM")
        return current

    def _begin(self, value: str) -> list[Instruction]:
        words = [word for word in WordSplitter(value, args=self._arguments).split() if not word.startswith("--")]
        if len(words) not in (1, 3):
            raise ImageError(f"FROM {value}: an image, or an image AS a name, is needed")
        begun = list(self._stages.get(words[0], ()))
        if words[0] not in self._stages:
            self.bases.append(words[0])
        name = words[-1] if len(words) == 3 else f"#{len(self._stages)}"
        self.base = self._roots[name] = self._roots.get(words[0], words[0])
        self._stages[name] = begun
        return begun

    def _argument(self, value: str) -> None:
        name, _, default = value.partition("=")
        text = self._given.get(name.strip(), default)
        self._arguments[name.strip()] = " ".join(WordSplitter(text, args=self._arguments).split())


def _instructions(dockerfile: bytes) -> Iterator[Instruction]:
    for item in DockerfileParser(fileobj=io.BytesIO(dockerfile)).structure:
        name = item["instruction"].upper()
        if name == "COMMENT":
            continue
        if name not in _INSTRUCTIONS:
            raise ImageError(f"Dockerfile line {item['startline'] + 1}: unknown instruction {name}")
        if not item["value"]:
            raise ImageError(f"Dockerfile line {item['startline'] + 1}: {name} has no argument")
        yield item["startline"] + 1, name, item["value"]


def _apply_env(image: Image, value: str) -> None:
    for key, text in extract_key_values(True, image.arguments, image.environment, value):
        image.environment[key] = text


def _apply_arg(image: Image, value: str) -> None:
    name, _, default = value.partition("=")
    image.arguments[name.strip()] = " ".join(_words(image, image.build_args.get(name.strip(), default)))


def _apply_workdir(image: Image, value: str) -> None:
    image.workdir = posixpath.normpath(posixpath.join(image.workdir, _words(image, value)[0]))
    image.workdirs.append(image.workdir)


def _apply_copy(image: Image, value: str) -> None:
    if re.search(r"(^|\s)--from=", value):
        return  # from another stage, which nothing builds here
    words = json.loads(value) if value.startswith("[") else _words(image, value)
    words = [word for word in words if not word.startswith("--")]
    if len(words) < 2:
        raise ImageError(f"COPY {value}: a source and a destination are needed")
    destination = posixpath.normpath(posixpath.join(image.workdir, words[-1]))
    is_folder = len(words) > 2 or words[-1].endswith("/") or words[-1] in (".", "..")
    image.copies.append(Copy(tuple(words[:-1]), destination + ("/" if is_folder else "")))


def _apply_entrypoint(image: Image, value: str) -> None:
    image.entrypoint = _command(value)


def _apply_cmd(image: Image, value: str) -> None:
    image.command = _command(value)


_APPLY = {
    "ENV": _apply_env,
    "ARG": _apply_arg,
    "WORKDIR": _apply_workdir,
    "COPY": _apply_copy,
    "ADD": _apply_copy,
    "ENTRYPOINT": _apply_entrypoint,
    "CMD": _apply_cmd,
}


def _command(value: str) -> list[str]:
    """Exec form is JSON; everything else is shell form, whose shell is process 1 and passes no signal on."""
    try:
        words: Any = json.loads(value)
    except ValueError:
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    return ["/bin/sh", "-c", value]


def _words(image: Image, value: str) -> list[str]:
    return list(WordSplitter(value, args=image.arguments, envs=image.environment).split()) or [""]


def _ignored(folder: Path) -> list[str]:
    ignore = folder / ".dockerignore"
    lines = ignore.read_text().splitlines() if ignore.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _copy(folder: Path, files: set[str], sources: Sequence[str], root: Path, destination: str) -> None:
    target = root / destination.strip("/")
    into_folder = destination.endswith("/") or target.is_dir()
    for source in sources:
        for found in _found(folder, source):
            if found.is_dir():
                _copy_tree(folder, found, files, target)
            else:
                _copy_file(found, target / found.name if into_folder else target)


def _found(folder: Path, pattern: str) -> list[Path]:
    relative = posixpath.normpath(pattern.lstrip("/") or ".")
    if relative.startswith(".."):
        raise ImageError(f"Dockerfile: COPY {pattern}: the source lies outside the build context")
    found = [folder] if relative == "." else sorted(folder.glob(relative))
    if not found:
        raise ImageError(f"Dockerfile: COPY {pattern}: there is no such file in the build context")
    return found


def _copy_tree(folder: Path, source: Path, files: set[str], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(files):
        path = folder / name
        if path.is_relative_to(source) and path.is_file():
            _copy_file(path, target / path.relative_to(source))


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
