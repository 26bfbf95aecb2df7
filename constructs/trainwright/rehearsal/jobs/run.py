"""One job on its way, from Starting to its end: a thread that knows nothing of processes.

The account's other parts see a job only through its description and through the events that it emits on each change of
status.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trainwright.rehearsal import clock, facade, faults
from trainwright.rehearsal.jobs.capacity import CAPACITY_ERROR, INSUFFICIENT
from trainwright.rehearsal.jobs.images import ImageError
from trainwright.rehearsal.jobs.job import EVENT, TrainingJob
from trainwright.rehearsal.jobs.profiler import service as profiler
from trainwright.rehearsal.jobs.s3 import ClientFault
from trainwright.rehearsal.jobs.statuses import PREPARING, REPAIRING, Secondary
from trainwright.rehearsal.jobs.strikes import Effect, Strike, Strikes
from trainwright.rehearsal.jobs.supervision import Asked, Bell, Limits, Outcome

if TYPE_CHECKING:
    from trainwright.rehearsal.jobs.engine import Engine

INTERNAL_ERROR = "InternalServerError: We encountered an internal error.  Please try again."
#: "up to 10" repairs of a cluster (guide, model-checkpoints-cluster-repair).
MOST_REPAIRS = 10
End = tuple[Secondary, str | None]
_log = logging.getLogger(__name__)


class JobRun:
    """``start`` returns at once."""

    def __init__(self, job: TrainingJob, engine: Engine) -> None:
        self.job, self._engine = job, engine
        self.bell = Bell()
        self._faults = faults.for_job(job.facts[0])
        self._strikes = Strikes(self._faults, is_spot=job.is_spot, on_strike=self._note)
        self._work = engine.work_for(job, self.bell, self._say)
        self._errors_left = int(job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0))
        self._repairs_left = MOST_REPAIRS

    def start(self) -> None:
        """Begin, on a thread of its own (which must outlive the processes: they die with it)."""
        clock.thread(self._run, f"job-{self.job.name}")

    # --- from Starting to the end ---

    def _run(self) -> None:
        self._tell()
        try:
            end, reason = self._until_end()
        except (ClientFault, ImageError) as fault:
            end, reason = Secondary.FAILED, str(fault)
        except Exception:  # noqa: BLE001 - whatever it is, the job must have an end
            _log.exception("training job %s", self.job.name)
            end, reason = Secondary.FAILED, INTERNAL_ERROR
        finally:
            self._work.discard()
        self.job.failure_reason = reason
        profiler.end(self.job)
        self._engine.give_up_instances(self.job, end, reason)
        self._enter(end)
        self.bell.close()
        self._engine.forget(self)

    def _until_end(self) -> End:
        while True:
            early = self._get_instances()
            if early:
                return early
            self._enter(Secondary.DOWNLOADING)
            self._engine.has_instances(self.job)
            self._work.prepare()
            if self.bell.asked:
                return self._ended_early(self.bell.asked)
            outcome = self._train()
            if outcome.strike is None:
                return self._conclude(outcome)
            if not self._begin_again(outcome.strike):
                return Secondary.FAILED, INTERNAL_ERROR

    def _train(self) -> Outcome:
        self._enter(Secondary.TRAINING)
        self._strikes.begin(clock.time())
        return self._work.train(self._strikes, self._limits(), lambda: self._enter(Secondary.STOPPING))

    def _begin_again(self, strike: Strike) -> bool:
        """After a strike that took the instances: back to Starting, if the job may."""
        if strike.effect is Effect.INTERRUPTED:
            self._enter(Secondary.INTERRUPTED)
            message = None
        elif strike.host and self.job.is_accelerated and self._repairs_left:
            self._repairs_left -= 1
            message = REPAIRING
        elif self._errors_left:
            self._errors_left -= 1
            message = None
        else:
            return False
        self._work.discard()
        self._enter(Secondary.STARTING)
        if message:
            self._say(message)
        return True

    # --- Starting ---

    def _get_instances(self) -> End | None:
        """Wait until the instances are there; the end of a job that does not get them."""
        if self._engine.reuses_pool(self.job):
            self._say(PREPARING)
            return self._ended_early(self.bell.asked) if self.bell.asked else None
        asked = self._wait(self._engine.start_seconds(self.job, self._faults))
        while asked is None:
            missing = self._engine.missing_seconds(self.job)
            if not missing:
                self._say(PREPARING)
                return None
            if not self.job.is_spot:
                return Secondary.FAILED, CAPACITY_ERROR
            self._say(INSUFFICIENT)
            asked = self._wait(missing)
        return self._ended_early(asked)

    def _wait(self, seconds: float) -> Asked | None:
        """Sleep, unless somebody asks for the end or MaxWaitTimeInSeconds is over."""
        deadline = self._limits().wait
        left = seconds if deadline is None else min(seconds, deadline - clock.time())
        asked = self.bell.wait(left)
        if asked is None and deadline is not None and clock.time() >= deadline:
            return Asked.WAIT
        return asked

    def _ended_early(self, asked: Asked) -> End:
        if asked is Asked.SHUTDOWN:
            return Secondary.FAILED, INTERNAL_ERROR
        self._enter(Secondary.STOPPING)
        return asked.value, None

    def _limits(self) -> Limits:
        now, job = clock.time(), self.job
        used = job.timeline.seconds_on_instances(now)
        return Limits(now + job.max_runtime - used, None if job.max_wait is None else job.created + job.max_wait)

    # --- the end ---

    def _conclude(self, outcome: Outcome) -> End:
        if outcome.asked is Asked.SHUTDOWN:
            return Secondary.FAILED, INTERNAL_ERROR
        self._enter(Secondary.UPLOADING)
        self._work.upload()
        if outcome.asked is not None:
            return outcome.asked.value, None
        fault = self._work.fault()
        if fault:
            raise fault
        if outcome.exit_code:
            return Secondary.FAILED, self._work.failure(outcome.exit_code)
        return Secondary.COMPLETED, None

    # --- what others see ---

    def _note(self, fault: faults.Fault) -> None:
        faults.note(fault, f"training-job/{self.job.name}")

    def _enter(self, secondary: Secondary) -> None:
        with self.job.lock:
            self.job.timeline.enter(secondary, clock.time())
        self._tell()
        if self.job.timeline.status.is_final:
            self.job.ended.set()

    def _say(self, message: str) -> None:
        with self.job.lock:
            self.job.timeline.say(message)

    def _tell(self) -> None:
        try:
            facade.put_event("aws.sagemaker", EVENT, self.job.event_detail(), [self.job.arn])
        except Exception:  # noqa: BLE001 - a target that fails must not hold up the job
            _log.exception("the event of training job %s", self.job.name)

    def kill(self) -> None:
        """End the processes at once; the account goes down."""
        self.bell.ask(Asked.SHUTDOWN)
        self._work.kill()
