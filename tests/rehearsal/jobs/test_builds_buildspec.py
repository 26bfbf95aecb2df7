"""What a buildspec's docker build would do."""

import json

import pytest

from trainwright.rehearsal.buildspec import BuildspecError, docker_build

VARIABLES = {"REPOSITORY_URI": "1.dkr/x", "IMAGE_TAG": "abc"}


def spec(*commands):
    return json.dumps({"version": "0.2", "phases": {"build": {"commands": list(commands)}}})


def test_reads_the_build_among_other_commands():
    build = docker_build(
        spec(
            'aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_URI%%/*}"',
            "docker build --platform linux/amd64 --provenance=false -f 'Gpu file' --build-arg 'A=1 2' "
            '-t "$REPOSITORY_URI:$IMAGE_TAG" .',
            'docker push "$REPOSITORY_URI:$IMAGE_TAG"',
        ),
        VARIABLES,
    )
    assert (build.context, build.dockerfile) == (".", "Gpu file")
    assert build.build_args == {"A": "1 2"}
    assert build.tags == ["1.dkr/x:abc"]


def test_reads_yaml_and_other_spellings():
    text = (
        "version: 0.2\nphases:\n  build:\n    commands:\n      - cd x && docker buildx build --file=F --tag=t image\n"
    )
    build = docker_build(text, {})
    assert (build.context, build.dockerfile, build.tags) == ("image", "F", ["t"])


@pytest.mark.parametrize("text", ["", "phases: [", spec("pytest"), "version: 0.2"])
def test_fails_when_no_image_is_built(text):
    with pytest.raises(BuildspecError):
        docker_build(text, VARIABLES)
