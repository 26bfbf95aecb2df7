"""What an account's stacks hold, to the folder of `--data` and back into the same logical buckets and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from trainwright.cli.account.folder import Bucket, Folder, Index, KeptObject, Table
from trainwright.cli.rehearse.account import Account

BUCKET, TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"
CHUNK = 1024 * 1024
# What PutObject can be told, under the names that GetObject answers with.
_SETTINGS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)

Names = dict[str, str]
Item = dict[str, Any]
Seen = dict[tuple[Any, ...], KeptObject]


@dataclass
class Restored:
    """How much was put back, and the places that what is deployed does not have."""

    objects: int = 0
    items: int = 0
    left_out: list[str] = field(default_factory=list)


class Snapshot:
    """Saves an account's objects and items, and puts them back."""

    def __init__(self, account: Account, folder: Folder) -> None:
        self._account = account
        self._folder = folder
        self._seen: Seen = {}
        self._next: Seen = {}
        self._logs_of: dict[str, str | None] = {}

    @property
    def root(self) -> Path:
        return self._folder.root

    def save(self) -> Index:
        """Tables first: what a record names was there before it. What belongs to nothing deployed stays kept."""
        self._next = {}
        tables = {place: Table(name, list(self._items(name))) for place, name in self._names(TABLE).items()}
        buckets = {place: Bucket(name, list(self._objects(name))) for place, name in self._buckets().items()}
        self._seen, self._next = self._next, {}
        kept = self._folder.index
        index = Index({**kept.buckets, **buckets}, {**kept.tables, **tables})
        self._folder.replace(index)
        return Index(buckets, tables)

    def put_back(self) -> Restored:
        """Objects first, then the items, in which addresses of buckets follow the buckets' new names."""
        kept, restored = self._folder.index, Restored()
        buckets, tables = self._buckets(), self._names(TABLE)
        restored.left_out = sorted((kept.buckets.keys() - buckets.keys()) | (kept.tables.keys() - tables.keys()))
        new_names = {kept.buckets[place].name: name for place, name in buckets.items() if place in kept.buckets}
        for place in kept.buckets.keys() & buckets.keys():
            restored.objects += self._put_objects(buckets[place], kept.buckets[place].objects)
        for place in kept.tables.keys() & tables.keys():
            restored.items += self._put_items(tables[place], kept.tables[place].items, new_names)
        return restored

    def _buckets(self) -> Names:
        """Where other buckets' access logs go is left out: saving itself makes more of them."""
        found = self._names(BUCKET)
        for name in set(found.values()) - self._logs_of.keys():
            logging = self._account.client("s3").get_bucket_logging(Bucket=name).get("LoggingEnabled", {})
            self._logs_of[name] = logging.get("TargetBucket")
        logs = {self._logs_of[name] for name in found.values() if self._logs_of[name] != name}
        return {place: name for place, name in found.items() if name not in logs}

    def _names(self, kind: str) -> Names:
        """Physical names of a kind of resource, by `stack/logical id`."""
        client = self._account.client("cloudformation")
        pages = client.get_paginator("describe_stacks").paginate()
        stacks = [stack["StackName"] for page in pages for stack in page["Stacks"]]
        found: Names = {}
        for stack in stacks:
            for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
                found |= {
                    f"{stack}/{each['LogicalResourceId']}": str(each["PhysicalResourceId"])
                    for each in page["StackResourceSummaries"]
                    if each["ResourceType"] == kind and each.get("PhysicalResourceId")
                }
        return found

    # --- objects ---------------------------------------------------------------------------------------------------

    def _objects(self, bucket: str) -> Iterator[KeptObject]:
        for item in self._listed(bucket):
            mark = _mark(bucket, item)
            if found := self._seen.get(mark) or self._fetch(bucket, item["Key"]):
                self._next[mark] = found
                yield found

    def _listed(self, bucket: str) -> Iterator[Item]:
        for page in self._account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield from page.get("Contents", [])

    def _fetch(self, bucket: str, key: str) -> KeptObject | None:
        """None when it was deleted since it was listed."""
        client = self._account.client("s3")
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
            tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] if answer.get("TagCount") else []
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        digest = self._folder.add(answer["Body"].iter_chunks(CHUNK))
        settings = {name: answer[name] for name in _SETTINGS if answer.get(name)}
        return KeptObject(key, digest, settings, {tag["Key"]: tag["Value"] for tag in tags})

    def _put_objects(self, bucket: str, objects: list[KeptObject]) -> int:
        client = self._account.client("s3")
        for each in objects:
            extra = each.settings | ({"Tagging": urlencode(each.tags)} if each.tags else {})
            client.upload_file(str(self._folder.content(each.digest)), bucket, each.key, ExtraArgs=extra)
        put = {each.key: each for each in objects}
        self._seen |= {_mark(bucket, item): put[item["Key"]] for item in self._listed(bucket) if item["Key"] in put}
        return len(objects)

    # --- items -----------------------------------------------------------------------------------------------------

    def _items(self, table: str) -> Iterator[Item]:
        pages = self._account.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        for page in pages:
            yield from page["Items"]

    def _put_items(self, table: str, items: list[Item], new_names: Mapping[str, str]) -> int:
        for item in items:
            self._account.client("dynamodb").put_item(TableName=table, Item=readdressed(item, new_names))
        return len(items)


def readdressed(value: Any, new_names: Mapping[str, str]) -> Any:
    """`value` with every address in a bucket of an old name as one in the bucket that has its place now."""
    if isinstance(value, dict):
        return {name: readdressed(each, new_names) for name, each in value.items()}
    if isinstance(value, list):
        return [readdressed(each, new_names) for each in value]
    if isinstance(value, str) and "s3://" in value:
        for old, new in new_names.items():
            value = value.replace(f"s3://{old}/", f"s3://{new}/")
    return value


def _mark(bucket: str, item: Item) -> tuple[Any, ...]:
    """What changes whenever an object does."""
    return (bucket, item["Key"], item["ETag"], item["LastModified"], item["Size"])
