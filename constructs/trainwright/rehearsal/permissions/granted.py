"""The roles of this account as `record` wants them: policies from IAM, stacks from CloudFormation, uses as counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.utilities.utils import get_partition

from trainwright.rehearsal import facade
from trainwright.rehearsal.bootstrap import QUALIFIER
from trainwright.rehearsal.permissions import directory, ledger
from trainwright.rehearsal.permissions.operations import expand
from trainwright.rehearsal.permissions.policies import parse
from trainwright.rehearsal.permissions.record import Role, record
from trainwright.rehearsal.stacks import store

_GONE = "DELETE_COMPLETE"


def document() -> dict[str, Any]:
    """The record of this account, as it is now."""
    return record(_roles(), facade.account_id(), facade.region(), expand)


def _roles() -> Iterator[Role]:
    """Every role but those that deploy: what is bootstrapped here may do everything."""
    places, report = _places(), ledger.report()
    for found in directory.roles(facade.account_id(), get_partition(facade.region())):
        if found.name.startswith(f"cdk-{QUALIFIER}-"):
            continue
        rows = {name: [_row(row) for row in rows if row["principal"] == found.arn] for name, rows in report.items()}
        stack, logical_id = places.get(found.name, (None, None))
        yield Role(
            arn=found.arn,
            stack=stack,
            logical_id=logical_id,
            trusts=_trusts(found),
            policies=directory.identity_policies(found),
            allowed=ledger.grants_of(found.arn),
            denied=rows["denied"],
            undecided=rows["unknown"],
            assumed=rows["assumed"],
        )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("principal", "session")}


def _places() -> dict[str, tuple[str, str]]:
    """Stack and logical id by the name of the role."""
    return {
        resource.physical_id: (stack.name, resource.logical_id)
        for stack in list(store.stacks.values())
        if stack.status != _GONE
        for resource in list(stack.resources.values())
        if resource.type == "AWS::IAM::Role"
    }


def _trusts(found: Any) -> list[str]:
    statements = parse(directory.document(found.assume_role_policy_document))
    return sorted({value for one in statements if one.allows for _, value in one.principals})
