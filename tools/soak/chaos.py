"""Faults drawn from a seed: the same seed always gives the same file."""

from __future__ import annotations

import random
from typing import Any


def faults(seed: int, *, fake: bool) -> dict[str, Any]:
    """A faults file with some of everything; the account draws each job's, call's and event's lot from the seed."""
    draw = random.Random(seed)  # noqa: S311 - a seed is what is asked for

    def chance(most: float) -> float:
        return round(draw.uniform(most / 4, most), 3)

    drawn: dict[str, Any] = {
        "seed": seed,
        "spot_interruptions": [
            {"after": "step", "step": draw.randint(1, 3), "times": draw.randint(1, 2), "chance": chance(0.4)},
            {"after": "seconds", "seconds": 0.4, "mode": "grace", "chance": chance(0.2)},
        ],
        "internal_errors": [{"after": "seconds", "seconds": 0.2, "chance": chance(0.15)}],
        "out_of_memory": [{"after": "seconds", "seconds": 0.3, "chance": chance(0.1)}],
        "slow_starts": [{"seconds": 1, "chance": chance(0.3)}],
        "missing_capacity": [{"market": "on_demand", "for_ever": True, "chance": chance(0.05)}],
        "api_errors": [
            _refused("sagemaker", "CreateTrainingJob", "ThrottlingException", chance(0.1)),
            _refused("sagemaker", "DescribeTrainingJob", "InternalFailure", chance(0.1)),
            _refused("dynamodb", "UpdateItem", "ThrottlingException", chance(0.03)),
            _refused("s3", "PutObject", "SlowDown", chance(0.03)),
        ],
        "functions": [
            {"function": "*Assess*", "error": "unhandled", "error_type": "OSError", "chance": chance(0.05)},
            {"function": "*Prepare*", "error": "exit", "chance": chance(0.03)},
            {"function": "*Report*", "error": "timeout", "chance": chance(0.03)},
        ],
        "events": [
            {"source": "aws.sagemaker", "lost": True, "chance": chance(0.1)},
            {"source": "aws.sagemaker", "late": 1, "chance": chance(0.1)},
            {"source": "aws.states", "copies": 2, "chance": chance(0.2)},
        ],
    }
    if fake:
        drawn |= {"clock": {"jump": True}, "fake_jobs": {"seconds": 600, "steps": 10}}
    return drawn


def _refused(service: str, operation: str, error: str, chance: float) -> dict[str, Any]:
    return {"service": service, "operation": operation, "error": error, "chance": chance}
