"""The IAM evaluator's rules, without an account."""

from __future__ import annotations

import json

import pytest

from trainwright.rehearsal.permissions.actions import Need
from trainwright.rehearsal.permissions.conditions import Context, Found, Unmapped, holds
from trainwright.rehearsal.permissions.decision import Names, Rules, judge
from trainwright.rehearsal.permissions.keys import KNOWN
from trainwright.rehearsal.permissions.policies import UNKNOWN_RESOURCE, Undecided, arn_matches, parse, speaking
from trainwright.rehearsal.permissions.resource_policies import NONE, ResourcePolicy

_NONE = Context({}, KNOWN)


def _context(**values):
    return Context({key.replace("__", ":").lower(): value for key, value in values.items()}, KNOWN)


@pytest.mark.parametrize(
    ("operator", "present", "wanted", "expected"),
    [
        ("StringEquals", ["a"], ["a", "b"], True),
        ("StringEquals", ["A"], ["a"], False),
        ("StringEqualsIgnoreCase", ["A"], ["a"], True),
        ("StringLike", ["ml.g5.xlarge"], ["ml.g5.*"], True),
        ("StringLike", ["ml.g5.xlarge"], ["ml.g?.x"], False),
        ("StringNotEquals", ["a"], ["b"], True),
        ("StringNotEquals", ["a"], ["a", "b"], False),
        ("StringNotLike", ["abc"], ["a*"], False),
        ("NumericLessThanEquals", ["3600"], ["3600"], True),
        ("NumericLessThanEquals", ["3601"], ["3600"], False),
        ("NumericGreaterThan", ["2"], ["10"], False),
        ("NumericNotEquals", ["2"], ["2"], False),
        ("Bool", ["true"], ["true"], True),
        ("Bool", ["false"], ["true"], False),
        ("ArnLike", ["arn:aws:s3:::b"], ["arn:aws:s3:::*"], True),
        ("ArnEquals", ["arn:aws:kms:us-east-1:1:key/a"], ["arn:aws:kms:*:1:key/a"], True),
        ("ArnLike", ["arn:aws:kms:us-east-1:1:key/a"], ["arn:*:key/a"], False),
        ("ArnNotLike", ["arn:aws:s3:::b"], ["arn:aws:s3:::c"], True),
        ("DateLessThan", ["2020-01-01T00:00:00Z"], ["2021-01-01"], True),
        ("IpAddress", ["127.0.0.1"], ["127.0.0.0/8"], True),
        ("NotIpAddress", ["127.0.0.1"], ["10.0.0.0/8"], True),
        ("ForAllValues:StringLike", ["ml.g5.a", "ml.p4.b"], ["ml.g5.*"], False),
        ("ForAllValues:StringLike", ["ml.g5.a", "ml.g5.b"], ["ml.g5.*"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["b"], True),
        ("ForAnyValue:StringEquals", ["a"], ["b"], False),
        ("Null", ["a"], ["false"], True),
        ("Null", ["a"], ["true"], False),
    ],
)
def test_operators(operator, present, wanted, expected):
    assert holds(operator, "aws:TagKeys", wanted, _context(aws__tagkeys=present)) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("NumericLessThanEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ForAllValues:StringLike", True),
        ("ForAnyValue:StringLike", False),
        ("ForAnyValue:StringNotLike", False),
    ],
)
def test_operators_when_the_key_is_absent(operator, expected):
    assert holds(operator, "sagemaker:KeepAlivePeriod", ["1"], _NONE) is expected


def test_null_when_the_key_is_absent():
    assert holds("Null", "sagemaker:FileSystemId", ["true"], _NONE)
    assert not holds("Null", "sagemaker:FileSystemId", ["false"], _NONE)


def test_an_unmapped_key_is_not_taken_for_absent():
    with pytest.raises(Unmapped, match="aws:ResourceTag/team"):
        holds("StringNotEquals", "aws:ResourceTag/team", ["x"], _NONE)


def test_an_unknown_operator_is_not_taken_for_true():
    with pytest.raises(Unmapped, match="StringMatches"):
        holds("StringMatches", "aws:SourceIp", ["x"], _NONE)


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("*", "arn:aws:s3:::b/k", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/runs/1", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:sagemaker:us-east-1:1:training-job/a-*", "arn:aws:sagemaker:us-east-1:1:training-job/ab-1", False),
        ("arn:aws:*:us-east-1:1:rule/x", "arn:aws:events:us-east-1:1:rule/x", True),
        ("arn:aws:*", "arn:aws:events:us-east-1:1:rule/x", True),
        ("arn:aws:lambda:us-east-1:1:function:f:*", "arn:aws:lambda:us-east-1:1:function:f:7", True),
        ("arn:aws:lambda:us-east-1:1:function:f:*", "arn:aws:lambda:us-east-1:1:function:f", False),
        ("arn:aws:s3:::a?c", "arn:aws:s3:::abc", True),
        ("arn:aws:s3:::a", "*", False),
    ],
)
def test_arns(pattern, arn, expected):
    assert arn_matches(pattern, arn) is expected


def _policy(*statements):
    return parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def _allowed(policy, action, resource="arn:aws:s3:::b/k", context=_NONE):
    return speaking(policy, action, resource, context, allows=True)


def test_actions_match_without_regard_to_case_and_with_wildcards():
    policy = _policy({"Effect": "Allow", "Action": ["s3:Get*", "s3:listbucket"], "Resource": "*"})
    assert _allowed(policy, "s3:GetObject")
    assert _allowed(policy, "s3:ListBucket")
    assert not _allowed(policy, "s3:PutObject")


