"""Who set what, and what prepared.json keeps of it."""

from datetime import UTC, datetime

import pytest

from trainwright_runtime import prepared, who_set
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.preflight import Count, Place, Seen
from trainwright_runtime.request import check
from trainwright_runtime.resolved import KEEP_ALIVE
from trainwright_runtime.warm_pool import without

POLICY = TeamPolicy.from_data(
    {
        "team": "vision",
        "capabilities": {"keep_alive": "1h"},
        "default": {"compute": {"instance_type": "ml.m5.large"}, "hyperparameters": {"seed": 1}},
        "always": {"limits": {"max_runtime": "20m"}, "tags": {"centre": "4711"}},
        "budget": {"max_cost_usd": 5},
    }
)
REQUEST = {
    "name": "digits",
    "hyperparameters": {"epochs": 12, "api_key": "sk-1"},
    "environment": {"API_TOKEN": "hunter2"},
    "limits": {"max_runtime": "30m"},
    "compute": {"keep_alive": "30m"},
}


def checked():
    return check(REQUEST, POLICY)


def fields(sent=None):
    return {each.name: each for each in who_set.fields(checked(), POLICY, sent)}


@pytest.mark.parametrize(
    ("field", "value", "by", "asked"),
    [
        ("hyperparameters.epochs", 12, "run", None),
        ("hyperparameters.seed", 1, "policy default", None),
        ("compute.instance_type", ["ml.m5.large"], "policy default", None),
        ("limits.max_cost_usd", 5.0, "policy default", None),
        ("tags.centre", "4711", "policy always", None),
        ("stopping_condition.max_runtime_in_seconds", 1200, "policy always", 1800),
        ("training_image", "platform", "default", None),
    ],
)
def test_each_field_says_who_set_it(field, value, by, asked):
    found = fields()[field]
    assert (found.value, found.set_by, found.asked) == (value, by, asked)


def test_what_the_platform_took_out_is_told_with_what_was_asked_for():
    found = fields(without(checked().resolved))[".".join(KEEP_ALIVE)]
    assert (found.value, found.set_by, found.asked) == (None, "platform", 1800)
    assert fields()[".".join(KEEP_ALIVE)].set_by == "run"


def test_prepared_json_hides_secrets_and_keeps_what_lay_in_s3():
    train = Place(("inputs", "train", "s3_uri"), "s3://data/train/")
    code = Place(("source_code", "source_dir"), "s3://data/source/x.tar.gz", whole=True)
    seen = Seen(3, 12, True, newest="2026-11-21T04:00:00.000Z", fingerprint="abc")
    denied = Place(("inputs", "test", "s3_uri"), "s3://other/test/")
    found = {train: seen, code: Seen(1, 9, fingerprint="d"), denied: Seen(trouble="AccessDenied")}
    document = prepared.document(who_set.fields(checked(), POLICY), found)
    assert "hunter2" not in str(document)
    assert "sk-1" not in str(document)
    shown = {each["field"]: each for each in document["fields"]}
    assert shown["hyperparameters.api_key"]["value"].startswith("(hidden")
    assert document["inputs"]["train"] == {
        "uri": "s3://data/train/",
        "objects": 3,
        "bytes": 12,
        "newest": "2026-11-21T04:00:00.000Z",
        "fingerprint": "abc",
        "complete": True,
    }
    unseen = document["inputs"]["test"]
    assert (unseen["objects"], unseen["bytes"], unseen["fingerprint"], unseen["complete"]) == (None, None, None, False)
    assert (document["code"]["uri"], document["code"]["fingerprint"]) == ("s3://data/source/x.tar.gz", "d")


def test_an_image_that_holds_its_code_has_none_in_s3():
    assert prepared.document([], {})["code"] is None


def entry(key="a", size=1, etag='"1"', hour=4):
    return {"Key": key, "Size": size, "ETag": etag, "LastModified": datetime(2026, 11, 21, hour, tzinfo=UTC)}


def count(*entries, **more):
    found = Count()
    for each in entries:
        found.add(each)
    return found.seen(**more)


def test_a_count_sums_up_a_listing():
    found = count(entry(hour=5), entry("b", 2, hour=7), entry("c", 4, hour=6), complete=False)
    assert (found.objects, found.bytes, found.complete) == (3, 7, False)
    assert found.newest == "2026-11-21T07:00:00.000Z"
    assert count() == Seen()


@pytest.mark.parametrize("other", [entry("b"), entry(size=2), entry(etag='"2"'), entry("a\ud800")])
def test_other_data_has_another_fingerprint(other):
    assert count(entry()).fingerprint == count(entry(hour=9)).fingerprint, "a copy of the same is the same"
    assert count(entry()).fingerprint != count(other).fingerprint
    assert count(entry(), other).fingerprint != count(other, entry()).fingerprint
