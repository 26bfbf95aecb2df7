"""A missing import is named before anything starts, and nothing that a script can do without is."""

import sys
from pathlib import Path

import pytest

from trainwright.cli import images, imports
from trainwright.cli.errors import BadInput

PYTHON = Path(sys.executable)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text('FROM x\nENTRYPOINT ["python", "-m", "trainkit.launch", "train.py"]\n')
    return tmp_path


def write(folder: Path, **files: str) -> None:
    for name, source in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def test_the_module_the_place_and_the_package_are_named(image: Path) -> None:
    write(image, train="import json\n\nimport numpy\nimport nosuchthing.deep as d\n")
    (line,) = imports.missing(image, PYTHON)
    assert line.startswith(f"{image}/train.py:4:1 import nosuchthing: {PYTHON} has no module of that name")
    assert f"{PYTHON} -m pip install nosuchthing" in line


def test_the_folders_own_modules_are_followed_and_not_missed(image: Path) -> None:
    write(image, train="from data import load\nfrom lib.net import Net\n", data="import nosuch_a\n")
    write(image, lib__net="from . import layers\nimport nosuch_b\n", lib__layers="import nosuch_c\n")
    named = {line.split(" import ")[1].split(":")[0] for line in imports.missing(image, PYTHON)}
    assert {"nosuch_a", "nosuch_b"} <= named


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import nosuch\nexcept ImportError:\n    nosuch = None\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nosuch\n",
        "def plot():\n    import nosuch\n",
        "import os.path, email.message\nfrom concurrent import futures\n",
    ],
)
def test_what_a_script_can_do_without_is_not_missed(image: Path, source: str) -> None:
    write(image, train=source)
    assert imports.missing(image, PYTHON) == []


def test_an_import_under_the_main_guard_counts(image: Path) -> None:
    write(image, train="if __name__ == '__main__':\n    import nosuch\n")
    assert len(imports.missing(image, PYTHON)) == 1


def test_scripts_that_the_image_does_not_start_are_not_read(image: Path) -> None:
    write(image, train="import json\n", serve="import nosuch\n", trainkit__launch="")
    assert imports.missing(image, PYTHON) == []


def test_fails_when_a_script_is_no_python(image: Path) -> None:
    write(image, train="x = 1\ndef (:\n")
    with pytest.raises(BadInput, match=r"train\.py:2:5 is not valid Python"):
        imports.missing(image, PYTHON)


def test_fails_when_the_python_does_not_run(image: Path, tmp_path: Path) -> None:
    write(image, train="import json\n")
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BadInput, match="is not a Python that runs"):
        imports.missing(image, broken)


def test_the_images_of_an_app_are_found_by_name(tmp_path: Path) -> None:
    for name in ("training_image", "images/forecast"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "Dockerfile").touch()
    app = tmp_path / "app.py"
    app.write_text(
        'p = TrainingPlatform(stack, "P", image=TrainingImage.from_directory("training_image"))\n'
        'p.add_image("forecast", TrainingImage.from_directory("images/forecast"))\n'
        "p.add_image(other, TrainingImage.from_directory(computed()))\n"
    )
    found = images.folders(app, tmp_path)
    assert found == {"platform": tmp_path / "training_image", "forecast": tmp_path / "images/forecast"}
