"""Policy documents: what a statement says about an action, a resource and a context.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trainwright.rehearsal.permissions.conditions import Context, Unmapped, holds

# A resource that the account cannot derive from the request: only statements on every resource speak about it.
UNKNOWN_RESOURCE = "(a resource that the rehearsal cannot derive from this request)"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Undecided(Exception):
    """The answer hangs on something that the evaluator does not know."""


@dataclass(frozen=True)
class Statement:
    """One statement, ready to be asked."""

    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...]
    not_resources: tuple[str, ...] | None
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    variables: bool
    principals: tuple[tuple[str, str], ...] = ()
    index: int = 0
    sid: str | None = None

    def names_action(self, action: str) -> bool:
        """Whether the statement is about the action."""
        if self.not_actions is not None:
            return not any(_glob(pattern.lower()).fullmatch(action.lower()) for pattern in self.not_actions)
        return any(_glob(pattern.lower()).fullmatch(action.lower()) for pattern in self.actions)

    def names_resource(self, resource: str, context: Context) -> bool:
        """Whether the statement is about the resource."""
        if self.not_resources is not None:
            return not any(self._matches(pattern, resource, context) for pattern in self.not_resources)
        return any(self._matches(pattern, resource, context) for pattern in self.resources)

    def _matches(self, pattern: str, resource: str, context: Context) -> bool:
        return arn_matches(self.fill_in(pattern, context), resource)

    def names_principal(self, principals: Iterable[str], *, anybody: bool = True) -> bool:
        """Whether a resource policy's statement is about one of these (ARNs, account ids), or about anybody.

        Raises:
            Undecided: it says NotPrincipal.
        """
        if any(kind == "NotPrincipal" for kind, _ in self.principals):
            raise Undecided("NotPrincipal is not evaluated")
        wanted = [value for kind, value in self.principals if kind == "AWS"]
        return (anybody and "*" in wanted) or any(principal in wanted for principal in principals)

    def fill_in(self, text: str, context: Context) -> str:
        """Replace policy variables; the special ones stand for the characters themselves."""
        if not self.variables or "${" not in text:
            return text
        return _VARIABLE.sub(lambda found: _variable(found[1], context), text)

    def condition_holds(self, context: Context) -> bool:
        """Whether every condition holds."""
        return all(
            holds(operator, key, [self.fill_in(value, context) for value in values], context)
            for operator, key, values in self.conditions
        )


def _variable(text: str, context: Context) -> str:
    name, _, default = (part.strip() for part in text.partition(","))
    if name in ("*", "?", "$"):
        return f"\0{name}"  # read as the character itself by _glob
    values = context.get(name)
    if values:
        return values[0]
    if default:
        return default.strip("'")
    return "\0\0"  # a variable with no value: matches nothing


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    out, literal = [], False
    for char in pattern:
        if char == "\0" and not literal:
            literal = True
            continue
        out.append(re.escape(char) if literal or char not in "*?" else {"*": ".*", "?": "."}[char])
        literal = False
    return re.compile("".join(out), re.DOTALL)


def text_matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with ``*`` and ``?``; case counts."""
    return _glob(pattern).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN matches a pattern; a wildcard stays within its own of the six parts."""
    if pattern == "*":
        return True
    if arn == UNKNOWN_RESOURCE:
        return False
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    if len(patterns) < 6 or len(parts) < 6:
        return text_matches(pattern, arn)
    return all(text_matches(one, other) for one, other in zip(patterns, parts, strict=True))


@lru_cache(maxsize=2048)
def parse(document: str) -> tuple[Statement, ...]:
    """The statements of a policy document in JSON."""
    policy = json.loads(document)
    variables = policy.get("Version") == "2012-10-17"
    statements = _listed(policy.get("Statement", []))
    return tuple(_statement(statement, variables, index) for index, statement in enumerate(statements))


@lru_cache(maxsize=16384)
def about(document: str, action: str) -> tuple[Statement, ...]:
    """The statements of a policy document in JSON that name an action."""
    return tuple(statement for statement in parse(document) if statement.names_action(action))


def _statement(statement: dict[str, Any], variables: bool, index: int) -> Statement:
    return Statement(
        allows=statement["Effect"] == "Allow",
        actions=tuple(_listed(statement.get("Action", []))),
        not_actions=tuple(_listed(statement["NotAction"])) if "NotAction" in statement else None,
        resources=tuple(_listed(statement.get("Resource", "*"))),  # a trust policy's statements name none
        not_resources=tuple(_listed(statement["NotResource"])) if "NotResource" in statement else None,
        conditions=tuple(_conditions(statement.get("Condition", {}))),
        variables=variables,
        principals=tuple(_principals(statement)),
        index=index,
        sid=statement.get("Sid"),
    )


def _conditions(block: dict[str, Any]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for operator, keys in block.items():
        for key, values in keys.items():
            yield operator, key, tuple(_text(value) for value in _listed(values))


def _principals(statement: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if "NotPrincipal" in statement:
        yield "NotPrincipal", "*"
    principal = statement.get("Principal", {})
    if isinstance(principal, str):  # Lambda keeps a service as a plain text
        principal = {"AWS": principal, **({} if principal == "*" else {"Service": principal})}
    for kind, values in principal.items():
        for value in _listed(values):
            yield kind, value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def speaking(statements: Iterable[Statement], action: str, resource: str, context: Context, *, allows: bool) -> bool:
    """Whether some statement of the given effect speaks about this action on this resource.

    Raises:
        Undecided: as `speakers` does.
    """
    return bool(speakers(statements, action, resource, context, allows=allows))


def speakers(
    statements: Iterable[Statement], action: str, resource: str, context: Context, *, allows: bool
) -> list[Statement]:
    """All statements of the given effect that speak about this action on this resource.

    Raises:
        Undecided: none surely does, and whether one does hangs on a condition that is not mapped or on the unknown
            resource.
    """
    sure: list[Statement] = []
    doubt: str | None = None
    for statement in statements:
        if statement.allows != allows or not statement.names_action(action):
            continue
        try:
            if _speaks(statement, action, resource, context):
                sure.append(statement)
        except (Undecided, Unmapped) as unknown:
            doubt = doubt or str(unknown)
    if doubt and not sure:
        raise Undecided(doubt)
    return sure


def _speaks(statement: Statement, action: str, resource: str, context: Context) -> bool:
    named = statement.names_resource(resource, context)
    if not named and resource == UNKNOWN_RESOURCE:
        raise Undecided(f"the resource of {action} is not mapped")
    return named and statement.condition_holds(context)
