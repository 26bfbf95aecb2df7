"""An image as it is pushed: one layer, one configuration, one manifest, with the calls that ``docker push`` makes.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.rehearsal.jobs.images import Image

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
#: ECR takes layers in parts; it asks for 10 MiB at a time (InitiateLayerUpload, partSize).
_PART = 10 * 1024 * 1024


def push(ecr: ECRClient, repository: str, tag: str, image: Image) -> str:
    """Push the image's folder under a tag; its digest.

    The same files and the same Dockerfile give the same digest: times and owners are left out of the layer.
    """
    layer = _layer(image.folder)
    config = _config(image, hashlib.sha256(layer).hexdigest())
    blobs = [(_CONFIG_TYPE, config), (_LAYER_TYPE, layer)]
    described = [_upload(ecr, repository, kind, blob) for kind, blob in blobs]
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described[0], "layers": described[1:]},
        separators=(",", ":"),
    )
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    ecr.put_image(
        repositoryName=repository,
        imageManifest=manifest,
        imageManifestMediaType=MANIFEST_TYPE,
        imageTag=tag,
        imageDigest=digest,
    )
    return digest


def _upload(ecr: ECRClient, repository: str, kind: str, blob: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    known = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest])["layers"]
    if not known:
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        for start in range(0, len(blob), _PART):
            part = blob[start : start + _PART]
            ecr.upload_layer_part(
                repositoryName=repository,
                uploadId=upload,
                partFirstByte=start,
                partLastByte=start + len(part) - 1,
                layerPartBlob=part,
            )
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
    return {"mediaType": kind, "digest": digest, "size": len(blob)}


def _layer(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_anonymous)
    return buffer.getvalue()


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.mode & 0o100 or entry.isdir() else 0o644
    return entry


def _config(image: Image, layer: str) -> bytes:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": [f"{name}={value}" for name, value in image.environment.items()],
            "Entrypoint": image.entrypoint,
            "Cmd": image.command,
            "WorkingDir": image.workdir,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        "history": [{"created_by": f"FROM {base}"} for base in image.bases],
    }
    return json.dumps(config, separators=(",", ":")).encode()
