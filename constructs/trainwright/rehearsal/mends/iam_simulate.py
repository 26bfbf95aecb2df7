"""IAM's policy simulator, which the SageMaker SDK v3 asks about a role before it trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.iam import responses
from moto.iam.exceptions import IAMException

from trainwright.rehearsal.mends import Mend
from trainwright.rehearsal.permissions import NOT_EVALUATED, directory
from trainwright.rehearsal.permissions.conditions import Unmapped
from trainwright.rehearsal.permissions.errors import PermissionDenied
from trainwright.rehearsal.permissions.policies import Statement, Undecided, parse
from trainwright.rehearsal.permissions.simulation import Policies, simulate

_NOT_PLAYED = ("ResourcePolicy", "ResourceOwner", "CallerArn", "ResourceHandlingOption")


class _NoSuchRole(IAMException):
    code = "NoSuchEntity"


class _NotEvaluated(IAMException):
    code = NOT_EVALUATED


def simulate_principal_policy(self: responses.IamResponse) -> ActionResult:
    """SimulatePrincipalPolicy: every action on every resource, on one page."""
    for name in _NOT_PLAYED:
        if self._get_param(name):
            raise _NotEvaluated(f"the rehearsal does not simulate with {name}: leave it out")
    try:
        results = list(_results(self, _policies(self)))
    except (Undecided, Unmapped) as doubt:
        raise _NotEvaluated(f"the rehearsal's IAM evaluator cannot decide: {doubt}") from doubt
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _policies(response: responses.IamResponse) -> Policies:
    arn = response._get_param("PolicySourceArn")
    try:
        role = directory.role(arn, action="iam:SimulatePrincipalPolicy")
    except PermissionDenied:
        raise _NoSuchRole(f"The role with name {arn.rpartition('/')[2]} cannot be found.") from None
    own = [one for _, statements in directory.identity_policies(role) for one in statements]
    boundary = _parsed(response, "PermissionsBoundaryPolicyInputList") or directory.boundary(role)
    return Policies([*own, *_parsed(response, "PolicyInputList")], boundary)


def _parsed(response: responses.IamResponse, name: str) -> list[Statement]:
    return [one for document in response._get_param(name) or () for one in parse(document)]


def _results(response: responses.IamResponse, policies: Policies) -> Iterator[dict[str, Any]]:
    entries = response._get_param("ContextEntries") or ()
    keys = {entry["ContextKeyName"]: list(entry.get("ContextKeyValues", ())) for entry in entries}
    for action in response._get_param("ActionNames"):
        for resource in response._get_param("ResourceArns") or ["*"]:
            verdict = simulate(policies, action, resource, keys)
            result = {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": verdict.decision,
                "MissingContextValues": list(verdict.missing),
            }
            if verdict.within_boundary is not None:
                result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": verdict.within_boundary}
            yield result


def _add() -> None:
    setattr(responses.IamResponse, "simulate_principal_policy", simulate_principal_policy)  # noqa: B010 - not there to mypy


MENDS: tuple[Mend, ...] = (
    Mend(
        "iam-simulate-principal-policy",
        "moto.iam.responses:IamResponse.__init__",
        "8150dc2111ebc01aee9ba7e45cdad9df2fc3131b4874ef5d2e5912f77670af88",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",
        "moto has no policy simulator",
        _add,
    ),
)
