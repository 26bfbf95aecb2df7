"""SageMaker's Search over records: filters, nested filters, subexpressions, order.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html, API_SearchExpression.html, API_Filter.html,
API_NestedFilters.html; property names and types are those of botocore's model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Record = Mapping[str, Any]
Expression = Mapping[str, Any]

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_TEXT_ONLY = ("Contains", "In")
_MOST = 50  # filters, nested filters and subexpressions, at all depths


class SearchRefused(ValueError):
    """The expression means nothing for this resource."""


@dataclass(frozen=True)
class Property:
    """One property of a resource: how to find its values in a record, and their type."""

    kind: str
    values: Callable[[Record], list[Any]]
    sends_numbers_as_text: bool = False


def search(
    records: Iterable[Record], shape: StructureShape, expression: Expression | None, sort_by: str, *, descending: bool
) -> list[Record]:
    """The records that satisfy the expression, in order; those without the property that sorts come last.

    Raises:
        SearchRefused: a property is unknown, an operator does not fit it, a value cannot be read, or nothing is asked.
    """
    sorts = property_of(shape, sort_by)
    check = _condition(shape, expression) if expression is not None else lambda record: True
    found = [record for record in records if check(record)]
    having = [record for record in found if sorts.values(record)]
    lacking = [record for record in found if not sorts.values(record)]
    return [*sorted(having, key=lambda record: sorts.values(record)[0], reverse=descending), *lacking]


# --- properties ----------------------------------------------------------------------------------------------------


def property_of(shape: StructureShape, name: str) -> Property:
    """The property of a dotted name.

    Raises:
        SearchRefused: the resource has none of that name.
    """
    first, _, rest = name.partition(".")
    if first == "Tags" and rest:
        return Property("string", lambda record: [one["Value"] for one in record.get("Tags", ()) if one["Key"] == rest])
    if first == "Metrics" and rest and "FinalMetricDataList" in shape.members:
        return Property("float", lambda record: _metric(record, rest))
    return _follow(shape, name.split("."), name)


def _metric(record: Record, name: str) -> list[float]:
    return [one["Value"] for one in record.get("FinalMetricDataList", ()) if one["MetricName"] == name]


def _follow(shape: Shape, path: list[str], name: str) -> Property:
    steps: list[str] = []
    while path:
        shape = _element(shape)
        if isinstance(shape, MapShape):
            steps.append(".".join(path))
            return Property(shape.value.type_name, lambda record: _leaves(record, steps), sends_numbers_as_text=True)
        if not isinstance(shape, StructureShape) or path[0] not in shape.members:
            raise SearchRefused(f"Unknown property name: {name}")
        shape = shape.members[path[0]]
        steps.append(path.pop(0))
    return Property(shape.type_name, lambda record: _leaves(record, steps))


def _element(shape: Shape) -> Shape:
    return _element(shape.member) if isinstance(shape, ListShape) else shape


def _leaves(value: Any, path: list[str]) -> list[Any]:
    """All that lies at the path; a list stands for each of its elements."""
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each, path)]
    if not path:
        return [] if value is None else [value]
    return _leaves(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []


# --- expressions ---------------------------------------------------------------------------------------------------

Condition = Callable[[Record], bool]


def _condition(shape: StructureShape, expression: Expression) -> Condition:
    if _size(expression) > _MOST:
        raise SearchRefused(f"A SearchExpression can contain at most {_MOST} filters and subexpressions")
    conditions = list(_conditions(shape, expression))
    if not conditions:
        raise SearchRefused("You must provide at least one subexpression, filter, or nested filter")
    combine = any if expression.get("Operator") == "Or" else all
    return lambda record: combine(condition(record) for condition in conditions)


def _size(expression: Expression) -> int:
    nested = sum(len(one["Filters"]) for one in expression.get("NestedFilters", ()))
    below = expression.get("SubExpressions", ())
    return len(expression.get("Filters", ())) + nested + len(below) + sum(map(_size, below))


def _conditions(shape: StructureShape, expression: Expression) -> Iterator[Condition]:
    yield from (_filter(shape, one, one["Name"]) for one in expression.get("Filters", ()))
    yield from (_nested(shape, one) for one in expression.get("NestedFilters", ()))
    yield from (_condition(shape, one) for one in expression.get("SubExpressions", ()))


def _nested(shape: StructureShape, asked: Mapping[str, Any]) -> Condition:
    """ "A nested filter is satisfied if a single object in the list satisfies all Boolean expressions." """
    name = asked["NestedPropertyName"]
    member = shape.members.get(name)
    element = _element(member) if isinstance(member, ListShape) else None
    if not isinstance(element, StructureShape):
        raise SearchRefused(f"Unknown property name: {name}")
    filters = [_filter(element, one, one["Name"].removeprefix(f"{name}.")) for one in asked["Filters"]]
    return lambda record: any(all(fits(item) for fits in filters) for item in record.get(name, ()))


def _filter(shape: StructureShape, asked: Mapping[str, Any], name: str) -> Condition:
    found = property_of(shape, name)
    how, wanted = asked.get("Operator", "Equals"), asked.get("Value")
    if how in ("Exists", "NotExists"):
        return lambda record: bool(found.values(record)) == (how == "Exists")
    if wanted is None:
        raise SearchRefused(f"Operator {how} on {name} needs a Value")
    test = _test(found, how, wanted, name)
    if how == "NotEquals":
        return lambda record: not any(test(value) for value in found.values(record))
    return lambda record: any(test(value) for value in found.values(record))


def _test(found: Property, how: str, wanted: str, name: str) -> Callable[[Any], bool]:
    is_text = found.kind == "string"
    if how in _TEXT_ONLY and not is_text:
        raise SearchRefused(f"Operator {how} is only supported for text properties, and {name} is none")
    if how == "Contains":
        return lambda value: wanted in value
    if how == "In":
        listed = [one.strip() for one in wanted.split(",")]
        return lambda value: value in listed
    if how in _ORDER and is_text and not found.sends_numbers_as_text:
        raise SearchRefused(f"Operator {how} is not supported for text properties, and {name} is one")
    compare: Callable[[Any, Any], bool] = _ORDER.get(how, operator.eq)
    if found.sends_numbers_as_text and (number := _number(wanted)) is not None:
        return lambda value: _compare_numbers(compare, value, number)
    if how in _ORDER and found.sends_numbers_as_text:
        raise SearchRefused(f"Operator {how} on {name} needs a number, not '{wanted}'")
    value_wanted = _read(found.kind, wanted, name)
    return lambda value: compare(value, value_wanted)


def _compare_numbers(compare: Callable[[Any, Any], bool], value: str, wanted: float) -> bool:
    """ "If the specified Value is an integer, the decimal hyperparameter values are treated as integers." """
    number = _number(value)
    if number is None:
        return False
    return compare(int(number) if isinstance(wanted, int) else number, wanted)


def _number(text: str) -> float | None:
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return None


def _read(kind: str, text: str, name: str) -> Any:
    try:
        if kind in ("integer", "long", "float", "double"):
            return float(text)
        if kind == "timestamp":
            when = datetime.fromisoformat(text)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
    except ValueError as error:
        raise SearchRefused(f"Value '{text}' is not a {kind}, which {name} is") from error
    return {"true": True, "false": False}.get(text.lower(), text) if kind == "boolean" else text
