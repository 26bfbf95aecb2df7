"""What moto's interpreter finds in the place of Python's threads, time and chance: the account's.

https://states-language.net/spec.html (seconds are of the time in which the machine runs)
"""

from __future__ import annotations

import functools
import random as _random
import sys
import threading as _threading
import time as _time
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from trainwright.rehearsal import clock


class Thread:
    """As much of `threading.Thread` as the interpreter uses: one that the clock counts."""

    native_id: int | None = None

    def __init__(
        self,
        target: Callable[..., object],
        name: str = "",
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool = True,
    ) -> None:
        # moto names a thread after an object's address, which is another one in every run
        self._name = target.__qualname__
        self._work = functools.partial(target, *args, **(kwargs or {}))

    def start(self) -> None:
        """Begin."""
        clock.thread(self._work, self._name)


threading = SimpleNamespace(
    Thread=Thread,
    Event=clock.Event,
    Lock=_threading.Lock,
    RLock=_threading.RLock,
)
time = SimpleNamespace(time=clock.time, sleep=clock.sleep)


def _generator(seed: Any = None) -> _random.Random:
    return clock.random() if seed is None else _random.Random(seed)  # noqa: S311  (AWS documents a seed)


def _uniform(low: float, high: float) -> float:
    return clock.random().uniform(low, high)


random = SimpleNamespace(Random=_generator, uniform=_uniform)

_IN_THE_PLACE = (
    (_threading, threading),
    (_time, time),
    (_random, random),
    (_threading.Thread, Thread),
    (_threading.Event, clock.Event),
)


def give(module_name: str) -> None:
    """Put the account's threads, time and chance where the module has Python's."""
    names = vars(sys.modules[module_name])
    for name, value in list(names.items()):
        for python, own in _IN_THE_PLACE:
            if value is python:
                names[name] = own
