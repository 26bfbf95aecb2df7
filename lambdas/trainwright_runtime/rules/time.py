"""Time, spot and money. Source: StoppingCondition, CreateTrainingJob (SageMaker API reference); "Managed Spot Training"
(SageMaker developer guide)."""

from collections.abc import Iterator

from trainwright_runtime import instances, prices
from trainwright_runtime.fields import MAX_RUNTIME_SECONDS, MAX_WAIT_SECONDS
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import CHECKPOINTS, GROUPS, RUNTIME, SPOT, TYPES, WAIT, spelled
from trainwright_runtime.rules.look import Look
from trainwright_runtime.units import spell_duration

COST = ("limits", "max_cost_usd")
PENDING = ("stopping_condition", "max_pending_time_in_seconds")


def _lengths(look: Look) -> Iterator[Problem]:
    if look.request.max_runtime > MAX_RUNTIME_SECONDS:
        yield look.conflict(RUNTIME, "SageMaker stops every job after 28 days", allowed="28d at most")
    wait = look.request.max_wait
    if wait is not None and wait > MAX_WAIT_SECONDS:
        yield look.conflict(WAIT, "SageMaker ends every job after 30 days", allowed="30d at most")


def _waiting(look: Look) -> Iterator[Problem]:
    """ "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true" (AWS)."""
    request = look.request
    if request.max_wait is None:
        return
    if not request.spot:
        remedy = f"set {look.word(SPOT)}: true, or leave this out"
        yield look.conflict(WAIT, "a waiting time needs spot, and spot is off", remedy=remedy, remove=True)
    elif request.max_wait < request.max_runtime:
        least = spelled(RUNTIME, request.max_runtime)
        problem = f"waiting and training together are less than {look.word(RUNTIME)}"
        short = look.place(WAIT)[0] == "limits"
        replacement = least if short else request.max_runtime
        yield look.conflict(
            WAIT,
            problem,
            allowed=f"{least} ({look.place(RUNTIME)[-1]}) or more",
            remedy=f"write {replacement}, or leave this out and it is worked out",
            replacement=replacement,
        )


def _spot_needs_checkpoints(look: Look) -> Iterator[Problem]:
    request = look.request
    if not request.spot or request.has_checkpoints:
        return
    if request.get("algorithm", "name") and (request.max_wait or 0) > 3600:
        yield look.conflict(
            WAIT,
            "a built-in algorithm on spot without checkpoints may wait an hour at most",
            allowed="1h at most, or checkpoints: true",
            remedy=f"leave {look.word(CHECKPOINTS)} out (spot brings them), or lower the waiting time",
        )
    elif request.max_runtime > 3600:
        yield look.conflict(
            CHECKPOINTS,
            "a spot run of over an hour without checkpoints loses everything at each interruption",
            remedy=f"leave checkpoints out (spot brings them), or set {look.word(SPOT)}: false",
            remove=True,
        )


def _cost(look: Look) -> Iterator[Problem]:
    """A cap is held by the time it buys; without a price it cannot be."""
    cap = look.request.get(*COST)
    if cap is None:
        return
    unpriced = [name for name in look.request.all_instance_types if prices.on_demand_usd_per_hour(name) is None]
    if unpriced:
        problem = f"no price of {', '.join(dict.fromkeys(unpriced))} is known, so no cost can be held to"
        yield look.conflict(COST, problem, remedy="leave this out and set limits.max_runtime", remove=True)
    elif look.request.all_instance_types and affordable_seconds(look) < 60:
        yield look.conflict(COST, "this buys less than a minute of training", remedy="raise it, or take fewer hosts")


def affordable_seconds(look: Look) -> int:
    """The training time that the cap buys at on-demand prices, on the dearest type that the request names."""
    request = look.request
    groups = request.get(*GROUPS) or []
    if groups:
        hourly = sum((prices.on_demand_usd_per_hour(each.instance_type) or 0) * each.instance_count for each in groups)
    else:
        dearest = max(prices.on_demand_usd_per_hour(name) or 0 for name in request.all_instance_types)
        hourly = dearest * request.instance_count
    return int(round(request.get(*COST) / hourly * 3600, 3))  # or 7.042 USD would buy a second less than five hours


def _pending(look: Look) -> Iterator[str]:
    """ "Effective only for accelerated types" (StoppingCondition.MaxPendingTimeInSeconds)."""
    if look.request.get(*PENDING) is None:
        return
    kinds = [instances.find(name) for name in look.request.all_instance_types]
    if kinds and all(kind is not None and kind.kind == "cpu" for kind in kinds):
        yield f"{look.word(PENDING)}: SageMaker holds to it on accelerated types only; these have no accelerators"


def _one_attempt(look: Look) -> Iterator[str]:
    request = look.request
    if len(request.instance_types) > 1:
        yield f"{look.word(TYPES)}: only the first, {request.instance_types[0]}, is tried; the others are checked"
    if request.falls_back and request.spot:
        yield "compute.fallback: the run makes its spot attempt only; falling back to on demand is not built yet"


def _capped(look: Look) -> Iterator[str]:
    if (bought := cut_to_cost(look)) is not None:
        cap = look.request.get(*COST)
        yield (
            f"limits.max_cost_usd: {cap:g} USD buy {spell_duration(bought)} at on-demand prices; "
            f"{look.word(RUNTIME)} is cut to that"
        )


def cut_to_cost(look: Look) -> int | None:
    """The training time, in whole minutes, that a cap leaves of what the request asks; None where it cuts nothing."""
    if look.request.get(*COST) is None or not look.request.all_instance_types:
        return None
    bought = affordable_seconds(look) // 60 * 60
    return bought if bought < look.request.max_runtime else None


REFUSALS = (_lengths, _waiting, _spot_needs_checkpoints, _cost)
CAUTIONS = (_pending, _one_attempt, _capped)
