"""JSON schemas of the documents people write, made from their models."""

import ast
import inspect
import sys
import textwrap
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import BaseModel


def schema_of(model: type[BaseModel], *, title: str, required: list[str], nullable: bool = False) -> dict[str, Any]:
    """The JSON schema (2020-12) of a document. Empty values are not part of it, because silence is a missing line; with
    `nullable` they are, because every key is there."""
    model.model_rebuild()
    schema: dict[str, Any] = model.model_json_schema(mode="validation")
    if not nullable:
        schema = _without_null(schema)
    said = _said_in(model)
    for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for field, described in part.get("properties", {}).items():
            if text := said.get((name, field)) or said.get((name, f"{field}_")):
                described["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": title, "required": required}


def _said_in(model: type[BaseModel]) -> dict[tuple[str, str], str]:
    """What stands below each field of the model's class and of every section it may hold, by class and field.

    Read here, where a schema is wanted, and not when the classes are made: a Lambda function needs none of it.
    """
    found: dict[tuple[str, str], str] = {}
    modules = {sys.modules[base.__module__] for base in _sections(BaseModel)} | {sys.modules[model.__module__]}
    for module in modules:
        if module.__name__.startswith(__name__.partition(".")[0]):
            found |= _docstrings(module)
    for section in _sections(BaseModel):  # what a class inherits is said where it is written
        for base in reversed(section.__mro__):
            inherited = {key: text for key, text in found.items() if key[0] == base.__name__}
            found |= {(section.__name__, field): text for (_, field), text in inherited.items()}
    return found


def _sections(base: type[BaseModel]) -> set[type[BaseModel]]:
    return {inner for each in base.__subclasses__() for inner in {each, *_sections(each)}}


@cache
def _docstrings(module: ModuleType) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            for field, after in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(after):
                    found[node.name, field.target.id] = _text(after)
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _text(node: Any) -> str:
    first, _, rest = str(node.value.value).partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}".strip()


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)}
    choices = kept.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return kept
    choices.remove({"type": "null"})
    return kept if len(choices) > 1 else {**choices[0], **{key: kept[key] for key in kept if key != "anyOf"}}
