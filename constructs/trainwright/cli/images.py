"""Where an app's training images come from, found by reading the app: nothing is run yet when this is asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from trainwright import names, project
from trainwright.cli.errors import BadInput


def folders(app_file: Path, working_folder: Path) -> dict[str, Path]:
    """The folder of each image, by name, that `app_file` builds with `TrainingImage.from_directory`.

    Only folders written as plain text are found, and looked for as `from_directory` looks for them: from the working
    folder, then among trainwright's own.
    """
    found: dict[str, Path] = {}
    for name, given in _built_images(_tree(app_file)):
        places = [working_folder / given, project.root() / given]
        folder = next((place for place in places if (place / "Dockerfile").is_file()), None)
        if folder:
            found.setdefault(name, folder)
    return found


def _tree(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise BadInput(f"{file}:{error.lineno or 1}:{error.offset or 1} is not valid Python: {error.msg}") from error


def _built_images(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Those given to `add_image` have the name given there; any other is the platform's first."""
    named = {id(node): name for call in _calls(tree, "add_image") for name in _texts(call) for node in ast.walk(call)}
    for call in _calls(tree, "from_directory"):
        for folder in _texts(call):
            yield named.get(id(call), names.DEFAULT_IMAGE), folder


def _calls(tree: ast.AST, method: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node


def _texts(call: ast.Call) -> list[str]:
    """The call's first argument, when it is plain text."""
    first = call.args[0] if call.args else None
    return [first.value] if isinstance(first, ast.Constant) and isinstance(first.value, str) else []