def test_not_action_and_not_resource():
    policy = _policy({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"})
    assert _allowed(policy, "s3:GetObject")
    assert not _allowed(policy, "iam:PassRole")
    assert not _allowed(policy, "s3:GetObject", "arn:aws:s3:::secret/k")


def test_policy_variables():
    statement = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}
    context = _context(**{"aws__PrincipalTag/team": ["research"]})
    assert _allowed(_policy(statement), "s3:GetObject", "arn:aws:s3:::b/research/x", context)
    assert not _allowed(_policy(statement), "s3:GetObject", "arn:aws:s3:::b/other/x", context)
    assert not _allowed(_policy(statement), "s3:GetObject", "arn:aws:s3:::b//x", _NONE)


def test_a_variable_stands_for_a_character():
    policy = _policy({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${*}"})
    assert _allowed(policy, "s3:GetObject", "arn:aws:s3:::b/*")
    assert not _allowed(policy, "s3:GetObject", "arn:aws:s3:::b/x")


def test_an_unknown_resource_is_decided_only_by_statements_on_every_resource():
    every = _policy({"Effect": "Allow", "Action": "odd:Do", "Resource": "*"})
    some = _policy({"Effect": "Allow", "Action": "odd:Do", "Resource": "arn:aws:odd:::x"})
    other = _policy({"Effect": "Allow", "Action": "even:Do", "Resource": "arn:aws:odd:::x"})
    assert _allowed(every, "odd:Do", UNKNOWN_RESOURCE)
    assert not _allowed(other, "odd:Do", UNKNOWN_RESOURCE)
    with pytest.raises(Undecided):
        _allowed(some, "odd:Do", UNKNOWN_RESOURCE)


def test_doubt_gives_way_to_a_statement_that_is_sure():
    doubtful = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"odd:Key": "true"}}}
    sure = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    assert _allowed(_policy(doubtful, sure), "s3:GetObject")
    with pytest.raises(Undecided):
        _allowed(_policy(doubtful), "s3:GetObject")


# --- several policies at once --------------------------------------------------------------------------------------

_ROOT = "arn:aws:iam::1:root"
_NAMES = Names("arn:aws:sts::1:assumed-role/r/s", "arn:aws:iam::1:role/r", (_ROOT, "1"))
_MAY = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
_ODD = {"Condition": {"Bool": {"odd:Key": "true"}}}


def _judged(identity=(), resource=None, *, must_agree=False, boundary=None, sessions=()):
    own = ResourcePolicy(_policy(*resource), must_agree) if resource is not None else NONE
    limit = None if boundary is None else _policy(*boundary)
    rules = Rules([("inline:w", _policy(*identity))], limit, [_policy(*one) for one in sessions], own)
    return judge(Need("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k"), _NONE, rules, _NAMES)


def _for(principal, **more):
    return _MAY | {"Principal": {"AWS": principal}} | more


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"identity": [_MAY]}, None),
        ({"identity": [_MAY], "resource": []}, None),
        ({"identity": [_MAY], "resource": [], "must_agree": True}, "no resource-based policy allows"),
        ({"identity": [_MAY], "resource": [_for(_ROOT)], "must_agree": True}, None),
        ({"identity": [_MAY], "resource": [_for("1")], "must_agree": True}, None),
        ({"resource": [_for(_ROOT)], "must_agree": True}, "no identity-based policy allows"),
        ({"resource": [_for(_ROOT)]}, "no identity-based policy allows"),
        ({"resource": [_for(_NAMES.role)]}, None),
        ({"resource": [_for(_NAMES.role)], "boundary": []}, "no permissions boundary allows"),
        ({"resource": [_for(_NAMES.role)], "sessions": [[]]}, "no session policy allows"),
        ({"resource": [_for(_NAMES.session)], "boundary": [], "sessions": [[]]}, None),
        ({"identity": [_MAY], "sessions": [[], [_MAY]]}, None),
        ({"identity": [_MAY], "sessions": [[_MAY | {"Effect": "Deny"}]]}, "explicit deny in a session policy"),
        ({"identity": [_MAY], "resource": [_for(_ROOT, Effect="Deny")]}, "explicit deny in a resource-based policy"),
        ({"identity": [_MAY], "resource": [_for("*", **_ODD)]}, None),
    ],
)
def test_policies_together(rules, why):
    refusal = _judged(**rules).refusal
    assert refusal is None if why is None else why in refusal


@pytest.mark.parametrize(
    "rules",
    [
        {"resource": [_for("*", **_ODD)]},
        {"identity": [_MAY], "resource": [_for("*", **_ODD)], "must_agree": True},
        {"identity": [_MAY], "resource": [_for("*", Effect="Deny", **_ODD)]},
        {"identity": [_MAY], "resource": [_MAY | {"NotPrincipal": {"AWS": "2"}}]},
    ],
)
def test_doubt_that_would_decide_is_told(rules):
    with pytest.raises((Undecided, Unmapped)):
        _judged(**rules)


def test_every_statement_that_allows_is_named():
    second = _MAY | {"Sid": "Wide", "Action": "kms:*"}
    assert [one.sid for _, one in _judged(identity=[_MAY, second]).grants] == [None, "Wide"]


def test_a_key_that_is_costly_is_looked_up_when_a_policy_asks():
    asked = []

    def ask(key):
        asked.append(key)
        return Found(["research"]) if key == "aws:resourcetag/team" else None

    context = Context({"aws:sourceip": ["127.0.0.1"]}, KNOWN, ask)
    assert context.get("aws:SourceIp") == ["127.0.0.1"] and asked == []
    assert context.get("aws:ResourceTag/team") == ["research"]
    with pytest.raises(Unmapped):
        context.get("odd:Key")
