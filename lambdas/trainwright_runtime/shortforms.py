"""Sections that may also be written as one word: `framework: pytorch:2.8.0`, `distributed: torchrun`,
`profiler: true`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class OneWord:
    """Marks a type whose values may be written in another way: `convert` makes the long form of it, and `schema` is
    the short one's JSON schema."""

    convert: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.convert, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [self.schema, handler(schema)]}

    def __hash__(self) -> int:
        return hash(self.convert)
