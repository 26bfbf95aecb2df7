"""JSON schemas of the documents people write, made from their models."""

from typing import Any

from pydantic import BaseModel


def schema_of(model: type[BaseModel], *, title: str, required: list[str]) -> dict[str, Any]:
    """The JSON schema (2020-12) of a document; empty values are not part of it, because silence is a missing line."""
    schema: dict[str, Any] = _without_null(model.model_json_schema(mode="validation"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": title, "required": required}


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
