"""Time that stands still while anybody works, and jumps to the next deadline when everybody waits.

Whatever works for the account is a *task*, and one task works at a time: the one that has the turn. It gives the turn
up when it waits; who waits for a turn gets it in the order of asking; and when nobody asks, the clock jumps to the
earliest deadline and gives the turn to whoever waits for that. (A weak deadline, of a schedule without an end, is kept
when the clock comes past it; it makes no clock jump.) So the order of everything that happens follows from
what the tasks do, never from how fast the machine's threads are.

A task that waits for a process outside (a function's sandbox) keeps its turn, and the requests that arrive meanwhile
are part of its work. Requests of anybody else ask for a turn like a task.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trainwright.rehearsal.clock.base import Event

log = logging.getLogger("trainwright.rehearsal")

#: Where a jumping clock begins: 2100-01-01T00:00:00Z. Clients outside live in the wall's time, and would take what is
#: behind it for expired, as the credentials that they are given.
START_NS = 4_102_444_800 * 10**9
#: Who waits longer waits for ever: an execution lasts a year at most, and a Task without a time-out has 99,999,999.
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
FOR_EVER_SECONDS = 366 * 86_400
#: A task that has had the turn for so many seconds of the wall is named in the log, with where it is.
STALL_SECONDS = 15.0
_MICROSECOND = 1000


class Task:
    """One strand of work; ``name`` is the same in every run with the same seed."""

    def __init__(self, name: str, lender: Task | None = None, *, outside: bool = False) -> None:
        self.name, self.lender, self.outside = name, lender, outside
        self.away = 0
        self.children: Counter[str] = Counter()
        self.thread = threading.get_ident()
        self.random: random.Random | None = None

    def child(self, name: str) -> str:
        """A name for a strand that this one starts."""
        self.children[name] += 1
        return f"{self.name}/{name}#{self.children[name]}"

    def works_for(self, other: Task) -> bool:
        """Whether this is part of the other's work."""
        task: Task | None = self
        while task is not None and task is not other:
            task = task.lender
        return task is other


@dataclass(eq=False)
class Turn:
    """A task that is to get the turn: at once, when its event is set or at its deadline."""

    task: Task
    given: threading.Event = field(default_factory=threading.Event)
    asked: bool = False


_Deadline = tuple[int, int, Turn]


