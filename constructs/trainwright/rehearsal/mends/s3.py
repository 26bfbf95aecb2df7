"""S3: where moto refuses what AWS takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from moto.s3 import models

from trainwright.rehearsal.mends import Mend, replace

_BUCKET = "moto.s3.models:FakeBucket"
_KEY = "moto.s3.models:FakeKey"


def _put(name: str, new: Any) -> None:
    replace(f"{_BUCKET}.{name}", new)


def _put_key(name: str, new: Any) -> None:
    replace(f"{_KEY}.{name}", new)


def _set_logging(original: Callable[..., None]) -> Callable[..., None]:
    def set_logging(self: Any, logging_config: dict[str, Any] | None, bucket_backend: Any) -> None:
        """Point access logs at a bucket; one without ACLs gets its policy whenever its owner writes it."""
        target = bucket_backend.buckets.get((logging_config or {}).get("TargetBucket"))
        without_acls = "BucketOwnerEnforced" in str(getattr(target, "ownership_rule", None))
        if without_acls and target.region_name == self.region_name:
            self.logging = logging_config
        else:
            original(self, logging_config, bucket_backend)

    return set_logging


def get_permission(self: Any, action: str, resource: str) -> Any:
    """Nothing to say: the gate has evaluated the bucket's policy, with its conditions, before moto sees the request."""
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415  (loads slowly)

    return PermissionResult.NEUTRAL


def _etag(original: property) -> property:
    def etag(self: Any) -> str:
        """Computed at its first reading, under the lock of whoever else reads the content."""
        with self.lock:
            return str(original.__get__(self))

    return property(etag)


def _dispose(original: Callable[..., None]) -> Callable[..., None]:
    def dispose(self: Any, garbage: bool = False) -> None:
        """Close the content of what was replaced or deleted only once nobody reads it any more."""
        if garbage:
            original(self, garbage)
        self.disposed = True

    return dispose


_CONSISTENCY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel"

MENDS: tuple[Mend, ...] = (
    Mend(
        "s3-etag-of-what-others-read",
        f"{_KEY}.etag",
        "aa3062e82e089cb3656c13d6aa7bd843c41abeeff9c011700d34d5be03d11791",
        _CONSISTENCY,
        "moto reads the content for its hash while others read the same file: a wrong hash, or bytes missing",
        lambda: _put_key("etag", _etag(inspect.getattr_static(models.FakeKey, "etag"))),
    ),
    Mend(
        "s3-writers-of-one-key",
        f"{_KEY}.dispose",
        "3e18a93bddaad7ba1b3a89b50092dbbda5c98226bd002870e78a57eb4e6ace61",
        _CONSISTENCY,
        "moto closes what is replaced at once, and answers whoever wrote it, or reads it, with a 500",
        lambda: _put_key("dispose", _dispose(models.FakeKey.dispose)),
    ),
    Mend(
        "s3-access-logs-before-their-policy",
        f"{_BUCKET}.set_logging",
        "e52966556455478718a9fd7ea280048ee4b611b2d116307db360801e191b5257",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
        "moto wants the log bucket's policy to exist first, but a policy that names the source bucket comes after it",
        lambda: _put("set_logging", _set_logging(models.FakeBucket.set_logging)),
    ),
    Mend(
        "s3-bucket-policy-conditions",
        f"{_BUCKET}.get_permission",
        "7571412a3495a0e3e1a2a34b0b8ed3fc0af1a96d35514841b274fbe1eac12b99",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
        "moto ignores the conditions of a bucket's policy, so that one that refuses plain HTTP refuses everything",
        lambda: _put("get_permission", get_permission),
    ),
)
