"""The places of the interpreter where JSONata is evaluated, with values bound instead of written into the text."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata

from trainwright.rehearsal.states.expressions import ExpressionFailed, evaluate, fresh
from trainwright.rehearsal.states.failures import query_failure, runtime_failure

LONGEST_WAIT = 2**31 - 1
_INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$")
_VARIABLE = re.compile(r"^\$([A-Za-z_][A-Za-z0-9_]*)(.*)$", re.DOTALL)


def eval_expression(self: Any, env: Any) -> None:
    """StringJSONata._eval_body: push the expression's value.

    Raises:
        FailureEventException: States.QueryEvaluationError, which Catch and Retry see.
    """
    try:
        env.stack.append(evaluate(self.expression, bindings(env)))
    except ExpressionFailed as error:
        raise _failed(self, env, str(error)) from error


def bindings(env: Any) -> dict[str, Any]:
    """Every variable in scope, and ``$states``."""
    store = env.variable_store
    return {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}


def _failed(expression: Any, env: Any, words: str) -> FailureEventException:
    location = getattr(expression, "location", "")
    cause = f"The JSONata expression '{expression.expression}' specified for the field '{location}' {words}"
    return query_failure(env, cause, location)


def eval_variable(self: Any, env: Any) -> None:
    """StringVariableSample._eval_body: a variable in a JSONPath state, and what a path finds in it."""
    name, rest = _split(self.expression)
    value = env.variable_store.get(name)
    env.stack.append(fresh(value) if not rest else _found(f"${rest}", value))


def _split(expression: str) -> tuple[str, str]:
    found = _VARIABLE.match(expression)
    if found is None:
        raise ValueError(f"'{expression}' names no variable")
    return found.group(1), found.group(2)


def _found(path: str, value: Any) -> Any:
    from moto.stepfunctions.parser.asl.utils.json_path import extract_json  # noqa: PLC0415

    return fresh(extract_json(path, value))


def typed(expression: Any, env: Any, expected: str) -> Any:
    """The value of an expression; States.QueryEvaluationError unless it has the JSON type ``expected``."""
    expression.eval(env=env)
    value = env.stack.pop()
    actual = json_type(value)
    if actual != expected:
        text = json.dumps(value, separators=(",", ":"))
        raise _failed(
            expression,
            env,
            f"returned an unexpected result type. Expected '{expected}', but was '{actual}' for value: {text}",
        )
    return value


def json_type(value: Any) -> str:
    """The name that JSON has for the type of ``value``."""
    kinds = (("null", type(None)), ("boolean", bool), ("number", (int, float)), ("string", str), ("array", list))
    return next((name for name, kind in kinds if isinstance(value, kind)), "object")


def seconds(self: Any, env: Any) -> int:
    """Whole seconds from the expression of a Wait, a time-out or a heartbeat, checked as Step Functions does.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html (0 to 99999999)
    """
    value = typed(self.string_jsonata, env, "number")
    if int(value) != value or not 0 <= value <= 99999999:
        raise _failed(self.string_jsonata, env, f"returned a value that is not an integer from 0 to 99999999: {value}")
    return int(value)


def condition(self: Any, env: Any) -> None:
    """ConditionStringJSONata._eval_body: a Choice's condition, which must be true or false."""
    env.stack.append(typed(self.string_jsonata, env, "boolean"))


def fail_text(self: Any, env: Any) -> None:
    """Error._eval_body and Cause._eval_body of a Fail state: text, whatever the query language."""
    expression = self.string_expression
    if isinstance(expression, StringJSONata):
        env.stack.append(typed(expression, env, "string"))
    else:
        expression.eval(env=env)


def wait_until(self: Any, env: Any) -> float:
    """Timestamp._get_wait_seconds: seconds until the instant that the field names, never in the local time zone."""
    expression = self.string
    computed = isinstance(expression, StringJSONata)
    if computed:
        text = typed(expression, env, "string")
    else:
        expression.eval(env=env)
        text = env.stack.pop()
    instant = parse_instant(text)
    if instant is not None:
        return _delay(env, (instant - datetime.datetime.now(tz=datetime.UTC)).total_seconds())
    if computed:
        words = f"returned a value that is not a valid ISO-8601 extended offset date-time: '{text}'"
        raise _failed(expression, env, words)
    raise FailureEventException(self._create_failure_event(env, text))


def _delay(env: Any, seconds: float) -> float:
    # Recorded with AWS: 24855 days from now are waited for, 24856 are not.
    # https://github.com/localstack/localstack, tests/aws/services/stepfunctions/v2/base/test_wait
    if seconds > LONGEST_WAIT:
        raise runtime_failure(env, "Wait state delay is too long.")
    return seconds


def parse_instant(text: Any) -> datetime.datetime | None:
    """An instant as Wait takes it (RFC 3339, in UTC, with a capital T and Z), or None."""
    if not isinstance(text, str) or not _INSTANT.match(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def pending_assign(self: Any, env: Any) -> None:
    """AssignDecl._eval_body: keep the values until the state's Output is known, which still sees the old ones.

    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#workflow-variables-order-of-evaluation
    """
    declared: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        binding.eval(env=env)
        declared.update(env.stack.pop())
    env.variable_store.pending = declared


def apply_assign(env: Any) -> None:
    """Set what the state assigned; the state is about to be left."""
    for name, value in drop_assign(env).items():
        env.variable_store.set(variable_identifier=name, variable_value=value)


def drop_assign(env: Any) -> dict[str, Any]:
    """Forget what a failed state was about to assign, and return it."""
    pending = getattr(env.variable_store, "pending", None) or {}
    env.variable_store.pending = None
    return pending


def assigned(self: Any) -> dict[str, str]:
    """VariableStore.get_assigned_variables: each one as JSON text, for the history."""
    return {name: json.dumps(self.get(name), separators=(",", ":")) for name in sorted(self._declaration_tracing)}


def reset_states(self: Any, input_value: Any) -> None:
    """States.reset: a new input, and no result or error left from the state before."""
    self._states_data["input"] = fresh(input_value)
    self._states_data.pop("result", None)
    self._states_data.pop("errorOutput", None)


def items(self: Any, env: Any) -> None:
    """ItemsJSONata._eval_body: the array that a Map walks over."""
    env.stack.append(typed(self.string_jsonata, env, "array"))
