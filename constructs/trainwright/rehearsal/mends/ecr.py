"""ECR: what a pull by digest, a look at an image's configuration and a push to an immutable tag depend on."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse

from trainwright.rehearsal import facade, gate, wire
from trainwright.rehearsal.jobs import given_images
from trainwright.rehearsal.mends import Mend, replace

_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_"
_MODELS = "moto.ecr.models"
_RESPONSES = "moto.ecr.responses"
_PAGE = "ecr-layer"
#: A configuration is a few kilobytes; the layers of an image are not kept twice.
_KEPT = 1024 * 1024


class ImageTagAlreadyExists(ServiceException):
    """A push to a tag that is taken, in a repository with immutable tags."""

    code = "ImageTagAlreadyExistsException"


class LayersNotFound(ServiceException):
    """A layer that the repository does not have."""

    code = "LayersNotFoundException"


class LayerInaccessible(ServiceException):
    """A layer that the repository has and this account does not keep the content of."""

    code = "LayerInaccessibleException"


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


def get_download_url_for_layer(self: ECRResponse) -> ActionResult:
    """Where a configuration, or another small layer, can be fetched from."""
    name, digest = self._get_param("repositoryName"), self._get_param("layerDigest")
    repository = self.ecr_backend._get_repository(name, self._get_param("registryId"))
    if digest not in repository.layers:
        raise LayersNotFound(f"The layers with digests '{digest}' are not in the repository named '{name}'.")
    if digest not in _kept(repository):
        raise LayerInaccessible(f"The rehearsal keeps no layer of over {_KEPT} bytes.")
    place = f"{repository.registry_id}/{repository.region_name}/{name}/{digest}"
    return ActionResult({"downloadUrl": f"{facade.endpoint()}/_trainwright/{_PAGE}/{place}", "layerDigest": digest})


def _kept(repository: Repository) -> dict[str, bytes]:
    found: dict[str, bytes] = vars(repository).setdefault("kept_layers", {})
    return found


def _layer(environ: dict[str, Any]) -> wire.Answer:
    """The content behind such an address, as S3 answers a signed one."""
    account, region, *name, digest = environ["PATH_INFO"].split("/")[3:]
    repository = ecr_backends[account][region].repositories.get("/".join(name))
    content = _kept(repository).get(digest) if repository else None
    if content is None:
        return gate.json_answer({"error": "no such layer"}, status=404)
    return wire.Answer(200, {"Content-Type": "application/octet-stream"}, content)


def _mend_complete_layer_upload() -> None:
    plain = ECRBackend.complete_layer_upload

    @functools.wraps(plain)
    def complete_layer_upload(
        self: ECRBackend, repository_name: str, upload_id: str, *rest: Any, **more: Any
    ) -> dict[str, Any]:
        repository = self.repositories.get(repository_name)
        upload = repository.uploads.get(upload_id) if repository else None
        answer = plain(self, repository_name, upload_id, *rest, **more)
        if repository and upload and len(upload.layer_parts) <= _KEPT:
            _kept(repository)[answer["layerDigest"]] = bytes(upload.layer_parts)
        return answer

    replace(f"{_MODELS}:ECRBackend.complete_layer_upload", complete_layer_upload)


def _mend_download_url() -> None:
    gate.page(_PAGE, _layer)
    replace(f"{_RESPONSES}:ECRResponse.get_download_url_for_layer", get_download_url_for_layer)


def _mend_batch_get_image() -> None:
    plain = ECRBackend.batch_get_image

    @functools.wraps(plain)
    def batch_get_image(
        self: ECRBackend, repository_name: str, registry_id: str | None, image_ids: list[dict[str, Any]] | None
    ) -> dict[str, Any]:
        registry, wanted = (registry_id or self.account_id, self.region_name), image_ids or []
        uris = [given_images.find(facade.config().images, registry, repository_name, each) for each in wanted]
        given = [_given(uri, repository_name, registry[0]) for uri in uris if uri]
        others = [each for each, uri in zip(wanted, uris, strict=True) if not uri]
        if given and not others:
            return {"images": given, "failures": []}
        answer = plain(self, repository_name, registry_id, others)
        return {**answer, "images": [*given, *answer["images"]]}

    replace(f"{_MODELS}:ECRBackend.batch_get_image", batch_get_image)


def _given(uri: str, repository: str, account: str) -> Image:
    tag = uri.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"
    return Image(account, tag, given_images.manifest(uri), repository, digest=given_images.digest(uri))


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
    Mend(
        "ecr-layer-content",
        f"{_MODELS}:ECRBackend.complete_layer_upload",
        "3b72d22fe126a15e9c6e1d150cf79b7506ae54c4fb16f918c5f8430bc0a8027f",
        f"{_API}CompleteLayerUpload.html",
        "moto forgets what was uploaded and keeps its size",
        _mend_complete_layer_upload,
    ),
    Mend(
        "ecr-download-url",
        f"{_RESPONSES}:ECRResponse.get_download_url_for_layer",
        "58e3d70185203c13474de30c4077a96562ab6d1c156345975d682d972412a833",
        f"{_API}GetDownloadUrlForLayer.html",
        "moto does not answer GetDownloadUrlForLayer, so nobody can read an image's configuration",
        _mend_download_url,
    ),
    Mend(
        "ecr-given-images",
        f"{_MODELS}:ECRBackend.batch_get_image",
        "e2910a2261f6653d96204a9f47712b3f304c27bd2ef66f35fadea5c4a42f6dfc",
        f"{_API}BatchGetImage.html",
        "moto knows only what was pushed, and this account also has the images that its configuration names",
        _mend_batch_get_image,
    ),
)
