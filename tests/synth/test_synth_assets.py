"""The two Lambda assets: the same name and bytes wherever and however often they are made, and fit for the target."""

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

import pytest

from trainwright import assets, project


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the runtime package in another place, as an installation elsewhere has it."""
    place = tmp_path / "site-packages/trainwright_runtime"
    shutil.copytree(project.runtime_package(), place, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(project, "runtime_package", lambda: place)
    return place


def test_code_holds_the_runtime_package_and_nothing_else(package):
    staged = assets.code()
    assert [p.name for p in staged.path.iterdir()] == ["trainwright_runtime"]
    names = {p.relative_to(staged.path / "trainwright_runtime") for p in staged.path.rglob("*") if p.is_file()}
    assert names == {p.relative_to(package) for p in package.rglob("*") if p.is_file()}


def test_code_has_the_same_name_in_every_place(package, monkeypatch):
    elsewhere = assets.code().hash
    monkeypatch.undo()
    assert assets.code().hash == elsewhere


@pytest.mark.parametrize("junk", ["__pycache__/x.cpython-313.pyc", ".DS_Store", "handlers/.DS_Store", "old.pyc"])
def test_code_is_not_changed_by_what_machines_leave(package, junk):
    before = assets.code()
    (package / junk).parent.mkdir(exist_ok=True)
    (package / junk).write_bytes(b"junk")
    after = assets.code()
    assert after == before
    assert not (after.path / "trainwright_runtime" / junk).exists()


def test_code_is_changed_by_a_changed_line(package):
    before = assets.code()
    (package / "__init__.py").write_text("# changed\n")
    after = assets.code()
    assert (after.hash != before.hash, after.path != before.path) == (True, True)


def test_modes_do_not_depend_on_the_machines_umask(package):
    for file in package.rglob("*.py"):
        file.chmod(0o600)
    assert {oct(p.stat().st_mode & 0o777) for p in assets.code().path.rglob("*") if p.is_file()} == {"0o644"}


@pytest.fixture(scope="module")
def layer():
    return assets.layer()


def test_layer_is_built_for_python_313_on_arm64(layer):
    native = [p.name for p in layer.path.rglob("*.so")]
    assert any("pydantic_core" in name for name in native)
    assert all("313-aarch64-linux-gnu" in name for name in native), native


def test_layer_holds_what_the_requirements_pin(layer):
    lines = project.path("lambdas", "layer-requirements.txt").read_text().replace("\\\n", " ").splitlines()
    pinned = {line.split()[0].replace("-", "_").lower() for line in lines if "==" in line}
    found = {p.name.removesuffix(".dist-info").replace("-", "==", 1) for p in layer.path.glob("python/*.dist-info")}
    assert {name.lower().replace("-", "_") for name in found} == pinned


def test_layer_and_this_environment_have_the_same_versions():
    """The rehearsal runs the functions with this environment in the layer's place."""
    lines = project.path("lambdas", "layer-requirements.txt").read_text().splitlines()
    pins = dict(line.split()[0].split("==") for line in lines if "==" in line)
    assert pins
    assert {name: importlib.metadata.version(name) for name in pins} == pins


def test_layer_says_nothing_about_the_machine_that_built_it(layer):
    names = {p.name for p in layer.path.rglob("*")}
    assert not names & {"direct_url.json", "INSTALLER", "RECORD", "REQUESTED", "bin"}


def test_layer_is_built_once(layer, monkeypatch):
    def no_pip(*args, **kwargs):
        raise AssertionError("pip was called again")

    monkeypatch.setattr(subprocess, "run", no_pip)
    assert assets.layer() == layer


def test_layer_is_named_by_its_pins_and_not_by_comments(tmp_path, monkeypatch, layer):
    monkeypatch.setattr(assets, "_staged", lambda name, build: Path(name))
    pins = project.path("lambdas", "layer-requirements.txt").read_text()
    copy = tmp_path / "requirements.txt"
    monkeypatch.setattr(project, "path", lambda *parts: copy)
    copy.write_text("# another remark\n" + pins)
    assert assets.layer().hash == layer.hash
    copy.write_text(pins + "six==1.17.0 --hash=sha256:0\n")
    assert assets.layer().hash != layer.hash


def test_fails_with_pips_words_when_wheels_cannot_be_had(tmp_path, monkeypatch):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-project-of-trainwright==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RuntimeError, match=r"could not fetch the Lambda layer's wheels(.|\n)*no-such-project"):
        assets._install_wheels(requirements, tmp_path / "target")


def test_unfinished_asset_is_not_taken_for_a_finished_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def breaks(target):
        (target / "half").write_text("x")
        raise RuntimeError("stopped in the middle")

    with pytest.raises(RuntimeError, match="stopped"):
        assets._staged("layer-x", breaks)
    assert list((tmp_path / "trainwright").iterdir()) == []


def test_image_folder_is_named_by_content_and_build_arguments(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "image").mkdir()
    (tmp_path / "image/Dockerfile").write_text("FROM scratch\n")
    one = assets.folder(tmp_path / "image", ["Dockerfile"])
    assert assets.folder(tmp_path / "image", ["Dockerfile"]) == one
    assert assets.folder(tmp_path / "image", ["Dockerfile", "TAG=2"]).hash != one.hash
