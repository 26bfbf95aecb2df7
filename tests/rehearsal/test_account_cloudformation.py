"""Stacks: what CloudFormation promises about creating, changing, failing and removing."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


class Stacks:
    """Deploys templates and waits."""

    def __init__(self, account, helpers):
        self.account, self.helpers = account, helpers
        self.client = account.client("cloudformation")

    def create(self, resources, name=None, **template):
        name = name or self.helpers.unique("stack")
        self.client.create_stack(
            StackName=name, TemplateBody=self._body(resources, template), Capabilities=_CAPABILITIES
        )
        return name, self.settle(name)

    def update(self, name, resources, **template):
        self.client.update_stack(
            StackName=name, TemplateBody=self._body(resources, template), Capabilities=_CAPABILITIES
        )
        return self.settle(name)

    def delete(self, name):
        identity = self.client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.client.delete_stack(StackName=name)
        return self.settle(identity)

    @staticmethod
    def _body(resources, template):
        return json.dumps({"Resources": resources, **template})

    def settle(self, name):
        for _ in range(20):
            status = self.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
        raise AssertionError(f"{name} stays {status}")

    def outputs(self, name):
        found = self.client.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    def physical(self, name):
        found = self.client.describe_stack_resources(StackName=name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def events(self, name, logical=None):
        found = reversed(self.client.describe_stack_events(StackName=name)["StackEvents"])
        return [
            (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
            for one in found
            if logical in (None, one["LogicalResourceId"])
        ]


@pytest.fixture(scope="module")
def stacks(account, helpers):
    return Stacks(account, helpers)


def _parameter(value, **more):
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **more}


def _role(service="lambda.amazonaws.com", *statements):
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]}
    work = {
        "Version": "2012-10-17",
        "Statement": list(statements) or [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", **trust},
            "Policies": [{"PolicyName": "work", "PolicyDocument": work}],
        },
    }


def _function(source, **more):
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": source},
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Runtime": "python3.13",
            **more,
        },
    }


def test_resources_are_made_in_order_and_outputs_are_there(stacks):
    name, status = stacks.create(
        {
            "Second": _parameter({"Fn::Sub": "${First}=${First.Value}"}),
            "First": _parameter("one"),
            "Third": _parameter("three", DependsOn="Second"),
        },
        Outputs={"Told": {"Value": {"Fn::GetAtt": ["Second", "Value"]}, "Description": "d"}},
    )
    assert status == "CREATE_COMPLETE"
    assert stacks.outputs(name)["Told"].endswith("=one")
    done = [logical for logical, state, _ in stacks.events(name) if state == "CREATE_COMPLETE"]
    assert done == ["First", "Second", "Third", name]


def test_parameters_from_the_parameter_store(stacks, account, helpers):
    key = f"/{helpers.unique('list')}"
    account.client("ssm").put_parameter(Name=key, Type="StringList", Value="a,b")
    declared = {"List": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": key}}
    name, _ = stacks.create({"One": _parameter({"Fn::Select": [1, {"Ref": "List"}]})}, Parameters=declared)
    assert account.client("ssm").get_parameter(Name=stacks.physical(name)["One"])["Parameter"]["Value"] == "b"
    account.client("ssm").put_parameter(Name=key, Type="StringList", Value="a,c", Overwrite=True)
    stacks.update(name, {"One": _parameter({"Fn::Select": [1, {"Ref": "List"}]})}, Parameters=declared)
    assert account.client("ssm").get_parameter(Name=stacks.physical(name)["One"])["Parameter"]["Value"] == "c"


def test_a_failing_resource_rolls_back_and_says_why(stacks, account):
    name, status = stacks.create(
        {
            "Good": _parameter("x"),
            "Kept": _parameter("x", DeletionPolicy="Retain"),
            "Bad": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "NOT A BUCKET"},
                "DependsOn": ["Good", "Kept"],
            },
            "Never": _parameter("x", DependsOn="Bad"),
        }
    )
    assert status == "ROLLBACK_COMPLETE"
    ((_, _, reason),) = [one for one in stacks.events(name, "Bad") if one[1] == "CREATE_FAILED"]
    assert "Invalid bucket name" in reason
    states = {(logical, state) for logical, state, _ in stacks.events(name)}
    assert {("Good", "DELETE_COMPLETE"), ("Kept", "DELETE_SKIPPED")} <= states
    assert not stacks.events(name, "Never")
    assert (name, "ROLLBACK_IN_PROGRESS") in states


def test_a_failed_creation_can_be_left_as_it_is(stacks):
    bad = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "NOT A BUCKET"}}
    name = stacks.helpers.unique("stack")
    stacks.client.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Bad": bad}}), DisableRollback=True
    )
    assert stacks.settle(name) == "CREATE_FAILED"


def test_changing_code_publishes_a_version_and_the_old_one_keeps_running(stacks, account):
    def version(text, key):
        return {
            "Role": _role(),
            "Function": _function(f"def handler(e, c): return '{text}'"),
            key: {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}},
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
            },
        }

    name, _ = stacks.create(version("old", "VersionA"))
    old = stacks.physical(name)["VersionA"]
    assert stacks.update(name, version("new", "VersionB")) == "UPDATE_COMPLETE"
    new = stacks.physical(name)["VersionB"]
    assert account.invoke(old)[0] == "old"
    assert account.invoke(new)[0] == "new"
    assert ("VersionA", "DELETE_SKIPPED", "") in stacks.events(name)
    assert "VersionA" not in stacks.physical(name)


def test_a_version_without_a_change_is_refused(stacks):
    body = {"Role": _role(), "Function": _function("def handler(e, c): pass")}
    one = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
    name, status = stacks.create({**body, "A": one, "B": {**one, "DependsOn": "A"}})
    assert status == "ROLLBACK_COMPLETE"
    assert any("A version for this Lambda function exists ( 1 )" in reason for _, _, reason in stacks.events(name, "B"))


_MACHINE = '{"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "${Word}", "End": true}}}'


def _machine(word):
    return {
        "Role": _role("states.amazonaws.com"),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "DefinitionString": _MACHINE,
                "DefinitionSubstitutions": {"Word": word},
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        },
    }


def test_a_definition_is_filled_in_and_updated_in_place(stacks, account):
    states = account.client("stepfunctions")
    name, status = stacks.create(_machine("first"))
    assert status == "CREATE_COMPLETE", stacks.events(name)
    arn = stacks.physical(name)["Machine"]
    assert '"first"' in states.describe_state_machine(stateMachineArn=arn)["definition"]
    assert stacks.update(name, _machine("second")) == "UPDATE_COMPLETE"
    assert stacks.physical(name)["Machine"] == arn
    assert '"second"' in states.describe_state_machine(stateMachineArn=arn)["definition"]


def test_a_name_change_replaces_and_removes_the_old_one_afterwards(stacks, account, helpers):
    first, second = helpers.unique("table"), helpers.unique("table")

    def table(name):
        key = {"AttributeName": "run", "KeyType": "HASH"}
        attribute = {"AttributeName": "run", "AttributeType": "S"}
        properties = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key],
            "AttributeDefinitions": [attribute],
        }
        return {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}

    name, _ = stacks.create(table(first))
    assert stacks.update(name, table(second)) == "UPDATE_COMPLETE"
    assert stacks.physical(name)["Table"] == second
    tables = account.client("dynamodb").list_tables()["TableNames"]
    assert second in tables
    assert first not in tables
    order = [state for _, state, _ in stacks.events(name, "Table")][-4:]
    assert order == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_failed_update_makes_the_stack_what_it_was(stacks, account):
    before = {"Kept": _parameter("before"), "Gone": _parameter("x")}
    name, _ = stacks.create(before)
    kept = stacks.physical(name)["Kept"]
    bad = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "NOT A BUCKET"}, "DependsOn": ["Kept", "Fresh"]}
    status = stacks.update(name, {"Kept": _parameter("after"), "Fresh": _parameter("x"), "Bad": bad})
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.client("ssm").get_parameter(Name=kept)["Parameter"]["Value"] == "before"
    assert set(stacks.physical(name)) == {"Kept", "Gone"}
    assert json.loads(json.dumps(stacks.client.get_template(StackName=name)["TemplateBody"]))["Resources"] == before


def test_new_tags_reach_what_can_be_tagged_and_nothing_else(stacks, account):
    body = json.dumps({"Resources": {**_custom(), "One": _parameter("x")}})
    name = stacks.helpers.unique("stack")
    stacks.client.create_stack(StackName=name, TemplateBody=body, Capabilities=_CAPABILITIES)
    stacks.settle(name)
    tags = [{"Key": "team", "Value": "research"}]
    stacks.client.update_stack(StackName=name, TemplateBody=body, Capabilities=_CAPABILITIES, Tags=tags)
    assert stacks.settle(name) == "UPDATE_COMPLETE", stacks.events(name)
    physical = stacks.physical(name)
    assert account.client("iam").list_role_tags(RoleName=physical["Role"])["Tags"] == tags
    ssm = account.client("ssm")
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=physical["One"])["TagList"] == tags
    assert not [one for one in stacks.events(name, "Thing") if one[1].startswith("UPDATE")]


def test_an_update_that_changes_nothing_is_refused(stacks):
    name, _ = stacks.create({"One": _parameter("x")})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update(name, {"One": _parameter("x")})


def test_deleting_keeps_what_is_to_be_retained(stacks, account):
    name, _ = stacks.create({"Kept": _parameter("x", DeletionPolicy="Retain"), "Gone": _parameter("y")})
    physical = stacks.physical(name)
    assert stacks.delete(name) == "DELETE_COMPLETE"
    ssm = account.client("ssm")
    assert ssm.get_parameter(Name=physical["Kept"])["Parameter"]["Value"] == "x"
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=physical["Gone"])
    with pytest.raises(ClientError, match="does not exist"):
        stacks.client.describe_stacks(StackName=name)


def test_a_bucket_with_objects_stops_the_deletion(stacks, account):
    name, _ = stacks.create({"Bucket": {"Type": "AWS::S3::Bucket"}})
    bucket = stacks.physical(name)["Bucket"]
    account.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
    assert stacks.delete(name) == "DELETE_FAILED"
    account.client("s3").delete_object(Bucket=bucket, Key="k")
    assert stacks.delete(name) == "DELETE_COMPLETE"


def test_a_type_that_nothing_stands_behind_can_be_referred_to(stacks):
    name, status = stacks.create(
        {
            "Odd": {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {"Limit": 1}}},
            "One": _parameter({"Fn::Sub": "${Odd}|${Odd.Arn}"}),
        },
        Outputs={"Told": {"Value": {"Fn::GetAtt": ["One", "Value"]}}},
    )
    assert status == "CREATE_COMPLETE"
    reference, _, arn = stacks.outputs(name)["Told"].partition("|")
    assert reference.startswith(name)
    assert arn == f"arn:aws:budgets:us-east-1:123456789012:budget/{reference}"
    assert any("recorded only" in reason for _, _, reason in stacks.events(name, "Odd"))


def test_a_property_that_the_service_does_not_have_fails(stacks):
    name, status = stacks.create({"Table": {"Type": "AWS::Logs::LogGroup", "Properties": {"Colour": "blue"}}})
    assert status == "ROLLBACK_COMPLETE"
    assert any("unsupported property" in reason and "Colour" in reason for _, _, reason in stacks.events(name))


# --- custom resources ----------------------------------------------------------------------------------------------

_ASKED = """
import json, urllib.request
def answer(event, **more):
    body = {"Status": "SUCCESS", "PhysicalResourceId": event["ResourceProperties"].get("Id", "thing"),
            "StackId": event["StackId"], "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"], **more}
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"), timeout=5)
def handler(event, context):
    wish = event["ResourceProperties"]
    if wish.get("Fail") and event["RequestType"] != "Delete":
        return answer(event, Status="FAILED", Reason="because")
    if wish.get("Raise"):
        raise ValueError("oh no")
    if wish.get("Silent") and event["RequestType"] == "Create":
        print(event["ResponseURL"])
        return
    answer(event, Data={"Kind": event["RequestType"], "Seen": json.dumps(wish, sort_keys=True),
                        "Old": json.dumps(event.get("OldResourceProperties")), "Deep": {"One": "1"}})
