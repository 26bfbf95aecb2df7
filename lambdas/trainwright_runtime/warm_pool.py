"""Warm pools: whether a run may ask for one, what would make it one of its own, and what a pool that was kept cost.

Source: "Train Using SageMaker Managed Warm Pools" and "Warm pool resource limits" (SageMaker developer guide);
WarmPoolStatus (SageMaker API reference).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainwright_runtime import problems as codes
from trainwright_runtime.attempts import POOL_OPEN
from trainwright_runtime.forms import as_written
from trainwright_runtime.policy import TeamPolicy, apply
from trainwright_runtime.problems import Problem
from trainwright_runtime.quotas import QuotaOf, quota_name
from trainwright_runtime.resolved import COUNT, ISOLATION, KEEP_ALIVE, VOLUME, ResolvedRequest, spelled
from trainwright_runtime.settings import Settings

Job = Mapping[str, Any]

_MATCHED = (
    VOLUME,
    ("compute", "volume_kms_key_id"),
    ("networking", "subnets"),
    ("networking", "security_group_ids"),
    ("networking", "enable_inter_container_traffic_encryption"),
    ISOLATION,
    ("session_chaining_config", "enable_session_tag_chaining"),
)
"""What must be identical beside role, type and count for a job to take over a pool ("Matching training jobs")."""


@dataclass(frozen=True)
class Kept:
    """A request after its wish to keep machines was looked at: with the wish or without it, and what to say."""

    resolved: ResolvedRequest
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def keep_alive(resolved: ResolvedRequest, policy: TeamPolicy | None, quota_of: QuotaOf, data: object = None) -> Kept:
    """Hold a wish to keep machines against the warm-pool quota and the team's own pool.

    Without the quota SageMaker runs the job, keeps nothing and says nothing; so the wish is dropped with a warning, or
    refused where the policy's `warm_pool.without_quota` says `refuse`. A quota that is not known changes nothing.
    `data` is the author's document, for the words of a problem.
    """
    if not resolved.get(*KEEP_ALIVE):
        return Kept(resolved)
    lacking = list(_lacking(resolved, quota_of))
    types = resolved.all_instance_types
    if lacking and len(lacking) == len(types):
        return _without(resolved, policy, lacking, data)
    warnings = [f"compute.keep_alive: {told}; no machines of this type are kept" for told in lacking]
    return Kept(resolved, (*warnings, *_own_pool(resolved, policy)))


def _lacking(resolved: ResolvedRequest, quota_of: QuotaOf) -> Iterator[str]:
    for name in resolved.all_instance_types:
        quota = quota_of(name, "warm_pool")
        if quota is not None and quota < resolved.instance_count:
            yield f"the quota {quota_name(name, 'warm_pool')} is {quota}, and the run has {resolved.instance_count}"


def _without(resolved: ResolvedRequest, policy: TeamPolicy | None, lacking: list[str], data: object) -> Kept:
    told = "; ".join(lacking)
    if policy and policy.warm_pool and policy.warm_pool.without_quota == "refuse":
        path, remedy = as_written(data or {}, KEEP_ALIVE), "leave keep_alive out, or have the quota raised"
        return Kept(resolved, problems=(Problem(codes.QUOTA_TOO_SMALL, path, told, remedy=remedy),))
    return Kept(without(resolved), (f"compute.keep_alive: left out, since {told}: SageMaker would keep nothing",))


def without(resolved: ResolvedRequest) -> ResolvedRequest:
    """The request without its wish to keep machines."""
    return replace(resolved, settings={leaf: value for leaf, value in resolved.settings.items() if leaf != KEEP_ALIVE})


def _own_pool(resolved: ResolvedRequest, policy: TeamPolicy | None) -> Iterator[str]:
    """What makes this run's machines ones that the team's other runs cannot take over."""
    if policy is None or policy.warm_pool is None:
        return
    pool, usual = policy.warm_pool, apply(Settings(), policy, {}).values
    differing = [f"instance_type: {name}" for name in resolved.all_instance_types if name != pool.instance_type]
    if resolved.get(*COUNT) not in (None, pool.instances):
        differing.append(f"instance_count: {resolved.get(*COUNT)}")
    for leaf in _MATCHED:
        said = resolved.get(*leaf)
        if (said or None) != (usual.get(*leaf) or None):
            differing.append(f"{leaf[-1]}: {'none' if said is None else spelled(leaf, said)}")
    if differing:
        yield (
            f"compute.keep_alive: the team's pool is {pool.instances} x {pool.instance_type} with the team's usual "
            f"settings; its runs cannot take over these machines, which differ in {', '.join(differing)}"
        )


def status_of(job: Job) -> str | None:
    """The state of the pool that a job left; None where it left none."""
    status: str | None = (job.get("WarmPoolStatus") or {}).get("Status")
    return status


def pool_of(job: Job | None, usd_per_hour: float | None) -> dict[str, Any] | None:
    """A job's warm pool as a row of the report has it; None where the job left none.

    `usd_per_hour` is the on-demand price of all hosts together. The kept time is final once the pool is Reused or
    Terminated: "ResourceRetainedBillableTimeInSeconds * InstanceCount" (WarmPoolStatus).
    """
    pool = (job or {}).get("WarmPoolStatus")
    if not pool:
        return None
    seconds = pool.get("ResourceRetainedBillableTimeInSeconds")
    priced = seconds is not None and usd_per_hour is not None
    return {
        "status": pool.get("Status"),
        "reused_by": pool.get("ReusedByJob"),
        "kept_billable_seconds": seconds,
        "kept_usd": round(seconds / 3600 * usd_per_hour, 6) if priced else None,
    }


def is_open(pool: Mapping[str, Any] | None) -> bool:
    """Whether a row's pool may still cost money or be reused."""
    return pool is not None and pool["status"] in POOL_OPEN
