"""What the account holds at this moment, of what is kept: the only part of keeping that knows moto."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import FakeKey, s3_backends
from moto.utilities.utils import get_partition

from trainwright.rehearsal import facade
from trainwright.rehearsal.bootstrap import QUALIFIER
from trainwright.rehearsal.keeping.folder import BY_HAND
from trainwright.rehearsal.stacks import store

CHUNK = 1024 * 1024
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: what a client may say of an object, by the
# names of PutObject's parameters.
_SETTINGS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
}
_METADATA = "x-amz-meta-"


def place(kind: str, name: str) -> str | None:
    """The `stack/logical id` of a resource by its type and physical name; None when no stack has it."""
    for stack in list(store.stacks.values()):
        if stack.status != "DELETE_COMPLETE":
            for each in list(stack.resources.values()):
                if each.physical_id == name and each.type == kind:
                    return f"{stack.name}/{each.logical_id}"
    return None


def bucket_place(name: str) -> str | None:
    """The place of a bucket; None for the bucket of the deployments' assets, which every start fills again."""
    if name == f"cdk-{QUALIFIER}-assets-{facade.account_id()}-{facade.region()}":
        return None
    return place("AWS::S3::Bucket", name) or BY_HAND + name


def _s3() -> Any:
    return s3_backends[facade.account_id()][get_partition(facade.region())]


def has_bucket(name: str) -> bool:
    """Whether there is a bucket of that name."""
    return name in _s3().buckets


def object_at(bucket: str, key: str) -> Any:
    """The current version of an object, or None (there is none, or a delete marker is the current one)."""
    found = _s3().buckets.get(bucket)
    current = found.keys.get(key) if found else None
    return current if isinstance(current, FakeKey) else None


def chunks(held: Any) -> Iterator[bytes]:
    """An object's bytes, never more than one chunk at a time; ValueError once something else is in its place."""
    position = 0
    while True:
        with held.lock:  # others read it too, from where they last were
            held._value_buffer.seek(position)  # `value` would be a copy of the whole
            chunk = held._value_buffer.read(CHUNK)
        if not chunk:
            return
        yield chunk
        position += len(chunk)


def settings(held: Any) -> dict[str, Any]:
    """What PutObject would have to be told to make this object."""
    said: Mapping[str, Any] = held.metadata
    made: dict[str, Any] = {_SETTINGS[name]: value for name, value in said.items() if name in _SETTINGS}
    metadata = {name.removeprefix(_METADATA): value for name, value in said.items() if name.startswith(_METADATA)}
    if metadata:
        made["Metadata"] = metadata
    if held.storage_class not in (None, "STANDARD"):
        made["StorageClass"] = held.storage_class
    if held.website_redirect_location:
        made["WebsiteRedirectLocation"] = held.website_redirect_location
    return made


def tags(held: Any) -> dict[str, str]:
    """An object's tags."""
    return dict(_s3().tagger.get_tag_dict_for_resource(held.arn))


# --- tables --------------------------------------------------------------------------------------------------------


def table(name: str) -> Any:
    """A table, or None."""
    return dynamodb_backends[facade.account_id()][facade.region()].tables.get(name)


def table_keys(found: Any) -> list[str]:
    """The names of the attributes that tell a table's items apart."""
    return list(found.table_key_attrs)


def item(found: Any, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The item with these key attributes, as DynamoDB's API spells it; None when there is none."""
    backend = dynamodb_backends[facade.account_id()][facade.region()]
    held = backend.get_item(found.name, {name: attributes[name] for name in table_keys(found)})
    return None if held is None else dict(held.to_json()["Attributes"])


def items(found: Any) -> list[dict[str, Any]]:
    """All items of a table."""
    return [dict(each.to_json()["Attributes"]) for each in list(found.all_items())]
