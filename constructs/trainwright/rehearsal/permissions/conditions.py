"""Condition operators and the context that they read.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


class Unmapped(Exception):
    """A condition key or operator that the evaluator does not know."""


@dataclass(frozen=True)
class Found:
    """What a key that was looked up has; ``values`` is None when the request does not have it."""

    values: Sequence[str] | None


@dataclass(frozen=True)
class Context:
    """The condition keys of one request: ``values`` are those present, ``known`` all that the account can tell.

    A key that is neither is not taken for absent: asking for it raises `Unmapped`. ``known`` entries that end in ``/``
    or ``:`` stand for every key that begins so (``aws:RequestTag/``). ``ask`` looks up keys that are costly to tell,
    when a policy asks for one; it answers a `Found`, or None for a key that is not its own.
    """

    values: Mapping[str, Sequence[str]]
    known: frozenset[str]
    ask: Callable[[str], Found | None] | None = None

    def get(self, key: str) -> Sequence[str] | None:
        """The values of a key; None when the request does not have it."""
        wanted = key.lower()
        if wanted in self.values:
            return self.values[wanted]
        if self.ask and (found := self.ask(wanted)):
            return found.values
        if wanted in self.known or _family(wanted) in self.known:
            return None
        raise Unmapped(f"the condition key {key} is not mapped")


_ENCRYPTION_CONTEXT = "kms:encryptioncontext:"


def _family(key: str) -> str:
    return _ENCRYPTION_CONTEXT if key.startswith(_ENCRYPTION_CONTEXT) else f"{key.split('/', maxsplit=1)[0]}/"


def holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """Whether one condition holds.

    Raises:
        Unmapped: the operator or the key is unknown.
    """
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return any((context.get(key) is None) == (value == "true") for value in wanted)
    if_exists = name.endswith("IfExists")
    test, negated = _operator(name.removesuffix("IfExists"), operator)
    present = context.get(key)
    if present is None or (quantifier and not present):
        return _when_absent(quantifier, negated=negated, if_exists=if_exists)
    return _compare(quantifier, test, negated, present, wanted)


def _when_absent(quantifier: str, *, negated: bool, if_exists: bool) -> bool:
    if if_exists or quantifier == "ForAllValues":
        return True
    return negated and quantifier != "ForAnyValue"


def _compare(
    quantifier: str, test: Callable[[str, str], bool], negated: bool, present: Sequence[str], wanted: Sequence[str]
) -> bool:
    def fits(value: str) -> bool:
        return any(test(value, one) for one in wanted) != negated

    if quantifier == "ForAllValues":
        return all(fits(value) for value in present)
    if negated and not quantifier:
        return all(fits(value) for value in present)
    return any(fits(value) for value in present)


def _operator(name: str, whole: str) -> tuple[Callable[[str, str], bool], bool]:
    if name in _TESTS:
        return _TESTS[name], False
    positive = name.replace("Not", "", 1)
    if name in _NEGATED and positive in _TESTS:
        return _TESTS[positive], True
    raise Unmapped(f"the condition operator {whole} is not known")


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(glob_to_regex(pattern), value, re.DOTALL) is not None


def glob_to_regex(pattern: str) -> str:
    """``*`` and ``?`` are wildcards, nothing else is; a NUL makes the next character itself."""
    out, literal = "", False
    for char in pattern:
        if char == "\0" and not literal:
            literal = True
            continue
        out += re.escape(char) if literal or char not in "*?" else {"*": ".*", "?": "."}[char]
        literal = False
    return out


def _arn_like(value: str, pattern: str) -> bool:
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    if len(patterns) != len(parts):
        return pattern == "*"
    return all(_like(part, one) for one, part in zip(patterns, parts, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(_epoch(value), _epoch(wanted))


def _epoch(text: str) -> float:
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _ordered(prefix: str, make: Callable[..., Callable[[str, str], bool]]) -> dict[str, Callable[[str, str], bool]]:
    return {
        f"{prefix}Equals": make(lambda a, b: a == b),
        f"{prefix}LessThan": make(lambda a, b: a < b),
        f"{prefix}LessThanEquals": make(lambda a, b: a <= b),
        f"{prefix}GreaterThan": make(lambda a, b: a > b),
        f"{prefix}GreaterThanEquals": make(lambda a, b: a >= b),
    }


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted.replace("\0", ""),
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.replace("\0", "").lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,  # AWS: ArnEquals and ArnLike behave identically
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    **_ordered("Numeric", _number),
    **_ordered("Date", _date),
}
_NEGATED = frozenset(
    {
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotLike",
        "ArnNotEquals",
        "ArnNotLike",
        "NumericNotEquals",
        "DateNotEquals",
        "NotIpAddress",
    }
)
