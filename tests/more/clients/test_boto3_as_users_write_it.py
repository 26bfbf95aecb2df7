"""boto3 with nothing but the exported variables or a profile: waiters, paginators, resources, presigned addresses."""

import json
import os
import urllib.request

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]


@pytest.fixture
def session(account, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in account.exports.items():
        monkeypatch.setenv(name, value)
    return boto3.session.Session()


def test_the_exported_variables_are_enough(session):
    assert session.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_a_profile_with_an_endpoint_is_enough(account, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(
        "[profile rehearsal]\nregion = us-east-1\nservices = here\n"
        f"endpoint_url = {account.exports['AWS_ENDPOINT_URL']}\n"
        f"[services here]\nsagemaker =\n  endpoint_url = {account.exports['AWS_ENDPOINT_URL']}\n"
    )
    (tmp_path / "credentials").write_text("[rehearsal]\naws_access_key_id = test\naws_secret_access_key = test\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    session = boto3.session.Session(profile_name="rehearsal")
    assert "TrainingJobSummaries" in session.client("sagemaker").list_training_jobs()
    assert "jobs" in [bucket.name for bucket in session.resource("s3").buckets.all()]


def test_files_in_parts_and_objects_as_resources(session, account, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(11 * 1024 * 1024))
    parts = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    client = session.client("s3")
    client.upload_file(str(tmp_path / "large"), account.bucket, "boto3/large", Config=parts)
    assert client.head_object(Bucket=account.bucket, Key="boto3/large")["ETag"].endswith('-3"')
    client.download_file(account.bucket, "boto3/large", str(tmp_path / "back"), Config=parts)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
    thing = session.resource("s3").Object(account.bucket, "boto3/note.json")
    thing.put(Body=json.dumps({"a": 1}).encode(), Metadata={"by": "hand"})
    assert json.load(thing.get()["Body"]) == {"a": 1} and thing.metadata == {"by": "hand"}
    copy = session.resource("s3").Object(account.bucket, "boto3/copy.json")
    copy.copy({"Bucket": account.bucket, "Key": thing.key})
    keys = {one.key for one in session.resource("s3").Bucket(account.bucket).objects.filter(Prefix="boto3/")}
    assert keys == {"boto3/large", "boto3/note.json", "boto3/copy.json"}


def test_addresses_that_need_no_keys(session, account):
    client, where = session.client("s3"), {"Bucket": account.bucket, "Key": "boto3/presigned.txt"}
    put = client.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, data=b"hello", method="PUT"), timeout=30).close()
    with urllib.request.urlopen(client.generate_presigned_url("get_object", Params=where), timeout=30) as answer:
        assert answer.read() == b"hello"


def test_pages_and_waiters(session, account, finished):
    client = session.client("s3")
    for number in range(5):
        client.put_object(Bucket=account.bucket, Key=f"pages/{number}", Body=b"")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=account.bucket, Prefix="pages/", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Contents"]) for page in pages] == [2, 2, 1]
    client.get_waiter("object_exists").wait(Bucket=account.bucket, Key="pages/4")
    sagemaker = session.client("sagemaker")
    jobs = sagemaker.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 3})
    assert finished in [job["TrainingJobName"] for page in jobs for job in page["TrainingJobSummaries"]]
    found = sagemaker.get_paginator("search").paginate(Resource="TrainingJob", PaginationConfig={"PageSize": 3})
    assert finished in [one["TrainingJob"]["TrainingJobName"] for page in found for one in page["Results"]]
    logs = session.client("logs").get_paginator("filter_log_events")
    events = logs.paginate(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{finished}/")
    assert len([event for page in events for event in page["events"]]) == 4
