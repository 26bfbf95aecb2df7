"""`--image URI=DIR`, on `rehearse` and on `account up`."""

from pathlib import Path
from typing import Any

import pytest

from trainwright.cli.errors import BadInput
from trainwright.cli.rehearse.options import images

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that can serve as an image."""
    made = tmp_path / "own"
    made.mkdir()
    (made / "Dockerfile").write_text('FROM scratch\nCOPY train.py /opt/\nENTRYPOINT ["python", "/opt/train.py"]\n')
    (made / "train.py").write_text("")
    return made


@pytest.mark.parametrize(
    "uri",
    [
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/own:1.0",
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/own@{DIGEST}",
        "own",
        "own:1",
        "localhost:5000/own:latest",
        "docker.io/library/python:3.12",
    ],
)
def test_takes_every_address_of_an_image(uri: str, folder: Path) -> None:
    assert images.read([f"{uri}={folder}"]) == {uri: str(folder)}


def test_a_folder_may_have_an_equals_sign(folder: Path) -> None:
    other = folder.rename(folder.with_name("a=b"))
    assert images.read([f"own:1={other}"]) == {"own:1": str(other)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("own:1", "write URI=DIR"),
        ("own:1=", "write URI=DIR"),
        ("={folder}", "write URI=DIR"),
        ("own:1={folder}/none", "there is no folder"),
        ("own:1={folder}/train.py", "there is no folder"),
        ("Own Image={folder}", "Own Image is not an image's address"),
        ("own:a:b={folder}", "own:a:b is not an image's address"),
        ("own@sha256:12={folder}", "is not an image's address"),
        ("team/*={folder}", "team/* is a pattern; give each image its own --image"),
        ("a" * 256 + "={folder}", "the URI has 256 characters; CreateTrainingJob takes 255"),
    ],
)
def test_fails_on_what_is_no_image(given: str, said: str, folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        images.read([given.replace("{folder}", str(folder))])
    (problem,) = caught.value.problems
    assert str(problem).startswith("--image ") and said in str(problem)


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        (None, "has no file Dockerfile"),
        (b"FROM scratch\n\nCOPPY a b\n", "Dockerfile line 3: unknown instruction COPPY"),
        (b"FROM scratch\nCOPY a\n", "Dockerfile line 2: COPY a: a source and a destination are needed"),
        (b'FROM scratch\nCOPY ["a", /b]\n', "Dockerfile line 2: COPY cannot be read"),
        (b"RUN true\n", "Dockerfile line 1: RUN stands before the first FROM"),
        (b"FROM scratch\nCOPY main.py /opt/\n", "Dockerfile: COPY main.py: there is no such file in"),
        (b"FROM scratch\nENV A=\xff\n", "Dockerfile is not text in UTF-8"),
    ],
)
def test_fails_on_a_dockerfile_that_cannot_be_followed(dockerfile: bytes | None, said: str, folder: Path) -> None:
    (folder / "Dockerfile").unlink()
    if dockerfile is not None:
        (folder / "Dockerfile").write_bytes(dockerfile)
    with pytest.raises(BadInput) as caught:
        images.read([f"own:1={folder}"])
    (problem,) = caught.value.problems
    assert said in str(problem) and str(folder) in str(problem)


def test_one_image_has_one_folder(folder: Path) -> None:
    with pytest.raises(BadInput, match="own:1 has a folder already"):
        images.read([f"own:1={folder}", f"own:1={folder}"])


@pytest.mark.parametrize("words", [["rehearse"], ["account", "up", "--no-deploy"]])
def test_everything_wrong_is_told_at_once_and_nothing_starts(words: list[str], folder: Path, invoke: Any) -> None:
    (folder / "Dockerfile").write_text("FORM scratch\n")
    done = invoke(*words, "--image", f"own:1={folder}", "--image", "own:2")
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert f"{folder}/Dockerfile line 1: unknown instruction FORM" in lines[0] and "own:2: write URI=DIR" in lines[1]
    assert lines[2] == "2 problems. Nothing was started."
