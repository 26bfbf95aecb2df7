"""Template functions, without an account."""

from __future__ import annotations

import json

import pytest

from trainwright.rehearsal.resources.base import generated_name
from trainwright.rehearsal.resources.custom import stringified
from trainwright.rehearsal.stacks.errors import ValidationError
from trainwright.rehearsal.stacks.plan import dependencies
from trainwright.rehearsal.stacks.template import Scope, read, references


@pytest.fixture
def scope():
    return Scope(
        parameters={"Name": "n", "List": ["a", "b"]},
        pseudo={"AWS::Region": "us-east-1", "AWS::AccountId": "1"},
        mappings={"Map": {"one": {"two": "found"}}},
        conditions={"Yes": {"Fn::Equals": [{"Ref": "Name"}, "n"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}},
        ref=lambda name: f"id-of-{name}",
        attribute=lambda name, attribute: f"{attribute}-of-{name}",
        export=lambda name: f"export-{name}",
        dynamic=lambda service, name: f"{service}={name}",
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, "id-of-Bucket"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "List"}, ["a", "b"]),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "Arn-of-Bucket"),
        ({"Fn::GetAtt": "Bucket.Arn.More"}, "Arn.More-of-Bucket"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 3, True]]}, "a-n-3-true"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        (
            {"Fn::Sub": "${Name}/${Bucket}/${Bucket.Arn}/${!Literal}/${AWS::AccountId}"},
            "n/id-of-Bucket/Arn-of-Bucket/${Literal}/1",
        ),
        ({"Fn::Sub": ["${own}-${Name}", {"own": {"Ref": "Bucket"}}]}, "id-of-Bucket-n"),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "a:b:c"]}]}, "b"),
        ({"Fn::FindInMap": ["Map", "one", "two"]}, "found"),
        ({"Fn::FindInMap": ["Map", "none", "two", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::If": ["Yes", "y", "n"]}, "y"),
        ({"Fn::If": ["No", "y", "n"]}, "n"),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": [{"Ref": "AWS::NoValue"}, 2]}, {"b": [2]}),
        ({"Fn::ImportValue": {"Fn::Sub": "${Name}-x"}}, "export-n-x"),
        ({"Fn::Base64": "x"}, "eA=="),
        ({"Fn::ToJsonString": {"a": {"Ref": "Name"}}}, '{"a":"n"}'),
        ({"Fn::Length": {"Ref": "List"}}, 2),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ("{{resolve:ssm:/a/b}}", "ssm=/a/b"),
        (
            {"Version": "2012-10-17", "Condition": {"Bool": {"x": "y"}}},
            {"Version": "2012-10-17", "Condition": {"Bool": {"x": "y"}}},
        ),
    ],
)
def test_functions(scope, value, expected):
    assert scope.resolve(value) == expected


def test_a_lone_condition_block_of_a_policy_is_no_condition_function(scope):
    assert scope.resolve({"Condition": {"Bool": {"x": "y"}}}) == {"Condition": {"Bool": {"x": "y"}}}


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Nonsense": 1},
        {"Fn::Select": [5, ["a"]]},
        {"Fn::FindInMap": ["Map", "none", "two"]},
        {"Fn::If": ["Nowhere", 1, 2]},
        {"Fn::Join": ["-", "text"]},
    ],
)
def test_what_cannot_be_resolved_is_refused(scope, value):
    with pytest.raises(ValidationError):
        scope.resolve(value)


def test_references_are_found_wherever_they_hide():
    value = {
        "a": [{"Ref": "A"}],
        "b": {"Fn::Sub": "${B}${C.Arn}${!D}"},
        "c": {"Fn::Sub": ["${own}${E}", {"own": {"Fn::GetAtt": "F.Arn"}}]},
    }
    assert references(value) == {"A", "B", "C", "E", "F"}


def test_dependencies_and_circles():
    template = {
        "Resources": {
            "A": {"Type": "T", "DependsOn": "B"},
            "B": {"Type": "T", "Properties": {"x": {"Ref": "C"}}},
            "C": {"Type": "T"},
        }
    }
    assert dependencies(template, template["Resources"]) == {"A": {"B"}, "B": {"C"}, "C": set()}
    template["Resources"]["C"]["DependsOn"] = ["A"]
    with pytest.raises(ValidationError, match="Circular dependency between resources"):
        dependencies(template, template["Resources"])


def test_a_reference_to_nowhere_is_refused():
    template = {"Resources": {"A": {"Type": "T", "Properties": {"x": {"Ref": "Nowhere"}}}}}
    with pytest.raises(ValidationError, match=r"Unresolved resource dependencies \[Nowhere\]"):
        dependencies(template, template["Resources"])


@pytest.mark.parametrize("text", ["{", "{}", '{"Resources": {}}', '{"Resources": {"A": {}}}', "- a"])
def test_what_is_no_template_is_refused(text):
    with pytest.raises(ValidationError, match="Template format error"):
        read(text)


def test_yaml_with_short_forms():
    values = "      x: !GetAtt B.Arn\n      y: !Sub '${B}'\n      z: !Join ['-', [!Ref B]]\n"
    text = "Resources:\n  A:\n    Type: T\n    Properties:\n" + values
    properties = read(text)["Resources"]["A"]["Properties"]
    assert properties == {
        "x": {"Fn::GetAtt": ["B", "Arn"]},
        "y": {"Fn::Sub": "${B}"},
        "z": {"Fn::Join": ["-", [{"Ref": "B"}]]},
    }


@pytest.mark.parametrize(
    ("stack", "logical", "limit"), [("s", "l", 64), ("s" * 80, "l" * 80, 64), ("s" * 10, "l" * 200, 63)]
)
def test_generated_names_fit(stack, logical, limit):
    name = generated_name(stack, logical, limit)
    assert len(name) <= limit
    assert name.count("-") == 2


def test_custom_resources_get_texts():
    assert stringified({"a": True, "b": 1, "c": [2.5, {"d": "x"}]}) == {"a": "true", "b": "1", "c": ["2.5", {"d": "x"}]}
    assert json.dumps(stringified({"Retain": False})) == '{"Retain": "false"}'
