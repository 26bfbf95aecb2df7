"""JSONata as Step Functions evaluates it: values are bound, never written into the text of the expression.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import copy
import functools
import math
import re
from collections.abc import Mapping
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from trainwright.rehearsal.states.functions import BINDINGS


class ExpressionFailed(Exception):
    """An expression that gave no usable value; ``str()`` is the end of AWS's sentence about it."""


class Unsupported(Exception):
    """A result that JSON cannot hold: a function, a regular expression."""


@functools.lru_cache(maxsize=4096)
def compiled(expression: str) -> Jsonata:
    """The parsed expression; raises JException where the text is not JSONata."""
    return Jsonata.jsonata(expression)


def evaluate(expression: str, bindings: Mapping[str, Any]) -> Any:
    """The value of ``expression`` with ``bindings`` as its variables (names without the dollar sign).

    Raises:
        ExpressionFailed: the expression is undefined, is no JSON value, or raised an error.
    """
    try:
        result = _run(expression, bindings)
    except (JException, ArithmeticError, TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        raise ExpressionFailed(f"threw an error during evaluation. {_describe(error)}") from error
    if result is None:
        raise ExpressionFailed("returned nothing (undefined).")
    try:
        return plain(result)
    except Unsupported as error:
        raise ExpressionFailed("returned an unsupported result type.") from error


def _run(expression: str, bindings: Mapping[str, Any]) -> Any:
    # One parsed expression serves many threads: each evaluation gets a shallow copy of its own, which the library
    # must also be told of, because built-in functions look the running expression up by thread.
    instance = copy.copy(compiled(expression))
    Jsonata.CURRENT.jsonata = instance
    instance.set_output_convert_nulls(False)
    bound = {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}
    return instance.evaluate(None, BINDINGS | bound)


def _describe(error: Exception) -> str:
    if isinstance(error, JException):
        return f"{error.error}: {re.sub(r'[.]$', '', str(error))}"
    return str(error) or type(error).__name__


def plain(value: Any) -> Any:
    """A copy of a result as plain JSON: no library types, whole numbers without a fraction, no shared parts."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(value[index]) for index in range(len(value))]
    raise Unsupported(type(value).__name__)


def _number(value: float) -> float | int | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def fresh(value: Any) -> Any:
    """A copy of JSON data that shares no list and no object with it."""
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fresh(item) for item in value]
    return value
