"""Money: what a run may cost, what it did cost, attempt by attempt. Pure: plans, rows and prices in, US dollars out.

What AWS bills is the billable time of each job, times its instances, times the on-demand price of the type
(DescribeTrainingJob, BillableTimeInSeconds); on spot the billable time is the shorter for it. Machines kept alive are
billed beside that (WarmPoolStatus, ResourceRetainedBillableTimeInSeconds).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trainwright_runtime.attempts import ALIVE, POOL_OPEN
from trainwright_runtime.months import month_of

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy
    from trainwright_runtime.rungs import Plan, Rung

Row = Mapping[str, Any]

SPOT_PRICE = 0.4
"""The share of the on-demand price that spot is assumed to cost where no policy says: AWS publishes no spot price of
SageMaker, only what a job that has ended saved."""


def worst_usd(plan: Plan, *, used_seconds: int = 0, used_usd: float = 0.0) -> float | None:
    """What the run may still cost at most, in US dollars, after it has used so much; None where a price is not known.

    The dearest rung on demand for all the training time that the limits leave, at most what the run's cap leaves, and
    the machines kept alive after it. Not in it, because no limit of a job counts them: downloads before training and
    the upload after it, which SageMaker bills as well, and storage.
    """
    hourly = dearest_per_hour(plan)
    if hourly is None:
        return None
    training = hourly * max(plan.bounds.runtime_seconds - used_seconds, 0) / 3600
    cap = plan.bounds.cost_usd
    return (training if cap is None else min(training, max(cap - used_usd, 0.0))) + pool_usd(plan)


def best_usd(plan: Plan, spot_price: float = SPOT_PRICE) -> float | None:
    """What the run would cost if it took all its training time on its first rung; None where its price is not known.

    On spot that is an assumption: `spot_price` is the share of the on-demand price (see `best_assumption`).
    """
    first = plan.rungs[0]
    if first.usd_per_hour is None:
        return None
    share = spot_price if first.capacity == "spot" else 1.0
    training = first.usd_per_hour * share * plan.bounds.runtime_seconds / 3600
    cap = plan.bounds.cost_usd
    return training if cap is None else min(training, cap)


def best_assumption(plan: Plan, spot_price: float = SPOT_PRICE) -> str:
    """What `best_usd` takes for granted, as it is shown beside the figure."""
    if plan.rungs[0].capacity != "spot":
        return "the first machines wanted are there, and the training takes all of its time"
    return (
        f"spot costs {spot_price:g} of the on-demand price (an assumption of the team's policy, budget.spot_price: AWS "
        "publishes no spot price of SageMaker), and the training takes all of its time"
    )


def dearest_per_hour(plan: Plan) -> float | None:
    """US dollars an hour of the dearest rung on demand, all hosts together; None where a rung has no known price."""
    known = [rung.usd_per_hour for rung in plan.rungs if rung.usd_per_hour is not None]
    return max(known) if known and len(known) == len(plan.rungs) else None


def pool_usd(plan: Plan) -> float:
    """What keeping the machines alive after the last job costs at most."""
    return max((_pool_of(rung) for rung in plan.rungs), default=0.0)


def _pool_of(rung: Rung) -> float:
    kept = (rung.request.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds") or 0
    return (rung.usd_per_hour or 0.0) * int(kept) / 3600


def _times(price: float | None, count: int) -> float | None:
    return None if price is None else price * count


def with_cost(row: Row, hourly: float | None, prices: Mapping[str, float] | None = None) -> dict[str, Any]:
    """A row of an attempt with its money: `usd_per_hour` (all hosts, on demand), `cost_usd`, `on_demand_usd` (the same
    time without spot), `saved_usd` (null on demand). All null while the job runs, or where no price is known; a start
    that made no job cost nothing.

    `hourly` is the price of the row's rung; where SageMaker chose among types, `prices` (an hour of one host, by type)
    has that of the type really used.
    """
    used = _times((prices or {}).get(row["instance_type"]), row["instance_count"] or 1)
    hourly = hourly if used is None else used
    billable, training = billable_seconds(row), row.get("training_seconds") or 0
    cost, full = _spent(hourly, billable), _spent(hourly, None if billable is None else max(training, billable))
    saved = None if cost is None or full is None or row["capacity"] != "spot" else round(full - cost, 6)
    return {**row, "usd_per_hour": hourly, "cost_usd": cost, "on_demand_usd": full, "saved_usd": saved}


def billable_seconds(row: Row) -> int | None:
    """The time that is billed: what AWS says, else all the training time; 0 for a start that never trained, None for
    one that has not ended. AWS leaves both out of a job that never began."""
    if row["status"] in ALIVE:
        return None
    billable, training = row.get("billable_seconds"), row.get("training_seconds")
    return int(training or 0) if billable is None else int(billable)


def _spent(hourly: float | None, seconds: int | None) -> float | None:
    if seconds == 0:
        return 0.0
    return None if hourly is None or seconds is None else round(hourly * seconds / 3600, 6)


def spent_usd(rows: Iterable[Row]) -> float:
    """What these attempts and their pools cost as far as that is known."""
    return round(sum((row.get("cost_usd") or 0.0) + (_pool(row).get("kept_usd") or 0.0) for row in rows), 6)


def is_complete(rows: Iterable[Row]) -> bool:
    """Whether the cost of these attempts is known and final: no job runs, no pool is kept, each has its price."""
    return all(row.get("cost_usd") is not None and not is_open(row) for row in rows)


def is_open(row: Row) -> bool:
    """Whether an attempt may cost more than it did: its job runs still, or its machines are kept."""
    return row["status"] in ALIVE or _pool(row).get("status") in POOL_OPEN


def _pool(row: Row) -> Mapping[str, Any]:
    return row.get("warm_pool") or {}


def estimate(
    plan: Plan, policy: TeamPolicy, started: str, prices: Mapping[str, float], source: str | None
) -> dict[str, Any]:
    """The money of a run that begins, as its record keeps it. `started` is the execution's start (ISO text), `prices`
    an hour of one host on demand by type, `source` where they are from."""
    budget, worst = policy.budget, worst_usd(plan)
    return {
        "worst_usd": _rounded(worst),
        "best_usd": _rounded(best_usd(plan, budget.spot_price)),
        "best_assumption": best_assumption(plan, budget.spot_price),
        "cap_usd": plan.bounds.cost_usd,
        "pool_usd": _rounded(pool_usd(plan)),
        "usd_per_hour": dearest_per_hour(plan),
        "price_source": source,
        "prices": dict(prices),
        "month": month_of(started, policy.time_zone),
        "time_zone": policy.time_zone or "UTC",
        "monthly_usd": budget.monthly_usd,
        "reserved_usd": _rounded(worst),
        "settled_usd": None,
        "spot_price": budget.spot_price,
    }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 6)
