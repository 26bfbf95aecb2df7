"""What a folder keeps, put back into an account where the same things have other names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from trainwright.cli.account import folder
from trainwright.cli.account.restore import Restore, readdressed
from trainwright.cli.errors import StepFailed
from trainwright.rehearsal.keeping import folder as kept
from trainwright.rehearsal.keeping.folder import Bucket, Index, KeptObject, Table


def bucket(name: str) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}


def table(name: str) -> dict[str, Any]:
    key = {"AttributeName": "run", "AttributeType": "S"}
    schema = {"AttributeName": "run", "KeyType": "HASH"}
    properties = {"TableName": name, "AttributeDefinitions": [key], "KeySchema": [schema]}
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties | {"BillingMode": "PAY_PER_REQUEST"}}


class Account:
    """An account in this process: a stack of two buckets, one for access logs, and a table."""

    def __init__(self, suffix: str, *left_out: str) -> None:
        self._clients: dict[str, Any] = {}
        resources = {
            "Data": bucket(f"data-{suffix}"),
            "Logs": bucket(f"access-{suffix}"),
            "Runs": table(f"runs-{suffix}"),
        }
        wanted = {name: each for name, each in resources.items() if name not in left_out}
        self.client("cloudformation").create_stack(StackName="team", TemplateBody=json.dumps({"Resources": wanted}))
        self.region = "us-east-1"
        self.data, self.runs = f"data-{suffix}", f"runs-{suffix}"
        if "Data" in wanted:
            self._log_access(f"access-{suffix}")

    def _log_access(self, bucket: str) -> None:
        """By the API: moto without our mends leaves it out of a template."""
        target = {"TargetBucket": bucket, "TargetPrefix": "x/"}
        self.client("s3").put_bucket_acl(Bucket=bucket, ACL="log-delivery-write")
        self.client("s3").put_bucket_logging(Bucket=self.data, BucketLoggingStatus={"LoggingEnabled": target})

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name="us-east-1")
        return self._clients[service]

    def keys(self) -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=self.data)
        return [item["Key"] for item in listed.get("Contents", [])]

    def rows(self) -> list[dict[str, Any]]:
        return self.client("dynamodb").scan(TableName=self.runs)["Items"]  # type: ignore[no-any-return]


@contextmanager
def opened(root: Path, suffix: str, *left_out: str) -> Iterator[tuple[Account, Restore]]:
    with mock_aws(), folder.opened(root) as data:
        account = Account(suffix, *left_out)
        yield account, Restore(account, data)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


def keep(root: Path, objects: dict[str, bytes], *rows: dict[str, Any], keys: tuple[str, ...] = ("run",)) -> None:
    """A folder as an account left it that had buckets `data-zero` and `data-one` one after another."""
    with folder.opened(root) as data:
        found = {}
        for key, content in objects.items():
            digest = kept.new_hash()
            digest.update(content)
            kept.content_file(root, digest.hexdigest()).write_bytes(content)
            said = {"ContentType": "text/plain", "Metadata": {"by": "me"}}
            found[key] = KeptObject(key, digest.hexdigest(), said, {"kind": "raw = more"})
        table = Table(["runs-one"], list(keys), {kept.identity(row, keys): row for row in rows})
        bucket = Bucket(["data-zero", "data-one"], found)
        data.begin(Index({"team/Data": bucket, "/by-hand": Bucket(["by-hand"], found)}, {"team/Runs": table}))


def test_objects_and_items_return_and_addresses_follow_the_new_names(tmp_path: Path) -> None:
    steps = json.dumps([{"S3Uri": "s3://data-one/a b/ä"}, {"S3Uri": "s3://data-zero/x"}, {"S3Uri": "s3://other/x"}])
    values = {"binary": {"B": "AP8="}, "set": {"BS": ["MQ==", "Mg=="]}, "n": {"N": "1"}}
    row = {"run": {"S": "r"}, "model": {"S": "s3://data-one/m"}, "steps": {"L": [{"S": steps}]}, **values}
    keep(tmp_path, {"a b/ä": b"text", "empty": b""}, row)
    with opened(tmp_path, "two") as (account, restore):
        restored = restore.put_back()
        assert (restored.objects, restored.items, restored.left_out, restored.refused) == (4, 1, [], {})
        s3 = account.client("s3")
        for bucket in (account.data, "by-hand"):
            found = s3.get_object(Bucket=bucket, Key="a b/ä")
            assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
                b"text",
                "text/plain",
                {"by": "me"},
            )
            tags = s3.get_object_tagging(Bucket=bucket, Key="a b/ä")["TagSet"]
            assert tags == [{"Key": "kind", "Value": "raw = more"}]
        (item,) = account.rows()
        assert (item["model"]["S"], item["n"]["N"]) == ("s3://data-two/m", "1")
        assert (item["binary"]["B"], sorted(item["set"]["BS"])) == (b"\x00\xff", [b"1", b"2"])
        addresses = [each["S3Uri"] for each in json.loads(item["steps"]["L"][0]["S"])]
        assert addresses == ["s3://data-two/a b/ä", "s3://data-two/x", "s3://other/x"]
    index = kept.read(tmp_path)
    assert index.buckets["team/Data"].names == ["data-two"]
    (row,) = index.tables["team/Runs"].items.values()
    assert row["model"] == {"S": "s3://data-two/m"} and row["binary"] == {"B": "AP8="}


def test_what_the_app_has_no_more_stays_kept_and_is_told(tmp_path: Path) -> None:
    keep(tmp_path, {"a": b"1"})
    with opened(tmp_path, "two", "Data", "Logs") as (_, restore):
        assert restore.put_back().left_out == ["team/Data"]
    assert kept.read(tmp_path).buckets["team/Data"].waiting
    with opened(tmp_path, "three") as (account, restore):
        assert restore.put_back().left_out == []
        assert account.keys() == ["a"]
    assert not kept.read(tmp_path).buckets["team/Data"].waiting


def test_rows_that_the_table_does_not_take_any_more_stay_kept_and_are_told(tmp_path: Path) -> None:
    keep(tmp_path, {}, {"run": {"S": "r"}}, {"name": {"S": "former"}}, keys=("name",))
    with opened(tmp_path, "two") as (account, restore):
        restored = restore.put_back()
        assert (restored.items, restored.refused) == (1, {"team/Runs": 1})
        assert account.rows() == [{"run": {"S": "r"}}]
    assert kept.read(tmp_path).items == 2


def test_a_start_that_breaks_off_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    keep(tmp_path, {"a": b"1", "b": b"2"})
    before = kept.read(tmp_path)
    damaged = kept.content_file(tmp_path, before.buckets["team/Data"].objects["b"].digest)
    damaged.write_bytes(b"?")
    with opened(tmp_path, "two") as (_, restore), pytest.raises(StepFailed, match="damaged"):
        restore.put_back()
    assert kept.read(tmp_path) == before


def test_only_whole_bucket_names_are_readdressed() -> None:
    names = {"data": "new"}
    assert readdressed({"S": "s3://data/x and s3://data/y"}, names) == {"S": "s3://new/x and s3://new/y"}
    for other in ("s3://data-2/x", "s3://my/data/x", "data/x"):
        assert readdressed([other], names) == [other]
