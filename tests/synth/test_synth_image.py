"""How an image is built in the account: which registries are signed in to, and what the project may do."""

import json

import pytest

from trainwright.dockerfile import EcrImage, base_images
from trainwright.image import build_commands

DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.8"


@pytest.fixture
def dockerfile(tmp_path):
    def write(text):
        file = tmp_path / "Dockerfile"
        file.write_text(text)
        return file

    return write


def test_base_image_is_read(dockerfile):
    assert base_images(dockerfile(f"FROM {DLC}\nCOPY . .\n"), {}) == [DLC]


def test_arguments_are_filled_in_even_when_one_names_another(dockerfile):
    file = dockerfile(
        'ARG REGION="us-east-1"\nARG HOST=763104351884.dkr.ecr.${REGION}.amazonaws.com\n'
        "FROM --platform=linux/amd64 ${HOST}/pytorch-training:2.8 AS base\nFROM base\n"
    )
    assert base_images(file, {})[0] == DLC
    assert "eu-west-1" in base_images(file, {"REGION": "eu-west-1"})[0]


def test_ecr_image_names_its_account_and_repository():
    image = EcrImage.of(f"{DLC}@sha256:{'a' * 64}")
    assert image is not None
    assert image.arn("aws") == "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-training"


@pytest.mark.parametrize("uri", ["python:3.13", "public.ecr.aws/docker/library/python:3", "platform", "uri", "scratch"])
def test_other_images_have_no_private_registry(uri):
    assert EcrImage.of(uri) is None


def test_build_signs_in_where_it_pulls_and_where_it_pushes():
    commands = build_commands("Dockerfile", {"TAG": "it's"}, [DLC.split("/")[0]])
    assert commands[0].endswith('"763104351884.dkr.ecr.us-east-1.amazonaws.com"')
    assert '--region "us-east-1"' in commands[0]
    assert "REPOSITORY_URI" in commands[1]
    assert "--build-arg 'TAG=it'\\''s'" in commands[2]
    assert commands[3] == 'docker push "$REPOSITORY_URI:$IMAGE_TAG"'


def test_project_builds_the_folder_that_was_uploaded(synthesised, tools):
    template = synthesised("app").templates["training-platform"]
    (project,) = tools.resources(template, "AWS::CodeBuild::Project").values()
    properties = project["Properties"]
    assert properties["Source"]["Type"] == "S3"
    assert json.loads(properties["Source"]["BuildSpec"])["version"] == "0.2"
    assert properties["Environment"]["PrivilegedMode"] is True
    (build,) = tools.resources(template, "Custom::TrainwrightImageBuild").values()
    assert properties["Source"]["Location"]["Fn::Join"][1][-1] == f"/{build['Properties']['ImageTag']}.zip"


def test_build_role_pulls_from_the_base_images_account_and_pushes_to_its_own_repository(synthesised, tools):
    role = tools.role_named(synthesised("app").templates["training-platform"], "BuildRole")
    pushing = tools.allowing(role, "ecr:PutImage")
    assert "ImageplatformRepository" in json.dumps(pushing["Resource"])
    pulling = [s for s in tools.statements(role) if "ecr:BatchGetImage" in s["Action"] and s is not pushing]
    assert any("763104351884:repository/pytorch-training" in json.dumps(s["Resource"]) for s in pulling)
