"""The folders that were pushed as images, by digest: what stands behind an image in the account's ECR."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from botocore.exceptions import ClientError, ParamValidationError

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs import rights
from trainwright.rehearsal.jobs.images import Image, Reference, read_image

_log = logging.getLogger(__name__)


class FolderRegistry:
    """Folders under ``root``, one a digest, each with what its build was given."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, digest: str, image: Image) -> None:
        """Keep an image's folder under its digest (``sha256:...``)."""
        target = self._path(digest)
        if target.exists():
            return
        half = target.with_name(f"{target.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(image.folder, half / "context", symlinks=True)
        build = {"dockerfile": image.dockerfile, "build_args": dict(image.build_args)}
        (half / "build.json").write_text(json.dumps(build))
        half.replace(target)

    def read(self, address: Reference, role: str) -> Image | None:
        """Ask ECR, as the role, which digest the address means; None when ECR or this registry does not have it.

        Raises:
            ImageError: the folder cannot be run.
        """
        if (address.account, address.region) != (facade.account_id(), facade.region()):
            return None
        ecr = rights.client("ecr", role)
        try:
            found = ecr.batch_get_image(repositoryName=address.repository, imageIds=[address.image_id])["images"]
        except (ClientError, ParamValidationError) as error:
            _log.warning("image pull refused: %s", error)
            return None
        folder = self._path(found[0]["imageId"]["imageDigest"]) if found else None
        if folder is None or not folder.is_dir():
            return None
        build = json.loads((folder / "build.json").read_text())
        return read_image(folder / "context", build["dockerfile"], build["build_args"])

    def _path(self, digest: str) -> Path:
        return self._root / digest.replace(":", "-")
