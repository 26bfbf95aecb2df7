"""Buckets, table, repository and logs: closed, encrypted, kept, and cleaned up no earlier than promised."""

import json

import pytest

STATEFUL = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::ECR::Repository", "AWS::Logs::LogGroup")


@pytest.fixture(scope="session")
def buckets(every_template, tools):
    return {
        f"{t}/{k}": r
        for t, template in every_template.items()
        for k, r in tools.resources(template, "AWS::S3::Bucket").items()
    }


def test_every_team_has_four_buckets_and_their_access_logs(synthesised, tools):
    found = tools.resources(synthesised("app").templates["training-research"], "AWS::S3::Bucket")
    names = sorted(key.removeprefix("TeamStorage")[:-8] for key in found)
    assert names == ["AccessLogs", "Artifacts", "Checkpoints", "Data", "Reports"]


def test_no_bucket_is_public(buckets):
    for name, bucket in buckets.items():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["Properties"]["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name


def test_every_bucket_refuses_requests_without_tls(every_template, tools):
    for name, template in every_template.items():
        policies = [p["Properties"] for p in tools.resources(template, "AWS::S3::BucketPolicy").values()]
        for key in tools.resources(template, "AWS::S3::Bucket"):
            (policy,) = [p for p in policies if p["Bucket"] == {"Ref": key}]
            denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
            conditions = [s["Condition"] for s in denied]
            assert {"Bool": {"aws:SecureTransport": "false"}} in conditions, f"{name}: {key}"
            assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions, f"{name}: {key}"
            assert all(len(s["Resource"]) == 2 for s in denied), "the bucket and its objects"


def test_access_to_every_team_bucket_is_logged(buckets):
    for name, bucket in buckets.items():
        assert ("LoggingConfiguration" in bucket["Properties"]) == ("AccessLogs" not in name), name


def test_access_logs_are_allowed_by_bucket_policy_and_not_by_acl(buckets):
    assert all("AccessControl" not in bucket["Properties"] for bucket in buckets.values())


def test_no_rule_deletes_a_checkpoint_younger_than_60_days(buckets):
    checkpoints = {name: b for name, b in buckets.items() if "Checkpoints" in name}
    assert checkpoints
    for name, bucket in checkpoints.items():
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        expiring = [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]
        assert expiring, name
        assert min(expiring) >= 60, name
        assert not any("ExpirationDate" in rule for rule in rules), name


def test_checkpoints_are_not_versioned_and_the_rest_is(buckets):
    for name, bucket in buckets.items():
        versioned = bucket["Properties"].get("VersioningConfiguration") == {"Status": "Enabled"}
        assert versioned == (not any(part in name for part in ("Checkpoints", "AccessLogs"))), name


def test_old_versions_and_abandoned_uploads_do_not_pile_up(buckets):
    for name, bucket in buckets.items():
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), name
        if "VersioningConfiguration" in bucket["Properties"]:
            assert any("NoncurrentVersionExpiration" in rule for rule in rules), name


def test_data_is_never_expired(buckets):
    for name, bucket in buckets.items():
        if any(part in name for part in ("StorageData", "Artifacts", "Reports")):
            assert not any("ExpirationInDays" in r for r in bucket["Properties"]["LifecycleConfiguration"]["Rules"]), (
                name
            )


def test_everything_stateful_is_retained(every_template):
    for name, template in every_template.items():
        for key, resource in template["Resources"].items():
            if resource["Type"] in STATEFUL and "FlowLogs" not in key:
                kept = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
                assert kept == ("Retain", "Retain"), f"{name}: {key}"


def test_two_switches_let_everything_go(build):
    for key, resource in build("destroyed")["Resources"].items():
        if resource["Type"] in STATEFUL:
            assert resource["DeletionPolicy"] == "Delete", key


@pytest.mark.parametrize("way", ["plain", "destroyed"])
def test_nothing_deletes_objects_by_itself(build, way):
    assert "AutoDelete" not in json.dumps(build(way))


def test_one_key_encrypts_buckets_and_table(build, tools):
    template = build("kms")
    arn = {"Fn::GetAtt": [next(iter(tools.resources(template, "AWS::KMS::Key"))), "Arn"]}
    for key, bucket in tools.resources(template, "AWS::S3::Bucket").items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if "AccessLogs" in key:  # S3 cannot deliver access logs under a KMS default
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        else:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
            assert rule["BucketKeyEnabled"] is True
    (table,) = tools.resources(template, "AWS::DynamoDB::Table").values()
    assert table["Properties"]["SSESpecification"] == {"KMSMasterKeyId": arn, "SSEEnabled": True, "SSEType": "KMS"}


def test_without_a_key_buckets_are_encrypted_by_s3(synthesised, tools):
    for bucket in tools.resources(synthesised("app").templates["training-research"], "AWS::S3::Bucket").values():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_runs_table(synthesised, tools):
    (table,) = tools.resources(synthesised("app").templates["training-research"], "AWS::DynamoDB::Table").values()
    properties = table["Properties"]
    assert properties["KeySchema"] == [{"AttributeName": "run", "KeyType": "HASH"}]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True


def test_repository_scans_and_keeps_its_tags(synthesised, tools):
    (repository,) = tools.resources(synthesised("app").templates["training-platform"], "AWS::ECR::Repository").values()
    assert repository["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["Properties"]["ImageTagMutability"] == "IMMUTABLE"
    assert "imageCountMoreThan" in repository["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]


def test_every_log_group_has_an_end(every_template, tools):
    for name, template in every_template.items():
        for key, group in tools.resources(template, "AWS::Logs::LogGroup").items():
            assert group["Properties"]["RetentionInDays"] >= 30, f"{name}: {key}"


def test_training_logs_are_kept_as_long_as_asked(synthesised, tools):
    for app, stack, days in (("app", "training-platform", "90"), ("teams", "training-shared", "365")):
        template = synthesised(app).templates[stack]
        (resource,) = tools.resources(template, "Custom::TrainwrightLogRetention").values()
        properties = {k: v for k, v in resource["Properties"].items() if k != "ServiceToken"}
        assert properties == {"LogGroupName": "/aws/sagemaker/TrainingJobs", "RetentionInDays": days}


def test_image_build_asks_for_what_its_handler_reads(synthesised, tools):
    template = synthesised("app").templates["training-platform"]
    (resource,) = tools.resources(template, "Custom::TrainwrightImageBuild").values()
    wanted = {
        "ServiceToken",
        "ServiceTimeout",
        "ProjectName",
        "RepositoryName",
        "RepositoryUri",
        "ImageTag",
        "ParameterName",
    }
    assert resource["Properties"].keys() == wanted
    assert len(resource["Properties"]["ImageTag"]) == 64
    assert any("BuildEnded" in dependency for dependency in resource["DependsOn"])


def test_image_parameter_is_what_was_built(synthesised, tools):
    template = synthesised("app").templates["training-platform"]
    (build_id,) = tools.resources(template, "Custom::TrainwrightImageBuild")
    parameters = tools.resources(template, "AWS::SSM::Parameter").values()
    (image,) = [p for p in parameters if p["Properties"]["Name"] == "/trainwright/images/platform"]
    assert image["Properties"]["Value"] == {"Fn::GetAtt": [build_id, "ImageUri"]}
