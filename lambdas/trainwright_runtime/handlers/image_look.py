"""Looking at an image before a job names it: is it there, which digest has its tag, can the machines run it.

A tag may be moved between two attempts of a run, so the run goes on with the digest.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import images, instances
from trainwright_runtime import problems as codes
from trainwright_runtime.forms import as_written
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.problems import Path, Problem
from trainwright_runtime.resolved import IMAGE

Manifest = Mapping[str, Any]

_URI = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+)/"
    r"(?P<repository>[a-z0-9._/-]+)(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker.distribution"
_ACCEPTED = (
    f"{_OCI}.manifest.v1+json",
    f"{_DOCKER}.manifest.v2+json",
    f"{_OCI}.index.v1+json",
    f"{_DOCKER}.manifest.list.v2+json",
)
_DOCKERS_WORD = {"x86_64": "amd64", "arm64": "arm64"}
_MOST_BYTES = 4 * 2**20
_SECONDS = 5


@dataclass(frozen=True)
class ImageLook:
    """An image's address to start with; `problem` where no job could run it, `warnings` for what could not be seen."""

    uri: str
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reference:
    host: str
    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def which(self) -> dict[str, str]:
        """As ECR's calls name an image; Docker's own rule: no tag means `latest`."""
        return {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag or "latest"}

    def at(self, digest: str) -> str:
        """ "SageMaker supports both registry/repository[:tag] and registry/repository[@digest]"
        (AlgorithmSpecification.TrainingImage): not both at once."""
        return f"{self.host}/{self.repository}@{digest}"


class _NotRunnableError(Exception):
    """No machine of the run can execute the image; the message says what it is made for."""


