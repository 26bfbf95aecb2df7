"""Watches the processes of one job while it trains: output, ends, time limits, requests to stop.

One thread sleeps in ``select`` until something happens or a deadline comes; nothing is polled.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from trainwright.rehearsal import clock
from trainwright.rehearsal.jobs.host import ExitWatch, Host
from trainwright.rehearsal.jobs.logs import LogStream
from trainwright.rehearsal.jobs.statuses import Secondary
from trainwright.rehearsal.jobs.strikes import Effect, Strike

#: "SageMaker sends the algorithm the SIGTERM signal, which delays job termination for 120 seconds" (StopTrainingJob).
GRACE_SECONDS = float(os.environ.get("TRAINWRIGHT_STOP_GRACE_SECONDS", "120"))
#: How long lines may wait for company before they are put into CloudWatch Logs.
LOG_SECONDS = 0.2
#: How long output is still read after the last process has ended: a descendant may hold the pipe open a moment.
_DRAIN_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Asked(Enum):
    """Why a job is to end before its processes do."""

    STOP = Secondary.STOPPED
    RUNTIME = Secondary.MAX_RUNTIME_EXCEEDED
    WAIT = Secondary.MAX_WAIT_TIME_EXCEEDED
    SHUTDOWN = Secondary.FAILED


class Bell:
    """Wakes a `Supervision`, or a plain wait, from other threads; ``asked`` keeps the first reason that was given."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._rung = clock.Event()
        self._lock = threading.Lock()
        self.asked: Asked | None = None

    def ask(self, reason: Asked) -> None:
        """Ask the job to end."""
        with self._lock:
            if self.asked is None or reason is Asked.SHUTDOWN:
                self.asked = reason
        self._rung.set()
        self.ring()

    def ring(self) -> None:
        """Something is to be looked at."""
        with self._lock:
            if self._write >= 0:
                try:
                    os.write(self._write, b"!")
                except BlockingIOError:
                    return  # it is ringing already

    def wait(self, seconds: float) -> Asked | None:
        """Sleep, unless the job is asked to end."""
        self._rung.wait(max(0.0, seconds))
        return self.asked

    def fileno(self) -> int:
        return self._read

    def hush(self) -> None:
        """Forget that it rang."""
        try:
            while os.read(self._read, 4096):
                continue
        except BlockingIOError:
            return

    def close(self) -> None:
        """Free the descriptors; later rings are ignored."""
        with self._lock:
            os.close(self._read)
            os.close(self._write)
            self._read = self._write = -1


@dataclass(frozen=True)
class Outcome:
    """How the processes came to their end; ``exit_code`` is the first that was not 0, else 0, ``strike`` what took the
    instances from the job."""

    exit_code: int
    asked: Asked | None = None
    strike: Strike | None = None


@dataclass
class Limits:
    """Deadlines in seconds since the epoch; None: there is none."""

    runtime: float
    wait: float | None = None

    def next(self) -> tuple[float, Asked]:
        """The one that comes first, and what it means."""
        if self.wait is not None and self.wait < self.runtime:
            return self.wait, Asked.WAIT
        return self.runtime, Asked.RUNTIME


