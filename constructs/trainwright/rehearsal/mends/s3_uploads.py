"""S3's answer to parts of an upload that nobody began, or that has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import NoSuchUpload

from trainwright.rehearsal.mends import Mend, replace

_BACKEND = "moto.s3.models:S3Backend"
_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API"


def _checked(original: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: Any, bucket_name: str, multipart_id: str, *args: Any, **more: Any) -> Any:
        """NoSuchUpload where there is no such upload."""
        if multipart_id not in self.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return original(self, bucket_name, multipart_id, *args, **more)

    return checked


def _mend(name: str, method: str, sha256: str, operation: str) -> Mend:
    target = f"{_BACKEND}.{method}"

    def apply() -> None:
        replace(target, _checked(getattr(models.S3Backend, method)))

    return Mend(name, target, sha256, f"{_API}_{operation}.html", "moto answers an unknown upload with a 500", apply)


MENDS: tuple[Mend, ...] = (
    _mend(
        "s3-complete-unknown-upload",
        "complete_multipart_upload",
        "f16c9a08e5db3f4fddba3a9dcb82f0ed5889e482cff8106c47d7cc7c04309748",
        "CompleteMultipartUpload",
    ),
    _mend(
        "s3-part-of-unknown-upload",
        "upload_part",
        "6a8a2763f53dc699b365c3ce1c8e3f520f52b093f7d9d2324447e08a006ade94",
        "UploadPart",
    ),
)