def _fetch(url: str) -> bytes:
    """What stands at a URL that ECR signed, as far as an image's configuration may be long."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("ECR's answer is no web address")
    with urllib.request.urlopen(url, timeout=_SECONDS) as reply:  # noqa: S310  the URL is ECR's, and was looked at
        content: bytes = reply.read(_MOST_BYTES)
        return content


def resolve(
    uri: str,
    clients: Services,
    instance_types: Iterable[str] = (),
    data: object = None,
    *,
    fetch: Callable[[str], bytes] = _fetch,
) -> ImageLook:
    """An image's URI with the digest of what its tag names now. Never raises.

    A problem where ECR says that it is not there, or where it is made for another platform than the instance types
    have: linux/amd64, but for the few with Arm processors. A look-up that is denied or fails is a warning, and the
    image is named as it was. One that is named by its digest is only looked for. An address outside ECR stays as it is,
    and so does an image of AWS's own, which runs on what it is named for and whose registry is not everybody's to read.
    `data` is the author's document, for the words of a problem.
    """
    match = _URI.fullmatch(uri)
    if match is None or images.is_aws_own(uri):
        return ImageLook(uri)
    wanted, path = frozenset(_platforms(instance_types)), as_written(data or {}, IMAGE)
    try:
        return _looked(_Look(uri, _Reference(**match.groupdict()), wanted, path), clients, fetch)
    except ClientError as error:
        return _unseen(uri, error_code(error), error)
    except Exception as error:  # noqa: BLE001  a look-up must lose no run, whatever is wrong with it
        return _unseen(uri, type(error).__name__, error)


def _unseen(uri: str, why: str, error: Exception) -> ImageLook:
    logger.warning("image not looked at", extra={"image": uri, "error": str(error)})
    return ImageLook(uri, warnings=(f"image: whether {uri} exists could not be looked up ({why})",))


def _platforms(instance_types: Iterable[str]) -> Iterable[str]:
    """The processors that the image must run on: "linux/amd64" where nothing is known."""
    known = [found for name in instance_types if (found := instances.find(name))]
    return [_DOCKERS_WORD.get(each.architecture, "amd64") for each in known] or ["amd64"]


@dataclass(frozen=True)
class _Look:
    uri: str
    reference: _Reference
    wanted: frozenset[str]
    path: Path


def _looked(look: _Look, clients: Services, fetch: Callable[[str], bytes]) -> ImageLook:
    reference, wanted = look.reference, look.wanted
    ecr = clients.ecr_in(reference.region)
    image = _image(ecr, reference)
    if image is None:
        return ImageLook(look.uri, _not_there(look))
    digest = str(image["imageId"]["imageDigest"])
    if reference.digest:
        return ImageLook(reference.at(digest))
    manifest = json.loads(image["imageManifest"])
    try:
        return _for_platform(reference, digest, manifest, wanted, lambda: _config(ecr, reference, manifest, fetch))
    except _NotRunnableError as error:
        return ImageLook(look.uri, _not_runnable(look, str(error)))


def _image(ecr: Any, reference: _Reference) -> Mapping[str, Any] | None:
    try:
        answer = ecr.batch_get_image(
            registryId=reference.account,
            repositoryName=reference.repository,
            imageIds=[reference.which],
            acceptedMediaTypes=list(_ACCEPTED),
        )
    except ClientError as error:
        if error_code(error) == "RepositoryNotFound":
            return None
        raise
    if answer["images"]:
        image: Mapping[str, Any] = answer["images"][0]
        return image
    failed = [failure["failureCode"] for failure in answer.get("failures", ())]
    if failed == ["ImageNotFound"]:
        return None
    raise ValueError(f"ECR answered no image: {failed}")


def _for_platform(
    reference: _Reference, digest: str, manifest: Manifest, wanted: frozenset[str], config: Callable[[], Any]
) -> ImageLook:
    """The digest to start with. Of an image for several platforms it is the one platform's own: SageMaker's hosting
    refuses indexes (aws/amazon-sagemaker-feedback#180), and one platform's manifest is what every puller takes."""
    if "manifests" in manifest:
        return ImageLook(reference.at(_chosen(manifest, wanted, digest)))
    try:
        found = manifest if "architecture" in manifest else config()
    except (ClientError, BotoCoreError, OSError, ValueError) as error:
        warning = f"image: for which processors {reference.repository} is made could not be looked up"
        logger.warning("image configuration not read", extra={"image": reference.repository, "error": str(error)})
        return ImageLook(reference.at(digest), warnings=(warning,))
    made_for = (str(found.get("os", "linux")), str(found.get("architecture")))
    if not wanted <= _runnable([made_for]):
        raise _NotRunnableError("/".join(made_for))
    return ImageLook(reference.at(digest))


def _runnable(platforms: Iterable[tuple[str, str]]) -> set[str]:
    return {architecture for system, architecture in platforms if system == "linux"}


def _chosen(index: Manifest, wanted: frozenset[str], digest: str) -> str:
    """The one platform's digest; the index's own where the run's types have different processors."""
    listed = [(entry.get("platform") or {}, entry["digest"]) for entry in index["manifests"]]
    digests = {(each.get("os"), each.get("architecture")): found for each, found in reversed(listed)}
    if missing := [name for name in sorted(wanted) if ("linux", name) not in digests]:
        made_for = ", ".join("/".join(map(str, each)) for each in digests if each != ("unknown", "unknown"))
        raise _NotRunnableError(made_for or f"nothing that is linux/{missing[0]}")
    return str(digests[("linux", next(iter(wanted)))]) if len(wanted) == 1 else digest


def _config(ecr: Any, reference: _Reference, manifest: Manifest, fetch: Callable[[str], bytes]) -> Any:
    """The image's configuration, which says its platform (OCI image specification, "Image Configuration")."""
    digest = (manifest.get("config") or {}).get("digest")
    if digest is None:
        raise ValueError("the image's manifest names no configuration")
    answer = ecr.get_download_url_for_layer(
        registryId=reference.account, repositoryName=reference.repository, layerDigest=digest
    )
    found = json.loads(fetch(answer["downloadUrl"]))
    if not isinstance(found, Mapping):
        raise ValueError("the image's configuration is no object")  # noqa: TRY004  as wrong as any other content
    return found


def _not_there(look: _Look) -> Problem:
    reference = look.reference
    which = reference.digest or reference.tag or "latest"
    return Problem(
        codes.NO_SUCH_IMAGE,
        look.path,
        f"there is no image {which} in a repository {reference.repository} of account {reference.account} in "
        f"{reference.region}",
        value=f'"{look.uri}"',
        remedy="push it, or correct the address",
    )


def _not_runnable(look: _Look, made_for: str) -> Problem:
    allowed = [f"linux/{name}" for name in sorted(look.wanted)]
    return Problem(
        codes.NO_SUCH_IMAGE,
        look.path,
        f"the image is made for {made_for}, which the run's machines cannot execute",
        value=f'"{look.uri}"',
        allowed=" and ".join(allowed),
        remedy=f"build it with: docker buildx build --platform {','.join(allowed)} --provenance=false",
    )
