"""What a folder of `--data` keeps, back into the same logical buckets and tables, which have other names now."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from botocore.exceptions import ClientError

from trainwright.cli.account.folder import Folder
from trainwright.cli.rehearse.account import Account
from trainwright.rehearsal.keeping.folder import BY_HAND, Bucket, Index, Item, KeptObject, Table, identity

BUCKET, TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"
BEGIN_SECONDS = 30.0

Names = dict[str, str]


@dataclass
class Restored:
    """How much was put back, the places that are not deployed, and how many rows a table refuses."""

    objects: int = 0
    items: int = 0
    left_out: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


class Restore:
    """Puts back what a folder keeps into an account, and has the account keep what follows."""

    def __init__(self, account: Account, folder: Folder) -> None:
        self._account = account
        self._folder = folder

    @property
    def root(self) -> Path:
        return self._folder.root

    def put_back(self) -> Restored:
        """Objects first, then the items, in which addresses of buckets follow the buckets' new names.

        Until all of it is there the folder stays as it was; from then on the account itself writes it.
        """
        kept, restored = self._folder.index, Restored()
        buckets, tables = self._buckets(kept), self._names(TABLE)
        restored.left_out = sorted((kept.buckets.keys() - buckets.keys()) | (kept.tables.keys() - tables.keys()))
        new_names = {
            old: buckets[place] for place, each in kept.buckets.items() if place in buckets for old in each.names
        }
        index = Index(
            {place: self._put_bucket(each, buckets.get(place), restored) for place, each in kept.buckets.items()},
            {
                place: self._put_table(each, tables.get(place), new_names, place, restored)
                for place, each in kept.tables.items()
            },
        )
        self._folder.begin(index)
        return restored

    def begin(self) -> None:
        """From here on the account keeps what changes, before it answers whoever changed it."""
        with build_opener(ProxyHandler({})).open(
            f"{self._account.endpoint}/_trainwright/keeping", data=b"", timeout=BEGIN_SECONDS
        ) as answer:
            answer.read()

    def _buckets(self, kept: Index) -> Names:
        """The buckets of stacks, and those that somebody made by hand, which are made again."""
        by_hand = {place: place.removeprefix(BY_HAND) for place in kept.buckets if place.startswith(BY_HAND)}
        for name in by_hand.values():
            self._make_bucket(name)
        return self._names(BUCKET) | by_hand

    def _make_bucket(self, name: str) -> None:
        s3, where = self._account.client("s3"), {}
        if name in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            return
        if self._account.region != "us-east-1":
            where = {"CreateBucketConfiguration": {"LocationConstraint": self._account.region}}
        s3.create_bucket(Bucket=name, **where)

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

    def _put_bucket(self, kept: Bucket, name: str | None, restored: Restored) -> Bucket:
        if name is None:
            return replace(kept, waiting=True)
        for each in kept.objects.values():
            self._put_object(name, each)
        restored.objects += len(kept.objects)
        return Bucket([name], kept.objects)

    def _put_object(self, bucket: str, kept: KeptObject) -> None:
        extra = kept.settings | ({"Tagging": urlencode(kept.tags)} if kept.tags else {})
        path = str(self._folder.content(kept.digest))
        self._account.client("s3").upload_file(path, bucket, kept.key, ExtraArgs=extra)

    # --- items -----------------------------------------------------------------------------------------------------

    def _put_table(
        self, kept: Table, name: str | None, new_names: Mapping[str, str], place: str, restored: Restored
    ) -> Table:
        """A row that the deployed table does not take (its key is another one now) stays kept."""
        if name is None:
            return replace(kept, waiting=True)
        schema = self._account.client("dynamodb").describe_table(TableName=name)["Table"]["KeySchema"]
        keys = [each["AttributeName"] for each in schema]
        items = [readdressed(each, new_names) for each in kept.items.values()]
        put = sum(self._put_item(name, each) for each in items)
        restored.items += put
        if put < len(items):
            restored.refused[place] = len(items) - put
        return Table([name], keys, {identity(each, keys): each for each in items})

    def _put_item(self, table: str, item: Item) -> bool:
        try:
            self._account.client("dynamodb").put_item(TableName=table, Item=_with_bytes(item))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return False
        return True


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


def _with_bytes(value: Any) -> Any:
    """An item's binary values from their text: under B or BS stands text for these alone."""
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(text := value.get("B"), str):
        return {"B": base64.b64decode(text)}
    if isinstance(texts := value.get("BS"), list):
        return {"BS": [base64.b64decode(each) for each in texts]}
    return {name: _with_bytes(each) for name, each in value.items()}
