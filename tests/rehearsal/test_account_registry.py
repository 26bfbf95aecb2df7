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
