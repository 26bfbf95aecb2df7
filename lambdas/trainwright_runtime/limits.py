"""What one start may take of what its run has left: training time, waiting for spot, money."""

from __future__ import annotations

from dataclasses import dataclass

from trainwright_runtime.rungs import CutBy, Next, Plan, Rung

LEAST_SECONDS = 60
"""A start that could train for less than this is not made: it would pay for setting up and learn nothing."""


@dataclass(frozen=True)
class Used:
    """What the starts of a run have used so far: seconds, and US dollars."""

    training_seconds: int = 0
    waiting_seconds: int = 0
    cost_usd: float = 0.0


def give(plan: Plan, rung: int, used: Used, volume_gb: int | None = None) -> Next | CutBy:
    """What a start on this rung is given; "time" or "money" where too little of it is left for one."""
    wanted = plan.bounds.runtime_seconds
    runtime = min(wanted, max(0, wanted - used.training_seconds))
    cut_by: CutBy | None = "time" if runtime < wanted else None
    bought = affordable_seconds(plan, plan.rungs[rung], used)
    if bought is not None and bought < runtime:
        runtime, cut_by = bought, "money"
    if cut_by and runtime < min(LEAST_SECONDS, wanted):
        return cut_by
    return Next(rung, runtime, _max_wait(plan, rung, used, runtime), volume_gb, cut_by)


def affordable_seconds(plan: Plan, rung: Rung, used: Used) -> int | None:
    """The training time that the money left buys on a rung; None without a cap. A rung without a price gets none."""
    if plan.bounds.cost_usd is None:
        return None
    left = plan.bounds.cost_usd - used.cost_usd
    if rung.usd_per_hour is None or left <= 0:
        return 0
    if rung.usd_per_hour == 0:
        return plan.bounds.runtime_seconds
    return int(round(left / rung.usd_per_hour * 3600, 3))  # or 7.042 USD would buy a second less than five hours


def waiting_left(plan: Plan, used: Used) -> int:
    """Seconds that spot starts may still wait for capacity, all together."""
    return max(0, plan.bounds.waiting_seconds - used.waiting_seconds)


def _max_wait(plan: Plan, rung: int, used: Used, runtime: int) -> int | None:
    """SageMaker counts waiting and training together and wants at least the training time (StoppingCondition, API
    reference). The spot rungs that are left share the waiting time that is left."""
    if plan.rungs[rung].capacity != "spot":
        return None
    sharing = sum(each.capacity == "spot" for each in plan.rungs[rung:])
    return runtime + waiting_left(plan, used) // sharing
