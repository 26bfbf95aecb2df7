"""Several look-ups at once, in bounded time: none of them can lose a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError

from trainwright_runtime.handlers.aws import error_code
from trainwright_runtime.handlers.telemetry import logger

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_THREADS = 8


@dataclass(frozen=True)
class Trouble:
    """Why a look-up has no answer, in a word or two."""

    why: str


@dataclass(frozen=True)
class Deadline:
    """Until when look-ups may take, on a clock that counts seconds."""

    until: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """So many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """Seconds that are left, 0 where none are."""
        return max(self.until - self.clock(), 0.0)


def together(tasks: Mapping[K, Callable[[], T]], deadline: Deadline) -> dict[K, T | Trouble]:
    """The answers of all tasks; a Trouble for one that failed or was not done in time.

    What is not done then is left to itself: the clients' own time-outs end it.
    """
    if not tasks:
        return {}
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="look-up")
    try:
        futures = {key: pool.submit(_safely, task) for key, task in tasks.items()}
        done, _ = wait(futures.values(), timeout=deadline.left)
        return {key: each.result() if each in done else Trouble("no answer in time") for key, each in futures.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _safely(task: Callable[[], T]) -> T | Trouble:
    try:
        return task()
    except ClientError as error:
        return Trouble(error_code(error) or "ClientError")
    except Exception as error:  # noqa: BLE001  a look-up must lose no run, whatever is wrong with it
        logger.exception("look-up failed")
        return Trouble(type(error).__name__)
