"""The plan of a run: the ladder of capacities and instance types it may try, what it may use in all, and what each
start needs from the state machine."""

from collections.abc import Mapping
from typing import Any

from trainwright_runtime import problems as codes
from trainwright_runtime.facts import RunFacts, job_name, run_id
from trainwright_runtime.job import named
from trainwright_runtime.ladder import bounds_of, rungs_of
from trainwright_runtime.limits import Used, give
from trainwright_runtime.problems import Problem
from trainwright_runtime.resolved import COST, ResolvedRequest
from trainwright_runtime.rungs import Bounds, Capacity, LaunchBy, Next, Plan, Rung
from trainwright_runtime.spec import Request

__all__ = [
    "Bounds",
    "Capacity",
    "LaunchBy",
    "Next",
    "Plan",
    "Rung",
    "cannot_start",
    "first",
    "job_name",
    "plan",
    "previews",
    "run_id",
    "step_attempt",
]

PENDING_SECONDS = 2 * 3600
"""Room for an on-demand job to be Pending and Starting, which MaxRuntime does not count; a guess: AWS documents no
bound."""

UPLOAD_SECONDS = 3600
"""Room for uploading the model after training has ended, which no limit of the job counts."""


def plan(request: ResolvedRequest, facts: RunFacts) -> Plan:
    """The plan of a checked request: spot on each wanted type in order, then on demand, as request and policy allow."""
    rungs = rungs_of(request, facts)
    return Plan(facts.run, rungs, bounds_of(request, facts, rungs))


def first(plan: Plan) -> Next:
    """What the first start is given, on the first rung that the run can afford.

    ValueError where the cap buys no start on any: `cannot_start` tells of that.
    """
    for rung in range(len(plan.rungs)):
        given = give(plan, rung, Used())
        if isinstance(given, Next):
            return given
    raise ValueError(f"{plan.run.id}: {plan.bounds.cost_usd} USD buy no start on any of its machines")


def cannot_start(plan: Plan) -> Problem | None:
    """Why no start could be made at all: a cap that buys less than a minute, or machines without a known price under
    one, which raw fields can bring in past `check`."""
    short = [give(plan, rung, Used()) for rung in range(len(plan.rungs))]
    if any(isinstance(given, Next) for given in short):
        return None
    problem = "this buys less than a minute of training on every type, at the prices that are known"
    remedy = "raise it, or take types that have a price"
    return Problem(codes.CONFLICT, COST, problem, f"{plan.bounds.cost_usd:g}", remedy=remedy)


def previews(plan: Plan) -> list[dict[str, Any]]:
    """An attempt for each rung, as it would be if nothing had been used up before it."""
    whole = Used()
    given = [give(plan, rung, whole) for rung in range(len(plan.rungs))]
    return [step_attempt(plan, each, number) for number, each in enumerate(given, 1) if isinstance(each, Next)]


def step_attempt(plan: Plan, next: Next, number: int, redrive_count: int = 0) -> dict[str, Any]:
    """Start `number` as a step of the state machine carries it, with the request as CreateTrainingJob takes it."""
    rung = plan.rungs[next.rung]
    name = job_name(plan.run.id, number, redrive_count)
    return {
        "number": number,
        "redrive": redrive_count,
        "rung": next.rung,
        "job_name": name,
        "capacity": rung.capacity,
        "launch": rung.launch,
        "timeout_seconds": timeout_seconds(rung.request, next),
        "request": named(limited(rung.request, next), name, number),
    }


def limited(request: Request, next: Next) -> Request:
    """The request with what one start is given in it: its limits and its volume."""
    limits = {"MaxRuntimeInSeconds": next.max_runtime, "MaxWaitTimeInSeconds": next.max_wait}
    answer = {**request, "StoppingCondition": _over(request.get("StoppingCondition"), limits)}
    if next.volume_gb is not None:
        answer["ResourceConfig"] = _over(request.get("ResourceConfig"), {"VolumeSizeInGB": next.volume_gb})
    return answer


def _over(block: Mapping[str, Any] | None, values: Mapping[str, Any]) -> Request:
    return {**(block or {}), **{name: value for name, value in values.items() if value is not None}}


def timeout_seconds(request: Request, next: Next) -> int:
    """When the state machine gives up on a start: what the job itself may take (MaxWait counts waiting in), pending,
    and an hour for the upload.

    SageMaker's own limits end the job long before; this one is for a job whose end nobody tells.
    """
    pending = (request.get("StoppingCondition") or {}).get("MaxPendingTimeInSeconds") or 0
    own = next.max_wait if next.max_wait is not None else next.max_runtime + max(PENDING_SECONDS, pending)
    return own + UPLOAD_SECONDS
