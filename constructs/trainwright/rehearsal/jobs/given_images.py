"""Images that nobody pushes, each a folder by URI (``--image URI=DIR``): what ECR says of them.

Whoever turns a tag into a digest before the job starts must find one, and the job must find the folder by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from trainwright.rehearsal.jobs.images import Reference, parse_reference


def by_digest(images: Mapping[str, str]) -> dict[str, str]:
    """The folders by the URIs that were given, and by the same images' addresses with a digest."""
    found = {f"{uri.partition('/')[0]}/{known.repository}@{digest(uri)}": images[uri] for uri, known in _in_ecr(images)}
    return found | dict(images)


def find(
    images: Mapping[str, str], registry: tuple[str, str], repository: str, image_id: Mapping[str, str]
) -> str | None:
    """The URI among `images` that BatchGetImage asks for in a registry (account and region); None where it is none."""
    for uri, known in _in_ecr(images):
        same = (known.account, known.region) == registry and known.repository == repository
        if same and dict(image_id) in (known.image_id, {"imageDigest": digest(uri)}):
            return uri
    return None


def manifest(uri: str) -> str:
    """A manifest of the oldest form, which names its platform itself: there is no configuration to be fetched.

    https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-1.md
    """
    return json.dumps({"schemaVersion": 1, "name": uri, "architecture": "amd64", "fsLayers": [], "history": []})


def digest(uri: str) -> str:
    """The image's digest: the one that was given with it, else that of its manifest."""
    given = uri.partition("@")[2]
    return given or f"sha256:{hashlib.sha256(manifest(uri).encode()).hexdigest()}"


def _in_ecr(images: Mapping[str, str]) -> Iterator[tuple[str, Reference]]:
    return ((uri, known) for uri in images if (known := parse_reference(uri)) is not None)
