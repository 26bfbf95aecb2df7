"""What CreateStateMachine refuses in a definition beyond its grammar.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html (InvalidDefinition)
https://states-language.net/spec.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonata.jexception import JException

from trainwright.rehearsal.states import training_fields
from trainwright.rehearsal.states.expressions import compiled
from trainwright.rehearsal.states.jsonata import parse_instant

TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
INTEGRATION = ":states:::"
RETRYING = ("Task", "Parallel", "Map")
JSONPATH_ONLY = (
    "InputPath",
    "OutputPath",
    "ResultPath",
    "ResultSelector",
    "Parameters",
    "Result",
    "ItemsPath",
    "MaxConcurrencyPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
)
JSONATA_ONLY = ("Output", "Arguments", "Items")


@dataclass(frozen=True)
class Problem:
    """One reason to refuse a definition, at a place in it (``/States/Train/Next``)."""

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location}"


def problems(definition: str) -> list[Problem]:
    """Everything that is wrong with the definition, in the order of its text."""
    try:
        document = json.loads(definition)
    except ValueError as error:
        return [Problem("INVALID_JSON_DESCRIPTION", str(error), "/")]
    if not isinstance(document, dict):
        return [Problem("SCHEMA_VALIDATION_FAILED", "Expected value of type [OBJECT]", "/")]
    return list(_machine(document, "", document.get("QueryLanguage", "JSONPath")))


def resources(definition: str) -> set[str]:
    """The service integrations that the definition uses, as in ``sagemaker:createTrainingJob.sync``."""
    found = (state.get("Resource", "") for state in _states(json.loads(definition)))
    return {arn.partition(INTEGRATION)[2] for arn in found if isinstance(arn, str) and INTEGRATION in arn}


def _states(machine: Any) -> Iterator[dict[str, Any]]:
    for state in (machine.get("States") or {}).values():
        yield state
        for part in _inner(state):
            yield from _states(part[1])


def _inner(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, branch in enumerate(state.get("Branches") or []):
        yield f"/Branches[{index}]", branch
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield f"/{field}", state[field]


def _machine(machine: dict[str, Any], path: str, language: str) -> Iterator[Problem]:
    states = machine.get("States")
    missing = [name for name in ("StartAt", "States") if name not in machine]
    yield from (_schema(f"These required fields are missing: [{name}]", path or "/") for name in missing)
    if not isinstance(states, dict) or not states or missing:
        if not missing:
            yield _schema("The field 'States' should be a non-empty object", f"{path}/States")
        return
    targets = {machine["StartAt"]}
    if machine["StartAt"] not in states:
        yield _missing("StartAt", machine["StartAt"], f"{path}/StartAt")
    for name, state in states.items():
        at = f"{path}/States/{name}"
        if not isinstance(state, dict):
            yield _schema("Expected value of type [OBJECT]", at)
            continue
        for field, target, place in _transitions(state):
            targets.add(target)
            if target not in states:
                yield _missing(field, target, f"{at}{place}")
        yield from _state(state, at, language)
    yield from _graph(states, targets, path)


def _graph(states: dict[str, Any], targets: set[str], path: str) -> Iterator[Problem]:
    for name in states:
        if name not in targets:
            message = f'State "{name}" is not reachable.'
            yield Problem("MISSING_TRANSITION_TARGET", message, f"{path}/States/{name}")
    ends = (state.get("End") or state.get("Type") in ("Succeed", "Fail") for state in states.values() if state)
    if not any(ends):
        message = "State machine has no terminal state: give one a true End, or add a Succeed or Fail state."
        yield Problem("MISSING_END_STATE", message, f"{path}/States")


def _transitions(state: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for field in ("Next", "Default"):
        if isinstance(state.get(field), str):
            yield field, state[field], f"/{field}"
    for group in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(group) or []):
            if isinstance(rule, dict) and isinstance(rule.get("Next"), str):
                yield "Next", rule["Next"], f"/{group}[{index}]/Next"


def _state(state: dict[str, Any], at: str, outer: str) -> Iterator[Problem]:
    language = state.get("QueryLanguage", outer)
    yield from _fields(state, at, language)
    if language == "JSONPath" and outer == "JSONata":
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield _schema(message, at)
    if language == "JSONata":
        inner = [field for _, field in _inner(state)]
        own = {key: value for key, value in state.items() if not any(value is part for part in inner)}
        own.pop("Branches", None)
        yield from _expressions(own, at)
    for place, part in _inner(state):
        yield from _machine(part, f"{at}{place}", outer)


def _fields(state: dict[str, Any], at: str, language: str) -> Iterator[Problem]:
    kind = state.get("Type")
    if kind not in TYPES:
        yield _schema(f"Value should be one of the following: [{', '.join(TYPES)}]", f"{at}/Type")
        return
    if kind not in ("Choice", "Succeed", "Fail") and ("Next" in state) == bool(state.get("End")):
        yield _schema("A state needs either Next or a true End, and not both", at)
    for field in ("Retry", "Catch"):
        if field in state and kind not in RETRYING:
            yield _schema(f"Field '{field}' is not supported", f"{at}/{field}")
    other, wrong = ("JSONata", JSONATA_ONLY) if language == "JSONPath" else ("JSONPath", JSONPATH_ONLY)
    for field in wrong:
        if field in state:
            yield _schema(
                f"The QueryLanguage is set to '{language}', but field '{field}' is only supported for the '{other}' "
                "QueryLanguage",
                at,
            )
    yield from _instant(state, at, language)
    yield from _task(state, at, kind, language)


def _instant(state: dict[str, Any], at: str, language: str) -> Iterator[Problem]:
    """A Wait's Timestamp that is written out: recorded with AWS, see LocalStack's test_base_scenarios."""
    given = state.get("Timestamp")
    if state.get("Type") != "Wait" or not isinstance(given, str):
        return
    computed = language == "JSONata" and given.startswith("{%") and given.endswith("%}")
    if not computed and parse_instant(given) is None:
        yield _schema("String does not match RFC3339 timestamp", f"{at}/Timestamp")


def _task(state: dict[str, Any], at: str, kind: str, language: str) -> Iterator[Problem]:
    if kind != "Task":
        return
    if not isinstance(state.get("Resource"), str):
        yield _schema("These required fields are missing: [Resource]", at)
        return
    credentials = state.get("Credentials")
    if isinstance(credentials, dict) and not {"RoleArn", "RoleArn.$"} & set(credentials):
        yield _schema("The field 'RoleArn' is required but was missing", f"{at}/Credentials")
    field = "Parameters" if language == "JSONPath" else "Arguments"
    given = state.get(field)
    if training_fields.is_create(state["Resource"]) and isinstance(given, dict):
        names = {key.removesuffix(".$"): value for key, value in given.items()}
        for name in training_fields.unsupported(names):
            yield _schema(f'The field "{name}" is not supported by Step Functions', f"{at}/{field}")


def _expressions(value: Any, at: str) -> Iterator[Problem]:
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        yield from _expression(value[2:-2].strip(), at)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _expressions(item, f"{at}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _expressions(item, f"{at}[{index}]")


def _expression(text: str, at: str) -> Iterator[Problem]:
    try:
        parsed = compiled(text)
    except JException as error:
        yield Problem("INVALID_JSONATA_EXPRESSION", f"{error}", at)
        return
    for name in _context_names(parsed.ast):
        message = f"Reference to '{name}' is not supported."
        if name != "$$":
            message = f"Reference to '{name}' at the top level is not supported."
        yield Problem("UNSUPPORTED_JSONATA_EXPRESSION", message, at)


def _context_names(node: Any) -> Iterator[str]:
    """The names that an expression looks up in a context, which Step Functions does not give it."""
    kind = getattr(node, "type", None)
    if kind == "name":
        yield str(node.value)
    elif kind == "variable" and node.value in ("", "$"):
        yield f"${node.value}"
    elif kind == "path":
        yield from _context_names(node.steps[0])
    elif kind in ("binary", "bind", "condition", "block", "function", "unary", "lambda", "apply"):
        for part in _parts(node, kind):
            yield from _context_names(part)


def _parts(node: Any, kind: str) -> list[Any]:
    if kind == "condition":
        return [node.condition, node.then, node._else]
    if kind == "function":
        return list(node.arguments or [])
    if kind == "lambda":
        return []
    if kind == "bind":
        return [node.rhs]
    if kind in ("block", "unary"):
        parts = [node.expression] if getattr(node, "expression", None) is not None else list(node.expressions or [])
        pairs = getattr(node, "lhs_object", None) or []
        return parts + [side for pair in pairs for side in pair]
    return [node.lhs, node.rhs]


def _schema(message: str, location: str) -> Problem:
    return Problem("SCHEMA_VALIDATION_FAILED", message, location)


def _missing(field: str, target: str, location: str) -> Problem:
    return Problem("MISSING_TRANSITION_TARGET", f"Missing '{field}' target: {target}", location)
