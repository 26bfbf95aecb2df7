"""What is wrong with a faults file, thing by thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from trainwright.rehearsal.faults.fields import Path


class Kind(Enum):
    """What sort of mistake a problem is."""

    NOT_AN_OBJECT = "not an object"
    UNKNOWN_FIELD = "unknown field"
    MISSING = "missing"
    WRONG_TYPE = "wrong type"
    WRONG_VALUE = "wrong value"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class FaultProblem:
    """One mistake: where it stands, what it is, what was given, what may stand there, and the nearest right name."""

    kind: Kind
    path: Path
    problem: str
    given: Any = None
    allowed: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        where = path_text(self.path) or "faults"
        hint = f"did you mean {self.nearest}?" if self.nearest else f"allowed: {self.allowed}" if self.allowed else ""
        given = f" (it is {self.given!r})" if self.kind in (Kind.WRONG_TYPE, Kind.WRONG_VALUE) else ""
        return f"{where}: {self.problem}{given}" + (f"; {hint}" if hint else "")


class FaultsError(ValueError):
    """The faults cannot be used; ``problems`` has a sentence for each thing that is wrong, ``found`` has data."""

    def __init__(self, found: Sequence[FaultProblem]) -> None:
        self.found = list(found)
        self.problems = [str(problem) for problem in found]
        super().__init__("\n".join(self.problems))


def path_text(path: Path) -> str:
    """A path as people write it: ``spot_interruptions[0].after``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
