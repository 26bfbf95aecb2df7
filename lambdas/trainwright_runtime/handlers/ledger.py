"""The team's month, kept in the runs table: set aside what a run may cost, settle what it did. Safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright_runtime import money as amounts
from trainwright_runtime import months
from trainwright_runtime import problems as codes
from trainwright_runtime import record as records
from trainwright_runtime.attempts import ALIVE
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.plan import Plan
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem

Money = dict[str, Any]

CAP = ("limits", "max_cost_usd")
_TRIES = 5


def reserve(
    plan: Plan,
    policy: TeamPolicy,
    started: str,
    store: Store,
    *,
    price_source: str | None = None,
    prices: Mapping[str, float] | None = None,
) -> Money | Problem:
    """Set aside what a run may cost at most in its team's month: the run's money, as its record keeps it; a Problem
    where the month has less left, or where nobody knows a price and the team has a budget.

    `started` is the execution's start (ISO text), `prices` an hour of one host by type, from `price_source`.
    """
    money = amounts.estimate(plan, policy, started, prices or {}, price_source)
    problem = _held(store, plan.run.id, money)
    logger.info("money set aside" if problem is None else "no money", extra=_told(money))
    return problem or money


def reserve_again(record: Mapping[str, Any], plan: Plan, store: Store) -> Problem | None:
    """The same for what a redriven run may still cost; what it cost before stays as it was."""
    money, rows = record["money"], records.rows(record)
    if money is None:
        return None
    spent = amounts.spent_usd(rows)
    seconds = sum(row["training_seconds"] or 0 for row in rows)
    more = amounts.worst_usd(plan, used_seconds=seconds, used_usd=spent)
    again = {**money, "reserved_usd": None if more is None else round(spent + more, 6)}
    if problem := _held(store, record["run"], again, money["settled_usd"] or 0.0):
        return problem
    store.update(records.put_money(record["run"], again))
    return None


def settle(record: records.Item, store: Store) -> records.Item:
    """Put what a run cost in the place of what was set aside for it, and answer its record.

    As long as a job runs, all of it stays set aside; as long as a pool is kept, what that may cost. A run whose Prepare
    ended before there was a record may have set money aside all the same, so each month that it can be is looked at.
    """
    rows, money = records.rows(record), record["money"]
    if any(row["status"] in ALIVE for row in rows) or not record["started_at"]:
        return record
    rest = (money or {}).get("pool_usd") or 0.0 if any(map(amounts.is_open, rows)) else 0.0
    spent = amounts.spent_usd(rows)
    for month in [money["month"]] if money else months.months_around(record["started_at"]):
        _settled(store, record["run"], month, months.micro(spent), months.micro(rest))
    if money is None or money["settled_usd"] == spent:
        return record
    return store.update(records.put_money(record["run"], {**money, "settled_usd": spent})) or record


def _settled(store: Store, run: str, month: str, cost: int, rest: int) -> None:
    for _ in range(_TRIES):
        held = months.share(store.record(months.key(month)), run)
        if held is None or (rest and held == cost + rest) or store.update(months.settle(run, month, held, cost, rest)):
            return


def _held(store: Store, run: str, money: Money, settled_usd: float = 0.0) -> Problem | None:
    """Give a run its share of the month, or make it as large as it must be; a Problem where there is no room."""
    limit = None if money["monthly_usd"] is None else months.micro(money["monthly_usd"])
    if money["reserved_usd"] is None and limit is not None:
        return _no_price(money)
    month, amount, settled = money["month"], months.micro(money["reserved_usd"] or 0.0), months.micro(settled_usd)
    call, item = months.reserve(run, month, amount, limit, settled), None
    for _ in range(_TRIES):
        if store.update(call):
            return None
        item = store.record(months.key(month))
        held = months.share(item, run)
        if held is not None and held >= amount:
            return None
        if not months.has_room(item, limit, amount - (settled if held is None else held)):
            break
        if held is not None:
            call = months.raise_share(run, month, held, amount, limit)
    return _no_room(money, months.committed(item), settled if held is None else held)


def _no_price(money: Money) -> Problem:
    return Problem(
        codes.OVER_BUDGET,
        ("compute", "instance_type"),
        f"the team has {money['monthly_usd']:,.2f} USD a month, and no price of these machines is known, so nothing "
        "can be set aside for this run",
        remedy="take a type that `trainwright instances` has a price of, or ask the platform team whether Prepare can "
        "read AWS's price list (pricing:GetProducts)",
    )


def _no_room(money: Money, committed: int, held: int) -> Problem:
    """What is left, what the run could cost, how to make it fit, and when there is more."""
    limit, wanted, pool = money["monthly_usd"], money["reserved_usd"], money["pool_usd"] or 0.0
    left = max(limit - (committed - held) / months.MICRO, 0.0)
    kept = f", {pool:,.2f} of it for machines kept alive" if pool else ""
    day = months.first_day_after(money["month"])
    return Problem(
        codes.OVER_BUDGET,
        CAP,
        f"the team's month {money['month']} has {left:,.2f} USD left of {limit:,.2f}, and this run could cost "
        f"{wanted:,.2f} USD{kept}, on demand for all of its training time",
        value=None if money["cap_usd"] is None else f"{money['cap_usd']:g}",
        allowed=f"{left:,.2f} USD until {day} ({money['time_zone']})",
        remedy=_to_fit(money["usd_per_hour"], left - pool),
    )


def _to_fit(hourly: float | None, usd: float) -> str:
    """Ways to make a run fit, nearest first; a cap under a minute of training is none."""
    wait = "wait until runs that are under way have ended, or ask the platform team to raise budget.monthly_usd"
    whole = int(usd * 100) / 100
    if not hourly or whole / hourly < 1 / 60:
        return wait
    minutes = int(whole / hourly * 60)
    return f"write limits.max_cost_usd: {whole:g}, or limits.max_runtime: {minutes}m or less; or {wait}"


def _told(money: Money) -> dict[str, Any]:
    return {name: money[name] for name in ("month", "monthly_usd", "reserved_usd", "price_source")}
