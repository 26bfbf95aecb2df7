"""A definition as the interpreter's components: parsed once, shared by every execution of that text."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringIntrinsicFunction,
    StringJSONata,
)
from moto.stepfunctions.parser.asl.component.component import Component
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

# The field of a state that a component stands for, by the name of its class: Step Functions names the place of a
# failed expression with these, /-separated, as in Arguments/Tags[0]/Value or Choices[1]/Condition.
FIELDS = {
    "ArgumentsJSONataTemplateValueObject": "Arguments",
    "ArgumentsStringJSONata": "Arguments",
    "AssignDecl": "Assign",
    "Cause": "Cause",
    "ConditionStringJSONata": "Condition",
    "Error": "Error",
    "HeartbeatSecondsJSONata": "HeartbeatSeconds",
    "ItemSelector": "ItemSelector",
    "ItemsArray": "Items",
    "ItemsJSONata": "Items",
    "MaxConcurrencyJSONata": "MaxConcurrency",
    "MaxItemsStringJSONata": "MaxItems",
    "Output": "Output",
    "SecondsJSONata": "Seconds",
    "TimeoutSecondsJSONata": "TimeoutSeconds",
    "Timestamp": "Timestamp",
    "ToleratedFailureCountStringJSONata": "ToleratedFailureCount",
    "ToleratedFailurePercentageStringJSONata": "ToleratedFailurePercentage",
}
# A text in the call of an intrinsic function, and characters of no meaning that stand for line breaks and tabs in it.
_QUOTED_KEY = re.compile(r"^\$\['(.+)'\]$", re.DOTALL)
_LITERAL = re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL)
_KEPT = {ord("\n"): "\ue00a", ord("\r"): "\ue00d", ord("\t"): "\ue009"}
_RESTORED = {ord(kept): chr(code) for code, kept in _KEPT.items()}
LISTS = {"CatchDecl": "Catch", "ChoicesDecl": "Choices"}


def parse_once(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same parser with a memory; what it gives holds no state of an execution and may be shared by threads."""

    @functools.lru_cache(maxsize=256)
    def parsed(definition: str) -> Any:
        program, tree = parse(definition)
        locate(program)
        return program, tree

    return parsed


def locate(program: Component) -> None:
    """Write into every expression where in its state it stands, and settle the keys that loops would race for."""
    _walk(program, "")


def _walk(item: Any, path: str) -> None:
    if isinstance(item, StringJSONata):
        vars(item)["location"] = path
    elif isinstance(item, Component):
        _walk_component(item, path)
    elif isinstance(item, list):
        for index, member in enumerate(item):
            _walk(member, f"{path}[{index}]")
    elif isinstance(item, dict):
        for member in item.values():
            _walk(member, path)


def _walk_component(item: Component, path: str) -> None:
    if isinstance(item, EvalComponent):
        _ = item.heap_key
    name = type(item).__name__
    own = path
    if name == "States":
        own = ""
    elif name in FIELDS or name in LISTS:
        own = join(path, FIELDS.get(name) or LISTS[name])
    elif name.endswith("Binding") or "TemplateBinding" in name:
        own = _binding_path(item, path)
    transparent = name in ("AssignDecl",) or name.endswith("Object")
    for member in vars(item).values():
        if transparent and isinstance(member, list):
            for part in member:
                _walk(part, own)
        else:
            _walk(member, own)


def _binding_path(item: Component, path: str) -> str:
    identifier = getattr(item, "identifier", None)
    return join(path, identifier) if isinstance(identifier, str) else path


def join(path: str, name: str) -> str:
    """``path`` and ``name`` as Step Functions writes a place in a state."""
    return f"{path}/{name}" if path else name


def text_of(parser_rule_context: Any) -> str | None:
    """The text of a JSON string in the parse tree, its escapes undone."""
    symbol = getattr(parser_rule_context, "symbol", None)
    if symbol is not None and symbol.type == ASLLexer.NULL:
        return None
    text = str(parser_rule_context.getText())
    return str(json.loads(text, strict=False)) if len(text) > 1 and text[0] == text[-1] == '"' else text


def intrinsic_of(self: Any, ctx: Any) -> StringIntrinsicFunction:
    """Preprocessor.visitString_intrinsic_function: the call as it reads once the JSON around it is decoded."""
    text = text_of(ctx.STRINGINTRINSICFUNC()) or ""
    function, _ = IntrinsicParser.parse(_LITERAL.sub(lambda found: found.group().translate(_KEPT), text))
    return StringIntrinsicFunction(intrinsic_function_derivation=text, function=function)


def extract(original: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """extract_json that looks a quoted key up as it is written, whatever quotes and backslashes it has in it.

    https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/scenarios/test_base_scenarios
    """

    def find(path: str, data: Any) -> Any:
        quoted = _QUOTED_KEY.match(path)
        if quoted and isinstance(data, dict) and quoted.group(1) in data:
            return data[quoted.group(1)]
        return original(path, data)

    return find


def unique(self: Any, env: Any) -> None:
    """ArrayUnique._eval_body: the first of each value, whatever it is; true is not 1."""
    self.argument_list.eval(env=env)
    array = env.stack.pop().pop()
    if not isinstance(array, list):
        raise TypeError(f"Expected an array type, but got '{array}'.")
    env.stack.append(list({json.dumps(item, sort_keys=True): item for item in reversed(array)}.values())[::-1])


def literal_of(original: Callable[[Any], str]) -> Callable[[Any], str]:
    """Preprocessor._text_of_str of intrinsic functions, with the line breaks that its grammar knows nothing of."""

    def literal(parse_tree: Any) -> str:
        return original(parse_tree).translate(_RESTORED)

    return literal


def unescaped(match: re.Match[str]) -> str:
    """Preprocessor._replace_escaped_characters of intrinsic functions; the braces are left to States.Format."""
    return match.group(1) if match.group(1) in "'\\" else match.group(0)


def format_text(self: Any, env: Any) -> None:
    """StringFormat._eval_body: a value for each {}, and braces of the text where a backslash stands before them."""
    self.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    texts = map(self._to_str_repr, values)
    env.stack.append(re.sub(r"\\([{}])|\{\}", lambda found: found.group(1) or next(texts), template))
