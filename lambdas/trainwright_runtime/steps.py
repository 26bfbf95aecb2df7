"""Steps: what Prepare and Assess answer the state machine. Every key is always there, null where it says nothing."""

from typing import Any

from trainwright_runtime.facts import Run
from trainwright_runtime.outcome import Decision

Step = dict[str, Any]


def train_step(run: Run, attempt: dict[str, Any]) -> Step:
    """Start this attempt."""
    return _step("train", run, attempt)


def report_step(run: Run) -> Step:
    """Nothing more to do: report."""
    return _step("report", run, None)


def wait_step(run: Run, attempt: dict[str, Any], decision: Decision) -> Step:
    """Wait, then do what the decision says with this attempt."""
    step = _step("wait", run, attempt)
    return step | {"wait_seconds": decision.wait_seconds, "after_wait": decision.after_wait}


def _step(what: str, run: Run, attempt: dict[str, Any] | None) -> Step:
    return {
        "schema": 1,
        "next": what,
        "run": run.to_dict(),
        "attempt": attempt,
        "wait_seconds": None,
        "after_wait": None,
    }
