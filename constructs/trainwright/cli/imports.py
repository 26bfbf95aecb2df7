"""Which modules a training image's script imports and the Python that will train does not have.

Found by reading, nothing is run: before anything is synthesised, instead of a minute later in a job's log.
"""

from __future__ import annotations

import ast
import itertools
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

from trainwright.cli.errors import BadInput

# Where the name on the package index is not the name that is imported.
PACKAGES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "google": "google-cloud-storage",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}

# Asked of the other Python, which may be of another version and lacks this package.
_QUESTION = """
import importlib.util, json, sys
def known(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
print(json.dumps([name for name in sys.argv[1:] if not known(name)]))
"""


@dataclass(frozen=True)
class Import:
    """An import that a script makes when it starts."""

    module: str
    file: Path
    line: int
    column: int


def missing(
    folder: Path, python: Path, *, scripts: Sequence[Path] | None = None, beside: Sequence[Path] = ()
) -> list[str]:
    """A line for each import that `python` cannot make, with its first place.

    `folder` is an image's, or holds the user's scripts, of which `scripts` are started; the modules in the folders
    `beside` are there too. Raises BadInput where `python` is no Python that runs.
    """
    wanted: dict[str, Import] = {}
    for found in imports(folder, scripts):
        if not any(_is_own(other, found.module) for other in beside):
            wanted.setdefault(found.module, found)
    absent = _absent(python, sorted(wanted))
    return [_complaint(wanted[module], python) for module in wanted if module in absent]


def imports(image_dir: Path, scripts: Sequence[Path] | None = None) -> list[Import]:
    """What the scripts (left out: the image's) import, and the folder's own modules that they import, from anywhere but
    that folder.
    """
    started = entry_scripts(image_dir) if scripts is None else list(scripts)
    queue, seen, found = started, set[Path](), list[Import]()
    while queue:
        file = queue.pop(0)
        if file in seen:
            continue
        seen.add(file)
        for item in _read(file):
            if _is_own(image_dir, item.module):
                queue += _own_files(image_dir, item.module)
            else:
                found.append(_at_top(item))
    return found


def entry_scripts(image_dir: Path) -> list[Path]:
    """The scripts that the Dockerfile's ENTRYPOINT and CMD name; all in the folder where it names none."""
    words = _command_words(image_dir / "Dockerfile")
    modules = [after.replace(".", "/") for word, after in itertools.pairwise(words) if word == "-m"]
    names = [word for word in words if word.endswith(".py")] + [f"{module}.py" for module in modules]
    named = [image_dir / name for name in names if (image_dir / name).is_file()]
    return named or sorted(image_dir.glob("*.py"))


def _command_words(dockerfile: Path) -> list[str]:
    if not dockerfile.is_file():
        return []
    with dockerfile.open("rb") as file:
        steps = DockerfileParser(fileobj=file).structure
    lines = [step["value"] for step in steps if step["instruction"] in ("ENTRYPOINT", "CMD")]
    return [word for line in lines for word in _words(line)]


def _words(line: str) -> list[str]:
    try:
        return [str(word) for word in json.loads(line)]
    except ValueError:
        return line.split()


def _read(file: Path) -> list[Import]:
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise BadInput(f"{file}:{error.lineno or 1}:{error.offset or 1} is not valid Python: {error.msg}") from error
    return [
        Import(module, file, node.lineno, node.col_offset + 1)
        for node in _at_start(tree.body)
        for module in _modules(node)
    ]


def _at_start(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that happen whenever the file is run: not those inside functions, nor those it can do without."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try) and not _forgives_imports(node):
            yield from _at_start([*node.body, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With | ast.ClassDef) or (isinstance(node, ast.If) and _is_main_guard(node.test)):
            yield from _at_start(node.body)


def _forgives_imports(node: ast.Try) -> bool:
    caught = [name for handler in node.handlers for name in _caught(handler)]
    return bool({"ImportError", "ModuleNotFoundError", "Exception", ""} & set(caught))


def _caught(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return [""]
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [ast.unparse(kind) for kind in kinds]


def _is_main_guard(test: ast.expr) -> bool:
    return "__name__" in ast.unparse(test)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:  # relative: the folder's own
        return []
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def _is_own(image_dir: Path, module: str) -> bool:
    first = module.split(".", maxsplit=1)[0]
    return (image_dir / first).is_dir() or (image_dir / f"{first}.py").is_file()


def _own_files(image_dir: Path, module: str) -> list[Path]:
    """The folder's own files that importing `module` runs: the packages around it, and itself."""
    parts = module.split(".")
    places = [image_dir.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    files = [file for place in places for file in (place.with_name(f"{place.name}.py"), place / "__init__.py")]
    return [file for file in files if file.is_file()]


def _at_top(item: Import) -> Import:
    return Import(item.module.split(".")[0], item.file, item.line, item.column)


def _absent(python: Path, modules: list[str]) -> set[str]:
    try:
        answer = subprocess.run([python, "-I", "-c", _QUESTION, *modules], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BadInput(f"--python {python}: is not a Python that runs: {error}") from error
    return set(json.loads(answer.stdout))


def _complaint(item: Import, python: Path) -> str:
    package = PACKAGES.get(item.module, item.module)
    return (
        f"{item.file}:{item.line}:{item.column} import {item.module}: {python} has no module of that name. "
        f"Install it there (`{python} -m pip install {package}`), or train with another Python (--python)."
    )
