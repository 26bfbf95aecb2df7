"""A job without processes: it lets time pass, writes checkpoints and progress as a good script does, leaves a model.

For the fast clock, and for loads of which the training itself is not the point.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from trainwright.rehearsal import clock, faults
from trainwright.rehearsal.faults import FakeJob, FullDisk
from trainwright.rehearsal.jobs import rights
from trainwright.rehearsal.jobs.checkpoints import PROGRESS, Progress
from trainwright.rehearsal.jobs.images import Image
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.logs import LogStream
from trainwright.rehearsal.jobs.s3 import Store, Uri
from trainwright.rehearsal.jobs.statuses import DOWNLOADING_IMAGE
from trainwright.rehearsal.jobs.strikes import Effect, Strike, Strikes
from trainwright.rehearsal.jobs.supervision import GRACE_SECONDS, Asked, Bell, Limits, Outcome

KILLED, FULL = 137, 1
NO_SPACE = "OSError: [Errno 28] No space left on device: '/opt/ml/checkpoints/fake.ckpt'"
_KEPT_STARTS = 100
LINE = "a job without processes (fake_jobs in the faults file)"


@dataclass
class _Ending:
    """How a stretch of training comes to its end before its work is done."""

    asked: Asked | None = None
    strike: Strike | None = None
    exit_code: int = 0
    failure: str | None = None  # what is in the failure file; None: what the faults file says


class _Disk:
    """How many checkpoints, of 1 MB each, a full disk still takes; without a fault, any number."""

    def __init__(self, job: TrainingJob) -> None:
        struck: tuple[FullDisk, ...] = faults.for_job(job.facts[job.preference]).full_disks
        for fault in struck:
            faults.note(fault, f"training-job/{job.name}")
        self._free = min((fault.free_mb for fault in struck), default=None)
        self.is_full = False

    def takes_one(self) -> bool:
        """Whether there is room; there is one checkpoint less then."""
        if self._free is not None:
            self.is_full = self._free < 1
            self._free -= 1
        return not self.is_full


class FakeWork:
    """See `trainwright.rehearsal.jobs.work.Work`.

    Args:
        job: what is asked for.
        pull: finds the image, so that a wrong one fails as it does for processes.
        bell: rung when somebody asks for the end.
        say: changes the status message.
        fake: how long it takes, and how it ends.
    """

    def __init__(
        self,
        job: TrainingJob,
        pull: Callable[[TrainingJob], Image],
        bell: Bell,
        say: Callable[[str], None],
        fake: FakeJob,
    ) -> None:
        self._job, self._pull, self._bell, self._say, self._fake = job, pull, bell, say, fake
        self._step = self._streams = 0
        self._until = fake.steps if fake.exit_step is None else fake.exit_step
        self._starts: list[Any] = []
        self._failure: str | None = None
        self._progress = Progress()

    @property
    def _checkpoints(self) -> Uri | None:
        config = self._job.request.get("CheckpointConfig")
        return Uri.parse(config["S3Uri"]) if config else None

    # --- Downloading ---

    def prepare(self) -> None:
        """Look where the checkpoints are, and whether the image is there."""
        self._step, self._starts, self._progress = 0, [], Progress()
        self._disk = _Disk(self._job)
        prefix = self._checkpoints
        if prefix:
            self._resume(rights.store(self._job.role), prefix)
        self._say(DOWNLOADING_IMAGE)
        self._pull(self._job)

    def _resume(self, store: Store, prefix: Uri) -> None:
        keys = {key[len(prefix.key) :].lstrip("/") for key in store.keys(prefix)}
        if PROGRESS in keys:
            with suppress(ValueError, KeyError, TypeError):
                left = json.loads(store.read(prefix.below(PROGRESS)).read())
                self._starts = left.get("starts", [])[1 - _KEPT_STARTS :]
                self._step = int(left["step"]) if self._fake.resume else 0

    # --- Training ---

    def train(self, strikes: Strikes, limits: Limits, on_stopping: Callable[[], None]) -> Outcome:
        """Pass from step to step until the work is done or something ends it."""
        self._streams += 1
        self._resumed_from, self._began = self._step, clock.time()
        log = self._log()
        log.feed(f"{LINE}: step {self._step} of {self._fake.steps}\n".encode())
        ending = self._pass_time(strikes, limits)
        if ending.asked or (ending.strike and ending.strike.grace):
            self._stop(ending, on_stopping)
        self._failure = ending.failure
        for line in (*self._last_lines(ending), f"ends at step {self._step}"):
            log.feed(f"{line}\n".encode())
        log.close()
        return Outcome(ending.exit_code, ending.asked, ending.strike)

    def _last_lines(self, ending: _Ending) -> tuple[str, ...]:
        if ending.asked or ending.strike:
            return ()
        return self._fake.log if ending.failure is None else (ending.failure,)

    def _log(self) -> LogStream:
        stream = f"{self._job.name}/algo-1-{int(clock.time())}"
        return LogStream(stream, rights.log_put(self._job.role, stream), self._job.metrics)

    def _pass_time(self, strikes: Strikes, limits: Limits) -> _Ending:
        seconds = self._fake.seconds / self._fake.steps
        next_step = clock.time() + seconds
        while self._step < self._until:
            now = clock.time()
            if now >= next_step:
                self._step += 1
                next_step += seconds
                self._after_step()
                if self._disk.is_full:
                    return _Ending(exit_code=FULL, failure=NO_SPACE)
                continue
            ending = self._ending(strikes, limits, now)
            if isinstance(ending, _Ending):
                return ending
            self._bell.wait(min(next_step, limits.next()[0], now + ending) - now)
        return _Ending(exit_code=self._fake.exit_code)

    def _ending(self, strikes: Strikes, limits: Limits, now: float) -> _Ending | float:
        """What ends the stretch now, or for how many seconds at most nothing does."""
        deadline, meaning = limits.next()
        if self._bell.asked or now >= deadline:
            return _Ending(asked=self._bell.asked or meaning)
        due = strikes.due(self._progress, now)
        if isinstance(due, Strike):
            return self._struck(due)
        return float("inf") if due is None else due

    def _struck(self, strike: Strike) -> _Ending:
        if strike.effect is Effect.STOPPED:
            self._bell.ask(Asked.STOP)
            return _Ending(asked=self._bell.asked)
        if strike.effect is Effect.OUT_OF_MEMORY:
            return _Ending(exit_code=KILLED, failure="")
        return _Ending(strike=strike)

    def _after_step(self) -> None:
        due = self._step % self._fake.checkpoint_every == 0 or self._step == self._fake.steps
        prefix = self._checkpoints
        if due and self._disk.takes_one() and prefix:
            self._save(rights.store(self._job.role), prefix)

    def _save(self, store: Store, prefix: Uri) -> None:
        own = {"resumed_from": self._resumed_from or None, "step": self._step}
        times = {"began_at": self._began, "ready_at": self._began, "saved_at": clock.time(), "checkpoint_seconds": 0.0}
        progress = {**own, "total": self._fake.steps, "starts": [*self._starts, {**own, **times}]}
        store.upload(io.BytesIO(f"step {self._step}\n".encode()), prefix.below("fake.ckpt"))
        store.upload(io.BytesIO(json.dumps(progress).encode()), prefix.below(PROGRESS))
        self._progress.checkpoints += 1
        self._progress.since = self._progress.since or clock.time()
        self._progress.step, self._progress.total = self._step, self._fake.steps

    def _stop(self, ending: _Ending, on_stopping: Callable[[], None]) -> None:
        """A good script hears SIGTERM, saves and ends: `stop_seconds` later, two minutes at most."""
        if ending.asked is Asked.SHUTDOWN:
            return
        if ending.asked:
            on_stopping()
        clock.sleep(min(self._fake.stop_seconds, GRACE_SECONDS))
        prefix = self._checkpoints
        if prefix and self._step and self._disk.takes_one():
            self._save(rights.store(self._job.role), prefix)

    # --- the end ---

    def fault(self) -> Exception | None:
        """Nothing breaks beside it."""
        return None

    def failure(self, exit_code: int) -> str:
        """In the words of a failure file, when the faults file has some, or in the service's."""
        if self._failure is None and self._fake.failure_reason:
            return self._fake.failure_reason
        return (
            f"AlgorithmError: {self._fake.failure if self._failure is None else self._failure}, exit code: {exit_code}"
        )

    def upload(self) -> None:
        """A model archive that says how many steps it had."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            text = f"{LINE}: {self._step} of {self._fake.steps} steps\n".encode()
            entry = tarfile.TarInfo("model.txt")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        archive.seek(0)
        if self._job.compresses_model:
            rights.store(self._job.role).upload(archive, self._job.output.below("model.tar.gz"))
        else:
            rights.store(self._job.role).upload(io.BytesIO(text), self._job.output.below("model/model.txt"))

    def discard(self) -> None:
        """There is nothing to throw away."""

    def kill(self) -> None:
        """There is nothing to kill."""
