"""Steps: what Prepare and Assess answer the state machine. Every key is always there, null where it says nothing."""

from typing import Any

from trainwright_runtime.facts import Run

Step = dict[str, Any]

SCHEMA = 2


def train_step(run: Run, attempt: dict[str, Any], reason: str | None = None) -> Step:
    """Start this attempt. `reason` is a sentence for people, who see the step in the execution's history."""
    return _step("train", run, attempt, reason)


def report_step(run: Run, reason: str | None = None) -> Step:
    """Nothing more to do: report."""
    return _step("report", run, None, reason)


def wait_step(run: Run, attempt: dict[str, Any], seconds: int, then: str, reason: str | None = None) -> Step:
    """Wait so long, then `train` or `assess` this attempt."""
    return _step("wait", run, attempt, reason) | {"wait_seconds": seconds, "after_wait": then}


def _step(what: str, run: Run, attempt: dict[str, Any] | None, reason: str | None) -> Step:
    return {
        "schema": SCHEMA,
        "next": what,
        "run": run.to_dict(),
        "attempt": attempt,
        "wait_seconds": None,
        "after_wait": None,
        "reason": reason,
    }