class JumpClock:
    """See the module."""

    mode = "jump"

    def __init__(self, seed: int = 0, start_ns: int = START_NS) -> None:
        self._seed, self._now_ns = seed, start_ns
        self._lock = threading.Lock()
        self._local = threading.local()
        self._running: Task | None = None
        self._since = time.monotonic()
        self._ready: deque[Turn] = deque()
        self._deadlines: list[_Deadline] = []
        self._weak: list[_Deadline] = []
        self._order = itertools.count()
        self._room = 1000
        self._outside: Counter[str] = Counter()
        self._held = self._stopped = False
        self.turns = 0

    # --- time ---

    def time_ns(self) -> int:
        """Nanoseconds since the epoch; always whole microseconds, so that seconds as a float lose nothing."""
        return self._now_ns

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now_ns / 1e9

    def wall(self, seconds: float) -> float:
        """The same: what waits for descriptors waits for the machine."""
        return seconds

    def account(self, seconds: float) -> float:
        """The same: what really takes time takes none here, so its limits are the wall's."""
        return seconds

    # --- waiting ---

    def wait(self, event: Event, seconds: float | None) -> None:
        """Give the turn up until the event is set or the seconds have passed."""
        if self._stopped:
            event.flag.wait(0.05)
            return
        task = self._current()
        if task is None:
            with self.counted(threading.current_thread().name):
                self.wait(event, seconds)
            return
        turn = self._wait_turn(task, event, seconds)
        if turn is None:
            return
        turn.given.wait()
        with self._lock:
            if turn in event.waiters:
                event.waiters.remove(turn)

    def _wait_turn(self, task: Task, event: Event, seconds: float | None) -> Turn | None:
        with self._lock:
            if event.flag.is_set() or (seconds is not None and seconds <= 0):
                return None
            turn = Turn(task)
            event.waiters.append(turn)
            if seconds is not None and seconds < FOR_EVER_SECONDS:
                self._set_deadline(turn, seconds, self._weak if event.weak else self._deadlines)
            self._give_up(task)
            return turn

    def _set_deadline(self, turn: Turn, seconds: float, deadlines: list[_Deadline]) -> None:
        after = max(1, round(seconds * 1e6)) * _MICROSECOND
        heapq.heappush(deadlines, (self._now_ns + after, next(self._order), turn))
        if len(self._deadlines) > self._room:
            self._deadlines = [entry for entry in self._deadlines if not entry[2].asked]
            heapq.heapify(self._deadlines)
            self._room = 1000 + 2 * len(self._deadlines)

    def wake(self, event: Event) -> None:
        """Whoever waits for the event asks for the turn, in the order of their coming."""
        with self._lock:
            for turn in event.waiters:
                self._ask(turn)
            event.waiters.clear()
            self._next()

    # --- turns; all of these hold the lock ---

    def _ask(self, turn: Turn) -> None:
        if not turn.asked:
            turn.asked = True
            self._ready.append(turn)

    def _give_up(self, task: Task) -> None:
        if self._has_turn(task):
            self._running = None
        self._next()

    def _has_turn(self, task: Task) -> bool:
        running = self._running
        return running is not None and task.works_for(running) and (running is task or running.away > 0)

    def _next(self) -> None:
        if self._running is not None:
            return
        turn = self._first_ready() or (None if self._held else self._first_due())
        if turn is not None:
            self._running = turn.task
            self._since = time.monotonic()
            self.turns += 1
            turn.given.set()

    def _first_ready(self) -> Turn | None:
        for turn in self._ready:
            if turn.task.outside or not self._held:
                self._ready.remove(turn)
                return turn
        return None

    def _first_due(self) -> Turn | None:
        strong, weak = _first(self._deadlines), _first(self._weak)
        if strong is None:
            return None
        comes_first = weak is not None and weak[:2] < strong[:2]
        due, _, turn = heapq.heappop(self._weak if comes_first else self._deadlines)
        turn.asked = True
        self._now_ns = max(self._now_ns, due)
        return turn

    # --- tasks ---

    def _current(self) -> Task | None:
        task: Task | None = getattr(self._local, "task", None)
        return task

    def _take_turn(self, task: Task) -> None:
        with self._lock:
            if self._stopped:
                return
            turn = Turn(task)
            self._ask(turn)
            self._next()
        turn.given.wait()

    def thread(self, target: Callable[..., object], name: str, *args: Any) -> threading.Thread:
        """Start a task of its own; it gets the turn after those that asked before."""
        parent = self._current()
        with self._lock:
            task = Task(parent.child(name) if parent else self._outside_name(name))
            turn = Turn(task)
            self._ask(turn)
        started = threading.Thread(target=self._run, name=name, args=(turn, target, args), daemon=True)
        started.start()
        with self._lock:
            self._next()
        return started

    def _run(self, turn: Turn, target: Callable[..., object], args: tuple[Any, ...]) -> None:
        turn.given.wait()
        try:
            with self._as(turn.task):
                target(*args)
        finally:
            self._end(turn.task)

    @contextmanager
    def _as(self, task: Task) -> Iterator[None]:
        before = self._current()
        self._local.task, task.thread = task, threading.get_ident()
        try:
            yield
        finally:
            self._local.task = before

    def _end(self, task: Task) -> None:
        with self._lock:
            if self._running is task:
                # what a borrower took from its lender goes back to it: the lender is waiting for the answer
                self._running = task.lender if task.lender is not None and task.lender.away else None
                self._since = time.monotonic()
            self._next()

    def _outside_name(self, name: str) -> str:
        self._outside[name] += 1
        return f"{name}#{self._outside[name]}"

    @contextmanager
    def counted(self, name: str | Callable[[], str]) -> Iterator[None]:
        """Be a task: part of the one that waits for this work, or one from outside that asks for the turn."""
        if self._current() is not None:
            yield
            return
        task, is_lent = self._join(name if isinstance(name, str) else name())
        if not is_lent:
            self._take_turn(task)
        try:
            with self._as(task):
                yield
        finally:
            self._end(task)

    def _join(self, name: str) -> tuple[Task, bool]:
        with self._lock:
            lender = self._running if self._running is not None and self._running.away else None
            return Task(self._outside_name(name), lender, outside=True), lender is not None

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Give the turn up and ask for it again."""
        task = self._current()
        if task is None:
            yield
            return
        with self._lock:
            self._give_up(task)
        try:
            yield
        finally:
            self._take_turn(task)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others work in this task's name; take the turn back if they gave it up."""
        task = self._current()
        if task is None:
            yield
            return
        with self._lock:
            task.away += 1
        try:
            yield
        finally:
            self._come_back(task)

    def _come_back(self, task: Task) -> None:
        with self._lock:
            task.away -= 1
            has_turn = self._has_turn(task)
        if not has_turn:
            self._take_turn(task)

    def random(self, *about: str) -> random.Random | None:
        """The task's own random numbers, or those for a purpose; None for who has neither."""
        if about:
            with self._lock:
                name = self._outside_name("/".join(about))
            return random.Random(f"{self._seed}/{name}")  # noqa: S311  (to be the same every time)
        task = self._current()
        if task is None:
            return None
        if task.random is None:
            task.random = random.Random(f"{self._seed}/{task.name}")  # noqa: S311  (to be the same every time)
        return task.random

    # --- from outside ---

    def hold(self, *, held: bool) -> None:
        """While held, no task gets the turn but requests from outside, and the clock does not jump."""
        with self.counted("hold"), self._lock:
            self._held = held

    def state(self) -> dict[str, Any]:
        """What the clock is doing, for people."""
        with self._lock:
            running = self._running.name if self._running else None
            waiting = sum(not turn.asked for _, _, turn in self._deadlines)
            return {"held": self._held, "running": running, "ready": len(self._ready), "waiting": waiting}

    def stop(self) -> None:
        """Let everybody go: the account goes down."""
        with self._lock:
            self._stopped = True
            for turn in [*self._ready, *(turn for _, _, turn in (*self._deadlines, *self._weak))]:
                turn.given.set()

    def watch(self, seconds: float = STALL_SECONDS) -> None:
        """Say in the log, once each time, which task keeps the turn for so long; starts a thread."""
        threading.Thread(target=self._watch, args=(seconds,), name="clock watch", daemon=True).start()

    def _watch(self, seconds: float) -> None:
        said = -1
        while not self._stopped:
            time.sleep(seconds / 4)
            if (stalled := self._stalled(seconds)) is not None and self.turns != said:
                said = self.turns
                log.warning("the clock stands still: %s", stalled)

    def _stalled(self, seconds: float) -> str | None:
        with self._lock:
            task = self._running
            if task is None or time.monotonic() - self._since < seconds:
                return None
        frame = sys._current_frames().get(task.thread)
        place = "".join(traceback.format_stack(frame)) if frame else "its thread has ended"
        return f"{task.name} has worked for more than {seconds:g} seconds\n{place}"


def _first(deadlines: list[_Deadline]) -> _Deadline | None:
    """The earliest that somebody still waits for."""
    while deadlines and deadlines[0][2].asked:
        heapq.heappop(deadlines)
    return deadlines[0] if deadlines else None
