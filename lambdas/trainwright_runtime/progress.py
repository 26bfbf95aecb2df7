"""The progress file beside a run's checkpoints, which trainkit's `Progress` writes: how far, and from where."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

LARGEST_STEP = 10**15
SLACK = 120.0
"""Seconds by which the clocks of a machine and of SageMaker may differ."""
_LAST_MOMENT = 1e11


@dataclass(frozen=True)
class Began:
    """One process that trained, None for what it did not say.

    `resumed_from`: the step whose checkpoint it restored. `step`: how far it came. `began_at`, `ready_at`, `saved_at`:
    when it began, when it could begin its first step, when it saved its last checkpoint, in epoch seconds.
    `checkpoint_seconds`: how long it spent on saving.
    """

    resumed_from: int | None
    step: int | None
    began_at: float | None = None
    ready_at: float | None = None
    saved_at: float | None = None
    checkpoint_seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As an attempt's row has it."""
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """What the script wrote beside its last checkpoint; None for what it did not say."""

    step: int | None = None
    total: int | None = None
    resumed_from: int | None = None
    starts: tuple[Began, ...] = ()
    written_at: datetime | None = None

    @classmethod
    def from_data(cls, data: object, written_at: datetime | None = None) -> "Progress":
        """From the parsed progress.json; a file of another form says nothing, and loses no run."""
        known = data if isinstance(data, Mapping) else {}
        listed = known.get("starts")
        starts = tuple(began(each) for each in listed if isinstance(each, Mapping)) if isinstance(listed, list) else ()
        step, total, resumed_from = (whole(known.get(name)) for name in ("step", "total", "resumed_from"))
        return cls(step, total, resumed_from, starts, written_at)

    def written_since(self, moment: object) -> bool:
        """Whether the file is of an attempt that was asked for at `moment`; S3 keeps whole seconds."""
        if self.written_at is None or not isinstance(moment, datetime):
            return True
        return self.written_at >= moment.replace(microsecond=0)

    def own(self, earlier: int, created: object) -> Sequence[Began]:
        """The processes of an attempt whose job was created then, when `earlier` processes had trained before it. A
        list that does not go on where the earlier ones ended is told apart by its times, where it has any."""
        if earlier < len(self.starts):
            return self.starts[earlier:]
        if not isinstance(created, datetime):
            return self.starts
        since = created.timestamp() - SLACK
        return tuple(each for each in self.starts if each.began_at is None or each.began_at >= since)

    def restarted_from_zero(self, checkpoint_step: int | None, earlier: int = 0) -> bool:
        """Whether a process began at step 0 although a checkpoint existed.

        `earlier` processes had trained before the attempt, and left `checkpoint_step` (None: nothing, or nothing that
        is known). A script that keeps no list is judged by `resumed_from`; one that wrote nothing is not accused.
        """
        if self.step is None:
            return False
        went_on = 0 < earlier < len(self.starts)
        own = self.starts[earlier:] if went_on else self.starts
        saved = self.starts[earlier - 1].step if went_on else checkpoint_step
        for began in own or (Began(self.resumed_from, self.step),):
            if saved and not began.resumed_from:
                return True
            saved = began.step or saved
        return False


def began(each: Mapping[str, Any]) -> Began:
    """From an entry of the file's `starts`, or of a row's."""
    resumed_from, step = (whole(each.get(name)) for name in ("resumed_from", "step"))
    times = (_seconds(each.get(name)) for name in ("began_at", "ready_at", "saved_at", "checkpoint_seconds"))
    return Began(resumed_from, step, *times)


def whole(value: object) -> int | None:
    """A step, as far as it is one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < LARGEST_STEP else None


def finite(value: object) -> float | None:
    """A number that can be calculated with; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: object) -> float | None:
    """To the millisecond, and no larger than what DynamoDB takes."""
    number = finite(value)
    return round(number, 3) if number is not None and 0 <= number < _LAST_MOMENT else None
