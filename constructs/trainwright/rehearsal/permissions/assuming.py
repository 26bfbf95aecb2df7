"""AssumeRole: whether a root may, and what the new session takes with it.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainwright.rehearsal import clock
from trainwright.rehearsal.permissions import decision, directory
from trainwright.rehearsal.permissions.actions import needs
from trainwright.rehearsal.permissions.arns import Place
from trainwright.rehearsal.permissions.errors import PermissionDenied
from trainwright.rehearsal.permissions.sessions import Session, Wish
from trainwright.rehearsal.wire import Call


def check_root(call: Call, place: Place) -> None:
    """Refuse the account's root a role that does not trust the account.

    Raises:
        PermissionDenied: in AWS's words, or because there is no such role.
        Undecided, Unmapped: the answer hangs on something that is not known.
    """
    for need in needs(call, place):
        refusal = decision.may_assume_as_root(need, place, clock.time()).refusal
        if refusal is not None:
            raise PermissionDenied(refusal, action=need.action, resource=need.resource, principal=place.account)


def wish(call: Call, caller: Session | None, place: Place) -> Wish:
    """What a call asks for, and the tags that go on from session to session.

    Raises:
        PermissionDenied: a policy that it names does not exist.
    """
    carried = caller.wish.transitive if caller else frozenset()
    inherited = {name: value for name, value in caller.wish.tags.items() if name in carried} if caller else {}
    given = {str(tag["Key"]): str(tag["Value"]) for tag in call.params.get("Tags") or []}
    transitive = frozenset(str(name) for name in call.params.get("TransitiveTagKeys") or []) | carried
    return Wish(tuple(_policies(call, place)), {**given, **inherited}, transitive)


def _policies(call: Call, place: Place) -> Iterator[str]:
    if call.params.get("Policy"):
        yield str(call.params["Policy"])
    for named in call.params.get("PolicyArns") or []:
        arn = str(named["arn"])
        text = directory.managed_policy(arn, place.account, place.partition)
        if text is None:
            message = f"the session policy {arn} does not exist"
            raise PermissionDenied(message, action="sts:AssumeRole", resource=arn, principal=place.account)
        yield text
