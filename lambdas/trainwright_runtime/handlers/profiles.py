"""The profile of a job that has ended: what its profiler, its rules and CloudWatch know by now, as profile/<n>.json of
its run, and the run's report written again with it.

Safe to repeat, whenever and as often as one likes: where nothing has changed, nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainwright_runtime import curves, instances, profile, profiled, rule_parameters
from trainwright_runtime import record as records
from trainwright_runtime.attempts import iso
from trainwright_runtime.facts import attempt_of
from trainwright_runtime.handlers import host_metrics, objects, rule_findings, throttling
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.look import describe
from trainwright_runtime.handlers.publishing import Publisher
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.open_profiles import PROFILES
from trainwright_runtime.profiled import LIMIT, Document, Found, Job, document_name
from trainwright_runtime.spec import run_prefix

MOST_BYTES = 4 << 30
"""Bytes of profiler files that one look reads; of more, evenly sampled minutes. At 60 s a GB it takes four minutes."""
_METRICS_BYTES = 64 << 20


def track(store: Store, job: str) -> None:
    """List a job whose profile is not complete, until `Profiles` has seen the rest of it. Safe to repeat."""
    if store.update(call := PROFILES.add(job, now())) is None:
        store.put(PROFILES.put_item())
        store.update(call)


def expect(record: records.Item, store: Store) -> None:
    """List the jobs of a run that has ended and whose profiles are not there, in case the events about them are
    lost."""
    known = {profiled.attempt_in(key) for key, _ in store.stamp(record["run"], "profile/")}
    for row in records.rows(record):
        if row["job_arn"] and row["number"] not in known:
            track(store, row["job_name"])


@dataclass(frozen=True)
class Profiles:
    """The profiles of one team. `is_late`: whether there is no time to read more."""

    publisher: Publisher
    is_late: Callable[[], bool]

    @property
    def _store(self) -> Store:
        return self.publisher.store

    @property
    def _clients(self) -> Services:
        return self.publisher.clients

    def bring_up_to_date(self, job_name: str) -> str:
        """Look at a job and write down what is known: what became of that, in a word. A job that is nobody's, or that
        still runs, is left alone. Raises ClientError where AWS throttles, for the caller to come back."""
        found = attempt_of(job_name, self.publisher.environment.deployment.team)
        record = self._store.record(found[0]) if found else None
        if found is None or record is None or not _is_of(record, found[1], job_name):
            self._forget(job_name)
            return "not a run's"
        job = describe(self._clients, job_name)
        if job is None:
            self._forget(job_name)
            return "not there"
        if not profiled.is_over(job):
            return "not over"
        return self._digested(*found, job)

    def _digested(self, run: str, number: int, job: Job) -> str:
        moment = datetime.now(UTC)
        look = _Look.at(job, self._clients, moment)
        before = self._store.document(run, document_name(number), LIMIT)
        if before is not None and before.get("stamp") == look.stamp and not _lacks_minutes(before, job, moment):
            changed, document = False, before
        else:
            document = look.document(number, self._steps(run), self.is_late)
            changed = before is None or _as_stored(document) != before
            if changed:
                self._store.put_data(run, document_name(number), document)
        more = document["status"] == "pending" or _lacks_minutes(document, job, moment)
        if more:
            track(self._store, job["TrainingJobName"])
        self._publish(run, number)
        if not more:
            self._forget(job["TrainingJobName"])  # not before: what is not listed has been told
        return "changed" if changed else "as it was"

    def _forget(self, job_name: str) -> None:
        self._store.update(PROFILES.remove(job_name, now()))

    def _publish(self, run: str, number: int) -> None:
        """Write the report of a run again that has been told already, where the profile is newer. One that was not told
        yet will have it: Report and close look again when a profile was written meanwhile."""
        told, known = self._store.written_at(run, "report.json"), self._store.written_at(run, document_name(number))
        if told is None or known is None or told > known:
            return
        record = self._store.record(run)
        if record is not None and records.is_final(record):
            self.publisher.publish(record)

    def _steps(self, run: str) -> list[tuple[int, float]]:
        """When each step was reported, from metrics.jsonl beside the checkpoints; nothing where there is none."""
        bucket = self.publisher.environment.deployment.checkpoints_bucket
        try:
            body = self._clients.s3.get_object(Bucket=bucket, Key=f"{run_prefix(run)}metrics.jsonl")["Body"]
            return curves.steps(body.read(_METRICS_BYTES))
        except (ClientError, BotoCoreError) as error:
            throttling.said(error)
            return []


def _is_of(record: records.Item, number: int, job_name: str) -> bool:
    """Whether the attempt is the job's: news of an older job of that number come late."""
    row = record["attempts"].get(str(number))
    return row is None or bool(row["job_name"] == job_name)


