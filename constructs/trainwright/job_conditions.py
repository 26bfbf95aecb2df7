"""The team policy as conditions on CreateTrainingJob, for everything that SageMaker has a condition key for.

Keys: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from trainwright.network import JobNetwork
from trainwright_runtime.forms import leaves

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy, Vpc

_Condition = tuple[str, str, Any]

# What a policy can insist on, and SageMaker's key for it.
_SWITCHES = {
    ("networking", "enable_network_isolation"): "NetworkIsolation",
    ("networking", "enable_inter_container_traffic_encryption"): "InterContainerTrafficEncryption",
}


def job_conditions(
    policy: "TeamPolicy", *, key: kms.IKey | None, network: JobNetwork | None
) -> dict[str, dict[str, Any]]:
    """Operator -> condition key -> what is allowed. A job that asks for nothing unusual passes; what was not given to
    the team must be absent.

    ForAllValues is true of a key that is absent, so a list that a job must keep to comes with a Null test.
    """
    conditions: dict[str, dict[str, Any]] = {}
    for operator, name, value in (
        *_machines(policy),
        *_keys(key, policy.capabilities.keys),
        *_networks(network, policy.capabilities.vpc),
        *_file_systems([*policy.capabilities.efs, *policy.capabilities.fsx]),
        *_switches(policy),
    ):
        conditions.setdefault(operator, {})[f"sagemaker:{name}"] = value
    return conditions


def _machines(policy: "TeamPolicy") -> Iterator[_Condition]:
    allow, keep_alive = policy.allow, policy.capabilities.keep_alive
    yield "ForAllValues:StringLike", "InstanceTypes", list(allow.instance_types)
    yield "Null", "InstanceTypes", "false"
    yield "NumericLessThanEquals", "MaxRuntimeInSeconds", str(int(allow.max_runtime.total_seconds()))
    longest = int(keep_alive.total_seconds()) if keep_alive else 0
    yield "NumericLessThanEqualsIfExists", "KeepAlivePeriod", str(longest)
    if not policy.capabilities.remote_debug:
        yield "BoolIfExists", "EnableRemoteDebug", "false"


def _keys(own: kms.IKey | None, named: Sequence[str]) -> Iterator[_Condition]:
    """Types with NVMe storage refuse a volume key, so the volume key may be absent but never be another."""
    allowed = [*([own.key_arn] if own else []), *named]
    if not allowed:
        yield "Null", "OutputKmsKey", "true"
        yield "Null", "VolumeKmsKey", "true"
        return
    yield "ArnEquals" if own else "ArnEqualsIfExists", "OutputKmsKey", allowed
    yield "ArnEqualsIfExists", "VolumeKmsKey", allowed


def _networks(own: JobNetwork | None, named: "Vpc | None") -> Iterator[_Condition]:
    subnets, groups = (own.subnet_ids, own.security_group_ids) if own else ([], [])
    for key, ours, more in (
        ("VpcSubnets", subnets, named.subnets if named else []),
        ("VpcSecurityGroupIds", groups, named.security_group_ids if named else []),
    ):
        if ours or more:
            yield "ForAllValues:StringEquals", key, _together(ours, more)
        if ours or not more:  # a job of a team without a network of its own may also stay outside of a named VPC
            yield "Null", key, "false" if ours else "true"


def _together(ours: list[str], more: Sequence[str]) -> list[str]:
    """One list of both, also where CloudFormation fills in the first: such a list takes no further items."""
    if not more or not cdk.Token.is_unresolved(ours):
        return list(dict.fromkeys([*ours, *more]))
    return cdk.Fn.split(",", cdk.Fn.join(",", [cdk.Fn.join(",", ours), *more]))


def _file_systems(allowed: Sequence[str]) -> Iterator[_Condition]:
    if allowed:
        yield "ForAllValues:StringEquals", "FileSystemId", list(allowed)
    else:
        yield "Null", "FileSystemId", "true"


def _switches(policy: "TeamPolicy") -> Iterator[_Condition]:
    """What the policy always sets to true a job must say; what it always sets to false a job may leave out."""
    always = leaves(policy.always)
    for leaf, key in _SWITCHES.items():
        if leaf in always:
            yield ("Bool", key, "true") if always[leaf] else ("BoolIfExists", key, "false")
