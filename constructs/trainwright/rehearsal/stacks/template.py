"""Templates: reading them, and resolving what is in them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainwright.rehearsal.stacks.errors import ValidationError

NO_VALUE = object()
_SUB = re.compile(r"\$\{([^}]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]+)\}\}")
_FUNCTION = re.compile(r"Fn::\w+|Ref|Condition")


def read(text: str) -> dict[str, Any]:
    """Read a template in JSON or YAML.

    Raises:
        ValidationError: it is neither, or has no resources.
    """
    try:
        template = json.loads(text) if text.lstrip().startswith("{") else _read_yaml(text)
    except ValueError as error:
        raise ValidationError(f"Template format error: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    for name, resource in template["Resources"].items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise ValidationError(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    return template


def _read_yaml(text: str) -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415  (CDK writes JSON)
    from ruamel.yaml.constructor import SafeConstructor  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    class Constructor(SafeConstructor):
        """YAML with CloudFormation's short forms."""

    Constructor.add_multi_constructor("!", _short_form)
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Constructor
    try:
        return reader.load(text)
    except YAMLError as error:
        raise ValueError(str(error)) from error


def _short_form(constructor: Any, suffix: str, node: Any) -> dict[str, Any]:
    if node.id == "scalar":
        value: Any = constructor.construct_scalar(node)
    elif node.id == "sequence":
        value = constructor.construct_sequence(node, deep=True)
    else:
        value = constructor.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def references(value: Any) -> set[str]:
    """Every logical id or parameter that a value names by Ref, Fn::GetAtt or Fn::Sub."""
    return set(_references(value))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        yield from _of_function(value)
        for key, item in value.items():
            if key not in ("Ref", "Fn::GetAtt"):
                yield from _references(item)


def _of_function(value: dict[str, Any]) -> Iterator[str]:
    if len(value) != 1:
        return
    name, argument = next(iter(value.items()))
    if name == "Ref":
        yield str(argument)
    elif name == "Fn::GetAtt":
        yield (argument if isinstance(argument, list) else str(argument).split("."))[0]
    elif name == "Fn::Sub":
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        for found in _SUB.findall(text):
            if not found.startswith("!") and found not in own:
                yield found.split(".")[0]


@dataclass
class Scope:
    """What a template's values may refer to."""

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    ref: Callable[[str], Any] = lambda name: None
    attribute: Callable[[str, str], Any] = lambda name, attribute: None
    export: Callable[[str], Any] = lambda name: None
    dynamic: Callable[[str, str], str] = lambda service, name: ""

    def resolve(self, value: Any) -> Any:
        """A value with every function evaluated; `NO_VALUE` entries are left out."""
        if isinstance(value, list):
            return [item for one in value if (item := self.resolve(one)) is not NO_VALUE]
        if isinstance(value, str):
            return (
                _DYNAMIC.sub(lambda found: self.dynamic(found[1], found[2]), value) if "{{resolve:" in value else value
            )
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise ValidationError(f"Template error: the rehearsal does not know the function {name}")
        resolved = {key: self.resolve(one) for key, one in value.items()}
        return {key: one for key, one in resolved.items() if one is not NO_VALUE}

    def reference(self, name: str) -> Any:
        """What Ref gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        for place in (self.pseudo, self.parameters):
            if name in place:
                return place[name]
        return self.ref(name)

    def holds(self, name: str) -> bool:
        """Whether a named condition holds."""
        if name not in self.conditions:
            raise ValidationError(f"Template format error: Unresolved condition dependency {name} in the template")
        return bool(self.resolve(self.conditions[name]))


def _get_att(scope: Scope, argument: Any) -> Any:
    name, attribute = argument if isinstance(argument, list) else str(argument).split(".", 1)
    return scope.attribute(name, scope.resolve(attribute))


def _sub(scope: Scope, argument: Any) -> str:
    text, own = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

    def value(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in own:
            return _text(scope.resolve(own[name]))
        if "." in name:
            return _text(scope.attribute(*name.split(".", 1)))
        return _text(scope.reference(name))

    return str(scope.resolve(_SUB.sub(value, text)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _join(scope: Scope, argument: Any) -> str:
    delimiter, parts = argument
    resolved = scope.resolve(parts)
    if not isinstance(resolved, list):
        raise ValidationError("Template error: every Fn::Join object requires a list of strings to be joined")
    return str(scope.resolve(str(delimiter).join(_text(part) for part in resolved)))


def _select(scope: Scope, argument: Any) -> Any:
    index, values = scope.resolve(argument[0]), scope.resolve(argument[1])
    try:
        return values[int(index)]
    except (IndexError, ValueError, TypeError, KeyError) as error:
        raise ValidationError(f"Template error: Fn::Select cannot select nonexistent value at index {index}") from error


def _split(scope: Scope, argument: Any) -> list[str]:
    return str(scope.resolve(argument[1])).split(argument[0])


def _find_in_map(scope: Scope, argument: Any) -> Any:
    names = [scope.resolve(one) for one in argument[:3]]
    try:
        return scope.resolve(scope.mappings[names[0]][names[1]][names[2]])
    except KeyError as error:
        if len(argument) > 3:
            return scope.resolve(argument[3]["DefaultValue"])
        raise ValidationError(f"Template error: Unable to get mapping for {'::'.join(map(str, names))}") from error


def _if(scope: Scope, argument: Any) -> Any:
    return scope.resolve(argument[1] if scope.holds(argument[0]) else argument[2])


def _import_value(scope: Scope, argument: Any) -> Any:
    return scope.export(str(scope.resolve(argument)))


def _zones(scope: Scope, argument: Any) -> list[str]:
    region = scope.resolve(argument) or scope.pseudo["AWS::Region"]
    return [f"{region}{letter}" for letter in "abc"]


def _cidr(scope: Scope, argument: Any) -> list[str]:
    block, count, bits = scope.resolve(argument[0]), int(scope.resolve(argument[1])), int(scope.resolve(argument[2]))
    subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - bits)
    return [str(next(subnets)) for _ in range(count)]


def _equals(scope: Scope, argument: Any) -> bool:
    return _text(scope.resolve(argument[0])) == _text(scope.resolve(argument[1]))


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": lambda scope, name: scope.reference(name),
    "Condition": lambda scope, name: scope.holds(name) if isinstance(name, str) else {"Condition": scope.resolve(name)},
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::GetAZs": _zones,
    "Fn::Cidr": _cidr,
    "Fn::Base64": lambda scope, value: base64.b64encode(str(scope.resolve(value)).encode()).decode(),
    "Fn::ToJsonString": lambda scope, value: json.dumps(scope.resolve(value), separators=(",", ":")),
    "Fn::Length": lambda scope, value: len(scope.resolve(value)),
    "Fn::Equals": _equals,
    "Fn::Not": lambda scope, value: not scope.resolve(value[0]),
    "Fn::And": lambda scope, values: all(scope.resolve(one) for one in values),
    "Fn::Or": lambda scope, values: any(scope.resolve(one) for one in values),
    "Fn::Contains": lambda scope, value: scope.resolve(value[1]) in scope.resolve(value[0]),
}
