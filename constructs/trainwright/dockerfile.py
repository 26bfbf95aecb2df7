"""Which registries a Dockerfile pulls from: CodeBuild must sign in to each, and be allowed to pull from each
repository.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from dockerfile_parse import DockerfileParser

_ECR = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>amazonaws\.com(?:\.cn)?))"
    r"/(?P<repository>[a-z0-9._/*?-]+)"
)
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True)
class EcrImage:
    """A repository in Amazon ECR, as an image URI names it; `*` and `?` where a policy gives a pattern."""

    registry: str
    account: str
    region: str
    repository: str

    @classmethod
    def of(cls, uri: str) -> "EcrImage | None":
        """None for an image that is not in a private ECR registry."""
        match = _ECR.match(uri)
        if match is None:
            return None
        return cls(match["registry"], match["account"], match["region"], match["repository"])

    def arn(self, partition: str) -> str:
        return f"arn:{partition}:ecr:{self.region}:{self.account}:repository/{self.repository}"


def base_images(dockerfile: Path, build_args: Mapping[str, str]) -> list[str]:
    """The images that the FROM lines name, their ARGs filled in from `build_args` or the Dockerfile's defaults."""
    parser = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()))
    arguments: dict[str, str] = {}
    images: list[str] = []
    for line in parser.structure:
        if line["instruction"] == "ARG" and not images:
            name, _, default = line["value"].partition("=")
            arguments[name] = build_args.get(name, default.strip("'\""))
        elif line["instruction"] == "FROM":
            images.append(_image(line["value"], arguments))
    return images


def _image(value: str, arguments: Mapping[str, str]) -> str:
    words = [word for word in value.split() if not word.startswith("--")]
    return _expand(words[0], arguments)


def _expand(text: str, arguments: Mapping[str, str]) -> str:
    for _ in arguments:  # an ARG's default may name an earlier ARG
        text = _VARIABLE.sub(lambda m: arguments.get(m[1] or m[2], ""), text)
    return text
