"""What the account's folder holds: all that anybody was told is written, whenever the account's process is killed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from trainwright.cli.account import folder as data
from trainwright.cli.account.restore import Restore
from trainwright.rehearsal.keeping import folder

DATA, RUNS, TEAM = "team/Data", "team/Runs", "team"


def template(suffix: str) -> str:
    keys = [{"AttributeName": "run", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}]
    schema = [{"AttributeName": "run", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]
    table = {"TableName": f"runs-{suffix}", "AttributeDefinitions": keys, "KeySchema": schema}
    versioned = {"BucketName": f"versioned-{suffix}", "VersioningConfiguration": {"Status": "Enabled"}}
    resources = {
        "Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"data-{suffix}"}},
        "Versioned": {"Type": "AWS::S3::Bucket", "Properties": versioned},
        "Runs": {"Type": "AWS::DynamoDB::Table", "Properties": table | {"BillingMode": "PAY_PER_REQUEST"}},
    }
    return json.dumps({"Resources": resources})


class Kept:
    """An account that keeps what is in its stack in a folder, as `account up --data` opens it."""

    def __init__(self, helpers: Any, root: Path, kept: Path, suffix: str) -> None:
        self.root = kept
        self.process = helpers.start_server(root, keep=str(kept))
        self.account = helpers.Account(helpers.ready_line(self.process)["endpoint"], root, self.process)
        self.account.region = "us-east-1"
        self.client = self.account.client
        self.bucket, self.versioned, self.table = f"data-{suffix}", f"versioned-{suffix}", f"runs-{suffix}"
        self.client("cloudformation").create_stack(StackName=TEAM, TemplateBody=template(suffix))
        self.client("cloudformation").get_waiter("stack_create_complete").wait(
            StackName=TEAM, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
        with data.opened(kept) as opened:
            restore = Restore(self.account, opened)
            self.restored = restore.put_back()
            restore.begin()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def kept(self) -> folder.Index:
        return folder.read(self.root)

    def content(self, key: str, place: str = DATA) -> bytes | None:
        """What is kept of an object."""
        bucket = self.kept().buckets.get(place)
        found = bucket.objects.get(key) if bucket else None
        return folder.content_file(self.root, found.digest).read_bytes() if found else None

    def in_account(self, bucket: str) -> dict[str, bytes]:
        s3 = self.client("s3")
        listed = [
            each
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for each in page.get("Contents", [])
        ]
        return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}

    def in_folder(self, place: str) -> dict[str, bytes]:
        bucket = self.kept().buckets.get(place)
        objects = bucket.objects if bucket else {}
        return {key: folder.content_file(self.root, each.digest).read_bytes() for key, each in objects.items()}

    def rows(self) -> dict[tuple[str, str], Any]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        return by_key(item for page in pages for item in page["Items"])

    def kept_rows(self) -> dict[tuple[str, str], Any]:
        table = self.kept().tables.get(RUNS)
        return by_key(table.items.values() if table else [])


def by_key(items: Any) -> dict[tuple[str, str], Any]:
    return {(item["run"]["S"], item["n"]["N"]): item for item in items}


@pytest.fixture(scope="module")
def kept(helpers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made = Kept(helpers, tmp_path_factory.mktemp("account"), tmp_path_factory.mktemp("kept"), "one")
    yield made
    helpers.stop_server(made.process)


# --- what is kept --------------------------------------------------------------------------------------------------

KEYS = [
    "a",
    "a b/ä+ö",
    "a%20b",
    "/first",
    "two//slashes",
    "end/",
    "q?x=1&y",
    "#hash",
    "日本",
    "0",
    "x" * 900,
    "..",
    "a\\b",
]


def test_every_way_to_write_an_object_is_kept(kept: Kept) -> None:
    s3, bucket = kept.client("s3"), kept.bucket
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ä+ö"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    bodies = [b"1" * 5 * 1024 * 1024, b"2"]
    tags = [s3.upload_part(**part, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    assert kept.content("parts") is None, "nobody was told that the object is there"
    parts = [{"ETag": tag, "PartNumber": number} for number, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})
    address = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "presigned"})
    send(address, b"by address")
    found = kept.in_folder(DATA)
    assert found == kept.in_account(bucket)
    assert {*KEYS, "copy", "parts", "presigned"} <= found.keys()
    assert found["presigned"] == b"by address"
    assert found["parts"] == b"".join(bodies) and found["copy"] == "a b/ä+ö".encode()


def send(address: str, body: bytes, **headers: str) -> None:
    said = {"Content-Type": "text/plain", **headers}
    with urllib.request.urlopen(urllib.request.Request(address, body, said, method="PUT"), timeout=20) as answer:
        assert answer.status == 200


def test_a_bucket_in_the_hosts_name_is_the_same_bucket(kept: Kept) -> None:
    address = kept.client("s3").generate_presigned_url("put_object", {"Bucket": kept.bucket, "Key": "by/host"})
    port = kept.account.endpoint.rpartition(":")[2]
    send(address.replace(f"/{kept.bucket}/", "/"), b"host", Host=f"{kept.bucket}.localhost:{port}")
    assert kept.content("by/host") == b"host" == kept.in_account(kept.bucket)["by/host"]


def test_what_is_deleted_or_replaced_is_gone_with_its_content(kept: Kept) -> None:
    s3, bucket = kept.client("s3"), kept.bucket
    for key in ("goes", "goes too", "changes", "twin"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"content of four" if key != "changes" else b"unlike the others")
    before = {each.name for each in (kept.root / "objects").iterdir()}
    s3.put_object(Bucket=bucket, Key="changes", Body=b"now")
    s3.delete_object(Bucket=bucket, Key="goes")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "goes too"}, {"Key": "never was"}]})
    assert kept.content("twin") == b"content of four", "an equal content is still named"
    assert kept.in_folder(DATA) == kept.in_account(bucket)
    after = {each.name for each in (kept.root / "objects").iterdir()}
    assert (len(before - after), len(after - before)) == (1, 1)
    assert after == kept.kept().digests


def test_of_versions_the_current_one_is_kept(kept: Kept) -> None:
    s3, place = kept.client("s3"), "team/Versioned"
    where = {"Bucket": kept.versioned, "Key": "v"}
    s3.put_object(**where, Body=b"1")
    second = s3.put_object(**where, Body=b"2")["VersionId"]
    marker = s3.delete_object(**where)["VersionId"]
    assert kept.content("v", place) is None
    s3.delete_object(**where, VersionId=marker)
    assert kept.content("v", place) == b"2"
    s3.delete_object(**where, VersionId=second)
    assert kept.content("v", place) == b"1"


def test_what_was_said_of_an_object_is_kept(kept: Kept) -> None:
    s3 = kept.client("s3")
    said = {
        "CacheControl": "no-store",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "Metadata": {"by": "hand"},
        "StorageClass": "STANDARD_IA",
    }
    s3.put_object(Bucket=kept.bucket, Key="said", Body=b"", **said, Tagging="kind=raw")
    found = kept.kept().buckets[DATA].objects["said"]
    assert (found.settings, found.tags) == (said, {"kind": "raw"})
    s3.put_object_tagging(Bucket=kept.bucket, Key="said", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert kept.kept().buckets[DATA].objects["said"].tags == {"k": "v"}


def test_every_way_to_write_an_item_is_kept(kept: Kept) -> None:
    dynamodb, table = kept.client("dynamodb"), kept.table
    values = {
        "b": {"B": b"\x00\xff"},
        "bs": {"BS": [b"1", b"2"]},
        "m": {"M": {"B": {"B": b"x"}, "l": {"L": [{"N": "1.5"}]}}},
    }
    values |= {"null": {"NULL": True}, "ss": {"SS": ["ä", "s"]}, "text": {"S": 'new\nline " ä'}}
    for number in "12345":
        dynamodb.put_item(TableName=table, Item=row("a", number, **values))
    dynamodb.update_item(
        TableName=table,
        Key=row("a", "2"),
        UpdateExpression="SET x = :x REMOVE m",
        ExpressionAttributeValues={":x": {"S": "y"}},
    )
    dynamodb.delete_item(TableName=table, Key=row("a", "3"))
    requests = [{"PutRequest": {"Item": row("batch", "1")}}, {"DeleteRequest": {"Key": row("a", "4")}}]
    dynamodb.batch_write_item(RequestItems={table: requests})
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": row("transaction", "1")}},
            {"Delete": {"TableName": table, "Key": row("a", "5")}},
        ]
    )
    dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'run': 'partiql', 'n': 1}}")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(TableName=table, Item=row("a", "1"), ConditionExpression="attribute_not_exists(run)")
    found = kept.kept_rows()
    assert found.keys() == {("a", "1"), ("a", "2"), ("batch", "1"), ("transaction", "1"), ("partiql", "1")}
    assert found == as_kept(kept.rows())


def row(run: str, number: str, **more: Any) -> dict[str, Any]:
    return {"run": {"S": run}, "n": {"N": number}, **more}


def as_kept(rows: Any) -> Any:
    """Binary values as the API spells them on the wire."""
    spelt = {
        key: json.dumps(item, default=lambda value: base64.b64encode(value).decode()) for key, item in rows.items()
    }
    return {key: json.loads(text) for key, text in spelt.items()}


def test_a_transaction_is_one_line(kept: Kept) -> None:
    kept.client("dynamodb").put_item(TableName=kept.table, Item=row("before", "1"))
    journal = folder.journal(kept.root)
    before = journal.read_text().count("\n")
    items = [{"Put": {"TableName": kept.table, "Item": row("whole", str(number))}} for number in range(10)]
    kept.client("dynamodb").transact_write_items(TransactItems=items)
    assert journal.read_text().count("\n") == before + 1


def test_of_what_no_stack_has_only_buckets_are_kept_and_only_while_they_are_there(kept: Kept) -> None:
    s3, dynamodb = kept.client("s3"), kept.client("dynamodb")
    s3.create_bucket(Bucket="by-hand")
    s3.put_object(Bucket="by-hand", Key="a", Body=b"1")
    assert kept.content("a", "/by-hand") == b"1"
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="by-hand")
    assert "/by-hand" in kept.kept().buckets
    s3.delete_object(Bucket="by-hand", Key="a")
    s3.delete_bucket(Bucket="by-hand")
    s3.put_object(Bucket="cdk-hnb659fds-assets-123456789012-us-east-1", Key="asset", Body=b"1")
    dynamodb.create_table(
        TableName="by-hand",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="by-hand", Item={"k": {"S": "1"}})
    assert kept.kept().buckets.keys() <= {DATA, "team/Versioned"} and kept.kept().tables.keys() <= {RUNS}


def test_what_was_refused_is_not_kept(kept: Kept, helpers: Any) -> None:
    role = kept.account.role(helpers.allow("s3:GetObject", "*"))
    with pytest.raises(ClientError, match="AccessDenied"):
        kept.account.as_role(role, "s3").put_object(Bucket=kept.bucket, Key="refused", Body=b"")
    assert kept.content("refused") is None


def test_of_writers_at_once_the_last_one_is_kept(kept: Kept) -> None:
    s3 = kept.client("s3")

    def write(number: int) -> None:
        s3.put_object(
            Bucket=kept.bucket, Key="shared", Body=str(number).encode() * random.Random(number).choice([1, 300_000])
        )
        kept.client("dynamodb").put_item(TableName=kept.table, Item=row("shared", "1", by={"N": str(number)}))

    kept.client("dynamodb")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))
    assert kept.content("shared") == s3.get_object(Bucket=kept.bucket, Key="shared")["Body"].read()
    assert kept.kept_rows()["shared", "1"] == kept.rows()["shared", "1"]


@pytest.mark.parametrize("name", ["plain_moto", "kept"])
def test_writers_and_readers_of_one_key_do_not_break_each_other(name: str, request: pytest.FixtureRequest) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel"""
    s3 = request.getfixturevalue(name).client("s3")
    if name == "plain_moto":
        s3.create_bucket(Bucket="data-one")

    def use(number: int) -> bool:
        try:
            s3.put_object(Bucket="data-one", Key="contested", Body=bytes([number]) * 500_000)
            body = s3.get_object(Bucket="data-one", Key="contested")["Body"].read()
        except (ClientError, BotoCoreError):
            return False
        return len(body) == 500_000 and len(set(body)) == 1

    with ThreadPoolExecutor(8) as pool:
        whole = all(all(pool.map(use, range(60))) for _ in range(1 if name == "kept" else 20))
    assert whole is (name == "kept"), "moto does it alone now: the mends s3-etag-… and s3-writers-… can go"


