"""The rules of one training job: read from S3 what the profiler wrote, judge it, leave reports, and say so.

They run while the training does, and a moment longer. A rule on its own ends with its first finding, as AWS's do;
ProfilerReport goes on to the end of the job. Their rights are the execution role's.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from trainwright.rehearsal import clock, facade
from trainwright.rehearsal.jobs import rights
from trainwright.rehearsal.jobs.job import EVENT
from trainwright.rehearsal.jobs.profiler import config, lines, processing, reports
from trainwright.rehearsal.jobs.profiler.processing import Evaluation, RuleJob
from trainwright.rehearsal.jobs.profiler.profile import Profile
from trainwright.rehearsal.jobs.profiler.rules import (
    PROFILER_REPORT,
    RULES,
    SCAN,
    SCAN_DEFAULT,
    BadParameter,
    Finding,
    Row,
    parameters_of,
    report_parameters,
)
from trainwright.rehearsal.jobs.s3 import ClientFault, Uri

#: Recorded of rules that found something: "RuleEvaluationConditionMet: Evaluation of the rule Overfit at step 7200
#: resulted in the condition being met"; a profiler rule's steps are its scans.
CONDITION_MET = "RuleEvaluationConditionMet: Evaluation of the rule {} at step {} resulted in the condition being met"
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
_log = logging.getLogger(__name__)


class Evaluator:
    """One rule, or ProfilerReport with all of them.

    Raises:
        BadParameter: the parameters mean nothing.
    """

    def __init__(self, job: RuleJob) -> None:
        self.job = job
        given = job.rule.get("RuleParameters", {})
        self.name = str(given["rule_to_invoke"])
        self.is_report = self.name == PROFILER_REPORT
        self._parameters = report_parameters(given) if self.is_report else {self.name: parameters_of(self.name, given)}
        self._found: dict[str, Finding] = {}
        self._step = -1

    @property
    def seconds(self) -> float:
        """Between two scans, in the account's time."""
        least = min(parameters.get(SCAN, SCAN_DEFAULT) for parameters in self._parameters.values())
        return max(1.0, least / 1e6)

    @property
    def met(self) -> str:
        """What is said of a finding; empty: there is none."""
        triggered = any(finding.triggered for finding in self._found.values())
        return CONDITION_MET.format(self.name, self._step) if triggered else ""

    def scan(self, rows: list[Row]) -> None:
        """Judge all rows so far; a rule that has triggered once has triggered."""
        self._step += 1
        for name, parameters in self._parameters.items():
            finding, before = RULES[name].judge(rows, parameters), self._found.get(name)
            if before is None or finding.triggered or not before.triggered:
                self._found[name] = finding

    def files(self) -> dict[str, bytes]:
        """What is left below ``profiler-output``."""
        said = {name: reports.report(finding, self._parameters[name]) for name, finding in self._found.items()}
        made = {f"{reports.FOLDER}/{name}.json": json.dumps(content).encode() for name, content in said.items()}
        if self.is_report:
            made[reports.PAGE] = reports.page(self.job.job.name, said).encode()
        return made


@dataclass
class Reader:
    """The rows that are in S3 so far; an object that has grown is read again."""

    profile: Profile
    _seen: dict[str, tuple[str, list[Row]]] = field(default_factory=dict)

    def look(self) -> bool:
        """Read what is new; whether there is anything new.

        Raises:
            ClientFault, PermissionDenied: the role may not read it.
        """
        profiling = self.profile.profiling
        if profiling is None:
            return False
        store, changed = rights.store(self.profile.job.role), False
        for found in store.listed(profiling.target.below(lines.INCREMENTAL)):
            if self._seen.get(found.uri.key, ("", []))[0] != found.etag:
                self._seen[found.uri.key] = found.etag, list(lines.read(store.read(found.uri).read()))
                changed = True
        return changed

    def rows(self) -> list[Row]:
        """All of them, in order of time."""
        found = [row for _, rows in self._seen.values() for row in rows]
        return sorted(found, key=lambda row: row.timestamp)


