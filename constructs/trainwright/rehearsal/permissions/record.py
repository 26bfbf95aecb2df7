"""What roles are granted beside what they used: the document of ``--record-permissions``, as pure functions.

docs/security.md describes the schema; whoever changes it raises `VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal.permissions import narrowing
from trainwright.rehearsal.permissions.ledger import Use
from trainwright.rehearsal.permissions.policies import Statement

VERSION = 1
Expand = Callable[[str], list[str]]
"""The actions that a pattern stands for."""
Allowed = tuple[Use, tuple[str, Statement], int]
"""A use, the statement that allowed it, and how often."""


@dataclass(frozen=True)
class Role:
    """A role as it is at the end.

    Args:
        arn: of the role.
        stack: the stack that it belongs to; None for one that was made by hand.
        logical_id: its name in the stack's template.
        trusts: the principals that its trust policy names.
        policies: its statements, by what their policies are called (``inline:NAME``, ``managed:ARN``).
        allowed: what was used of them.
        denied: rows of the account's report.
        undecided: rows of the account's report.
        assumed: rows of the account's report.
    """

    arn: str
    stack: str | None
    logical_id: str | None
    trusts: Sequence[str]
    policies: Sequence[tuple[str, Sequence[Statement]]]
    allowed: Sequence[Allowed]
    denied: Sequence[Mapping[str, Any]]
    undecided: Sequence[Mapping[str, Any]]
    assumed: Sequence[Mapping[str, Any]]


def record(roles: Iterable[Role], account: str, region: str, expand: Expand) -> dict[str, Any]:
    """The whole document."""
    documents = [_role(role, expand) for role in sorted(roles, key=lambda role: (role.stack or "~", role.arn))]
    return {
        "version": VERSION,
        "account": account,
        "region": region,
        "summary": _summary(documents),
        "roles": documents,
    }


def _role(role: Role, expand: Expand) -> dict[str, Any]:
    statements = [
        _statement(name, one, [each for each in role.allowed if each[1] == (name, one)], expand)
        for name, policy in role.policies
        for one in policy
        if one.allows
    ]
    granted = sorted({action for one in statements for action in one["actions"]})
    idle = [action for action in granted if all(_idle(one, action) for one in statements)]
    return {
        "arn": role.arn,
        "stack": role.stack,
        "logical_id": role.logical_id,
        "trusts": list(role.trusts),
        "granted_actions": len(granted),
        "used_actions": len(granted) - len(idle),
        "statements": statements,
        "denied": list(role.denied),
        "undecided": list(role.undecided),
        "assumed": list(role.assumed),
    }


def _idle(statement: Mapping[str, Any], action: str) -> bool:
    return action not in statement["actions"] or action in statement["surplus"]["actions"]


def _statement(policy: str, statement: Statement, allowed: Sequence[Allowed], expand: Expand) -> dict[str, Any]:
    kind, _, name = policy.partition(":")
    actions, resources = sorted({use.action for use, _, _ in allowed}), sorted({use.resource for use, _, _ in allowed})
    return {
        "policy": {"kind": kind, "name": name},
        "index": statement.index,
        "sid": statement.sid,
        "actions": _patterns(statement.actions, statement.not_actions),
        "resources": _patterns(statement.resources, statement.not_resources),
        "conditions": [{"operator": a, "key": b, "values": list(c)} for a, b, c in statement.conditions],
        "used": _used(allowed),
        "surplus": {
            "whole": not allowed,
            **_surplus_actions(statement, actions, expand),
            **_surplus_resources(statement, resources),
        },
    }


def _patterns(named: Sequence[str], excepted: Sequence[str] | None) -> list[str]:
    """A statement that names exceptions grants everything else."""
    return list(named) if excepted is None else [f"everything but {', '.join(excepted)}"]


def _used(allowed: Sequence[Allowed]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str, str], int] = {}
    for use, _, count in allowed:
        key = (use.action, use.resource, use.by)
        rows[key] = rows.get(key, 0) + count
    return [
        {"action": action, "resource": resource, "by": by, "count": count}
        for (action, resource, by), count in sorted(rows.items())
    ]


def _surplus_actions(statement: Statement, used: Sequence[str], expand: Expand) -> dict[str, Any]:
    idle = narrowing.unused(statement.actions, used, actions=True)
    wide = [
        _wide_action(pattern, used, expand)
        for pattern in statement.actions
        if pattern not in idle and narrowing.is_pattern(pattern)
    ]
    unnamed = _patterns((), statement.not_actions) if statement.not_actions is not None and not used else []
    return {"actions": idle + unnamed, "wide_actions": [one for one in wide if one["unused"]]}


def _wide_action(pattern: str, used: Sequence[str], expand: Expand) -> dict[str, Any]:
    did = [action for action in used if narrowing.action_matches(pattern, action)]
    rest = [action for action in expand(pattern) if action not in did]
    return {"granted": pattern, "enough": did, "unused": rest or ["*"] * (not expand(pattern))}


def _surplus_resources(statement: Statement, used: Sequence[str]) -> dict[str, Any]:
    idle = narrowing.unused(statement.resources, used, actions=False) if statement.not_resources is None else []
    wide = [
        {"granted": pattern, "enough": narrowing.enough(pattern, used)}
        for pattern in statement.resources
        if pattern not in idle and narrowing.is_pattern(pattern)
    ]
    return {"resources": idle, "wide_resources": [one for one in wide if one["enough"]]}


# --- the summary ---------------------------------------------------------------------------------------------------


def _summary(roles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    statements = [one for role in roles for one in role["statements"]]
    return {
        "roles": len(roles),
        "granted_actions": sum(role["granted_actions"] for role in roles),
        "used_actions": sum(role["used_actions"] for role in roles),
        "statements": len(statements),
        "unused_statements": sum(one["surplus"]["whole"] for one in statements),
        "denied": sum(len(role["denied"]) for role in roles),
        "undecided": sum(len(role["undecided"]) for role in roles),
        "widest": [text for _, text in sorted(_widths(roles), key=lambda each: (-each[0], each[1]))[:3]],
    }


def _widths(roles: Sequence[Mapping[str, Any]]) -> Iterable[tuple[int, str]]:
    """How far each role's unused rights reach: wildcards of actions count for more than those of resources."""
    for role in roles:
        surplus = [(width, action, one) for one in role["statements"] for width, action in _unused(one)]
        if surplus:
            _, action, statement = max(surplus, key=lambda each: each[0])
            yield sum(width for width, _, _ in surplus), _told(role, action, statement)


def _unused(statement: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
    reach = max((_reach(resource) for resource in statement["resources"]), default=1)
    surplus = statement["surplus"]
    for action in [*surplus["actions"], *(one["granted"] for one in surplus["wide_actions"])]:
        yield (100 if action == "*" or " " in action else 10 if "*" in action else 1) * reach, action


def _reach(resource: str) -> int:
    return 4 if resource == "*" or " " in resource else 2 if narrowing.is_pattern(resource) else 1


def _told(role: Mapping[str, Any], action: str, statement: Mapping[str, Any]) -> str:
    name = f"{role['stack']}/{role['logical_id']}" if role["stack"] else role["arn"].rsplit("/", 1)[-1]
    where = statement["resources"][0] + (" and others" if len(statement["resources"]) > 1 else "")
    used = f"{role['used_actions']} of {role['granted_actions']} actions used"
    return f"{name}: {used}, too wide first of all {action} on {where}"
