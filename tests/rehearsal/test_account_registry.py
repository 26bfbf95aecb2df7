"""ECR: an image's configuration can be read as `docker pull` reads it."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

CONFIG = json.dumps({"architecture": "amd64", "os": "linux"}).encode()


def uploaded(ecr, name, blob):
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
    )
    ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
    return digest


def repository(account, helpers):
    ecr, name = account.client("ecr"), f"team/{helpers.unique('images')}"
    ecr.create_repository(repositoryName=name)
    return ecr, name


def test_a_configuration_is_fetched_from_the_address_that_ecr_gives(account, helpers):
    ecr, name = repository(account, helpers)
    digest = uploaded(ecr, name, CONFIG)
    answer = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=digest, registryId="123456789012")
    assert answer["layerDigest"] == digest
    with urllib.request.urlopen(answer["downloadUrl"], timeout=10) as reply:
        assert reply.read() == CONFIG


def test_plain_moto_has_no_address(plain_moto, helpers):
    ecr, name = repository(plain_moto, helpers)
    with pytest.raises(ClientError) as refused:
        ecr.get_download_url_for_layer(repositoryName=name, layerDigest=uploaded(ecr, name, CONFIG))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500


def test_what_is_not_there_has_no_address(account, helpers):
    ecr, name = repository(account, helpers)
    for where, digest, code in [
        (name, f"sha256:{'0' * 64}", "LayersNotFoundException"),
        ("nobody", f"sha256:{'0' * 64}", "RepositoryNotFoundException"),
        (name, uploaded(ecr, name, b"x" * 1_100_000), "LayerInaccessibleException"),
    ]:
        with pytest.raises(ClientError) as refused:
            ecr.get_download_url_for_layer(repositoryName=where, layerDigest=digest)
        assert refused.value.response["Error"]["Code"] == code
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(
            f"{account.endpoint}/_trainwright/ecr-layer/123456789012/us-east-1/{name}/no", timeout=10
        )
    assert missing.value.code == 404
    missing.value.close()


def test_a_role_needs_the_permission_on_the_repository(account, helpers):
    ecr, name = repository(account, helpers)
    digest = uploaded(ecr, name, CONFIG)
    arn = f"arn:aws:ecr:us-east-1:123456789012:repository/{name}"
    may = account.as_role(account.role(helpers.allow("ecr:GetDownloadUrlForLayer", arn)), "ecr")
    assert may.get_download_url_for_layer(repositoryName=name, layerDigest=digest)["downloadUrl"]
    may_not = account.as_role(account.role(helpers.allow("ecr:BatchGetImage", arn)), "ecr")
    with pytest.raises(ClientError) as refused:
        may_not.get_download_url_for_layer(repositoryName=name, layerDigest=digest)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def with_images(tmp_path_factory, helpers):
    """An account that was given two images by URI, and their folder."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "Dockerfile").write_text('FROM scratch\nCOPY train.py /opt/\nENTRYPOINT ["python", "/opt/train.py"]\n')
    (folder / "train.py").write_text("print('given')\n")
    images = {f"{HOST}/team/own:1": str(folder), "999999999999.dkr.ecr.us-east-1.amazonaws.com/own": str(folder)}
    process = helpers.start_server(folder, images=images)
    yield helpers.Account(helpers.ready_line(process)["endpoint"], folder / "account", process)
    helpers.stop_server(process)


def asked(account, repository, tag="1", **more):
    ecr = account.client("ecr")
    return ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}], **more)


def test_ecr_knows_the_images_that_the_account_was_given(with_images):
    [image] = asked(with_images, "team/own")["images"]
    assert json.loads(image["imageManifest"])["architecture"] == "amd64"
    digest = image["imageId"]["imageDigest"]
    assert digest == f"sha256:{hashlib.sha256(image['imageManifest'].encode()).hexdigest()}"
    again = with_images.client("ecr").batch_get_image(repositoryName="team/own", imageIds=[{"imageDigest": digest}])
    assert again["images"][0]["imageId"]["imageDigest"] == digest
    assert asked(with_images, "own", "latest", registryId="999999999999")["images"]
    for repository, tag in (("team/own", "2"), ("own", "latest"), ("other", "1")):
        with pytest.raises(ClientError, match="RepositoryNotFound"):
            asked(with_images, repository, tag)


def test_a_job_that_names_a_given_image_by_its_digest_runs_the_folder(with_images, helpers):
    digest = asked(with_images, "team/own")["images"][0]["imageId"]["imageDigest"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = with_images.role(helpers.allow("*", "*"), trust={"Version": "2012-10-17", "Statement": [trust]})
    with_images.client("s3").create_bucket(Bucket="outputs")
    sagemaker, name = with_images.client("sagemaker"), helpers.unique("job")
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": f"{HOST}/team/own@{digest}", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://outputs/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    def ended():
        found = sagemaker.describe_training_job(TrainingJobName=name)
        return found if found["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

    found = helpers.wait_for(ended, 30)
    assert found["TrainingJobStatus"] == "Completed", found.get("FailureReason")
