"""The profiler as the engine calls it.

Three calls: `watch` around each stretch of training, `update` after UpdateTrainingJob, `end` at the end.
https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-configure-system-monitoring.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from trainwright.rehearsal.jobs.host import Host
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.profiler.evaluation import Rules
from trainwright.rehearsal.jobs.profiler.meter import meter
from trainwright.rehearsal.jobs.profiler.profile import Profile
from trainwright.rehearsal.jobs.profiler.watch import Watch
from trainwright.rehearsal.jobs.supervision import Asked, Bell

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_running: dict[str, tuple[Profile, Rules]] = {}


@contextmanager
def watch(job: TrainingJob, hosts: Sequence[Host], bell: Bell) -> Iterator[None]:
    """Measure the job's hosts, which have started, and evaluate its rules; at the end everything is published."""
    profile, rules = _of(job)
    rules.begin()
    volume = job.request["ResourceConfig"].get("VolumeSizeInGB")
    watched = Watch(profile, list(zip(hosts, job.hosts, strict=True)), volume)
    meter().add(watched)
    try:
        yield
    finally:
        meter().remove(watched)
        goes_down = bell.asked is Asked.SHUTDOWN
        with _harmless(job):
            watched.stop(publish=not goes_down)
        if goes_down:
            _forget(job)


def _of(job: TrainingJob) -> tuple[Profile, Rules]:
    """The job's own, made at its first stretch."""
    with _lock:
        if job.arn not in _running:
            profile = Profile(job)
            rules = Rules(profile)
            job.rule_statuses = rules.statuses
            _running[job.arn] = profile, rules
        return _running[job.arn]


def update(job: TrainingJob) -> None:
    """The request has changed: rules come, or the profiler goes."""
    with _lock:
        found = _running.get(job.arn)
    if found:
        found[1].begin()


def end(job: TrainingJob) -> None:
    """The job is about to end; its rules follow."""
    found = _forget(job)
    if found:
        profile, rules = found
        with _harmless(job):
            profile.end()
        rules.wake()


@contextmanager
def _harmless(job: TrainingJob) -> Iterator[None]:
    """Whatever goes wrong with what is shown of a job must not be the job's end."""
    try:
        yield
    except Exception:  # noqa: BLE001 - see above
        _log.exception("what training job %s shows of its instances", job.name)


def _forget(job: TrainingJob) -> tuple[Profile, Rules] | None:
    with _lock:
        return _running.pop(job.arn, None)