def _lacks_minutes(document: Mapping[str, Any], job: Job, moment: datetime) -> bool:
    """Whether CloudWatch may be late: a job that trained for more than a minute, and ended just now, has no series."""
    trained = sum(end - start for start, end in profiled.training(job))
    ended = job.get("TrainingEndTime")
    recent = isinstance(ended, datetime) and moment - ended <= profiled.LATE_FILES
    return document.get("series") is None and trained >= 60 and recent


def _as_stored(document: Document) -> Any:
    return json.loads(json.dumps(document, default=iso))


@dataclass(frozen=True)
class _Look:
    """A job as it stands at one moment: its profiler's files are listed, nothing is read yet."""

    job: Job
    clients: Services
    moment: datetime
    bucket: str
    files: Sequence[Found]
    missing: tuple[str, ...] = ()

    @classmethod
    def at(cls, job: Job, clients: Services, moment: datetime) -> _Look:
        place = profiled.files(job)
        if place is None:
            return cls(job, clients, moment, "", ())
        try:
            return cls(job, clients, moment, place.bucket, objects.listed(clients, place))
        except (ClientError, BotoCoreError) as error:
            why = f"the profiler's files could not be listed: {throttling.said(error)}"
            return cls(job, clients, moment, place.bucket, (), (why,))

    @property
    def stamp(self) -> str:
        """A text that changes when there may be more to say."""
        given_up = profiled.has_given_up(self.job, self.moment)
        return profiled.stamp(self.job, self.files, self._files_may_come, given_up, *self.missing)

    @property
    def _files_may_come(self) -> bool:
        return profiled.files_may_come(self.job, self.files, self.moment)

    def document(self, number: int, steps: Sequence[tuple[int, float]], is_late: Callable[[], bool]) -> Document:
        """The content of profile/<number>.json."""
        findings = rule_findings.found(self.clients, self.job)
        minutes = host_metrics.history(self.clients, self.job, self.moment)
        training = profiled.training(self.job)
        made = profile.document(
            attempt=number,
            job_name=self.job["TrainingJobName"],
            digest=self._digest(training, is_late) if self.files else None,
            rules=findings.rules,
            rule_reports=findings.reports,
            host_metrics=minutes.values,
            steps=_within(steps, training),
            training=training,
            instance=_instance(self.job),
            settings=rule_parameters.settings(self.job),
            channels=_channels(self.job),
            pending=[_MORE_FILES] if self._files_may_come else [],
            missing=[*self.missing, *findings.missing, *minutes.missing],
        )
        made["stamp"] = self.stamp
        return profiled.given_up(made) if profiled.has_given_up(self.job, self.moment) else made

    def _digest(self, training: Sequence[tuple[float, float]], is_late: Callable[[], bool]) -> profile.Digest:
        settings, known = rule_parameters.settings(self.job), {each.key: each for each in self.files}
        digest = profile.Digest(
            [(each.key, each.size) for each in self.files],
            settings=settings,
            instance=_instance(self.job),
            training=training,
        )
        wanted = [known[key] for key in digest.plan(MOST_BYTES)]
        for read in objects.read(self.clients, self.bucket, wanted, is_late):
            if read.content is None:
                digest.unreadable(read.key, read.why or "")
            else:
                digest.read(read.key, read.content)
        logger.info("profiler files read", extra={"job": self.job["TrainingJobName"], "files": len(wanted)})
        return digest


_MORE_FILES = "the profiler has not said that it is done: more of its files may come"


def _instance(job: Job) -> profile.Instance | None:
    resources = job.get("ResourceConfig") or {}
    found = instances.find(str(resources.get("SelectedInstanceType") or resources.get("InstanceType")))
    return profile.Instance(found.vcpus, found.accelerators) if found else None


def _channels(job: Job) -> dict[str, str]:
    """The input mode of each channel; one's own goes before the job's (Channel, API reference)."""
    common = (job.get("AlgorithmSpecification") or {}).get("TrainingInputMode") or "File"
    return {each["ChannelName"]: each.get("InputMode") or common for each in job.get("InputDataConfig") or ()}


def _within(steps: Sequence[tuple[int, float]], training: Sequence[tuple[float, float]]) -> list[tuple[int, float]]:
    """The steps of this job: the file has those of all the run's attempts."""
    return [(step, when) for step, when in steps if any(start <= when <= end for start, end in training)]
