"""ECR: what a pull by digest and a push to an immutable tag depend on."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository

from trainwright.rehearsal.mends import Mend, replace

_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_"
_MODELS = "moto.ecr.models"


class ImageTagAlreadyExists(ServiceException):
    """A push to a tag that is taken, in a repository with immutable tags."""

    code = "ImageTagAlreadyExistsException"


def create_digest(self: Image) -> None:
    """An image's digest is the SHA-256 of its manifest (OCI image specification)."""
    self._image_digest = f"sha256:{hashlib.sha256(self.image_manifest.encode()).hexdigest()}"


def refuse_taken_tag(repository: Repository, manifest: str, tag: str | None) -> None:
    """An immutable tag stays where it is; ECR has an error of its own for that.

    Raises:
        ImageTagAlreadyExists: the tag belongs to another image.
    """
    holders = [image for image in repository.images if tag and tag in image.image_tags]
    if repository.is_tag_immutable() and any(image.image_manifest != manifest for image in holders):
        raise ImageTagAlreadyExists(
            f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be overwritten "
            "because the tag is immutable.",
        )


def _mend_put_image() -> None:
    plain = ECRBackend.put_image

    @functools.wraps(plain)
    def put_image(self: ECRBackend, repository_name: str, image_manifest: str, image_tag: str, *rest: Any) -> Image:
        repository = self.repositories.get(repository_name)
        if repository is None:
            raise RepositoryNotFoundException(repository_name, self.account_id)
        refuse_taken_tag(repository, image_manifest, image_tag)
        return plain(self, repository_name, image_manifest, image_tag, *rest)

    replace(f"{_MODELS}:ECRBackend.put_image", put_image)


def _mend_digest() -> None:
    replace(f"{_MODELS}:Image._create_digest", create_digest)


MENDS: tuple[Mend, ...] = (
    Mend(
        "ecr-digest",
        f"{_MODELS}:Image._create_digest",
        "2e036c6729a2607f3748d78711f4dc52a75293a8d3015d078a0293d830fd3e24",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html",
        "moto takes the digest from the layers alone, or at random",
        _mend_digest,
    ),
    Mend(
        "ecr-put-image",
        f"{_MODELS}:ECRBackend.put_image",
        "165dddaf9828cce06838e55dc17ef810bb9eabed22db29045e64373580224d7c",
        f"{_API}PutImage.html",
        "moto names the wrong error for an immutable tag, and answers 500 where there is no repository",
        _mend_put_image,
    ),
)
