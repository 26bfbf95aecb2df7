"""The progress file beside a run's checkpoints, which trainkit's `Progress` writes: how far, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Began:
    """One process that trained: the step whose checkpoint it restored (None: none), and how far it came."""

    resumed_from: int | None
    step: int | None


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
        starts = tuple(_began(each) for each in listed if isinstance(each, Mapping)) if isinstance(listed, list) else ()
        step, total, resumed_from = (_step(known.get(name)) for name in ("step", "total", "resumed_from"))
        return cls(step, total, resumed_from, starts, written_at)

    def written_since(self, moment: object) -> bool:
        """Whether the file is of an attempt that was asked for at `moment`; S3 keeps whole seconds."""
        if self.written_at is None or not isinstance(moment, datetime):
            return True
        return self.written_at >= moment.replace(microsecond=0)

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


def _began(each: Mapping[str, object]) -> Began:
    return Began(_step(each.get("resumed_from")), _step(each.get("step")))


def _step(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
