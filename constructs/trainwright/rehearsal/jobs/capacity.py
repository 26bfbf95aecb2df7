"""What instances there are: how long they take to come, when they are missing, how many an account may have.

Words: the refusal is recorded in public reports (gabehollombe-aws/jupyter-notebooks, issue 1), the missing capacity in
the API reference (SecondaryStatusTransition) and in DIAGNijmegen/rse-grand-challenge, issue 2631.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainwright.rehearsal import faults
from trainwright.rehearsal.faults import BusyQuota, Faults, InstanceType, MissingCapacity, SlowStart
from trainwright.rehearsal.jobs.limits import SPOT, TRAINING, WARM_POOL, Limits, quota_name
from trainwright.rehearsal.jobs.statuses import Secondary
from trainwright.rehearsal.jobs.validation import InvalidRequest

#: How long instances take to be there where the faults file says nothing; AWS takes minutes.
START_SECONDS = float(os.environ.get("TRAINWRIGHT_START_SECONDS", "0.2"))
INSUFFICIENT = "Insufficient capacity error from EC2 while launching instances, retrying!"
CAPACITY_ERROR = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
#: Instances by type.
Demand = Mapping[str, int]


def refusal(kind: str, instance_type: str, limit: int, in_use: int, asked: int) -> InvalidRequest:
    """What CreateTrainingJob says when a quota has no room for ``asked`` instances more."""
    return InvalidRequest(
        f"The account-level service limit '{quota_name(kind, instance_type)}' is {limit} Instances, with current "
        f"utilization of {in_use} Instances and a request delta of {asked} Instances. Please contact AWS support to "
        "request an increase for this limit.",
        "ResourceLimitExceeded",
    )


def missing_seconds(missing: Iterable[MissingCapacity], now: float) -> float:
    """How long instances will still be missing, ``now`` account seconds after the first job was asked for.

    0: they are there; infinite: they never come.
    """
    ends = (_end(each) for each in missing if each.is_missing(now))
    return max((end - now for end in ends), default=0.0)


def _end(missing: MissingCapacity) -> float:
    return math.inf if missing.seconds is None else missing.from_ + missing.seconds


def slower(slow: Sequence[SlowStart]) -> float:
    """By how many seconds a start is late."""
    return sum(each.seconds for each in slow)


def is_healthy(end: Secondary, reason: str | None) -> bool:
    """Whether instances can be kept after a job that ended so.

    "Warm pool creation": kept after Completed, Stopped and the customer's own failures (AlgorithmError, ClientError);
    not where the service doubts them. https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
    """
    return end is not Secondary.FAILED or (reason or "").startswith(("AlgorithmError:", "ClientError:"))


@dataclass
class _Holding:
    """Instances that somebody has: a job, or the warm pool that it left."""

    demand: Demand
    spot: bool
    warm: bool = False

    def counts(self, kind: str) -> bool:
        """Warm pools "count against your instance limit" for training jobs too (guide, warm pool resource limits)."""
        return {TRAINING: not self.spot, SPOT: self.spot, WARM_POOL: self.warm}[kind]


class Fleet:
    """The account's instances, by who has them.

    Args:
        given: the faults file: what there is of each type.
    """

    def __init__(self, given: Faults) -> None:
        self._types: Mapping[str, InstanceType] = given.instance_types
        self.limits = Limits(given)
        self._held: dict[str, _Holding] = {}
        self._lock = threading.RLock()

    def start_seconds(self, instance_type: str) -> float:
        """How long instances of a type take to come."""
        known = self._types.get(instance_type)
        return START_SECONDS if known is None or "start" not in known.model_fields_set else known.start

    def take(self, name: str, demand: Demand, *, spot: bool, busy: Sequence[BusyQuota], now: float) -> None:
        """Reserve a new job's instances; ``busy`` is what the faults file says of its quotas, ``now`` is in account
        seconds after the first job was asked for.

        Raises:
            InvalidRequest: ResourceLimitExceeded, naming the first quota without room.
        """
        kind = SPOT if spot else TRAINING
        with self._lock:
            for instance_type, count in demand.items():
                self._check(kind, instance_type, count, busy, now)
            self._held[name] = _Holding(demand, spot)

    def _check(self, kind: str, instance_type: str, count: int, busy: Sequence[BusyQuota], now: float) -> None:
        in_use = self._in_use(kind, instance_type)
        for quota in busy:
            others = quota.used_by_others(now)
            if in_use + others + count > quota.limit:
                faults.note(quota, f"{count} {instance_type} for {kind}")
                raise refusal(kind, instance_type, quota.limit, in_use + others, count)
        limit = self._quota(kind, instance_type)
        if in_use + count > limit:
            raise refusal(kind, instance_type, limit, in_use, count)

    def _quota(self, kind: str, instance_type: str) -> int:
        return self.limits.value(quota_name(kind, instance_type))

    def _in_use(self, kind: str, instance_type: str) -> int:
        return sum(held.demand.get(instance_type, 0) for held in self._held.values() if held.counts(kind))

    def keep_warm(self, name: str) -> bool:
        """Let a job's instances become a warm pool's, if that quota has room."""
        with self._lock:
            holding = self._held[name]
            if any(self._is_full(instance_type, count) for instance_type, count in holding.demand.items()):
                return False
            holding.warm = True
            return True

    def _is_full(self, instance_type: str, count: int) -> bool:
        return self._in_use(WARM_POOL, instance_type) + count > self._quota(WARM_POOL, instance_type)

    def move(self, left_by: str, to: str) -> None:
        """A warm pool's instances become a new job's."""
        with self._lock:
            self._held[to] = self._held.pop(left_by)
            self._held[to].warm = False

    def release(self, name: str) -> None:
        """The instances of a job, or of the pool that it left, are gone; harmless when it has none."""
        with self._lock:
            self._held.pop(name, None)
