"""Time, spot and money. Source: StoppingCondition, CreateTrainingJob (SageMaker API reference); "Managed Spot Training"
(SageMaker developer guide)."""

from collections.abc import Callable, Iterable, Iterator

from trainwright_runtime import instances
from trainwright_runtime.fields import MAX_RUNTIME_SECONDS, MAX_WAIT_SECONDS
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import CHECKPOINTS, GROUPS, RUNTIME, SPOT, WAIT, spelled
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
    unpriced = [name for name in look.request.all_instance_types if look.price(name) is None]
    if unpriced:
        problem = f"no price of {', '.join(dict.fromkeys(unpriced))} is known, so no cost can be held to"
        yield look.conflict(COST, problem, remedy="leave this out and set limits.max_runtime", remove=True)
    elif look.request.all_instance_types and affordable_seconds(look, min) < 60:
        yield look.conflict(COST, "this buys less than a minute of training", remedy="raise it, or take fewer hosts")


def affordable_seconds(look: Look, which: Callable[[Iterable[float]], float] = max) -> int:
    """The training time that the cap buys at on-demand prices: on the dearest type that the request names, or with
    `min` on the cheapest."""
    return int(round(look.request.get(*COST) / which(_per_hour(look)) * 3600, 3))  # or 7.042 USD buy a second less


def _per_hour(look: Look) -> list[float]:
    """US dollars an hour of all hosts, for each of the alternatives that the request names."""
    request = look.request
    if groups := request.get(*GROUPS):
        return [sum((look.price(each.instance_type) or 0.0) * each.instance_count for each in groups)]
    return [(look.price(name) or 0.0) * request.instance_count for name in request.all_instance_types]


def _pending(look: Look) -> Iterator[str]:
    """ "Effective only for accelerated types" (StoppingCondition.MaxPendingTimeInSeconds)."""
    if look.request.get(*PENDING) is None:
        return
    kinds = [instances.find(name) for name in look.request.all_instance_types]
    if kinds and all(kind is not None and kind.kind == "cpu" for kind in kinds):
        yield f"{look.word(PENDING)}: SageMaker holds to it on accelerated types only; these have no accelerators"


def _capped(look: Look) -> Iterator[str]:
    """The plan holds the cap: each start gets the training time that what is left of it buys."""
    cap, kinds = look.request.get(*COST), dict.fromkeys(look.request.all_instance_types)
    if cap is None or not kinds:
        return
    bought = affordable_seconds(look)
    if bought < look.request.max_runtime:
        dearest = ", the dearest of these types" if len(kinds) > 1 and not look.request.get(*GROUPS) else ""
        yield (
            f"limits.max_cost_usd: {cap:g} USD buy {_in_minutes(bought)} at on-demand prices{dearest}; "
            f"{look.word(RUNTIME)} is cut to that"
        )


def _in_minutes(seconds: int) -> str:
    """17,999 seconds are 299m to people."""
    return spell_duration(seconds if seconds < 60 else seconds // 60 * 60)


REFUSALS = (_lengths, _waiting, _spot_needs_checkpoints, _cost)
CAUTIONS = (_pending, _capped)
