"""Where moto differs from AWS and how this account mends it.

Every module in this package carries ``MENDS``, a tuple of `Mend`. Each one names the piece of moto that it replaces and
the hash of that piece's source in the version it was written for: when moto changes there, the account refuses to start
and says which mend must be looked at, instead of patching code that nobody has read.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trainwright.rehearsal.mends as _package


@dataclass(frozen=True)
class Mend:
    """One difference between moto and AWS, and the function that removes it.

    ``target`` is ``module:qualified.name`` (or ``module:`` for a whole module), ``sha256`` what `source_hash` gives for
    it in the moto this was written for, ``source`` the address of AWS's documentation of the right behaviour and
    ``why`` one sentence on what moto does instead.
    """

    name: str
    target: str
    sha256: str
    source: str
    why: str
    apply: Callable[[], None]


class MendMismatch(RuntimeError):
    """The installed moto is not the one that these mends were written for."""


_applied: list[Mend] = []


def find(target: str) -> Any:
    """The object that ``module:qualified.name`` names, as it is stored (a property stays a property)."""
    module_name, _, qualname = target.partition(":")
    found: Any = importlib.import_module(module_name)
    for name in filter(None, qualname.split(".")):
        found = inspect.getattr_static(found, name)
    return found


def source_hash(target: str) -> str:
    """SHA-256 of the source text of what ``target`` names now.

    A module that nobody has imported is read, not imported: some of moto's take a second.
    """
    module_name, _, qualname = target.partition(":")
    text = _live_source(target) if module_name in sys.modules else _source_in_file(module_name, qualname)
    return hashlib.sha256(text.encode()).hexdigest()


def _live_source(target: str) -> str:
    found = find(target)
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    return inspect.getsource(found)


def _source_in_file(module_name: str, qualname: str) -> str:
    path = _module_file(module_name)
    text = path.read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for name in filter(None, qualname.split(".")):
        node = _child(node, name)
    if isinstance(node, ast.Module):
        return text
    assert isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))  # noqa: S101  (what _child gives)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "".join(text.splitlines(keepends=True)[first - 1 : node.end_lineno])


def _module_file(module_name: str) -> Path:
    top, *rest = module_name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"no package {top}")
    base = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _child(node: ast.AST, name: str) -> ast.AST:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, kinds) and child.name == name:
            return child
    raise AttributeError(f"no class or function {name}")


def replace(target: str, new: Any) -> Any:
    """Put ``new`` in the place of what ``target`` names and return what was there."""
    owner_name, _, attribute = target.rpartition("." if "." in target.partition(":")[2] else ":")
    owner = find(owner_name if ":" in owner_name else f"{owner_name}:")
    before = inspect.getattr_static(owner, attribute)
    setattr(owner, attribute, new)
    return before


def collect() -> list[Mend]:
    """All mends of this package, module by module in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(_package.__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [mend for module in modules for mend in module.MENDS]


def check(mends: list[Mend]) -> None:
    """Refuse mends that were written for another moto.

    Raises:
        MendMismatch: naming every mend whose target is gone or reads differently.
    """
    problems = [problem for mend in mends if (problem := _problem(mend))]
    if problems:
        raise MendMismatch("this moto is not the one the rehearsal was written for:\n" + "\n".join(problems))


def _problem(mend: Mend) -> str | None:
    try:
        actual = source_hash(mend.target)
    except (ImportError, AttributeError, OSError) as error:
        return f"  {mend.name}: {mend.target} cannot be found ({error})"
    if actual == mend.sha256:
        return None
    return f"  {mend.name}: {mend.target} has the source hash {actual}, written for {mend.sha256}"


def apply_all() -> list[Mend]:
    """Check every mend, then apply every mend, once a process; returns those that hold now."""
    if not _applied:
        mends = collect()
        check(mends)
        for mend in mends:
            mend.apply()
        _applied.extend(mends)
    return list(_applied)
