"""Quotas: what the faults file says of them, and what was granted since. CreateTrainingJob is held to them, and Service
Quotas shows them.

Names: "Amazon SageMaker AI endpoints and quotas" (AWS General Reference), for warm pools
https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools-resource-limits.html.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from trainwright.rehearsal import clock
from trainwright.rehearsal.faults import Faults, QuotaRequests

TRAINING, SPOT, WARM_POOL = "training job", "spot training job", "training warm pool"
#: A quota that the faults file does not name: more than a rehearsal asks for.
AMPLE = 10_000


def quota_name(kind: str, instance_type: str) -> str:
    """What Service Quotas calls the quota of a type for training jobs, spot training jobs or warm pools."""
    return f"{instance_type} for {kind} usage"


@dataclass(frozen=True)
class Increase:
    """A request to raise a quota. Times are seconds since the epoch; ``decided`` None: never."""

    quota: str
    desired: float
    support_case_allowed: bool
    requester: str
    created: float
    decided: float | None
    granted: bool
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def status(self, now: float) -> str:
        """``RequestedServiceQuotaChange.Status``; without a support case nothing is denied, only not approved."""
        if self.decided is None or now < self.decided:
            return "PENDING"
        if self.granted:
            return "APPROVED"
        return "DENIED" if self.support_case_allowed else "NOT_APPROVED"

    def changed(self, now: float) -> float:
        """When its status became what it is ``now``."""
        return self.decided if self.decided is not None and self.decided <= now else self.created


class Limits:
    """The account's quotas, by name.

    Args:
        given: the faults file: quotas by instance type, and what becomes of requests to raise one.
        now: the account's time.
    """

    def __init__(self, given: Faults, now: Callable[[], float] = clock.time) -> None:
        self._said = dict(_said(given))
        self._decides: QuotaRequests = given.quota_requests
        self._now = now
        self._asked: list[Increase] = []
        self._lock = threading.Lock()

    def value(self, quota: str) -> int:
        """What holds at this moment."""
        said = self.said(quota)
        return AMPLE if said is None else said

    def said(self, quota: str) -> int | None:
        """The same, None for a quota of which neither the faults file nor a granted request says anything."""
        granted = [int(each.desired) for each in self.asked(quota) if each.status(self._now()) == "APPROVED"]
        known = [self._said[quota]] if quota in self._said else []
        return max([*known, *granted], default=None)

    def default(self, quota: str) -> int:
        """What holds in a new account: nothing, where the faults file says something of its own."""
        return 0 if quota in self._said else AMPLE

    def asked(self, quota: str | None = None) -> list[Increase]:
        """The requests so far, of one quota or of all, in order."""
        with self._lock:
            return [each for each in self._asked if quota in (None, each.quota)]

    def ask(self, quota: str, desired: float, *, support_case_allowed: bool, requester: str) -> Increase:
        """Ask for more; decided as the faults file says."""
        now, decides = self._now(), self._decides
        made = Increase(
            quota,
            desired,
            support_case_allowed,
            requester,
            created=now,
            decided=None if decides.decision == "pending" else now + decides.after,
            granted=decides.decision == "granted",
        )
        with self._lock:
            self._asked.append(made)
        return made


def _said(given: Faults) -> Iterator[tuple[str, int]]:
    for name, known in given.instance_types.items():
        for kind, value in ((TRAINING, known.quota), (SPOT, known.spot_quota), (WARM_POOL, known.warm_pool_quota)):
            if value is not None:
                yield quota_name(kind, name), value
