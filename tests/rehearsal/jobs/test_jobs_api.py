"""The API around training jobs, its refusals, and what the execution role is refused."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="session")
def sagemaker(account):
    return account.client("sagemaker")


def refusal(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def train_refused(account, name, **changes):
    with pytest.raises(ClientError) as error:
        account.train(name, **changes)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_name_can_be_used_once(account):
    account.train("once")
    code, message = train_refused(account, "once")
    assert code == "ResourceInUse"
    assert "already exists (arn:aws:sagemaker:us-east-1:123456789012:training-job/once)" in message


def test_a_refused_request_makes_no_job(account, sagemaker):
    stopping = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    code, message = train_refused(account, "refused", StoppingCondition=stopping)
    assert code == "ValidationException"
    assert "only supported when EnableManagedSpotTraining is set to true" in message
    expected = ("ValidationException", "Requested resource not found.")
    assert refusal(sagemaker.describe_training_job, TrainingJobName="refused") == expected


def test_an_ended_job_cannot_be_stopped(account, sagemaker):
    account.train("ended")
    code, message = refusal(sagemaker.stop_training_job, TrainingJobName="ended")
    assert (code, "in status Completed" in message) == ("ValidationException", True)


def test_describe_repeats_the_request(account):
    job = account.train("repeats", Environment={"A": "1"}, RetryStrategy={"MaximumRetryAttempts": 2})
    assert job["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert job["Environment"] == {"A": "1"}
    assert job["EnableManagedSpotTraining"] is False
    assert "Tags" not in job


def test_jobs_are_listed_newest_first_filtered_and_in_pages(account, sagemaker):
    for number in range(3):
        account.train(f"listed-{number}", "sys.exit(1)" if number == 1 else "")
    first = sagemaker.list_training_jobs(NameContains="listed-", MaxResults=2)
    assert [job["TrainingJobName"] for job in first["TrainingJobSummaries"]] == ["listed-2", "listed-1"]
    second = sagemaker.list_training_jobs(NameContains="listed-", MaxResults=2, NextToken=first["NextToken"])
    assert [job["TrainingJobName"] for job in second["TrainingJobSummaries"]] == ["listed-0"]
    assert "NextToken" not in second
    failed = sagemaker.list_training_jobs(NameContains="listed-", StatusEquals="Failed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in failed] == ["listed-1"]


def test_jobs_can_be_searched(account, sagemaker):
    account.train("searched", Tags=[{"Key": "team", "Value": "search"}])
    wanted = {"Filters": [{"Name": "Tags.team", "Operator": "Equals", "Value": "search"}]}
    found = sagemaker.search(Resource="TrainingJob", SearchExpression=wanted)["Results"]
    assert [item["TrainingJob"]["TrainingJobName"] for item in found] == ["searched"]


def test_tags_can_be_listed_and_changed(account, sagemaker):
    job = account.train("tagged", Tags=[{"Key": "a", "Value": "1"}])
    sagemaker.add_tags(ResourceArn=job["TrainingJobArn"], Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "2", "b": "3"}
    assert len(tags) == 2


@pytest.mark.parametrize("kind", ["training-job", "processing-job", "no-such-kind"])
def test_the_tags_of_what_is_not_there_are_refused(sagemaker, kind):
    """https://github.com/aws/amazon-sagemaker-feedback/issues/108"""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/nothing"
    for call, more in ((sagemaker.list_tags, {}), (sagemaker.add_tags, {"Tags": [{"Key": "a", "Value": "1"}]})):
        with pytest.raises(sagemaker.exceptions.ClientError) as refused:
            call(ResourceArn=arn, **more)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(sagemaker.exceptions.ClientError, match="Member must satisfy regular expression pattern"):
        sagemaker.list_tags(ResourceArn="training-job/nothing")


def test_an_image_that_is_not_there_fails_the_job(account):
    specification = {"TrainingInputMode": "File"}
    for number, image in enumerate(("elsewhere/image:1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/none:1")):
        job = account.train(f"no-image-{number}", AlgorithmSpecification={**specification, "TrainingImage": image})
        assert job["FailureReason"] == (
            "ClientError: Cannot pull algorithm container. "
            "Either the image does not exist or its permissions are incorrect."
        )


