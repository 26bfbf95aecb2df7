"""The ladder of a run: which capacities and instance types it may try, in order, each with the request that asks for
it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from trainwright_runtime import instances
from trainwright_runtime.facts import RunFacts
from trainwright_runtime.job import render
from trainwright_runtime.policy import Recovery
from trainwright_runtime.resolved import COST, ResolvedRequest
from trainwright_runtime.rules.launch import not_known_to_pass
from trainwright_runtime.rungs import Bounds, LaunchBy, Rung
from trainwright_runtime.spec import JobSpec, Request

STARTS = 100
"""Calls of CreateTrainingJob of one execution or redrive, refused ones included."""
MOST_PREFERENCES = 5
"""Entries of InstancePreferences (ResourceConfig, API reference)."""


def rungs_of(request: ResolvedRequest, facts: RunFacts) -> tuple[Rung, ...]:
    """Spot on each wanted type in order, then on demand, where request and policy let a spot run go on so; without
    spot, on demand on each. Raw fields that make two rungs the same leave one."""
    found: list[Rung] = []
    for spec in _specs(request, facts):
        rung = _rung(spec)
        if all(rung.request != other.request for other in found):
            found.append(rung)
    return tuple(found)


def bounds_of(request: ResolvedRequest, facts: RunFacts, rungs: tuple[Rung, ...]) -> Bounds:
    """What all starts together may use: the request's limits, as raw fields left them, and the policy's recovery."""
    limits = rungs[0].request.get("StoppingCondition") or {}
    runtime = int(limits.get("MaxRuntimeInSeconds") or request.max_runtime)
    waiting = int(limits.get("MaxWaitTimeInSeconds") or runtime) - runtime
    recovery = _recovery(facts)
    return Bounds(
        runtime_seconds=runtime,
        waiting_seconds=max(0, waiting),
        queue_seconds=int(recovery.queue.total_seconds()),
        cost_usd=request.get(*COST),
        internal_errors=recovery.internal_errors,
        volume_gb=recovery.max_volume if recovery.bigger_volume else None,
        starts=STARTS,
    )


def _recovery(facts: RunFacts) -> Recovery:
    return facts.policy.recovery if facts.policy else Recovery()


def _specs(request: ResolvedRequest, facts: RunFacts) -> Iterator[JobSpec]:
    types = request.instance_types or (None,)
    first = [JobSpec(request, facts, kind, request.spot) for kind in types]
    yield from first if request.spot else _on_demand(first, facts)
    if request.spot and request.falls_back and (facts.policy is None or facts.policy.allow.fallback):
        yield from _on_demand([replace(spec, spot=False) for spec in first], facts)


def _on_demand(specs: list[JobSpec], facts: RunFacts) -> Iterator[JobSpec]:
    """One rung a type; or one for up to five, of which SageMaker takes the first that it has (InstancePreferences,
    on-demand capacity only), where the policy says so and the types differ in nothing else."""
    if _recovery(facts).on_demand != "preferences" or not _preferable(specs):
        yield from specs
        return
    for start in range(0, len(specs), MOST_PREFERENCES):
        some = specs[start : start + MOST_PREFERENCES]
        names = tuple(spec.instance_type for spec in some if spec.instance_type)
        yield some[0] if len(some) == 1 else replace(some[0], instance_type=None, preferences=names)


def _preferable(specs: list[JobSpec]) -> bool:
    """Whether the types can stand in one request: the same image and hyperparameters, no placement, no reserved
    plan."""
    apart = [_without_type(render(spec)) for spec in specs]
    alone = ("InstancePlacementConfig", "TrainingPlanArn")
    reserved = [name for name in alone if name in (apart[0].get("ResourceConfig") or {})]
    return len(specs) > 1 and not reserved and all(each == apart[0] for each in apart)


def _without_type(request: Request) -> Request:
    resources = {name: value for name, value in request["ResourceConfig"].items() if name != "InstanceType"}
    return {**request, "ResourceConfig": resources}


def _rung(spec: JobSpec) -> Rung:
    request = render(spec)
    hosts = _hosts(request)
    launch: LaunchBy = "callback" if _recovery(spec.facts).launch == "callback" else "sync"
    return Rung(
        capacity="spot" if request.get("EnableManagedSpotTraining") else "on_demand",
        instance_type=(request.get("ResourceConfig") or {}).get("InstanceType"),
        launch="callback" if not_known_to_pass(request) else launch,
        usd_per_hour=_usd_per_hour(request, spec.facts.prices),
        grows=bool(hosts) and all(instances.has_local_storage(kind) is False for kind, _ in hosts),
        request=request,
    )


def _hosts(request: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Types and counts that a request names, alternatives included."""
    resources = request.get("ResourceConfig") or {}
    entries = resources.get("InstancePreferences") or resources.get("InstanceGroups") or [resources]
    count = int(resources.get("InstanceCount") or 1)
    return [
        (entry["InstanceType"], int(entry.get("InstanceCount") or count))
        for entry in entries
        if "InstanceType" in entry
    ]


def _usd_per_hour(request: Mapping[str, Any], prices: Mapping[str, float]) -> float | None:
    """All hosts together on demand; of preferences, of which SageMaker takes one, the dearest."""
    hosts = _hosts(request)
    if not hosts or any(kind not in prices for kind, _ in hosts):
        return None
    costs = [prices[kind] * count for kind, count in hosts]
    return max(costs) if (request["ResourceConfig"]).get("InstancePreferences") else sum(costs)
