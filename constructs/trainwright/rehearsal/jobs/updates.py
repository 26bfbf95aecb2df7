"""UpdateTrainingJob: what can be changed of a job that exists.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.pools import Pools
from trainwright.rehearsal.jobs.profiler import config as profiler
from trainwright.rehearsal.jobs.statuses import Secondary
from trainwright.rehearsal.jobs.validation import InvalidRequest

_UPDATABLE = ("ProfilerConfig", "ProfilerRuleConfigurations", "RemoteDebugConfig")
#: "You can update RemoteDebugConfig when the SecondaryStatus of the job is Downloading or Training" (API reference).
_REMOTE_DEBUG = (Secondary.DOWNLOADING, Secondary.TRAINING)


def apply(job: TrainingJob, asked: Mapping[str, Any], pools: Pools, now: float) -> None:
    """Change what is asked for, or nothing.

    Raises:
        InvalidRequest: with everything that cannot be changed now; the words are ours.
    """
    problems = [*_problems(job, asked, pools, now), *profiler.problems(asked), *profiler.unplayed(asked)]
    if problems:
        raise InvalidRequest("; ".join(problems))
    with job.lock:
        changed = {name: asked[name] for name in _UPDATABLE if name in asked}
        if "ProfilerConfig" in asked:
            changed["ProfilerConfig"] = {**job.request.get("ProfilerConfig", {}), **asked["ProfilerConfig"]}
        if "ResourceConfig" in asked:
            changed["ResourceConfig"] = {**job.request["ResourceConfig"], **asked["ResourceConfig"]}
            pools.update(job.name, asked["ResourceConfig"]["KeepAlivePeriodInSeconds"], now)
        job.request = {**job.request, **changed}


def _problems(job: TrainingJob, asked: Mapping[str, Any], pools: Pools, now: float) -> Iterator[str]:
    ended = job.timeline.status.is_final
    for name in ("ProfilerConfig", "ProfilerRuleConfigurations"):
        if name in asked and ended:
            yield f"{name} cannot be updated because the training job is in status {job.timeline.status}"
    if "RemoteDebugConfig" in asked and job.timeline.secondary not in _REMOTE_DEBUG:
        yield f"RemoteDebugConfig cannot be updated in secondary status {job.timeline.secondary}"
    if "ResourceConfig" in asked:
        status = (pools.status(job.name, now) or {}).get("Status")
        if status != "Available":
            yield f"KeepAlivePeriodInSeconds cannot be updated: the warm pool's status is {status or 'none'}"
