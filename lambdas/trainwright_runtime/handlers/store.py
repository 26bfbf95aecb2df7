"""Where a run's memory is kept: its record in DynamoDB, its documents under `runs/<run>/` in the reports bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from trainwright_runtime import record as records
from trainwright_runtime.attempts import iso
from trainwright_runtime.handlers.aws import Services, error_code
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.plan import Plan
from trainwright_runtime.progress import Progress
from trainwright_runtime.spec import run_prefix

_ENCODE = TypeSerializer().serialize
_DECODE = TypeDeserializer().deserialize

DOCUMENT_LIMIT = 1 << 20
"""Bytes that are read of a document; a longer one counts as none."""

METRICS_LIMIT = 6 << 20
"""Bytes that are read of metrics.jsonl: a little more than trainkit lets it grow to."""


def now() -> str:
    """This moment as ISO text in UTC."""
    return str(iso(datetime.now(UTC)))


class Store:
    """One team's runs."""

    def __init__(self, services: Services, environment: Environment) -> None:
        self._services = services
        self._table = environment.runs_table
        self._reports = environment.deployment.reports_bucket
        self._checkpoints = environment.deployment.checkpoints_bucket

    def record(self, key: str) -> records.Item | None:
        """The item under a key, None where there is none; always the latest state."""
        found = self._services.dynamodb.get_item(
            TableName=self._table, Key={"run": {"S": key}}, ConsistentRead=True
        ).get("Item")
        return _decoded(found) if found else None

    def existing(self, run: str) -> records.Item:
        """The record of a run that Prepare has begun; LookupError where there is none."""
        if (found := self.record(run)) is None:
            raise LookupError(f"there is no record of run {run}: Prepare writes it before any attempt")
        return found

    def plan(self, run: str) -> Plan:
        """The plan of a run that Prepare has begun; LookupError where there is none."""
        if (document := self.document(run, "plan.json")) is None:
            raise LookupError(f"runs/{run}/plan.json is not in the reports bucket: Prepare writes it")
        return Plan.from_dict(document)

    def put(self, call: records.Call) -> bool:
        """Make a PutItem of the `record` module; False where its condition did not hold."""
        call = {**call, "Item": _encoded(call["Item"])}
        return self._conditional(lambda: self._services.dynamodb.put_item(TableName=self._table, **call)) is not None

    def update(self, call: records.Call) -> records.Item | None:
        """Make an UpdateItem of the `record` module: the record as it is then, None where its condition did not
        hold."""
        call = {
            **call,
            "Key": _encoded(call["Key"]),
            "ExpressionAttributeValues": _encoded(call["ExpressionAttributeValues"]),
        }
        answer = self._conditional(lambda: self._services.dynamodb.update_item(TableName=self._table, **call))
        return _decoded(answer["Attributes"]) if answer is not None else None

    def _conditional(self, call: Any) -> Any:
        try:
            return call()
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailed":
                return None
            raise

    def put_document(self, run: str, name: str, content: object) -> str:
        """Write a JSON document of the run, and answer its S3 URI."""
        return self._put(run, name, json.dumps(content, indent=2, ensure_ascii=False, default=iso), "application/json")

    def put_data(self, run: str, name: str, content: object) -> str:
        """Write a JSON document that is long and for programs, without white space, and answer its S3 URI."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=iso)
        return self._put(run, name, text, "application/json")

    def put_page(self, run: str, name: str, html: str) -> str:
        """Write a page of the run, and answer its S3 URI."""
        return self._put(run, name, html, "text/html; charset=utf-8")

    def _put(self, run: str, name: str, text: str, kind: str) -> str:
        key = f"{run_prefix(run)}{name}"
        # user text may hold lone surrogates, which no encoding takes
        body = text.encode("utf-8", "replace")
        self._services.s3.put_object(Bucket=self._reports, Key=key, Body=body, ContentType=kind)
        return f"s3://{self._reports}/{key}"

    def put_marked(self, name: str, html: str, mark: str) -> None:
        """Write a page into the root of the reports bucket, with a mark of what it was made from."""
        body, kind = html.encode("utf-8", "replace"), "text/html; charset=utf-8"
        self._services.s3.put_object(
            Bucket=self._reports, Key=name, Body=body, ContentType=kind, Metadata={"made-from": mark}
        )

    def mark(self, name: str) -> str | None:
        """The mark of a page in the root of the reports bucket, None where there is none."""
        try:
            found = self._services.s3.head_object(Bucket=self._reports, Key=name)
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404"):
                return None
            raise
        mark: str | None = found.get("Metadata", {}).get("made-from")
        return mark

    def uri(self, run: str, name: str) -> str:
        """The S3 URI of a document of the run, whether it is there or not."""
        return f"s3://{self._reports}/{run_prefix(run)}{name}"

    def stamp(self, run: str, below: str) -> tuple[tuple[str, str], ...]:
        """Which documents of the run begin with `below`, and in which version each: to see whether any has changed."""
        found = self._services.s3.list_objects_v2(Bucket=self._reports, Prefix=f"{run_prefix(run)}{below}")
        return tuple((each["Key"], each["ETag"]) for each in found.get("Contents", ()))

    def written_at(self, run: str, name: str) -> datetime | None:
        """When a document of the run was last written, to the second; None where there is none."""
        found = self._services.s3.list_objects_v2(Bucket=self._reports, Prefix=f"{run_prefix(run)}{name}", MaxKeys=1)
        return next((each["LastModified"] for each in found.get("Contents", ())), None)

    def document(self, run: str, name: str, limit: int = DOCUMENT_LIMIT) -> Any:
        """A JSON document of the run, None where there is none, or one of more than `limit` bytes."""
        return self._json(self._reports, f"{run_prefix(run)}{name}", limit)[0]

    def progress(self, run: str) -> Progress:
        """How far the script says it is; nothing where it says nothing, or says it in a form that is not understood."""
        return Progress.from_data(*self._json(self._checkpoints, f"{run_prefix(run)}progress.json"))

    def metrics(self, run: str) -> bytes:
        """What the script wrote to metrics.jsonl beside its checkpoints, the end of it where that is long; empty where
        there is none."""
        key = f"{run_prefix(run)}metrics.jsonl"
        try:
            found = self._services.s3.get_object(Bucket=self._checkpoints, Key=key, Range=f"bytes=-{METRICS_LIMIT}")
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404", "InvalidRange"):  # there is no range of an empty file
                return b""
            raise
        return found["Body"].read(METRICS_LIMIT)

    def _json(self, bucket: str, key: str, limit: int = DOCUMENT_LIMIT) -> tuple[Any, datetime | None]:
        """The content and when it was written; None twice where there is no such object."""
        try:
            found = self._services.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404"):
                return None, None
            raise
        try:
            return json.loads(found["Body"].read(limit)), found["LastModified"]
        except ValueError:
            return None, found["LastModified"]


def _encoded(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _ENCODE(_decimals(value)) for key, value in item.items()}


def _decoded(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(_DECODE(value)) for key, value in item.items()}


def _decimals(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _decimals(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_decimals(entry) for entry in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
