"""What stacks hold, saved from one account and put back into another, where the same things have other names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from trainwright.cli.account import folder
from trainwright.cli.account.snapshot import Snapshot, readdressed


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

    def put(self, key: str, body: bytes, **settings: Any) -> None:
        self.client("s3").put_object(Bucket=self.data, Key=key, Body=body, **settings)

    def keys(self) -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=self.data)
        return [item["Key"] for item in listed.get("Contents", [])]


@contextmanager
def opened(root: Path, suffix: str, *left_out: str) -> Iterator[tuple[Account, Snapshot]]:
    with mock_aws(), folder.opened(root) as data:
        account = Account(suffix, *left_out)
        yield account, Snapshot(account, data)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


def test_objects_and_items_return_and_addresses_follow_the_new_names(tmp_path: Path) -> None:
    with opened(tmp_path, "one") as (account, snapshot):
        account.put("a b/ä", b"text", ContentType="text/plain", Metadata={"by": "me"}, Tagging="kind=raw")
        account.put("empty", b"")
        step = json.dumps({"S3Uri": "s3://data-one/a b/ä"})
        item = {"run": {"S": "r"}, "model": {"S": "s3://data-one/m"}, "steps": {"L": [{"S": step}]}, "n": {"N": "1"}}
        account.client("dynamodb").put_item(TableName=account.runs, Item=item)
        saved = snapshot.save()
        assert (saved.objects, saved.items) == (2, 1), "access logs are not kept"
    with opened(tmp_path, "two") as (account, snapshot):
        restored = snapshot.put_back()
        assert (restored.objects, restored.items, restored.left_out) == (2, 1, [])
        found = account.client("s3").get_object(Bucket=account.data, Key="a b/ä")
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"text", "text/plain", {"by": "me"})
        tags = account.client("s3").get_object_tagging(Bucket=account.data, Key="a b/ä")["TagSet"]
        assert tags == [{"Key": "kind", "Value": "raw"}]
        (item,) = account.client("dynamodb").scan(TableName=account.runs)["Items"]
        assert (item["model"]["S"], item["n"]["N"]) == ("s3://data-two/m", "1")
        assert json.loads(item["steps"]["L"][0]["S"]) == {"S3Uri": "s3://data-two/a b/ä"}


def test_a_save_fetches_only_what_changed_and_forgets_what_was_deleted(tmp_path: Path) -> None:
    with opened(tmp_path, "one") as (account, snapshot):
        account.put("stays", b"1")
        account.put("changes", b"1")
        account.put("goes", b"1")
        snapshot.save()
    with opened(tmp_path, "two") as (account, snapshot):
        snapshot.put_back()
        fetched: list[str] = []
        account.client("s3").meta.events.register(
            "provide-client-params.s3.GetObject", lambda params, **_: fetched.append(params["Key"])
        )
        account.put("changes", b"2")
        account.client("s3").delete_object(Bucket=account.data, Key="goes")
        assert snapshot.save().objects == 2
        assert snapshot.save().objects == 2
        assert fetched == ["changes"]
    with opened(tmp_path, "three") as (account, snapshot):
        snapshot.put_back()
        assert account.keys() == ["changes", "stays"]


def test_an_object_that_goes_while_it_is_listed_is_no_error(tmp_path: Path) -> None:
    with opened(tmp_path, "one") as (account, snapshot):
        account.put("a", b"1")
        account.put("b", b"1")

        def delete(params: dict[str, Any], **_: Any) -> None:
            boto3.client("s3", region_name="us-east-1").delete_object(Bucket=account.data, Key="a")

        account.client("s3").meta.events.register("provide-client-params.s3.GetObject", delete)
        assert snapshot.save().objects == 1


def test_what_the_app_has_no_more_stays_kept_and_is_told(tmp_path: Path) -> None:
    with opened(tmp_path, "one") as (account, snapshot):
        account.put("a", b"1")
        snapshot.save()
    with opened(tmp_path, "two", "Data", "Logs") as (_, snapshot):
        assert snapshot.put_back().left_out == ["team/Data"]
        assert snapshot.save().objects == 0
    with opened(tmp_path, "three") as (account, snapshot):
        assert snapshot.put_back().left_out == []
        assert account.keys() == ["a"]


def test_only_whole_bucket_names_are_readdressed() -> None:
    names = {"data": "new"}
    assert readdressed({"S": "s3://data/x and s3://data/y"}, names) == {"S": "s3://new/x and s3://new/y"}
    for other in ("s3://data-2/x", "s3://my/data/x", "data/x"):
        assert readdressed([other], names) == [other]