class Rules:
    """All rules of one training job, on a thread of their own while there are any."""

    def __init__(self, profile: Profile) -> None:
        self._profile, self._reader = profile, Reader(profile)
        self._jobs: list[RuleJob] = []
        self._evaluators: list[Evaluator] = []
        self._wake = clock.Event()
        self._runs = False

    def statuses(self) -> list[dict[str, Any]]:
        """ProfilerRuleEvaluationStatuses."""
        return [job.evaluation() for job in self._jobs]

    def begin(self) -> None:
        """Start what is asked for and does not run yet, stop everything when the profiler is off."""
        request, now = self._profile.job.request, clock.time()
        if not config.is_enabled(request):
            self._stop_all()
        known = {job.rule["RuleConfigurationName"] for job in self._jobs}
        for rule in config.rule_configurations(request):
            if rule["RuleConfigurationName"] not in known:
                self._start(RuleJob(self._profile.job, rule, now))
        if self._evaluators and not self._runs:
            self._runs = True
            clock.thread(self._run, f"rules-{self._profile.job.name}")
        self._wake.set()

    def _start(self, job: RuleJob) -> None:
        processing.register(job)
        self._jobs.append(job)
        job.tell()
        try:
            self._evaluators.append(Evaluator(job))
        except BadParameter as wrong:
            self._end(job, Evaluation.ERROR, f"ClientError: {wrong}")

    def _stop_all(self) -> None:
        for job in self._jobs:
            self._end(job, Evaluation.STOPPED)

    def wake(self) -> None:
        """The training job ends."""
        self._wake.set()

    def _run(self) -> None:
        while not self._wait():
            self._scan(is_last=False)
        self._scan(is_last=True)

    def _wait(self) -> bool:
        """Until the next scan is due, or the job has ended; whether it has."""
        running = [evaluator.seconds for evaluator in self._evaluators if not evaluator.job.is_over]
        if self._wake.wait(min(running, default=SCAN_DEFAULT / 1e6)):
            self._wake.clear()
        if self._profile.has_ended:
            self._profile.job.ended.wait()
        return self._profile.has_ended

    def _scan(self, *, is_last: bool) -> None:
        running = [evaluator for evaluator in self._evaluators if not evaluator.job.is_over]
        try:
            if running and (self._reader.look() or is_last):
                self._judge(running, is_last=is_last)
        except (ClientFault, facade.PermissionDenied) as fault:
            for evaluator in running:
                self._end(evaluator.job, Evaluation.ERROR, str(fault))
        except Exception:  # noqa: BLE001 - whatever it is, the rules must have an end
            _log.exception("the rules of training job %s", self._profile.job.name)
            for evaluator in running:
                self._end(evaluator.job, Evaluation.ERROR, INTERNAL_ERROR)

    def _judge(self, running: list[Evaluator], *, is_last: bool) -> None:
        rows = self._reader.rows()
        for evaluator in running:
            evaluator.scan(rows)
            self._leave(evaluator)
            if evaluator.met and (is_last or not evaluator.is_report):
                self._end(evaluator.job, Evaluation.ISSUES, evaluator.met)
            elif is_last:
                self._end(evaluator.job, Evaluation.NO_ISSUES)

    def _leave(self, evaluator: Evaluator) -> None:
        target: Uri = config.rule_target(self._profile.job.request, evaluator.job.rule)
        for key, content in evaluator.files().items():
            self._profile.upload(target, key, content)

    def _end(self, job: RuleJob, status: Evaluation, said: str = "") -> None:
        """Its own event, and the training job's while that runs: what a rule finds can stop it.

        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-cloudwatch-lambda.html
        """
        if job.is_over:
            return
        job.end(status, clock.time(), said)
        training = self._profile.job
        if not training.timeline.status.is_final:
            facade.put_event("aws.sagemaker", EVENT, training.event_detail(), [training.arn])