"""


def _custom(**properties):
    return {
        "Role": _role(),
        "Function": _function(_ASKED, Timeout=10),
        "Thing": {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, **properties},
        },
    }


_TOLD = {
    "Kind": {"Value": {"Fn::GetAtt": ["Thing", "Kind"]}},
    "Seen": {"Value": {"Fn::GetAtt": ["Thing", "Seen"]}},
    "Old": {"Value": {"Fn::GetAtt": ["Thing", "Old"]}},
    "Deep": {"Value": {"Fn::GetAtt": ["Thing", "Deep.One"]}},
    "Ref": {"Value": {"Ref": "Thing"}},
}


def test_custom_resources_are_created_changed_and_removed(stacks):
    name, status = stacks.create(_custom(Number=7, Flag=True, List=[1, {"a": False}]), Outputs=_TOLD)
    assert status == "CREATE_COMPLETE", stacks.events(name)
    told = stacks.outputs(name)
    assert (told["Kind"], told["Ref"], told["Deep"]) == ("Create", "thing", "1")
    seen = json.loads(told["Seen"])
    assert (seen["Number"], seen["Flag"], seen["List"]) == ("7", "true", ["1", {"a": "false"}])
    assert stacks.update(name, _custom(Number=8), Outputs=_TOLD) == "UPDATE_COMPLETE"
    told = stacks.outputs(name)
    assert told["Kind"] == "Update"
    assert json.loads(told["Old"])["Number"] == "7"
    assert stacks.delete(name) == "DELETE_COMPLETE"


def test_another_physical_id_removes_the_old_resource(stacks):
    name, _ = stacks.create(_custom(Id="one"))
    stacks.update(name, _custom(Id="two"))
    assert stacks.physical(name)["Thing"] == "two"
    assert [state for _, state, _ in stacks.events(name, "Thing")][-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


@pytest.mark.parametrize(("wish", "reason"), [({"Fail": "yes"}, "because"), ({"Raise": "yes"}, "oh no")])
def test_a_custom_resource_that_fails_fails_the_stack(stacks, wish, reason):
    name, status = stacks.create(_custom(**wish))
    assert status == "ROLLBACK_COMPLETE"
    assert any(state == "CREATE_FAILED" and reason in why for _, state, why in stacks.events(name, "Thing"))


def test_somebody_else_may_answer_later(stacks, account, helpers):
    import urllib.request

    name = helpers.unique("stack")
    body = json.dumps({"Resources": _custom(Silent="yes"), "Outputs": {"Ref": {"Value": {"Ref": "Thing"}}}})
    stacks.client.create_stack(StackName=name, TemplateBody=body, Capabilities=_CAPABILITIES)
    function = helpers.wait_for(lambda: _physical_now(stacks, name).get("Function"))
    address = helpers.wait_for(lambda: _printed(account, function))
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "late"}
    request = urllib.request.Request(address, json.dumps(answer).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=5) as taken:
        assert taken.status == 200
    assert stacks.settle(name) == "CREATE_COMPLETE"
    assert stacks.outputs(name)["Ref"] == "late"


def _physical_now(stacks, name):
    return stacks.physical(name)


def _printed(account, function):
    try:
        events = account.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    except ClientError:
        return None
    return next((event["message"].strip() for event in events if event["message"].startswith("http")), None)


def test_a_custom_resource_that_nobody_answers_runs_out_of_time(stacks):
    began = time.monotonic()
    name, status = stacks.create(_custom(Silent="yes", ServiceTimeout=1))
    assert status == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began < 20
    assert any("did not receive a response" in why for _, _, why in stacks.events(name, "Thing"))


# --- change sets ---------------------------------------------------------------------------------------------------


def _change_set(stacks, name, kind, resources, **template):
    identity = stacks.client.create_change_set(
        StackName=name,
        ChangeSetName=stacks.helpers.unique("change"),
        ChangeSetType=kind,
        TemplateBody=json.dumps({"Resources": resources, **template}),
        Capabilities=_CAPABILITIES,
    )["Id"]
    return stacks.client.describe_change_set(ChangeSetName=identity, StackName=name)


def test_change_sets_create_and_update(stacks):
    name = stacks.helpers.unique("stack")
    outputs = {"Told": {"Value": {"Fn::GetAtt": ["One", "Value"]}}}
    planned = _change_set(stacks, name, "CREATE", {"One": _parameter("a")}, Outputs=outputs)
    assert planned["Status"] == "CREATE_COMPLETE"
    assert [one["ResourceChange"]["Action"] for one in planned["Changes"]] == ["Add"]
    assert stacks.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    stacks.client.execute_change_set(ChangeSetName=planned["ChangeSetId"], StackName=name)
    assert stacks.settle(name) == "CREATE_COMPLETE"
    assert stacks.outputs(name) == {"Told": "a"}
    planned = _change_set(stacks, name, "UPDATE", {"One": _parameter("b"), "Two": _parameter("c")}, Outputs=outputs)
    assert sorted(one["ResourceChange"]["Action"] for one in planned["Changes"]) == ["Add", "Modify"]
    stacks.client.execute_change_set(ChangeSetName=planned["ChangeSetId"], StackName=name)
    assert stacks.settle(name) == "UPDATE_COMPLETE"
    assert stacks.outputs(name) == {"Told": "b"}


def test_a_change_set_without_changes_says_so(stacks):
    name, _ = stacks.create({"One": _parameter("x")})
    planned = _change_set(stacks, name, "UPDATE", {"One": _parameter("x")})
    assert planned["Status"] == "FAILED"
    assert "didn't contain changes" in planned["StatusReason"]


def test_a_change_set_that_does_not_exist(stacks):
    name, _ = stacks.create({"One": _parameter("x")})
    with pytest.raises(stacks.client.exceptions.ChangeSetNotFoundException):
        stacks.client.describe_change_set(ChangeSetName="nothing", StackName=name)
    stacks.client.delete_change_set(ChangeSetName="nothing", StackName=name)


# --- refusals before anything happens ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            {"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"x": {"Ref": "B"}}}}},
            "Unresolved resource dependencies",
        ),
        ({"Resources": {"A": _parameter("x")}, "Parameters": {"P": {"Type": "String"}}}, "must have values"),
        (
            {
                "Resources": {"A": _parameter("x")},
                "Rules": {
                    "R": {"Assertions": [{"Assert": {"Fn::Contains": [["1"], "2"]}, "AssertDescription": "too old"}]}
                },
            },
            "too old",
        ),
        (
            {
                "Resources": {"A": _parameter("x")},
                "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/nowhere"}},
            },
            "Unable to fetch parameters",
        ),
    ],
)
def test_templates_that_are_refused(stacks, template, words):
    with pytest.raises(ClientError, match=words):
        stacks.client.create_stack(StackName=stacks.helpers.unique("stack"), TemplateBody=json.dumps(template))


def test_roles_need_a_capability(stacks):
    with pytest.raises(stacks.client.exceptions.InsufficientCapabilitiesException):
        stacks.client.create_stack(
            StackName=stacks.helpers.unique("stack"), TemplateBody=json.dumps({"Resources": {"Role": _role()}})
        )


def test_a_stack_that_exists_is_not_created_again(stacks):
    name, _ = stacks.create({"One": _parameter("x")})
    with pytest.raises(stacks.client.exceptions.AlreadyExistsException):
        stacks.create({"One": _parameter("x")}, name=name)


def test_a_protected_stack_is_not_deleted(stacks):
    name, _ = stacks.create({"One": _parameter("x")})
    stacks.client.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection"):
        stacks.client.delete_stack(StackName=name)


def test_exports_reach_other_stacks(stacks):
    export = stacks.helpers.unique("export")
    stacks.create({"One": _parameter("x")}, Outputs={"O": {"Value": "shared", "Export": {"Name": export}}})
    name, _ = stacks.create(
        {"Two": _parameter({"Fn::ImportValue": export})}, Outputs={"O": {"Value": {"Fn::GetAtt": ["Two", "Value"]}}}
    )
    assert stacks.outputs(name) == {"O": "shared"}


# --- the whole table of types --------------------------------------------------------------------------------------


def _everything(helpers):
    arn = {"Fn::GetAtt": ["Bucket", "Arn"]}
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Id": "a", "Status": "Enabled", "ExpirationInDays": 60, "Prefix": "runs/"},
                        {"Id": "b", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
                        {"Id": "c", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
                    ]
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True},
                "VersioningConfiguration": {"Status": "Enabled"},
                "Tags": [{"Key": "team", "Value": "research"}],
            },
        },
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "EnableKeyRotation": True,
                "KeyPolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                },
            },
        },
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": f"alias/{helpers.unique('a')}", "TargetKeyId": {"Ref": "Key"}},
        },
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Repository": {
            "Type": "AWS::ECR::Repository",
            "Properties": {"ImageScanningConfiguration": {"ScanOnPush": True}, "ImageTagMutability": "IMMUTABLE"},
        },
        "Role": _role("codebuild.amazonaws.com"),
        "Project": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Artifacts": {"Type": "NO_ARTIFACTS"},
                "Environment": {
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "Image": "aws/codebuild/standard:7.0",
                    "Type": "LINUX_CONTAINER",
                },
                "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
                "Source": {"Type": "S3", "Location": "bucket/key.zip"},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "ExecutionsFailed",
                "Namespace": "AWS/States",
                "Period": 300,
                "Statistic": "Sum",
                "Threshold": 0,
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.states"]},
                "State": "ENABLED",
                "Targets": [{"Id": "T", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
        "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    }


def test_every_type_of_the_platform_is_made_with_its_properties(stacks, account, helpers):
    resources = _everything(helpers)
    arns = {
        name: {"Value": {"Fn::GetAtt": [name, "Arn"]}}
        for name in ("Bucket", "Key", "Group", "Repository", "Role", "Project", "Queue", "Alarm", "Rule")
    }
    name, status = stacks.create(
        resources, Outputs={**arns, "Uri": {"Value": {"Fn::GetAtt": ["Repository", "RepositoryUri"]}}}
    )
    assert status == "CREATE_COMPLETE", [one for one in stacks.events(name) if "FAILED" in one[1]]
    assert all(value.startswith("arn:aws:") for key, value in stacks.outputs(name).items() if key != "Uri")
    assert ".dkr.ecr.us-east-1.amazonaws.com/" in stacks.outputs(name)["Uri"]
    bucket, s3 = stacks.physical(name)["Bucket"], account.client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [rule["ID"] for rule in rules] == ["a", "b", "c"]
    assert rules[0]["Expiration"]["Days"] == 60
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert {"Key": "team", "Value": "research"} in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    alarm = account.client("cloudwatch").describe_alarms(AlarmNames=[stacks.physical(name)["Alarm"]])["MetricAlarms"][0]
    assert alarm["AlarmActions"] == [stacks.physical(name)["Topic"]]
    assert account.client("kms").get_key_rotation_status(KeyId=stacks.physical(name)["Key"])["KeyRotationEnabled"]
    rule = stacks.physical(name)["Rule"]
    assert account.client("events").list_targets_by_rule(Rule=rule)["Targets"][0]["Id"] == "T"
    assert stacks.delete(name) == "DELETE_COMPLETE", stacks.events(name)[-5:]


# --- what moto does without the mends ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(plain_moto, helpers):
    return Stacks(plain_moto, helpers)


def test_plain_moto_has_no_rollback(plain, plain_moto):
    """cloudformation-create-fails"""
    taken, name = f"/{plain.helpers.unique('taken')}", plain.helpers.unique("fails")
    plain_moto.client("logs").create_log_group(logGroupName=taken)
    with pytest.raises(Exception, match=r"."):
        plain.create({"Bad": _group(taken)}, name=name)
    found = [one for one in plain.client.list_stacks()["StackSummaries"] if one["StackName"] == name]
    assert not [one for one in found if one["StackStatus"].startswith("ROLLBACK")]


def _group(name, **more):
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}, **more}


def test_plain_moto_retains_nothing_on_update(plain, plain_moto):
    """cloudformation-update"""
    kept, other = f"/{plain.helpers.unique('kept')}", f"/{plain.helpers.unique('other')}"
    name, _ = plain.create({"Kept": _group(kept, DeletionPolicy="Retain"), "Other": _group(other)})
    plain.update(name, {"Other": _group(other)})
    assert not plain_moto.client("logs").describe_log_groups(logGroupNamePrefix=kept)["logGroups"]


def test_plain_moto_s_change_sets_have_no_outputs(plain):
    """cloudformation-change-sets"""
    name = plain.helpers.unique("stack")
    outputs = {"Told": {"Value": "a"}}
    planned = _change_set(plain, name, "CREATE", {"One": _group(f"/{name}")}, Outputs=outputs)
    plain.client.execute_change_set(ChangeSetName=planned["ChangeSetId"], StackName=name)
    assert plain.outputs(name) == {}


def test_plain_moto_drops_what_refers_to_a_type_that_it_lacks(plain, plain_moto):
    """cloudformation-unsupported-types"""
    role = _role()
    role["Properties"]["Description"] = {"Ref": "Odd"}
    name, _ = plain.create({"Odd": {"Type": "AWS::Budgets::Budget", "Properties": {}}, "Role": role})
    (found,) = [one for one in plain_moto.client("iam").list_roles()["Roles"] if one["RoleName"].startswith(name)]
    assert not found.get("Description")


def test_plain_moto_cannot_tell_a_custom_resource_to_go(plain_moto):
    """cloudformation-custom-resources: moto's own code sends Create and no other request."""
    import inspect

    from moto.cloudformation.custom_model import CustomModel

    text = inspect.getsource(CustomModel)
    assert '"RequestType": "Create"' in text
    assert '"Update"' not in text
    assert '"Delete"' not in text
