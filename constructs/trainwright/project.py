"""Where the project's own files are: in a checkout, or inside the installed wheel.

The wheel carries what is not a package (training_image, app.py, the layer's requirements ...) in
`trainwright/_project`, laid out exactly as the checkout is, so that one relative path serves both.
"""

import importlib.util
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def root() -> Path:
    """The folder that holds app.py, cdk.json, training_image, teams and lambdas."""
    checkout = _HERE.parents[1]
    if (checkout / "cdk.json").is_file() and (checkout / "constructs" / "trainwright").is_dir():
        return checkout
    return _HERE / "_project"


def path(*parts: str) -> Path:
    """A project file or folder, for example `path("training_image")`.

    Raises FileNotFoundError with the place that was looked at: a broken installation should say so at once.
    """
    found = root().joinpath(*parts)
    if not found.exists():
        raise FileNotFoundError(
            f"trainwright's own file {'/'.join(parts)} is missing: looked for {found}. Reinstall it."
        )
    return found


def runtime_package() -> Path:
    """The folder of the package `trainwright_runtime`, which is the Lambda functions' code, without importing it."""
    spec = importlib.util.find_spec("trainwright_runtime")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package trainwright_runtime is not installed beside trainwright. Reinstall it.")
    return Path(next(iter(spec.submodule_search_locations))).resolve()
