"""Whether somebody may do something: identity policies, resource policies, boundaries, session policies and grants.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, words of refusals:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from trainwright.rehearsal.permissions import directory, key_use, keys, ledger, policies, resource_policies
from trainwright.rehearsal.permissions.actions import Need
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.conditions import Context
from trainwright.rehearsal.permissions.policies import UNKNOWN_RESOURCE, Statement, Undecided, speakers
from trainwright.rehearsal.permissions.resource_policies import ROLE, ResourcePolicy
from trainwright.rehearsal.permissions.sessions import Session

Policies = Sequence[Sequence[Statement]]


@dataclass(frozen=True)
class Rules:
    """Every policy that has a say about a request.

    Args:
        identity: the role's own policies, by what they are called.
        boundary: None where the role has none.
        sessions: session policies; none where the session was made without.
        resource: the policy of the resource.
    """

    identity: Sequence[tuple[str, Sequence[Statement]]]
    boundary: Sequence[Statement] | None
    sessions: Policies
    resource: ResourcePolicy


@dataclass(frozen=True)
class Names:
    """What a policy may call the caller: the session, its role, and the account that stands for them all."""

    session: str
    role: str
    account: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Why not (None: it may), which statements of the role's own policies allow it, and what was taken on trust."""

    refusal: str | None
    grants: Sequence[ledger.Grant] = field(default=())
    assumed: str | None = None
    explicit: bool = False


def decide(session: Session, need: Need, place: Place) -> Verdict:
    """Judge a need of a session.

    Raises:
        PermissionDenied: the role, or a role that is asked for, does not exist.
        Undecided, Unmapped: the answer hangs on something that is not known.
    """
    role = directory.role(session.role_arn, action=need.action)
    tags = {**directory.tags(role), **session.wish.tags}
    caller = keys.Caller(role.arn, session.arn, f"{role.id}:{session.name}", tags, session.issued)
    context = keys.context(need.keys, caller, place, need.resource)
    rules = Rules(
        [(name, policies.about(text, need.action)) for name, text in directory.identity_documents(role)],
        directory.boundary(role),
        session.policies,
        resource_policies.of(need.action, need.resource, place),
    )
    account = (f"arn:{place.partition}:iam::{place.account}:root", place.account)
    verdict = judge(need, context, rules, Names(session.arn, role.arn, account))
    if verdict.refusal and not verdict.explicit and _granted(need, place, (session.arn, role.arn), context):
        return Verdict(None)
    return verdict


def judge(need: Need, context: Context, rules: Rules, names: Names) -> Verdict:
    """Judge by the policies alone; pure but for tags that a condition asks for.

    Raises:
        Undecided, Unmapped: the answer hangs on something that is not known.
    """
    says = partial(speakers, action=need.action, resource=need.resource, context=context)
    words = partial(_words, names.session, need)
    about = _about(rules.resource, need, names)
    denying = {
        "an identity-based policy": _joined(rules.identity),
        "the role trust policy" if rules.resource.kind == ROLE else "a resource-based policy": about,
        "a permissions boundary": rules.boundary or (),
        "a session policy": chain.from_iterable(rules.sessions),
    }
    for kind, statements in denying.items():
        if says(statements, allows=False):
            return Verdict(words(f"with an explicit deny in {kind}"), explicit=True)
    openly = _sure(says, about)
    grants = [(name, one) for name, policy in rules.identity for one in _sure(says, policy)]
    if any(one.names_principal([names.session], anybody=False) for one in openly):
        return Verdict(None, grants)  # a session that is named itself is not limited by anything else
    if rules.resource.must_agree and not openly:
        says(about, allows=True)  # raises when in doubt
        return Verdict(words(_disagrees(rules.resource.kind, need)))
    if not grants and not any(one.names_principal([names.role]) for one in openly):
        says(chain(about, _joined(rules.identity)), allows=True)
        return Verdict(words(f"because no identity-based policy allows the {need.action} action"))
    for kind, limit in _limits(rules):
        if not says(limit, allows=True):
            return Verdict(words(f"because no {kind} allows the {need.action} action"))
    return Verdict(None, grants, _taken_on_trust(need) if rules.resource.missing else None)


def _about(policy: ResourcePolicy, need: Need, names: Names) -> list[Statement]:
    """What a resource's policy says about the caller; the account stands for everybody in it."""
    whole = [names.session, names.role, *names.account]
    return [one for one in policy.statements if one.names_action(need.action) and one.names_principal(whole)]


def _joined(identity: Sequence[tuple[str, Sequence[Statement]]]) -> Iterable[Statement]:
    return chain.from_iterable(statements for _, statements in identity)


def _sure(says: Callable[..., list[Statement]], statements: Iterable[Statement]) -> list[Statement]:
    """The statements that surely allow; doubt about others waits until nothing is sure."""
    try:
        return says(statements, allows=True)
    except Undecided:
        return []


def _disagrees(kind: str, need: Need) -> str:
    # STS tells no reason
    return "" if kind == ROLE else f"because no {kind} allows the {need.action} action"


def _limits(rules: Rules) -> Iterable[tuple[str, Sequence[Statement]]]:
    if rules.boundary is not None:
        yield "permissions boundary", rules.boundary
    if rules.sessions:
        yield "session policy", list(chain.from_iterable(rules.sessions))


def _taken_on_trust(need: Need) -> str:
    return f"{need.action} on {need.resource}: this account does not hold its policy, which was taken to agree"


def _granted(need: Need, place: Place, principals: Sequence[str], context: Context) -> bool:
    """Whether a grant of the key lets one of these do it.

    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
    """
    if not need.action.startswith("kms:"):
        return False
    key = resource_policies.key_of(need.resource, place)
    return any(
        grant.grantee_principal in principals
        and need.action.partition(":")[2] in grant.operations
        and _constraints_hold(grant.constraints or {}, context)
        for grant in list(key.grants.values() if key else ())
    )


def _constraints_hold(constraints: Mapping[str, Mapping[str, str]], context: Context) -> bool:
    wanted = {**constraints.get("EncryptionContextSubset", {}), **constraints.get("EncryptionContextEquals", {})}
    has = {name: context.get(f"{key_use.ENCRYPTION_CONTEXT}{name}") for name in wanted}
    return all(has[name] == [value] for name, value in wanted.items())


def may_assume_as_root(need: Need, place: Place, issued: float) -> Verdict:
    """Judge the account's root, who is in no policy but the role's own.

    Raises:
        PermissionDenied: the role does not exist.
        Undecided, Unmapped: the answer hangs on something that is not known.
    """
    root = f"arn:{place.partition}:iam::{place.account}:root"
    caller = keys.Caller(root, root, place.account, {}, issued, kind="Account")
    context = keys.context(need.keys, caller, place, need.resource)
    policy = resource_policies.of(need.action, need.resource, place)
    statements = [one for one in policy.statements if one.names_principal([root, place.account])]
    says = partial(speakers, statements, need.action, need.resource, context)
    if says(allows=False):
        return Verdict(_words(root, need, "with an explicit deny in the role trust policy"), explicit=True)
    return Verdict(None if says(allows=True) else _words(root, need, ""))


def _words(who: str, need: Need, reason: str) -> str:
    # S3 puts the resource in quotes, the other services do not.
    quote = '"' if need.action.startswith("s3:") else ""
    on = "" if need.resource in ("*", UNKNOWN_RESOURCE) else f" on resource: {quote}{need.resource}{quote}"
    return f"User: {who} is not authorized to perform: {need.action}{on} {reason}".rstrip()
