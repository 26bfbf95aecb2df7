"""SimulatePrincipalPolicy: what a role's policies would say to actions, resources and keys that a caller makes up.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trainwright.rehearsal.permissions.conditions import Context, Found
from trainwright.rehearsal.permissions.policies import Statement, speaking

ALLOWED, DENIED, NOT_ALLOWED = "allowed", "explicitDeny", "implicitDeny"


@dataclass(frozen=True)
class Policies:
    """The identity policies' statements, and the boundary's where there is a boundary."""

    identity: Sequence[Statement]
    boundary: Sequence[Statement] | None = None


@dataclass(frozen=True)
class Verdict:
    """One evaluation; ``missing`` are the condition keys that policies asked for and the caller did not give."""

    decision: str
    within_boundary: bool | None
    missing: tuple[str, ...]


@dataclass
class _Asked:
    """The caller's keys; every other is absent, and remembered."""

    values: Mapping[str, Sequence[str]]
    missing: list[str] = field(default_factory=list)

    def context(self) -> Context:
        return Context({key.lower(): value for key, value in self.values.items()}, frozenset(), self._absent)

    def _absent(self, key: str) -> Found:
        if key not in self.missing:
            self.missing.append(key)
        return Found(None)


def simulate(policies: Policies, action: str, resource: str, keys: Mapping[str, Sequence[str]]) -> Verdict:
    """Evaluate one action on one resource, with nothing known but these condition keys."""
    asked = _Asked(keys)
    context = asked.context()

    def speaks(statements: Iterable[Statement], *, allows: bool) -> bool:
        return speaking(statements, action, resource, context, allows=allows)

    boundary = policies.boundary
    within = None if boundary is None else speaks(boundary, allows=True) and not speaks(boundary, allows=False)
    if speaks(policies.identity, allows=False) or (boundary is not None and speaks(boundary, allows=False)):
        return Verdict(DENIED, within, tuple(asked.missing))
    allowed = speaks(policies.identity, allows=True) and within is not False
    return Verdict(ALLOWED if allowed else NOT_ALLOWED, within, tuple(asked.missing))
