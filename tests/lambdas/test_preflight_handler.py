"""Preflight against S3 and Service Quotas: everything at once, bounded, and never a lost run."""

import threading

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from team_in_memory import REQUEST as PLAIN
from team_in_memory import client_error

from trainwright_runtime.facts import Run, RunFacts
from trainwright_runtime.handlers import preflight as module
from trainwright_runtime.handlers.preflight import inspect
from trainwright_runtime.handlers.together import Deadline, Trouble, together
from trainwright_runtime.plan import plan
from trainwright_runtime.request import check

GB = 10**9
REQUEST = PLAIN | {"inputs": {"train": "data://looked-at/"}}


class KnownQuotas:
    """Quotas by type and kind; None is unknown."""

    def __init__(self, **values):
        self.values = values
        self.warnings = ()

    def applied(self, instance_type, kind):
        return self.values.get(kind)


class Listing:
    """S3 as far as preflight asks: pages of sizes, or an error."""

    def __init__(self, *sizes, error=None, region="eu-west-1"):
        self.sizes, self.error, self.region = sizes, error, region
        self.calls = []

    def list_objects_v2(self, *, Bucket, Prefix, MaxKeys, ContinuationToken="0"):
        self.calls.append((Prefix, MaxKeys))
        if self.error:
            raise self.error
        start = int(ContinuationToken)
        found = [{"Key": f"{Prefix}{number}", "Size": size} for number, size in enumerate(self.sizes)]
        after = start + MaxKeys
        more = {"NextContinuationToken": str(after)} if after < len(found) else {}
        return {"Contents": found[start:after], "IsTruncated": bool(more), **more}

    def head_bucket(self, *, Bucket):
        if isinstance(self.region, Exception):
            raise self.region
        return {"BucketRegion": self.region}


@pytest.fixture
def look(team, monkeypatch):
    def make(request=None, quotas=None, s3=None, deadline=None):
        if s3 is not None:
            monkeypatch.setitem(team.services.__dict__, "s3", s3)
        document = request or REQUEST
        resolved = check(document).resolved
        planned = plan(resolved, RunFacts(Run("vision-0", "vision", "x"), team.environment.deployment, "image"))
        known = quotas or KnownQuotas()
        return inspect(planned, resolved, document, team.services, team.environment, known, deadline)

    return make


def put(team, key, size=1, bucket="the-data"):
    team.services.s3.put_object(Bucket=bucket, Key=key, Body=b"x" * size)


def test_an_input_that_is_there_passes(team, look):
    put(team, "looked-at/a")
    found = look()
    assert (found.problems, found.warnings) == ([], ())


def test_everything_that_is_wrong_is_told_at_once(team, look):
    inputs = {"train": "data://looked-at/", "test": {"s3_uri": "data://list.json", "s3_data_type": "ManifestFile"}}
    there = boto3.client("s3", region_name="us-west-2")
    there.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    put(team, "x/a", bucket="far")
    inputs |= {"far": "s3://far/x/", "gone": "s3://no-such-bucket-here/x/"}
    found = look({**REQUEST, "inputs": inputs}, KnownQuotas(spot=0, training=0))
    told = {problem.field: problem.code for problem in found.problems}
    assert told == {
        "inputs.train": "TW304",
        "inputs.test.s3_uri": "TW304",
        "inputs.far": "TW304",
        "inputs.gone": "TW304",
        "compute.instance_type": "TW306",
    }
    assert len(found.problems) == len(told)


def test_a_manifest_is_looked_for_by_its_whole_name(team, look):
    put(team, "list.json.old")
    inputs = {"train": {"s3_uri": "data://list.json", "s3_data_type": "ManifestFile"}}
    assert "no object s3://the-data/list.json" in look({**REQUEST, "inputs": inputs}).problems[0].problem
    put(team, "list.json")
    assert look({**REQUEST, "inputs": inputs}).problems == []


def test_data_over_the_volume_is_counted_over_pages(look):
    s3 = Listing(*[20_000_000] * 2500)
    found = look({**REQUEST, "compute": {"instance_type": "ml.m5.large", "volume": "30 GB"}}, s3=s3)
    assert [problem.code for problem in found.problems] == ["TW305"]
    assert len(s3.calls) == 3


def test_the_counting_ends_after_twenty_pages_and_says_so(look, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    s3 = Listing(*[1] * 500)
    found = look(s3=s3)
    assert len(s3.calls) == 20
    assert found.problems == []
    assert "first 200 objects" in found.warnings[0]


def test_streamed_data_is_not_counted(look, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    s3 = Listing(*[GB] * 500)
    found = look({**REQUEST, "input_mode": "FastFile"}, s3=s3)
    assert (found.problems, found.warnings, len(s3.calls)) == ([], (), 1)


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", "no", "ListObjectsV2"),
        client_error("SlowDown", "no", "ListObjectsV2"),
        EndpointConnectionError(endpoint_url="https://s3"),
        RuntimeError("anything"),
    ],
)
def test_a_look_up_that_fails_is_a_warning(look, error):
    found = look(s3=Listing(error=error))
    assert found.problems == []
    assert "could not be looked up" in found.warnings[0]


def test_a_bucket_that_may_not_be_read_tells_its_region_all_the_same(look):
    refusal = client_error("403", "Forbidden", "HeadBucket")
    refusal.response["ResponseMetadata"] = {"HTTPHeaders": {"x-amz-bucket-region": "us-east-1"}}
    s3 = Listing(error=client_error("AccessDenied", "no", "ListObjectsV2"), region=refusal)
    found = look({**REQUEST, "inputs": {"train": "s3://theirs/x/"}}, s3=s3)
    assert "us-east-1" in found.problems[0].problem
    assert found.warnings == ()


def test_what_takes_too_long_is_a_warning_too(look):
    hang = threading.Event()

    class Slow(Listing):
        def list_objects_v2(self, **_):
            hang.wait(30)

    try:
        found = look(s3=Slow(), deadline=Deadline.after(0.2))
    finally:
        hang.set()
    assert found.problems == []
    assert "no answer in time" in found.warnings[0]


def test_the_counting_stops_at_the_deadline(look, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    s3 = Listing(*[1] * 500)
    place = module.places({"InputDataConfig": [_channel()], "ResourceConfig": {}})[0]
    seen = module._look(s3, place, Deadline(until=0.0, clock=lambda: 1.0))
    assert (seen.objects, seen.complete, len(s3.calls)) == (10, False, 1)


def _channel():
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://the-data/x/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}}


def test_a_rung_without_quota_is_passed_over_with_a_warning(team, look):
    put(team, "looked-at/a")
    request = {**REQUEST, "compute": {**REQUEST["compute"], "fallback": "on_demand"}}
    found = look(request, KnownQuotas(spot=0, training=5))
    assert found.problems == []
    assert "ml.m5.large for spot training job usage is 0" in found.warnings[0]


def test_tasks_run_beside_each_other_and_one_that_raises_harms_none():
    barrier = threading.Barrier(2)

    def meet():
        return barrier.wait(10) >= 0

    def broken():
        raise KeyError("gone")

    found = together({"a": meet, "b": meet, "c": broken}, Deadline.after(10))
    assert (found["a"], found["b"], found["c"]) == (True, True, Trouble("KeyError"))
