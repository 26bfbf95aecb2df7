"""Warm pools: instances that stay after a job for the next one that matches.

https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html. Times are seconds since the epoch.
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

#: "The maximum length of a warm pool's chain of jobs": a cluster is not kept longer than this over all its jobs.
CHAIN_SECONDS = 28 * 86400
#: "Use the persistent cache directory": the only folder that the next job finds again, and the variable that names it.
CACHE = "/opt/ml/sagemaker/warmpoolcache"
CACHE_VARIABLE = "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"


class PoolStatus(StrEnum):
    """``WarmPoolStatus.Status`` (API reference, WarmPoolStatus)."""

    IN_USE = "InUse"
    AVAILABLE = "Available"
    REUSED = "Reused"
    TERMINATED = "Terminated"


def keep_alive(request: Mapping[str, Any]) -> int:
    """KeepAlivePeriodInSeconds; 0: the instances go with the job."""
    return int(request["ResourceConfig"].get("KeepAlivePeriodInSeconds") or 0)


def matches(kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a job may run on what another left: what the guide lists is the same, all else may differ."""
    return _identity(kept) == _identity(wanted)


def _identity(request: Mapping[str, Any]) -> tuple[Any, ...]:
    resources, vpc = request["ResourceConfig"], request.get("VpcConfig", {})
    chained = bool(request.get("SessionChainingConfig", {}).get("EnableSessionTagChaining"))
    return (
        request["RoleArn"],
        *(resources.get(name) for name in ("InstanceType", "InstanceCount", "VolumeKmsKeyId", "VolumeSizeInGB")),
        sorted(vpc.get("SecurityGroupIds", ())),
        sorted(vpc.get("Subnets", ())),
        bool(request.get("EnableInterContainerTrafficEncryption")),
        bool(request.get("EnableNetworkIsolation")),
        chained,
    )


@dataclass
class Pool:
    """What one job left, or is to leave: its part of the chain of jobs on the same instances.

    ``began`` is when the chain's first job got the instances, ``since`` when this job gave them up, ``until`` when they
    went. ``cache`` is where the hosts' cache folders lie meanwhile.
    """

    job: str
    request: Mapping[str, Any]
    began: float
    cache: Path
    status: PoolStatus = PoolStatus.IN_USE
    since: float | None = None
    until: float | None = None
    reused_by: str | None = None

    def describe(self) -> dict[str, Any]:
        """``WarmPoolStatus`` of the job; the retained seconds once they are known, which is when the pool ended."""
        seconds = None if self.since is None or self.until is None else math.ceil(round(self.until - self.since, 2))
        shown = {
            "Status": str(self.status),
            "ResourceRetainedBillableTimeInSeconds": seconds,
            "ReusedByJob": self.reused_by,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def last_moment(self) -> float:
        """When the instances go, if nobody takes them: the period is over, or the chain is too long."""
        since = self.began if self.since is None else self.since
        return min(since + keep_alive(self.request), self.began + CHAIN_SECONDS)


@dataclass
class Pools:
    """All pools of the account.

    Args:
        may_keep: whether the warm-pool quota has room for a job's instances; if so they count until `gone` is called.
        gone: told the name of the job whose pool nobody took.

    A pool whose period is over ends when somebody next looks, with the time at which it was over.
    """

    may_keep: Callable[[str], bool]
    gone: Callable[[str], None]
    _pools: dict[str, Pool] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, name: str, request: Mapping[str, Any], now: float) -> Pool | None:
        """Give a new job the oldest pool that it matches; the pool is its own from now on."""
        with self._lock:
            self.settle(now)
            for pool in self._pools.values():
                if pool.status is PoolStatus.AVAILABLE and matches(pool.request, request):
                    pool.status, pool.until, pool.reused_by = PoolStatus.REUSED, now, name
                    return pool
        return None

    def begin(self, name: str, request: Mapping[str, Any], now: float, *, cache: Path, taken: Pool | None) -> None:
        """A job that asks for keep-alive has its instances."""
        with self._lock:
            self._pools[name] = Pool(name, request, taken.began if taken else now, cache)

    def leave(self, name: str, now: float) -> bool:
        """The job has ended, and its instances are in order; False: they are not kept, and nobody is told why.

        "If you don't have enough quota, the job runs but no pool is kept" (guide, warm pool resource limits).
        """
        with self._lock:
            pool = self._pools.get(name)
            if pool is None:
                return False
            if not self.may_keep(name):
                del self._pools[name]
                return False
            pool.status, pool.since = PoolStatus.AVAILABLE, now
            return True

    def forget(self, name: str) -> None:
        """The job's instances went in another way: never got, failed, taken back."""
        with self._lock:
            self._pools.pop(name, None)

    def update(self, name: str, seconds: int, now: float) -> bool:
        """UpdateTrainingJob: another period for an Available pool, counted from the job's end; 0 ends it now.

        False: there is no pool to change.
        """
        with self._lock:
            self.settle(now)
            pool = self._pools.get(name)
            if pool is None or pool.status is not PoolStatus.AVAILABLE:
                return False
            pool.request = {
                **pool.request,
                "ResourceConfig": {**pool.request["ResourceConfig"], "KeepAlivePeriodInSeconds": seconds},
            }
            self.settle(now)
            return True

    def status(self, name: str, now: float) -> dict[str, Any] | None:
        """``WarmPoolStatus`` of a job; None for one that has no pool."""
        with self._lock:
            self.settle(now)
            pool = self._pools.get(name)
            return pool.describe() if pool else None

    def settle(self, now: float) -> None:
        """End the pools whose time is over."""
        with self._lock:
            for pool in self._pools.values():
                if pool.status is PoolStatus.AVAILABLE and pool.last_moment() <= now:
                    pool.status = PoolStatus.TERMINATED
                    pool.until = max(pool.last_moment(), pool.since or now)
                    shutil.rmtree(pool.cache, ignore_errors=True)
                    self.gone(pool.job)
