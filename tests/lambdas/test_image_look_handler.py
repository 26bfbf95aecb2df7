"""Images before a job names them: the tag's digest, the platform, and no run lost over a look-up."""

import hashlib
import json

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from team_in_memory import client_error

from trainwright_runtime.handlers.image_look import ImageLook, resolve
from trainwright_runtime.images import framework_image

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
URI = f"{HOST}/forecast:stable"
OCI = "application/vnd.oci.image.manifest.v1+json"
CPU = ("ml.m5.large",)


def digest_of(text):
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def manifest():
    return {"schemaVersion": 2, "mediaType": OCI, "config": {"digest": digest_of("config")}, "layers": []}


def index(*platforms):
    entries = [
        {"digest": digest_of(f"{system}/{name}"), "platform": {"os": system, "architecture": name}}
        for system, name in platforms
    ]
    return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}


class Registry:
    """ECR of one region: one image of any content, or an error."""

    def __init__(self, content=None, error=None, failure="ImageNotFound"):
        self.content, self.error, self.failure = content, error, failure
        self.asked = []

    def batch_get_image(self, *, registryId, repositoryName, imageIds, acceptedMediaTypes):
        self.asked.append((registryId, repositoryName, imageIds[0]))
        if self.error:
            raise self.error
        if self.content is None:
            return {"images": [], "failures": [{"failureCode": self.failure}]}
        text = json.dumps(self.content)
        return {"images": [{"imageId": {"imageDigest": digest_of(text)}, "imageManifest": text}], "failures": []}

    def get_download_url_for_layer(self, *, registryId, repositoryName, layerDigest):
        self.asked.append(layerDigest)
        return {"downloadUrl": f"https://signed/{layerDigest}"}


class Clients:
    def __init__(self, registry):
        self.registry = registry
        self.regions = []

    def ecr_in(self, region):
        self.regions.append(region)
        return self.registry


def looked(registry, uri=URI, types=CPU, config=None, data=None):
    made_for = {"os": "linux", "architecture": "amd64"} if config is None else config
    return resolve(uri, Clients(registry), types, data, fetch=lambda url: json.dumps(made_for).encode())


def test_a_tag_becomes_its_digest():
    registry = Registry(manifest())
    found = looked(registry)
    assert found.uri == f"{HOST}/forecast@{digest_of(json.dumps(manifest()))}"
    assert (found.problem, found.warnings) == (None, ())
    assert registry.asked[0] == ("123456789012", "forecast", {"imageTag": "stable"})


def test_the_region_and_account_of_the_address_are_asked():
    clients = Clients(Registry(manifest()))
    uri = "999999999999.dkr.ecr.us-east-1.amazonaws.com/a/b"
    found = resolve(uri, clients, CPU, fetch=lambda url: b'{"os": "linux", "architecture": "amd64"}')
    assert clients.regions == ["us-east-1"]
    assert clients.registry.asked[0] == ("999999999999", "a/b", {"imageTag": "latest"})
    assert found.uri.startswith("999999999999.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:")


def test_a_digest_is_only_looked_for():
    digest = digest_of(json.dumps(manifest()))
    registry = Registry(manifest())
    assert looked(registry, f"{HOST}/forecast:stable@{digest}").uri == f"{HOST}/forecast@{digest}"
    assert registry.asked == [("123456789012", "forecast", {"imageDigest": digest})]


def test_an_image_that_is_not_there_is_a_problem_in_its_authors_words():
    found = looked(Registry(), data={"training_image": URI})
    assert (found.problem.code, found.problem.field) == ("TW303", "training_image")
    assert "no image stable in a repository forecast" in found.problem.problem
    gone = looked(Registry(error=client_error("RepositoryNotFoundException", "no", "BatchGetImage")))
    assert gone.problem.field == "image"


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException", "no", "BatchGetImage"),
        client_error("ThrottlingException", "slow", "BatchGetImage"),
        EndpointConnectionError(endpoint_url="https://ecr"),
        KeyError("anything"),
    ],
)
def test_a_look_up_that_fails_is_a_warning_and_the_image_is_named_as_it_was(error):
    found = looked(Registry(error=error))
    assert (found.uri, found.problem) == (URI, None)
    assert "could not be looked up" in found.warnings[0]


def test_another_failure_than_not_found_says_nothing_about_the_image():
    found = looked(Registry(failure="KmsError"))
    assert (found.uri, found.problem, len(found.warnings)) == (URI, None, 1)


@pytest.mark.parametrize("made_for", [("linux", "arm64"), ("windows", "amd64")])
def test_an_image_that_the_machines_cannot_execute_is_a_problem(made_for):
    found = looked(Registry(manifest()), config=dict(zip(("os", "architecture"), made_for, strict=True)))
    assert (found.problem.code, found.problem.allowed) == ("TW303", "linux/amd64")
    assert "/".join(made_for) in found.problem.problem
    assert "--platform linux/amd64" in found.problem.remedy


def test_machines_with_arm_processors_run_arm_images():
    arm = {"os": "linux", "architecture": "arm64"}
    assert looked(Registry(manifest()), types=("ml.p6e-gb200.36xlarge",), config=arm).problem is None
    assert looked(Registry(manifest()), types=("ml.p6e-gb200.36xlarge",)).problem.allowed == "linux/arm64"


def test_of_an_image_for_several_platforms_the_one_that_runs_is_taken():
    platforms = [("linux", "arm64"), ("linux", "amd64"), ("unknown", "unknown")]
    found = looked(Registry(index(*platforms)))
    assert found.uri == f"{HOST}/forecast@{digest_of('linux/amd64')}"
    missing = looked(Registry(index(("linux", "arm64"), ("unknown", "unknown"))))
    assert "made for linux/arm64, which" in missing.problem.problem


@pytest.mark.parametrize("content", [b"no json", b"[]"])
def test_a_configuration_that_cannot_be_read_is_a_warning_and_the_digest_stays(content):
    found = resolve(URI, Clients(Registry(manifest())), CPU, fetch=lambda url: content)
    assert "@sha256:" in found.uri
    assert (found.problem, len(found.warnings)) == (None, 1)


def test_the_configuration_is_fetched_from_the_web_alone(tmp_path):
    class Local(Registry):
        def get_download_url_for_layer(self, **_):
            return {"downloadUrl": tmp_path.as_uri()}

    assert len(resolve(URI, Clients(Local(manifest())), CPU).warnings) == 1


@pytest.mark.parametrize(
    "uri",
    ["registry.example.com/forecast:1", framework_image("pytorch", "2.8.0", region="eu-west-1", instance_type=CPU[0])],
)
def test_an_address_outside_ecr_and_one_of_awss_own_stay_as_they_are(uri):
    registry = Registry()
    assert looked(registry, uri) == ImageLook(uri)
    assert registry.asked == []


def test_motos_registry_answers_in_this_form(team):
    ecr = boto3.client("ecr", region_name="eu-west-1")
    clients = Clients(ecr)
    ecr.create_repository(repositoryName="forecast")
    assert resolve(URI, clients, CPU).problem.code == "TW303"
    ecr.put_image(repositoryName="forecast", imageManifest=json.dumps(index(("linux", "amd64"))), imageTag="stable")
    assert resolve(URI, clients, CPU).uri == f"{HOST}/forecast@{digest_of('linux/amd64')}"
