"""What is known of one job's instances, over all its stretches of training, and how it gets to S3 and CloudWatch."""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Callable

from botocore.exceptions import BotoCoreError

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.jobs import rights
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.profiler import config, lines, metrics
from trainwright.rehearsal.jobs.profiler.config import Profiling
from trainwright.rehearsal.jobs.s3 import ClientFault, Uri

Disk = Callable[[str], float | None]
_log = logging.getLogger(__name__)
#: Uploads of all jobs, beside the measuring.
_publishing = clock.Lane("profiler", 2)


class Profile:
    """The system metrics of one job; everything is published with the rights of its execution role.

    What may not be written is said in the account's log and does not fail the job.
    """

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        self.files, self.metrics = lines.Files(), metrics.Metrics(job.name)
        job.metrics.on_value = self.metrics.said
        self._told: set[str] = set()
        self._published: float | None = None
        found = self.profiling
        self._target = found.target if found else None
        self.has_ended = False

    @property
    def profiling(self) -> Profiling | None:
        """What to measure now: UpdateTrainingJob may have changed it."""
        return config.profiling(self.job.request)

    def publish_if_due(self, now: float, disk: Disk) -> None:
        """Once a minute, on another thread."""
        if self._published is None:
            self._published = now
        if now // 60 > self._published // 60:
            self._published = now
            _publishing.submit(self._publish, now, disk)

    def publish(self, now: float, disk: Disk, *, everything: bool = False) -> None:
        """Give CloudWatch what was measured, and S3 the minutes that are over, or everything."""
        self.metrics.flush(now, disk, self._put)
        found = self.profiling
        self._target = found.target if found else self._target
        if self._target is not None:
            self.files.flush(now, functools.partial(self.upload, self._target), all_of_them=everything)

    def _publish(self, now: float, disk: Disk) -> None:
        self.publish(now, disk)

    def _put(self, data: list[metrics.Datum]) -> None:
        try:
            rights.may(self.job.role, metrics.PUT, "*", {"cloudwatch:namespace": metrics.NAMESPACE})
        except facade.PermissionDenied as denied:
            self._tell(f"no metrics: {denied}")
        else:
            facade.put_metrics(metrics.NAMESPACE, data)

    def upload(self, target: Uri, key: str, content: bytes) -> bool:
        """Store an object below ``target``; whether it could be."""
        try:
            rights.store(self.job.role).upload(io.BytesIO(content), target.below(key))
        except (ClientFault, facade.PermissionDenied, BotoCoreError) as fault:
            self._tell(str(fault))
            return False
        return True

    def _tell(self, problem: str) -> None:
        """Once a job and problem."""
        if problem not in self._told:
            self._told.add(problem)
            _log.warning("training job %s: %s", self.job.name, problem)

    def end(self) -> None:
        """The job has come to its end: say so beside its files, for whoever reads them while they come."""
        self.has_ended = True
        if self._target is not None:
            self.upload(self._target, lines.END, b"")
