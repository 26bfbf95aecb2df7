"""Roles and policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from trainwright.rehearsal.resources.base import Made, Table, Wish, is_gone, register, tag_list

_ROLE_EXTRAS = ("Description", "MaxSessionDuration", "Path", "PermissionsBoundary")


def _create_role(wish: Wish) -> Made:
    name = wish.name(given=wish.properties.get("RoleName"))
    given = {key: wish.properties[key] for key in _ROLE_EXTRAS if wish.properties.get(key)}
    if "MaxSessionDuration" in given:
        given["MaxSessionDuration"] = int(given["MaxSessionDuration"])
    trust = json.dumps(wish.properties["AssumeRolePolicyDocument"])
    iam = wish.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tag_list(wish), **given)["Role"]
    _inline(iam, name, wish.properties.get("Policies", []), [])
    _attached(iam, name, wish.properties.get("ManagedPolicyArns", []), [])
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _inline(iam: Any, role: str, wanted: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    for policy in wanted:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for name in {policy["PolicyName"] for policy in before} - {policy["PolicyName"] for policy in wanted}:
        _unless_gone(iam.delete_role_policy, RoleName=role, PolicyName=name)


def _attached(iam: Any, role: str, wanted: Iterable[str], before: Iterable[str]) -> None:
    for arn in set(wanted) - set(before):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in set(before) - set(wanted):
        _unless_gone(iam.detach_role_policy, RoleName=role, PolicyArn=arn)


def _unless_gone(call: Callable[..., Any], **arguments: Any) -> None:
    try:
        call(**arguments)
    except Exception as error:
        if not is_gone(error):
            raise


def _update_role(wish: Wish) -> Made:
    iam, name = wish.client("iam"), wish.physical_id
    trust = json.dumps(wish.properties["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    if wish.changed("Description", "MaxSessionDuration"):
        duration = int(wish.properties.get("MaxSessionDuration", 3600))
        iam.update_role(RoleName=name, Description=wish.properties.get("Description", ""), MaxSessionDuration=duration)
    if wish.changed("PermissionsBoundary"):
        _set_boundary(iam, name, wish.properties.get("PermissionsBoundary"))
    _inline(iam, name, wish.properties.get("Policies", []), wish.before.get("Policies", []))
    _attached(iam, name, wish.properties.get("ManagedPolicyArns", []), wish.before.get("ManagedPolicyArns", []))
    if tag_list(wish):
        iam.tag_role(RoleName=name, Tags=tag_list(wish))
    return Made(name, dict(wish.attributes))


def _set_boundary(iam: Any, role: str, arn: str | None) -> None:
    if arn:
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    else:
        iam.delete_role_permissions_boundary(RoleName=role)


def _delete_role(wish: Wish) -> None:
    iam, name = wish.client("iam"), wish.physical_id
    for policy in wish.before.get("Policies", []):
        _unless_gone(iam.delete_role_policy, RoleName=name, PolicyName=policy["PolicyName"])
    _attached(iam, name, [], wish.before.get("ManagedPolicyArns", []))
    iam.delete_role(RoleName=name)


_HOLDERS = (("Roles", "role", "RoleName"), ("Users", "user", "UserName"), ("Groups", "group", "GroupName"))


def _put_policy(wish: Wish) -> Made:
    iam, name = wish.client("iam"), wish.properties["PolicyName"]
    document = json.dumps(wish.properties["PolicyDocument"])
    for holders, kind, key in _HOLDERS:
        wanted = wish.properties.get(holders, [])
        for holder in wanted:
            getattr(iam, f"put_{kind}_policy")(**{key: holder}, PolicyName=name, PolicyDocument=document)
        for holder in set(wish.before.get(holders, [])) - set(wanted):
            _unless_gone(getattr(iam, f"delete_{kind}_policy"), **{key: holder}, PolicyName=name)
    return Made(wish.physical_id or wish.name(limit=128))


def _delete_policy(wish: Wish) -> None:
    iam, name = wish.client("iam"), wish.before["PolicyName"]
    for holders, kind, key in _HOLDERS:
        for holder in wish.before.get(holders, []):
            _unless_gone(getattr(iam, f"delete_{kind}_policy"), **{key: holder}, PolicyName=name)


def _create_managed(wish: Wish) -> Made:
    given = {key: wish.properties[key] for key in ("Description", "Path") if wish.properties.get(key)}
    name = wish.name(given=wish.properties.get("ManagedPolicyName"), limit=128)
    document = json.dumps(wish.properties["PolicyDocument"])
    policy = wish.client("iam").create_policy(PolicyName=name, PolicyDocument=document, **given)["Policy"]
    _hold_managed(wish, policy["Arn"], {})
    return Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})


def _update_managed(wish: Wish) -> Made:
    iam, arn = wish.client("iam"), wish.physical_id
    if wish.changed("PolicyDocument"):
        versions = [one for one in iam.list_policy_versions(PolicyArn=arn)["Versions"] if not one["IsDefaultVersion"]]
        if len(versions) >= 4:  # IAM keeps five
            iam.delete_policy_version(PolicyArn=arn, VersionId=versions[-1]["VersionId"])
        document = json.dumps(wish.properties["PolicyDocument"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    _hold_managed(wish, arn, wish.before)
    return Made(arn, dict(wish.attributes))


def _hold_managed(wish: Wish, arn: str, before: dict[str, Any], *, wanted: dict[str, Any] | None = None) -> None:
    iam = wish.client("iam")
    properties = wish.properties if wanted is None else wanted
    for holders, kind, key in _HOLDERS:
        now, then = set(properties.get(holders, [])), set(before.get(holders, []))
        for holder in now - then:
            getattr(iam, f"attach_{kind}_policy")(**{key: holder}, PolicyArn=arn)
        for holder in then - now:
            _unless_gone(getattr(iam, f"detach_{kind}_policy"), **{key: holder}, PolicyArn=arn)


def _delete_managed(wish: Wish) -> None:
    _hold_managed(wish, wish.physical_id, wish.before, wanted={})
    wish.client("iam").delete_policy(PolicyArn=wish.physical_id)


register("AWS::IAM::Role", Table(_create_role, _update_role, _delete_role, replace_on={"RoleName", "Path"}))
register("AWS::IAM::Policy", Table(_put_policy, _put_policy, _delete_policy, replace_on={"PolicyName"}))
register(
    "AWS::IAM::ManagedPolicy",
    Table(_create_managed, _update_managed, _delete_managed, replace_on={"ManagedPolicyName", "Path", "Description"}),
)
