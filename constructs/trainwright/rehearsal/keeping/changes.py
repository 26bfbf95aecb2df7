"""What a request may have changed of what is kept: read from the request alone, before it is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from trainwright.rehearsal import wire

Environ = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html and its two batches
_PARTIQL = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_ONE_ITEM = {"PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}


@dataclass(frozen=True)
class ObjectAt:
    """An object may be another one, or be gone."""

    bucket: str
    key: str


@dataclass(frozen=True)
class WholeBucket:
    """A bucket may be gone."""

    bucket: str


@dataclass(frozen=True)
class ItemOf:
    """The item of a table with the key attributes in `attributes` may be another one, or be gone."""

    table: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class WholeTable:
    """A table may be gone, or any of its items another one."""

    table: str


Change = ObjectAt | WholeBucket | ItemOf | WholeTable


def of(service: str, environ: Environ) -> list[Change]:
    """What may be different once the request is answered; nothing for a request that only reads."""
    if service == "s3":
        return _of_s3(environ)
    if service == "dynamodb":
        return list(_of_dynamodb(environ))
    return []


# --- S3 ------------------------------------------------------------------------------------------------------------


def _of_s3(environ: Environ) -> list[Change]:
    """Every operation on a key, but those that make or end an upload in parts without finishing it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
    """
    method = environ["REQUEST_METHOD"]
    if method not in ("PUT", "POST", "DELETE"):
        return []
    bucket, key = address(environ)
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if key:
        part = "uploads" in query or ("uploadId" in query and method != "POST")
        return [] if part else [ObjectAt(bucket, key)]
    if method == "POST" and "delete" in query:
        listed = wire.decode("s3", environ).params["Delete"]["Objects"]
        return [ObjectAt(bucket, each["Key"]) for each in listed]
    return [WholeBucket(bucket)] if method == "DELETE" else []


def address(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Bucket and key of a request, whichever way the bucket is addressed; the key is empty for the bucket itself.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", errors="replace").removeprefix("/")
    host, dot, _ = environ.get("HTTP_HOST", "").partition(".localhost")
    if dot:
        return host, path
    bucket, _, key = path.partition("/")
    return bucket, key


# --- DynamoDB ------------------------------------------------------------------------------------------------------


def _of_dynamodb(environ: Environ) -> Iterator[Change]:
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if operation not in _READERS:
        return
    yield from _READERS[operation](json.loads(wire.buffer_body(environ)), operation)


def _one(request: Mapping[str, Any], operation: str) -> Iterator[Change]:
    yield _item(request, _ONE_ITEM[operation])


def _batch(request: Mapping[str, Any], _operation: str) -> Iterator[Change]:
    for table, wishes in request["RequestItems"].items():
        for wish in wishes:
            (kind, content), *_ = wish.items()
            yield ItemOf(_name(table), content["Item" if kind == "PutRequest" else "Key"])


def _transaction(request: Mapping[str, Any], _operation: str) -> Iterator[Change]:
    for wish in request["TransactItems"]:
        (kind, content), *_ = wish.items()
        if kind != "ConditionCheck":
            yield _item(content, "Item" if kind == "Put" else "Key")


def _item(request: Mapping[str, Any], attributes: str) -> ItemOf:
    return ItemOf(_name(request["TableName"]), request[attributes])


def _gone(request: Mapping[str, Any], _operation: str) -> Iterator[Change]:
    yield WholeTable(_name(request["TableName"]))


def _partiql(request: Mapping[str, Any], _operation: str) -> Iterator[Change]:
    """Statements say in a language of their own which items they change; that a table's name is in one is enough."""
    several = request.get("Statements") or request.get("TransactStatements") or [request]
    yield from (WholeTable(word) for each in several for word in _words(each["Statement"]))


def _words(statement: str) -> list[str]:
    return [] if statement.lstrip().upper().startswith("SELECT") else statement.replace('"', " ").split()


def _name(table: str) -> str:
    """A table may be named by its ARN."""
    return table.rpartition("/")[2]


_READERS = {
    **dict.fromkeys(_ONE_ITEM, _one),
    **dict.fromkeys(_PARTIQL, _partiql),
    "BatchWriteItem": _batch,
    "TransactWriteItems": _transaction,
    "DeleteTable": _gone,
}