def test_fails_to_the_client_when_the_folder_cannot_be_written(kept: Kept) -> None:
    objects = kept.root / "objects"
    aside = objects.rename(kept.root / "aside")
    objects.write_text("")
    try:
        with pytest.raises(ClientError, match="cannot be written"):
            kept.client("s3").put_object(Bucket=kept.bucket, Key="full", Body=b"1")
    finally:
        objects.unlink()
        aside.rename(objects)
    kept.client("s3").put_object(Bucket=kept.bucket, Key="full", Body=b"2")
    assert kept.content("full") == b"2"


def test_another_account_cannot_write_the_same_folder(kept: Kept, helpers: Any, tmp_path: Path) -> None:
    assert not folder.wait_for_writer(kept.root, 0)
    other = helpers.start_server(tmp_path, keep=str(kept.root))
    endpoint = helpers.ready_line(other)["endpoint"]
    try:
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{endpoint}/_trainwright/keeping", data=b"")
    finally:
        helpers.stop_server(other)


# --- killed at any instant -----------------------------------------------------------------------------------------

THREADS = 6


class Worker:
    """Writes objects and items of its own, one after another, and knows what it was told and what it was not."""

    def __init__(self, kept: Kept, number: int, seed: int, before: Worker | None) -> None:
        self._kept, self._random = kept, random.Random(f"{seed}/{number}")
        self._number, self._steps = number, itertools.count()
        self._s3, self._dynamodb = kept.client("s3"), kept.client("dynamodb")
        self.told: dict[Any, Any] = before.now(kept) if before else {}
        self.open: dict[Any, Any] = {}
        self.answers = 0

    def now(self, kept: Kept) -> dict[Any, Any]:
        """What was told, and of what was under way what has come of it."""
        there: dict[Any, Any] = {("object", key): body for key, body in kept.in_account(kept.bucket).items()}
        there |= {("item", *key): item["value"]["S"] for key, item in kept.rows().items()}
        return self.told | {what: there.get(what) for what in self.open}

    def run(self) -> None:
        try:
            while True:
                self.open = self._random.choice(
                    [self._put, self._put, self._delete, self._copy, self._item, self._transact]
                )()
                self.told |= self.open
                self.open = {}
                self.answers += 1
        except (BotoCoreError, ClientError):
            return  # killed

    def _under_way(self, wishes: dict[Any, Any]) -> dict[Any, Any]:
        self.open = wishes
        return wishes

    def _key(self) -> str:
        return f"{self._number}/{self._random.randrange(12)}"

    def _body(self) -> bytes:
        size = self._random.choice([0, 10, 3_000, 400_000])
        return f"{self._number} {next(self._steps)} ".encode() + self._random.randbytes(size)

    def _put(self) -> dict[Any, Any]:
        key, body = self._key(), self._body()
        wishes = self._under_way({("object", key): body})
        self._s3.put_object(Bucket=self._kept.bucket, Key=key, Body=body)
        return wishes

    def _delete(self) -> dict[Any, Any]:
        keys = [self._key(), self._key()]
        wishes = self._under_way({("object", key): None for key in keys})
        self._s3.delete_objects(Bucket=self._kept.bucket, Delete={"Objects": [{"Key": key} for key in keys]})
        return wishes

    def _copy(self) -> dict[Any, Any]:
        objects = [(what, body) for what, body in self.told.items() if what[0] == "object" and body is not None]
        if not objects:
            return self._put()
        ((_, source), body), target = self._random.choice(objects), self._key()
        if source == target:
            return self._put()
        wishes = self._under_way({("object", target): body})
        bucket = self._kept.bucket
        self._s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})
        return wishes

    def _item(self) -> dict[Any, Any]:
        run, value = f"{self._number}-{self._random.randrange(8)}", f"{next(self._steps)}"
        if self._random.random() < 0.3:
            wishes = self._under_way({("item", run, "0"): None})
            self._dynamodb.delete_item(TableName=self._kept.table, Key=row(run, "0"))
            return wishes
        wishes = self._under_way({("item", run, "0"): value})
        self._dynamodb.put_item(TableName=self._kept.table, Item=row(run, "0", value={"S": value}))
        return wishes

    def _transact(self) -> dict[Any, Any]:
        value = f"{next(self._steps)} together"
        runs = [f"{self._number}-t{number}" for number in range(3)]
        wishes = self._under_way({("item", run, "0"): value for run in runs})
        puts = [{"Put": {"TableName": self._kept.table, "Item": row(run, "0", value={"S": value})}} for run in runs]
        self._dynamodb.transact_write_items(TransactItems=puts)
        return wishes

    def check(self, kept: Kept) -> None:
        """What is put back is what was told, or what was under way: of a transaction all or nothing."""
        objects, rows = kept.in_account(kept.bucket), kept.rows()
        for what, wanted in self.told.items():
            found = objects.get(what[1]) if what[0] == "object" else rows.get(what[1:], {}).get("value", {}).get("S")
            allowed = [wanted, self.open[what]] if what in self.open else [wanted]
            assert found in allowed, f"{what}: {found!r:.80}, not {allowed!r:.200}"
        together = {rows.get((f"{self._number}-t{number}", "0"), {}).get("value", {}).get("S") for number in range(3)}
        assert len(together) == 1, f"half a transaction: {together}"


def test_nothing_that_was_answered_is_lost_when_the_server_is_killed(helpers: Any, tmp_path: Path) -> None:
    seed = int(os.environ.get("KEEPING_SEED", "7"))
    chance, workers, root = random.Random(seed), [], tmp_path / "kept"
    for turn in range(4):
        home = tmp_path / str(turn)
        home.mkdir()
        kept = Kept(helpers, home, root, f"turn{turn}")
        try:
            for worker in workers:
                worker.check(kept)
            workers = [Worker(kept, n, seed + turn, workers[n] if workers else None) for n in range(THREADS)]
            threads = [threading.Thread(target=each.run) for each in workers] if turn < 3 else []
            for each in threads:
                each.start()
            helpers.wait_for(lambda: sum(each.answers for each in workers) > 60 or not threads)  # noqa: B023
            time.sleep(chance.uniform(0, 0.2))
        finally:
            kept.kill()
        for each in threads:
            each.join(20)
