"""What is granted beside what was used: the record's rules, and the record of an account."""

from __future__ import annotations

import json

import pytest

from trainwright.rehearsal.permissions import narrowing
from trainwright.rehearsal.permissions.ledger import Use
from trainwright.rehearsal.permissions.operations import expand
from trainwright.rehearsal.permissions.policies import parse
from trainwright.rehearsal.permissions.record import VERSION, Role, record

ARN = "arn:aws:iam::123456789012:role/Jobs-1"
BUCKET = "arn:aws:s3:::b"


def _role(*statements, used=(), arn=ARN, stack="team"):
    """A role with one inline policy, and uses as (index of the statement, action, resource, for whom)."""
    parsed = parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    allowed = [
        (Use(arn, by, "s", action, resource), ("inline:Work", parsed[index]), 1) for index, action, resource, by in used
    ]
    return Role(arn, stack, "JobsRole", ["sagemaker.amazonaws.com"], [("inline:Work", parsed)], allowed, [], [], [])


def _record(*roles):
    return record(roles, "123456789012", "us-east-1", expand)


def _allow(actions, resources, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def _surplus(*statements, used=()):
    [role] = _record(_role(*statements, used=used))["roles"]
    return [one["surplus"] for one in role["statements"]]


def test_a_statement_that_nothing_used_is_surplus_as_a_whole():
    statements = [_allow("s3:GetObject", f"{BUCKET}/*"), _allow("s3:PutObject", f"{BUCKET}/*")]
    first, second = _surplus(*statements, used=[(0, "s3:GetObject", f"{BUCKET}/k", "service")])
    assert (first["whole"], second["whole"]) == (False, True)
    assert second["actions"] == ["s3:PutObject"] and second["resources"] == [f"{BUCKET}/*"]


def test_single_actions_and_resources_that_nothing_used_are_named():
    statement = _allow(["s3:GetObject", "s3:PutObject"], [f"{BUCKET}/runs/*", f"{BUCKET}/data/*"])
    [surplus] = _surplus(statement, used=[(0, "s3:GetObject", f"{BUCKET}/data/1", "service")])
    assert (surplus["whole"], surplus["actions"]) == (False, ["s3:PutObject"])
    assert surplus["resources"] == [f"{BUCKET}/runs/*"]


def test_a_wildcard_of_actions_is_told_with_what_would_have_done():
    [surplus] = _surplus(_allow("SQS:send*", "*"), used=[(0, "sqs:SendMessage", "arn:aws:sqs:r:1:q", "process")])
    [wide] = surplus["wide_actions"]
    assert wide == {"granted": "SQS:send*", "enough": ["sqs:SendMessage"], "unused": ["sqs:SendMessageBatch"]}


def test_a_wildcard_that_was_used_up_is_no_surplus():
    [surplus] = _surplus(_allow("sqs:Send*", "arn:aws:sqs:r:1:q"), used=_sends("arn:aws:sqs:r:1:q"))
    assert surplus == {"whole": False, "actions": [], "wide_actions": [], "resources": [], "wide_resources": []}


def _sends(queue):
    return [(0, f"sqs:{action}", queue, "process") for action in ("SendMessage", "SendMessageBatch")]


def test_everything_but_is_told_as_such():
    [surplus] = _surplus({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    assert surplus["whole"] and surplus["actions"] == ["everything but iam:*"]


def test_a_deny_grants_nothing():
    assert _surplus({"Effect": "Deny", "Action": "*", "Resource": "*"}) == []


@pytest.mark.parametrize(
    ("pattern", "used", "enough"),
    [
        (f"{BUCKET}/*", [f"{BUCKET}/runs/a-1/x", f"{BUCKET}/runs/a-2/x"], [f"{BUCKET}/runs/a-*"]),
        (f"{BUCKET}/*", [f"{BUCKET}/runs/x"], [f"{BUCKET}/runs/x"]),
        (f"{BUCKET}/*", [f"{BUCKET}/a", f"{BUCKET}/b"], []),
        ("*", ["*"], []),
        ("*", [f"{BUCKET}/k", "arn:aws:sqs:r:1:q"], [f"{BUCKET}/k", "arn:aws:sqs:r:1:q"]),
        ("*", [f"{BUCKET}/k", "*"], []),
        ("arn:aws:s3:::c/*", [f"{BUCKET}/k"], []),
    ],
)
def test_the_narrower_resource_that_would_have_done(pattern, used, enough):
    assert sorted(narrowing.enough(pattern, used)) == sorted(enough)


def test_what_would_have_done_does_cover_what_was_used():
    used = [f"{BUCKET}/runs/a/{name}" for name in ("model", "log", "log/1")]
    [found] = narrowing.enough(f"{BUCKET}/*", used)
    assert all(narrowing.arn_matches(found, one) for one in used)


def test_wildcards_are_spelled_out_with_iams_names():
    assert "s3:ListBucket" in expand("s3:List*") and "s3:ListObjectsV2" not in expand("s3:*")
    assert "states:StartExecution" in expand("states:Start*")
    assert expand("nothing:*") == expand("*") == []


def test_the_summary_counts_and_names_the_widest_first():
    narrow = _role(_allow("s3:GetObject", f"{BUCKET}/k"), arn=f"{ARN}-narrow", stack=None)
    wide = _role(_allow(["sagemaker:*", "s3:GetObject"], "*"), used=[(0, "s3:GetObject", f"{BUCKET}/k", "process")])
    document = _record(narrow, wide)
    summary = document["summary"]
    assert (document["version"], summary["roles"]) == (VERSION, 2)
    assert (summary["granted_actions"], summary["used_actions"]) == (3, 1)
    assert (summary["statements"], summary["unused_statements"]) == (2, 1)
    first, second = summary["widest"]
    assert first == "team/JobsRole: 1 of 2 actions used, too wide first of all sagemaker:* on *"
    assert second.startswith("Jobs-1-narrow: 0 of 1 actions used")


# --- an account's record -------------------------------------------------------------------------------------------

CODE = "import boto3\ndef handler(event, context):\n    boto3.client('s3').list_objects_v2(Bucket=event)\n"


def test_code_and_the_services_around_it_are_told_apart(account, helpers):
    """A function's code lists a bucket with its own credentials; Lambda writes its log as the same role."""
    bucket = helpers.unique("used")
    account.client("s3").create_bucket(Bucket=bucket)
    resources = [f"arn:aws:s3:::{bucket}", "arn:aws:s3:::never"]
    role = account.role(helpers.allow(["s3:ListBucket", "s3:PutObject"], resources), helpers.allow("logs:*", "*"))
    function = account.function(CODE, role)
    account.invoke(function, bucket)

    def found():
        [entry] = [one for one in account.page("permissions/record")["roles"] if one["arn"] == role]
        objects, logs = entry["statements"]
        return (objects, logs) if logs["used"] else None

    objects, logs = helpers.wait_for(found)
    [use] = objects["used"]
    assert (use["action"], use["resource"], use["by"]) == ("s3:ListBucket", resources[0], "process")
    assert (objects["surplus"]["actions"], objects["surplus"]["resources"]) == (["s3:PutObject"], [resources[1]])
    assert {one["by"] for one in logs["used"]} == {"service"}
    assert "logs:PutRetentionPolicy" in logs["surplus"]["wide_actions"][0]["unused"]
    assert objects["policy"] == {"kind": "inline", "name": "work"}


def test_denials_and_what_nobody_could_decide_are_the_roles_own(account, helpers):
    odd = {"StringEquals": {"aws:ResourceTag/team": "research"}}
    role = account.role(helpers.allow("s3:ListAllMyBuckets", "*", **odd))
    s3 = account.as_role(role, "s3")
    for call in (s3.list_buckets, lambda: s3.create_bucket(Bucket="nobodys")):
        with pytest.raises(s3.exceptions.ClientError):
            call()
    [entry] = [one for one in account.page("permissions/record")["roles"] if one["arn"] == role]
    [denied] = entry["denied"]
    assert (denied["action"], denied["by"], denied["count"]) == ("s3:CreateBucket", "assumed", 1)
    assert "aws:ResourceTag/team is not mapped" in entry["undecided"][0]["what"]


def test_the_roles_that_deploy_are_left_out(account):
    arns = [one["arn"] for one in account.page("permissions/record")["roles"]]
    assert not any("cdk-hnb659fds" in arn for arn in arns)