def test_input_that_is_not_there_is_refused(account):
    code, message = train_refused(account, "no-input", InputDataConfig=[account.channel("nothing")])
    assert code == "ValidationException"
    assert message.startswith('No S3 objects found under S3 URL "s3://jobs/nothing/" given in input data source.')


# --- the execution role --------------------------------------------------------------------------------------------


def role_without(account, name, action):
    """A role with all rights of the tests' trainer but one."""
    statements = []
    for statement in account.rights:
        actions = [granted for granted in statement["Action"] if granted != action]
        statements += [{**statement, "Action": actions}] if actions else []
    return account.role(name, "sagemaker.amazonaws.com", statements)


def test_a_role_that_does_not_trust_sagemaker_is_refused(account):
    role = account.role("untrusting", "lambda.amazonaws.com", account.rights)
    code, message = train_refused(account, "untrusted", RoleArn=role)
    assert code == "ValidationException"
    assert message.startswith(f"Could not assume role {role}.")


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("s3:GetObject", "ClientError: Data download failed:Unable to download object s3://jobs/train/a.csv"),
        ("s3:PutObject", "ClientError: Artifact upload failed:Unable to upload file to s3://jobs/out/"),
        ("ecr:BatchGetImage", "ClientError: Cannot pull algorithm container."),
        ("ecr:GetAuthorizationToken", "ClientError: Cannot pull algorithm container."),
    ],
)
def test_a_missing_right_fails_the_job(account, pushed_image, action, reason):
    name = f"without-{action.replace(':', '-')}"
    specification = {"TrainingInputMode": "File", "TrainingImage": pushed_image}
    role = role_without(account, name, action)
    job = account.train(name, "(ml/'model/m').write_text('1')", RoleArn=role, AlgorithmSpecification=specification)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason)
    if "S3" not in reason:
        return
    assert "AccessDenied" in job["FailureReason"]


def test_input_that_may_not_be_listed_is_refused(account):
    role = role_without(account, "without-list", "s3:ListBucket")
    code, message = train_refused(account, "unlisted", RoleArn=role)
    assert code == "ValidationException"
    assert '"s3:ListBucket" permissions on bucket "jobs"' in message


def test_a_checkpoint_that_may_not_be_written_fails_the_job(account):
    role = role_without(account, "no-checkpoints", "s3:PutObject")
    job = account.train("no-checkpoints", "epochs(3, 0.01)", RoleArn=role, **account.spot("no-checkpoints"))
    assert job["FailureReason"].startswith(
        "ClientError: Artifact upload failed:Unable to upload file to s3://jobs/check"
    )


def test_a_job_whose_role_may_not_write_logs_runs_without_them(account):
    role = role_without(account, "without-logs", "logs:PutLogEvents")
    job = account.train("silent", "print('nobody hears')", RoleArn=role)
    assert job["TrainingJobStatus"] == "Completed"
    assert account.log("silent") == []


def test_a_model_key_needs_a_grant(account):
    output = {"S3OutputPath": "s3://jobs/out/", "KmsKeyId": "alias/models"}
    job = account.train("no-key", "(ml/'model/m').write_text('1')", OutputDataConfig=output)
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert "kms:GenerateDataKey" in job["FailureReason"]
    rights = [
        *account.rights,
        {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:CreateGrant"], "Resource": "*"},
    ]
    role = account.role("with-key", "sagemaker.amazonaws.com", rights)
    job = account.train("with-key", "(ml/'model/m').write_text('1')", OutputDataConfig=output, RoleArn=role)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    head = account.client("s3").head_object(Bucket="jobs", Key="out/with-key/output/model.tar.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/models")


def test_a_volume_key_needs_a_grant(account):
    resources = {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 5,
        "VolumeKmsKeyId": "alias/disks",
    }
    job = account.train("no-volume-key", ResourceConfig=resources)
    assert job["TrainingJobStatus"] == "Failed"
    assert "kms:CreateGrant" in job["FailureReason"]
