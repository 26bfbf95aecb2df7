"""Preflight on the deployed platform: Prepare may look at what it has to, and says what would fail before it starts."""

import pytest


def put(platform, key, content=b"1"):
    bucket = platform.team["data_bucket"]
    platform.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def record(platform, arn):
    key = {"run": {"S": platform.run_id(arn)}}
    found = platform.client("dynamodb").get_item(TableName=platform.team["runs_table"], Key=key, ConsistentRead=True)
    return found["Item"]


def warnings(platform, arn):
    return [each["S"] for each in record(platform, arn)["warnings"]["L"]]


@pytest.fixture(scope="module")
def image(platform):
    """The platform's image by its tag."""
    uri = platform.client("ssm").get_parameter(Name="/trainwright/images/platform")["Parameter"]["Value"]
    repository = uri.partition("/")[2].partition("@")[0]
    [known] = platform.client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    return f"{uri.partition('@')[0]}:{known['imageTags'][0]}", uri


def test_a_run_whose_input_is_there_starts_without_a_warning(platform):
    put(platform, "preflight/there/a.csv")
    arn = platform.start(inputs={"train": "data://preflight/there/"})
    assert platform.finish(arn)["status"] == "SUCCEEDED"
    assert warnings(platform, arn) == []


def test_a_run_whose_inputs_are_missing_is_refused_with_all_of_them(platform):
    arn = platform.start(inputs={"train": "data://preflight/nothing/", "test": "data://preflight/none/"})
    execution = platform.finish(arn)
    assert execution["error"] == "InvalidRunRequest"
    assert execution["cause"].count("TW304") == 2
    assert "inputs.train: there is no object under s3://" in execution["cause"]


def test_a_tag_is_run_by_its_digest(platform, image):
    tagged, by_digest = image
    arn = platform.start(image=tagged)
    assert platform.finish(arn)["status"] == "SUCCEEDED"
    job = platform.client("sagemaker").describe_training_job(TrainingJobName=f"{platform.run_id(arn)}-1")
    assert job["AlgorithmSpecification"]["TrainingImage"] == by_digest
    assert warnings(platform, arn) == []


def test_an_image_that_is_not_there_is_refused(platform, image):
    arn = platform.start(image=f"{image[0]}-no")
    execution = platform.finish(arn)
    assert execution["error"] == "InvalidRunRequest"
    assert "TW303 image: there is no image" in execution["cause"]
