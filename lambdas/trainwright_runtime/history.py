"""What a run has done so far, as its decisions see it: the starts it made, and what they used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trainwright_runtime.limits import Used

MAX_EVENTS = 20_000
"""History events after which a run ends: an execution is ended at 25,000 (Step Functions quotas)."""
EVENTS_OF_A_START = 30
"""Route 2, Start how? 2, Train or Launch 6, Stop job 5, Assess 5, Wait and After wait 4, and room for a Lambda fault
that is retried."""
EVENTS_OF_A_LOOK = 12
"""Wait 2, After wait 2, Assess 5, Route 2, rounded up."""
EVENTS_BESIDE = 60
"""Prepare, and Report and the end of each redrive, Lambda faults that are retried included."""


@dataclass(frozen=True)
class Start:
    """One start of the run, ended: a call of CreateTrainingJob, whether or not it made a job. Seconds and US
    dollars."""

    number: int
    redrive: int
    rung: int
    outcome: str
    """The label of its outcome."""
    made: bool = False
    training_seconds: int = 0
    waiting_seconds: int = 0
    cost_usd: float = 0.0
    then_wait: int = 0
    """How long the run waited before the next start."""
    volume_gb: int | None = None
    looks: int = 0
    """How often it was looked at before it had ended."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Start:
        """From an attempt's row in the run record."""
        return cls(
            number=int(row["number"]),
            redrive=int(row["redrive"]),
            rung=int(row["rung"]),
            outcome=str(row["outcome"]),
            made=row["job_arn"] is not None,
            training_seconds=int(row["training_seconds"] or 0),
            waiting_seconds=int(row["waiting_seconds"] or 0),
            cost_usd=float(row["cost_usd"] or 0),
            then_wait=int(row["then_wait_seconds"] or 0),
            volume_gb=None if row["volume_gb"] is None else int(row["volume_gb"]),
            looks=int(row.get("looks") or 0),
        )


@dataclass(frozen=True)
class History:
    """The starts of a run, in order; the last is the one just assessed, `looks` how often it was looked at before.
    `redrive` is how often the execution has been redriven."""

    starts: tuple[Start, ...]
    looks: int = 0
    redrive: int = 0

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], looks: int, redrive: int) -> History:
        """From the rows of the run record."""
        starts = sorted((Start.of(row) for row in rows), key=lambda start: start.number)
        return cls(tuple(starts), looks, redrive)

    @property
    def last(self) -> Start:
        """The start just assessed."""
        return self.starts[-1]

    @property
    def now(self) -> tuple[Start, ...]:
        """The starts of this redrive."""
        return tuple(start for start in self.starts if start.redrive == self.redrive)

    @property
    def used(self) -> Used:
        """What all starts used, those before a redrive included."""
        return _used(self.starts)

    @property
    def used_before(self) -> Used:
        """What the starts before the last used."""
        return _used(self.starts[:-1])

    @property
    def events(self) -> int:
        """About how many events the execution has; a redrive goes on in the same history."""
        looks = sum(start.looks for start in self.starts[:-1]) + self.looks + 1
        beside = EVENTS_BESIDE * (self.redrive + 1)
        return beside + EVENTS_OF_A_START * len(self.starts) + EVENTS_OF_A_LOOK * looks


def _used(starts: Iterable[Start]) -> Used:
    starts = tuple(starts)
    return Used(
        training_seconds=sum(start.training_seconds for start in starts),
        waiting_seconds=sum(start.waiting_seconds for start in starts),
        cost_usd=sum(start.cost_usd for start in starts),
    )