@dataclass
class Supervision:
    """Everything that one stretch of status Training waits for.

    ``strike_due`` is asked at every wake-up and answers a fault that strikes now, or in how many seconds, at the
    latest, it wants to be asked again (None: only when the bell rings). ``on_stopping`` is called before SIGTERM.
    """

    hosts: Sequence[tuple[Host, LogStream]]
    bell: Bell
    limits: Limits
    strike_due: Callable[[], Strike | float | None]
    on_stopping: Callable[[], None]
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _running: set[str] = field(default_factory=set)
    _asked: Asked | None = None
    _kill_at: float | None = None
    _strike: Strike | None = None
    _ask_again: float | None = None
    _exit_code: int = 0
    _flush_at: float | None = None

    def run(self) -> Outcome:
        """Return when no process of any host is left and all their output has been taken."""
        watches = [self._watch(host, log) for host, log in self.hosts]
        try:
            while self._running:
                self._look()
                self._take(self._selector.select(self._timeout()))
            self._drain()
        finally:
            self._selector.close()
            for watch in watches:
                watch.close()
        for _, log in self.hosts:
            log.close()
        return Outcome(self._exit_code, self._asked, self._strike if self._has_struck() else None)

    def _has_struck(self) -> bool:
        """A script that came to its end while its host was taken has won the race; one that was warned has saved its
        work, and is not done."""
        return self._asked is None and self._strike is not None and (self._strike.grace or self._exit_code != 0)

    def _watch(self, host: Host, log: LogStream) -> ExitWatch:
        process = host.process
        if process is None or process.stdout is None:
            raise RuntimeError(f"{host.name} was not started")
        os.set_blocking(process.stdout.fileno(), False)
        watch = ExitWatch(process)
        self._running.add(host.name)
        self._selector.register(process.stdout, selectors.EVENT_READ, ("output", host, log))
        self._selector.register(watch.fileno(), selectors.EVENT_READ, ("ended", host, log))
        if len(self._running) == 1:
            self._selector.register(self.bell, selectors.EVENT_READ, ("bell", host, log))
        return watch

    # --- what is due ---

    def _look(self) -> None:
        now = clock.time()
        deadline, meaning = self.limits.next()
        if self._asked is None and self.bell.asked is not None:
            self._stop(self.bell.asked, now)
        elif self._asked is None and now >= deadline:
            self._stop(meaning, now)
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self._each(Host.kill)
        if self._strike is None and self._asked is None:
            self._meet_fault(now)
        if self._flush_at is not None and time.monotonic() >= self._flush_at:
            self._flush()

    def _meet_fault(self, now: float) -> None:
        due = self.strike_due()
        if not isinstance(due, Strike):
            self._ask_again = None if due is None else now + due
            return
        if due.effect is Effect.STOPPED:
            self.bell.ask(Asked.STOP)
            return
        if due.effect is not Effect.OUT_OF_MEMORY:
            self._strike = due
        if due.grace:
            self._kill_at = now + GRACE_SECONDS
        struck = [host for host, _ in self.hosts if due.host in (None, host.name)]
        for host in struck:
            (Host.terminate if due.grace else Host.kill)(host)

    def _stop(self, reason: Asked, now: float) -> None:
        self._asked = reason
        if reason is Asked.SHUTDOWN:
            self._each(Host.kill)
            return
        self.on_stopping()
        self._kill_at = now + GRACE_SECONDS
        self._each(Host.terminate)

    def _each(self, action: Callable[[Host], None]) -> None:
        for host, _ in self.hosts:
            action(host)

    def _timeout(self) -> float | None:
        due = [] if self._kill_at is None else [self._kill_at]
        if self._asked is None:
            due.append(self.limits.next()[0])
            due += [] if self._ask_again is None or self._strike else [self._ask_again]
        seconds = [clock.wall(min(due) - clock.time())] if due else []
        seconds += [] if self._flush_at is None else [self._flush_at - time.monotonic()]
        return max(0.0, min(seconds)) if seconds else None

    # --- what has happened ---

    def _take(self, events: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        for key, _ in events:
            kind, host, log = key.data
            if kind == "bell":
                self.bell.hush()
            elif kind == "output":
                self._read(key.fd, log)
            else:
                self._selector.unregister(key.fileobj)
                self._end(host)

    def _read(self, pipe: int, log: LogStream) -> None:
        try:
            data = os.read(pipe, 65536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(pipe)
            return
        log.feed(data)
        if self._flush_at is None:
            self._flush_at = time.monotonic() + LOG_SECONDS

    def _end(self, host: Host) -> None:
        self._running.discard(host.name)
        code = host.process.wait() if host.process else 0
        code = 128 - code if code < 0 else code
        if code and not self._exit_code:
            self._exit_code = code
            if self._asked is None and not (self._strike and self._strike.host is None):
                self._each(Host.kill)  # AWS ends the whole job with the first host that fails

    def _drain(self) -> None:
        """Read what the ended processes left in their pipes."""
        end = time.monotonic() + _DRAIN_SECONDS
        while any(key.data[0] == "output" for key in self._selector.get_map().values()) and time.monotonic() < end:
            self._take(self._selector.select(max(0.0, end - time.monotonic())))

    def _flush(self) -> None:
        self._flush_at = None
        for _, log in self.hosts:
            log.flush()
