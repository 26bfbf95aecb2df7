"""What strikes a job while it trains: its armed faults, and which of them is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from trainwright.rehearsal.faults import (
    PROGRESS_FOLLOWS_SECONDS,
    InternalError,
    JobFaults,
    LostHost,
    OutOfMemory,
    SpotInterruption,
    StoppedJob,
)
from trainwright.rehearsal.jobs.checkpoints import Progress


class Effect(Enum):
    """What becomes of the job; None beside it: what the processes make of it."""

    INTERRUPTED = "the spot instances are taken back"
    INTERNAL_ERROR = "the service or a machine of its fails"
    OUT_OF_MEMORY = "the kernel kills the process"
    STOPPED = "a person stops the job"


@dataclass(frozen=True)
class Strike:
    """A fault that is due now. ``host`` None: all of them; ``grace``: SIGTERM first, SIGKILL after two minutes."""

    effect: Effect
    host: str | None = None
    grace: bool = False


#: Faults that wait for a moment of the training.
Triggered = SpotInterruption | LostHost | InternalError | OutOfMemory | StoppedJob


@dataclass
class _Armed:
    """A fault that this job can still meet."""

    fault: Triggered
    strike: Strike
    left: int


class Strikes:
    """All that can strike one job, over all its stretches of training.

    Args:
        faults: what the faults file has for this job.
        is_spot: whether its instances can be taken back.
        on_strike: told of each fault that strikes.
    """

    def __init__(self, faults: JobFaults, *, is_spot: bool, on_strike: Callable[[Triggered], None]) -> None:
        self._on_strike = on_strike
        self._armed = [_Armed(fault, strike, fault.times) for fault, strike in _all(faults, is_spot=is_spot)]
        self._began = 0.0

    def begin(self, now: float) -> None:
        """A stretch of status Training begins; ``seconds`` of a fault count from here."""
        self._began = now

    def due(self, reached: Progress, now: float) -> Strike | float | None:
        """A strike that falls now and is spent with that; else in how many seconds to ask again (None: when S3 has more
        of the work)."""
        for item in self._armed:
            if item.left and self._is_due(item.fault, reached, now):
                item.left -= 1
                self._on_strike(item.fault)
                return item.strike
        return min((moment - now for moment in self._moments(reached) if moment > now), default=None)

    def _is_due(self, fault: Triggered, reached: Progress, now: float) -> bool:
        return fault.is_due(
            training_seconds=now - self._began,
            checkpoint_seconds=None if reached.since is None else now - reached.since,
            step=reached.step,
            total=reached.total,
        )

    def _moments(self, reached: Progress) -> Iterable[float]:
        left = [item.fault for item in self._armed if item.left]
        yield from (self._began + fault.seconds for fault in left if fault.seconds is not None)
        if left and reached.since is not None and reached.total is None:
            yield reached.since + PROGRESS_FOLLOWS_SECONDS


def _all(faults: JobFaults, *, is_spot: bool) -> Iterable[tuple[Triggered, Strike]]:
    if is_spot:
        for taken in faults.spot_interruptions:
            yield taken, Strike(Effect.INTERRUPTED, grace=taken.mode == "grace")
    for lost in faults.lost_hosts:
        yield lost, Strike(Effect.INTERNAL_ERROR, host=lost.host)
    for failed in faults.internal_errors:
        yield failed, Strike(Effect.INTERNAL_ERROR)
    for eaten in faults.out_of_memory:
        yield eaten, Strike(Effect.OUT_OF_MEMORY, host=eaten.host)
    for stopped in faults.stopped_jobs:
        yield stopped, Strike(Effect.STOPPED)
