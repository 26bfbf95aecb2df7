"""What a buildspec's commands would build: read, not run.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

#: Options of ``docker build`` that take a value; the last words are only needed to find the context.
_WITH_VALUE = {
    "-f",
    "--file",
    "--build-arg",
    "-t",
    "--tag",
    "--platform",
    "--target",
    "--label",
    "--network",
    "--progress",
}


class BuildspecError(ValueError):
    """The buildspec cannot be read, or builds no image."""


@dataclass
class DockerBuild:
    """One ``docker build``: the folder, its Dockerfile, the build arguments and the tags."""

    context: str = "."
    dockerfile: str | None = None
    build_args: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


def docker_build(buildspec: str, variables: Mapping[str, str]) -> DockerBuild:
    """The first ``docker build`` among the commands of all phases, variables put in.

    Raises:
        BuildspecError: there is none, or it is not YAML.
    """
    commands = list(_commands(buildspec))
    for command in commands:
        words = _words(command, variables)
        for start in range(len(words) - 1):
            if words[start : start + 2] == ["docker", "build"]:
                return _parsed(words[start + 2 :])
            if words[start : start + 3] == ["docker", "buildx", "build"]:
                return _parsed(words[start + 3 :])
    raise BuildspecError(f"the rehearsal builds images only, and none of {len(commands)} commands is a docker build")


def _commands(buildspec: str) -> Iterator[str]:
    try:
        spec: Any = YAML(typ="safe").load(buildspec)
    except YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from error
    phases = spec.get("phases") if isinstance(spec, dict) else None
    if not isinstance(phases, dict):
        raise BuildspecError("YAML_FILE_ERROR: a buildspec with phases is needed in the project's source")
    for name in ("install", "pre_build", "build", "post_build"):
        yield from map(str, (phases.get(name) or {}).get("commands") or ())


def _words(command: str, variables: Mapping[str, str]) -> list[str]:
    try:
        return shlex.split(Template(command).safe_substitute(variables))
    except ValueError as error:
        raise BuildspecError(f"{command}: {error}") from error


def _parsed(words: list[str]) -> DockerBuild:
    build = DockerBuild()
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            build.context = word
        elif option in _WITH_VALUE:
            _take(build, option, value if equals else next(rest, ""))
    return build


def _take(build: DockerBuild, option: str, value: str) -> None:
    if option in ("-f", "--file"):
        build.dockerfile = value
    elif option in ("-t", "--tag"):
        build.tags.append(value)
    elif option == "--build-arg":
        name, _, text = value.partition("=")
        build.build_args[name] = text
