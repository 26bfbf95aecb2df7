"""The plan of a run: the ordered attempts it may make, each a job of its own, and what each needs from the state
machine."""

from dataclasses import dataclass
from typing import Any, Literal

from trainwright_runtime.facts import Run, RunFacts, job_name, run_id
from trainwright_runtime.job import named, render
from trainwright_runtime.resolved import ResolvedRequest
from trainwright_runtime.spec import Request, first_spec

__all__ = ["Attempt", "Capacity", "Plan", "job_name", "plan", "run_id", "step_attempt"]

Capacity = Literal["spot", "on_demand"]

PENDING_SECONDS = 2 * 3600
"""Room for an on-demand job to be Pending and Starting, which MaxRuntime does not count; a guess: AWS documents no
bound."""

UPLOAD_SECONDS = 3600
"""Room for uploading the model after training has ended, which no limit of the job counts."""


@dataclass(frozen=True)
class Attempt:
    """One planned training job: its capacity, its request without a name, and when the state machine gives up on it."""

    capacity: Capacity
    timeout_seconds: int
    request: Request


@dataclass(frozen=True)
class Plan:
    """The attempts a run may make, in order. Number `n` of the run is `attempts[n - 1]`."""

    run: Run
    attempts: tuple[Attempt, ...]

    def to_dict(self) -> dict[str, Any]:
        """As it is kept in `runs/<run>/plan.json`."""
        attempts = [
            {"capacity": each.capacity, "timeout_seconds": each.timeout_seconds, "request": each.request}
            for each in self.attempts
        ]
        return {"schema": 1, "run": self.run.to_dict(), "attempts": attempts}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Plan":
        """The inverse of `to_dict`."""
        return cls(Run.from_dict(data["run"]), tuple(Attempt(**each) for each in data["attempts"]))


def plan(request: ResolvedRequest, facts: RunFacts) -> Plan:
    """The plan of a checked request: one attempt, on spot or on demand as the request says."""
    attempt = Attempt(
        capacity="spot" if request.spot else "on_demand",
        timeout_seconds=timeout_seconds(request),
        request=render(first_spec(request, facts)),
    )
    return Plan(facts.run, (attempt,))


def timeout_seconds(request: ResolvedRequest) -> int:
    """When Train gives up: what the job itself may take (MaxWait counts waiting in), pending, and an hour for the
    upload.

    SageMaker's own limits end the job long before; this one is for a job whose end nobody tells.
    """
    own = request.max_wait if request.max_wait is not None else request.max_runtime + PENDING_SECONDS
    return own + UPLOAD_SECONDS


def step_attempt(plan: Plan, number: int, redrive_count: int = 0) -> dict[str, Any]:
    """Attempt `number` as a step of the state machine carries it, with the request as CreateTrainingJob takes it."""
    attempt = plan.attempts[number - 1]
    name = job_name(plan.run.id, number, redrive_count)
    return {
        "number": number,
        "job_name": name,
        "capacity": attempt.capacity,
        "timeout_seconds": attempt.timeout_seconds,
        "request": named(attempt.request, name, number),
    }
