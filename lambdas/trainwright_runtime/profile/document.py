"""profile/<attempt>.json: what is known of an attempt's machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainwright_runtime.profile.cloudwatch import HostMetrics, add_disks, from_cloudwatch
from trainwright_runtime.profile.digest import Digest
from trainwright_runtime.profile.findings import SYSTEM_METRICS, Finding, settled
from trainwright_runtime.profile.machines import Machines
from trainwright_runtime.profile.rule_reports import Reports, Rule, unread
from trainwright_runtime.profile.rules import Context
from trainwright_runtime.profile.rules import steps as step_rules
from trainwright_runtime.profile.settings import DEFAULTS, Instance, Settings

SCHEMA = 1
_CLOUDWATCH = "CloudWatch's metrics"


def document(
    *,
    attempt: int,
    job_name: str,
    digest: Digest | None,
    rules: Sequence[Rule],
    rule_reports: Mapping[str, Mapping[str, bytes]],
    host_metrics: HostMetrics | None,
    steps: Sequence[tuple[int, float]],
    training: Sequence[tuple[float, float]],
    instance: Instance | None = None,
    settings: Settings = DEFAULTS,
    channels: Mapping[str, str] | None = None,
    pending: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of profile/<attempt>.json.

    Args:
        attempt: its number.
        job_name: its training job.
        digest: the profiler's files; None for a job that was not profiled.
        rules: the job's rules and how far they are.
        rule_reports: a rule's name to the name of a file in its profiler-reports to what that holds.
        host_metrics: CloudWatch's values. With the profiler's files, only the disks' are taken from them.
        steps: step and epoch seconds, as the script reported them.
        training: when the job was Training, in epoch seconds. Empty: nobody knows.
        instance: for `host_metrics`: what the hosts have. Left out: the digest's, or unknown.
        settings: the thresholds. Left out: the documented ones, or the digest's.
        channels: the names of the channels and their input modes, for the words of a finding.
        pending: what else is not known yet, in sentences.
        missing: what else will not come, in sentences.
    """
    if digest:
        digest.finish()
        settings, instance = digest.settings, digest.instance or instance
    machines, source = _machines(digest, host_metrics, instance, settings, training)
    context = Context(
        machines.settings if machines else settings,
        _seconds(machines, training),
        channels or {},
        instance.gpus if instance else None,
    )
    reports = Reports(rule_reports, context)
    own = [
        *_of_machines(machines, source, context),
        *step_rules.found(steps, training, replace(context, settings=settings)),
    ]
    waiting = [*(f"the rule {rule.name} is still being evaluated" for rule in rules if rule.is_pending), *pending]
    lacking = [*(digest.missing() if digest else ()), *unread(list(rules), rule_reports), *reports.missing, *missing]
    return {
        "schema": SCHEMA,
        "attempt": attempt,
        "job_name": job_name,
        "status": "pending" if waiting else "partial" if lacking else "complete",
        "pending": waiting,
        "missing": lacking,
        "source": source,
        "files": (digest or Digest([])).files(),
        "series": machines.series() if machines else None,
        "summary": machines.summary() if machines else {},
        "findings": [finding.data(attempt) for finding in settled(own, reports.findings)],
        "rules": [rule.data() for rule in rules],
    }


def _machines(
    digest: Digest | None,
    host_metrics: HostMetrics | None,
    instance: Instance | None,
    settings: Settings,
    training: Sequence[tuple[float, float]],
) -> tuple[Machines | None, str | None]:
    """From the profiler where it has anything, else from CloudWatch, else from nothing."""
    if digest and digest.machines.series():
        add_disks(digest.machines, host_metrics or {})
        return digest.machines, "profiler"
    if host_metrics:
        machines = from_cloudwatch(host_metrics, settings=settings, instance=instance, training=training)
        if machines.series():
            return machines, "cloudwatch"
    return None, None


def _seconds(machines: Machines | None, training: Sequence[tuple[float, float]]) -> float:
    known = sum(max(0.0, end - begin) for begin, end in training)
    return known or (machines.seconds if machines else 0.0)


def _of_machines(machines: Machines | None, source: str | None, context: Context) -> Iterator[Finding]:
    if machines:
        said = SYSTEM_METRICS if source == "profiler" else _CLOUDWATCH
        for finding in machines.found(context):
            yield replace(finding, source=said)
