"""Random identifiers that are the same in every run with the same seed.

Each is drawn from the seed and the name of the task that needs it, never from one row of numbers that all tasks share:
who comes first would change everybody's.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from trainwright.rehearsal.clock.jump import JumpClock


def seed(clock: JumpClock) -> None:
    """Have `uuid.uuid4` and moto's identifiers in this process draw from the task that asks."""
    # uuid4 is os.urandom(16) in a UUID's clothes, whoever has imported it by name; a test holds Python to it
    vars(uuid)["os"] = _SeededOs(clock)
    _seed_moto(clock)


class _SeededOs:
    """The module os with a urandom that can be foretold."""

    def __init__(self, clock: JumpClock) -> None:
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def urandom(self, size: int) -> bytes:
        source = self._clock.random()
        return os.urandom(size) if source is None else source.randbytes(size)


def _seed_moto(clock: JumpClock) -> None:
    from moto.moto_api._internal import mock_random  # noqa: PLC0415  (it reads its settings when it is imported)

    kind: Any = type(mock_random)

    class Seeded(kind):  # type: ignore[misc]
        """Draws from the task's numbers, and from its own for whoever has no task."""

        def random(self) -> float:
            source = clock.random()
            return float(super().random() if source is None else source.random())

        def getrandbits(self, k: int, /) -> int:
            source = clock.random()
            return int(super().getrandbits(k) if source is None else source.getrandbits(k))

    mock_random.__class__ = Seeded
