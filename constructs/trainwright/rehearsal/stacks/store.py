"""All stacks and change sets of the account."""

from __future__ import annotations

import threading
import uuid

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.stacks.errors import ChangeSetNotFound, ValidationError
from trainwright.rehearsal.stacks.model import ChangeSet, Stack

lock = threading.RLock()
stacks: dict[str, Stack] = {}  # by id
change_sets: dict[str, ChangeSet] = {}  # by id


def new_id(kind: str, name: str) -> str:
    """An ARN for a new stack or change set."""
    number = uuid.UUID(int=clock.random(kind, name).getrandbits(128), version=4)
    return f"arn:aws:cloudformation:{facade.region()}:{facade.account_id()}:{kind}/{name}/{number}"


def living(name: str) -> Stack | None:
    """The stack of a name or id that has not been deleted."""
    for stack in list(stacks.values()):
        if name in (stack.name, stack.id) and stack.status != "DELETE_COMPLETE":
            return stack
    return None


def find(name: str) -> Stack:
    """The stack of a name or an id; by id also one that was deleted.

    Raises:
        ValidationError: there is none, in AWS's words.
    """
    stack = living(name) or stacks.get(name)
    if stack is None:
        raise ValidationError(f"Stack with id {name} does not exist")
    return stack


def find_change_set(name: str, stack_name: str | None) -> ChangeSet:
    """The change set of an ARN, or of a name and a stack.

    Raises:
        ChangeSetNotFound: there is none.
    """
    for change_set in reversed(list(change_sets.values())):
        if name == change_set.id:
            return change_set
        if change_set.stack.status == "DELETE_COMPLETE":
            continue
        if name == change_set.name and stack_name in (change_set.stack.name, change_set.stack.id):
            return change_set
    raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")


def export(name: str) -> str:
    """The value that some stack exports under a name.

    Raises:
        ValidationError: none does.
    """
    for stack in list(stacks.values()):
        for output in stack.outputs if stack.status != "DELETE_COMPLETE" else []:
            if output.export == name:
                return output.value
    raise ValidationError(f"No export named {name} found. Rollback requested by user.")
