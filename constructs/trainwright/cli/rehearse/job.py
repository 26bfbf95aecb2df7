"""The main job, in its ten steps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainwright import names
from trainwright.cli.display import Display, Step
from trainwright.cli.errors import StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import data, reach, runs, struck
from trainwright.cli.rehearse.account import Account
from trainwright.cli.rehearse.following import Watch, WatchedJob
from trainwright.cli.rehearse.opening import Opening
from trainwright.cli.rehearse.outcome import Outcome, count, shown_path
from trainwright.cli.rehearse.session import as_failure, show_failure
from trainwright.cli.rehearse.settings import Settings
from trainwright.cli.rehearse.team import Team, find_team
from trainwright.cli.rehearse.workspace import Workspace
from trainwright.rehearsal.faults import SpotInterruption, parse_faults

# What the sample reaches by a wide margin; less means that something between the data and the model is broken.
SAMPLE_ACCURACY = 0.9
ACCURACY = "validation_accuracy"


class Rehearsal:
    """One rehearsal. `perform` answers whether every step was true, and leaves `.rehearsal/last` either way."""

    account: Account
    team: Team
    watch: Watch

    def __init__(self, settings: Settings, workspace: Workspace, display: Display, processes: Processes) -> None:
        self.settings = settings
        self.workspace = workspace
        self.display = display
        self.processes = processes
        self.outcome = Outcome()
        self.faults = parse_faults(settings.options.faults)
        self.opening = Opening(
            workspace,
            display,
            processes,
            port=settings.port,
            python=settings.python,
            options=settings.options,
            seconds=self.outcome.seconds,
        )

    def perform(self) -> bool:
        """All ten steps. After a run that failed, its report is fetched all the same."""
        began = time.monotonic()
        self._say_what_cannot_strike()
        if self._take(self._synthesise_and_start, self._deploy, self._fill, self._start):
            if self._take(self._follow):
                self._take(self._check_interruption)
                self._take(self._check_model)
            self._take(self._fetch_report)
        self.outcome.seconds["total"] = round(time.monotonic() - began, 2)
        self._sum_up()
        return self.outcome.failed is None

    def _take(self, *steps: Callable[[], None]) -> bool:
        """Take the steps in turn, up to the first that is not true."""
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - a defect of ours must end like any other failed step
                return self._note_failure(as_failure(error, self.workspace))
        return True

    def _note_failure(self, failure: StepFailed) -> bool:
        step = self.display.current
        show_failure(failure, self.display)
        if self.outcome.failed is None and step:
            self.outcome.failed = {
                "step": step.number,
                "title": step.title,
                "why": failure.why,
                "remedy": failure.remedy,
            }
        return False

    def _say_what_cannot_strike(self) -> None:
        if file := self.settings.options.faults_file:
            for why in reach.out_of_reach(self.faults, self.settings.request.checked.resolved):
                self.display.line(f"{file}: {why}")

    def _synthesise_and_start(self) -> None:
        self.account = self.opening.synthesise_and_start(self.settings.app)

    def _deploy(self) -> None:
        self.opening.deploy(self.account, self._find_team)

    def _find_team(self) -> str:
        self.team = find_team(self.account, self.settings.team)
        return f"team {self.team.name}"

    def _fill(self) -> None:
        source = self.settings.request.source
        if not self.settings.is_sample and not self.settings.puts and not source:
            return self.display.skip(4, "put data into the data bucket", "nothing was given with --put")
        with self.display.step(4, "put data into the data bucket") as step, TemporaryDirectory() as scratch:
            puts = self.settings.puts
            if self.settings.is_sample:
                data.write_digits(Path(scratch))
                puts = [*puts, data.Put("digits", Path(scratch))]
            client, bucket = self.account.client("s3"), self.team.data_bucket
            uploaded = sum(data.upload(client, bucket, put) for put in puts)
            said = [f"{count(uploaded, 'object')} under {', '.join(f'data://{put.prefix}/' for put in puts)}"]
            if source:
                source.upload(client, bucket)
                said = [
                    *(said if puts else []),
                    f"{shown_path(source.folder.resolve())} as {names.SOURCE}{source.digest[:8]}...",
                ]
            step.result = ", ".join(said)
        return None

    def _start(self) -> None:
        with self.display.step(5, "start an execution") as step:
            request = self.settings.request.value
            name = f"{request.get('name') or 'run'}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
            answer = self.account.client("stepfunctions").start_execution(
                stateMachineArn=self.team.state_machine_arn, name=name, input=json.dumps(request)
            )
            self.outcome.execution = {"arn": answer["executionArn"], "status": "RUNNING"}
            step.result = name
        self.watch = Watch(self.account, self.team, answer["executionArn"])

    def _follow(self) -> None:
        with self.display.step(6, "run: plan, train, assess, report") as step:
            execution = self.watch.until_it_ends(step)
            self.watch.write_logs(self.workspace.next)
            self.outcome.execution["status"] = execution["status"]
            self.outcome.seconds["run"] = round(step.seconds, 2)
            step.result = f"{execution['status']}, {count(len(self.watch.jobs), 'training job')}"
            if execution["status"] != "SUCCEEDED":
                raise self._failed_run(execution)
            self.output: dict[str, Any] = json.loads(execution["output"])

    def _failed_run(self, execution: dict[str, Any]) -> StepFailed:
        """With a faults file, what struck stands beside the end: it may be what the file is there for."""
        failure = _failed_run(execution, self.watch)
        said = struck.ask(self.account.endpoint) if self.settings.options.faults_file else None
        if said and said.struck:
            return StepFailed(f"{failure.why}; faults that struck: {said.sentence()}", failure.remedy, failure.details)
        return failure

    def _check_interruption(self) -> None:
        if self.settings.options.faults_file:
            return self._check_asked_interruptions()
        title = "one spot interruption, resumed"
        jobs = [job for job in self.watch.jobs.values() if job.is_resumable_spot]
        if not jobs:
            return self.display.skip(7, title, "the run is not on spot with checkpoints")
        with self.display.step(7, title) as step:
            attempts = {attempt["job_name"]: attempt for attempt in self.output["attempts"]}
            step.result = self._judge_interruption(jobs, [attempts[job.name] for job in jobs])
        return None

    def _judge_interruption(self, jobs: list[WatchedJob], attempts: list[dict[str, Any]]) -> str:
        interruptions = sum(job.interruptions for job in jobs)
        resumed = [attempt["resumed_from_step"] for attempt in attempts if attempt["resumed_from_step"]]
        if interruptions and resumed:
            return f"resumed from step {resumed[-1]} of {attempts[-1]['total_steps'] or 'an unknown number'}"
        checkpoints = runs.checkpoints_of(self.account, self.team, str(self.output["run"]))
        if interruptions and checkpoints and all(attempt["last_step"] is None for attempt in attempts):
            return UNKNOWN_STEP
        raise _no_resume(interruptions, checkpoints)

    def _check_asked_interruptions(self) -> None:
        """With a faults file: the interruptions that it asks for, where they struck."""
        title = "the file's spot interruptions, resumed"
        asked = self.faults.spot_interruptions
        met = sum(job.interruptions for job in self.watch.jobs.values())
        if not asked or not met:
            return self.display.skip(7, title, "none struck" if asked else "the faults file asks for none")
        with self.display.step(7, title) as step:
            checkpoints = runs.checkpoints_of(self.account, self.team, str(self.output["run"]))
            step.result = _judge_asked(asked, met, self.output["attempts"], checkpoints)
        return None

    def _check_model(self) -> None:
        with self.display.step(8, "fetch the model and score it") as step:
            if not self.output["model"]:
                raise StepFailed("the run ended well and left no model")
            model = runs.fetch_model(self.account, self.output["model"]["s3_uri"], self.workspace.next)
            metrics = self._score(step)
            self.outcome.model = {
                "s3_uri": model.s3_uri,
                "sha256": model.sha256,
                "path": str(self.workspace.file("model.tar.gz")),
                "metrics": metrics,
            }
            if metrics and self.settings.is_sample and not metrics[ACCURACY] > SAMPLE_ACCURACY:
                raise StepFailed(f"{ACCURACY} is {metrics[ACCURACY]:.3f}; more than {SAMPLE_ACCURACY} is expected")

    def _score(self, step: Step) -> dict[str, float]:
        script = self.settings.request.score_script
        if not script or self.faults.fake_jobs:
            why = "the request names no score script" if not script else "jobs without processes train nothing"
            step.result = f"fetched; {why}"
            return {}
        inputs = next(reversed(self.watch.jobs.values())).description.get("InputDataConfig", [])
        with TemporaryDirectory() as scratch:
            runs.fetch_channels(self.account, inputs, Path(scratch))
            log, model = self.workspace.logs / "score.log", self.workspace.next / "model"
            metrics = runs.score(script, self.settings.python, self.processes, model=model, data=Path(scratch), log=log)
        step.result = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        return metrics

    def _fetch_report(self) -> None:
        with self.display.step(9, "fetch the run report") as step:
            run = runs.find_run(self.account, self.team, self.watch.execution_arn)
            if run is None:
                raise StepFailed("there is no run record of this execution")
            report = runs.fetch_report(self.account, self.team, run, self.workspace.next)
            if not self.faults.fake_jobs:  # there are no machines to read anything of
                runs.await_profiles(self.account, self.team, run)
                report = runs.fetch_report(self.account, self.team, run, self.workspace.next)
            self.outcome.attempts = report["attempts"]
            self.outcome.report = {kind: str(self.workspace.file(f"report.{kind}")) for kind in ("html", "json")}
            if self.outcome.failed and (diagnosis := report["diagnosis"]):
                self.outcome.failed |= {"why": diagnosis["summary"], "remedy": diagnosis["remedy"] or ""}
            step.result = f"runs/{run}/ in the reports bucket"

    def _sum_up(self) -> None:
        """Step 10, and the folder becomes the last one."""
        with self.display.step(10, "sum up") as step:
            step.result = shown_path(self.workspace.file("summary.json"))
        self.display.show(self.outcome.table())
        if failed := self.outcome.failed:
            self.display.line(f"Step {failed['step']} failed ({failed['title']}): {failed['why']}")
            for line in filter(None, [failed["remedy"], f"Logs: {shown_path(self.workspace.file('logs'))}"]):
                self.display.line(line)
        place = self.workspace.next
        self._sum_up_faults(place)
        (place / "summary.json").write_text(json.dumps(self.outcome.summary(), indent=2) + "\n", encoding="utf-8")
        (place / "output.txt").write_text(self.display.transcript(), encoding="utf-8")
        self.workspace.keep_account_logs()
        self.workspace.publish()

    def _sum_up_faults(self, place: Path) -> None:
        endpoint = self.opening.endpoint()
        said = struck.ask(endpoint) if endpoint else None
        if said:
            said.write(place)
        if said and self.settings.options.faults_file:
            for line in said.lines():
                self.display.line(line)


# A script of one's own need not write progress.json; the job was interrupted, got its checkpoints back and completed.
UNKNOWN_STEP = "its checkpoints came back; from which step it went on is not known: it writes no progress.json"


def _failed_run(execution: dict[str, Any], watch: Watch) -> StepFailed:
    """What Step Functions says: the Cause has the reason and the last log lines; without one, we add those."""
    job = next(reversed(watch.jobs.values()), None)
    tail = job.log[-12:] if job else []
    said = f"the execution ended {execution['status']}"
    error = execution.get("error")
    return StepFailed(
        f"{said}: {error}" if error else said, details=(execution.get("cause") or "").splitlines() or tail
    )


def _judge_asked(asked: Sequence[SpotInterruption], met: int, attempts: list[dict[str, Any]], checkpoints: int) -> str:
    """What is said of interruptions that struck; StepFailed when there was surely a checkpoint and nobody read it."""
    said = count(met, "interruption")
    resumed = [attempt["resumed_from_step"] for attempt in attempts if attempt["resumed_from_step"]]
    if resumed:
        return f"{said}, resumed from step {resumed[-1]} of {attempts[-1]['total_steps'] or 'an unknown number'}"
    if checkpoints and all(attempt["last_step"] is None for attempt in attempts):
        return f"{said}; {UNKNOWN_STEP}"
    if all(fault.after == "checkpoint" for fault in asked):
        raise _no_resume(met, checkpoints)
    return f"{said}; started from zero: the first came before a checkpoint, or the script reads none"


def _no_resume(interruptions: int, checkpoints: int) -> StepFailed:
    if not checkpoints:
        return StepFailed(
            "the script wrote no checkpoint: on spot it would start from zero after every interruption",
            "Save its state to /opt/ml/checkpoints and load it at its start (trainkit.Checkpoints does both), "
            "or ask for `spot: false`.",
        )
    if not interruptions:
        return StepFailed(
            "the job ended before it could be interrupted: its first checkpoint came too late",
            "Save checkpoints more often, or rehearse with more data or more epochs.",
        )
    return StepFailed(
        "the job was interrupted, and its script started from zero although there were checkpoints",
        "Load the newest file in /opt/ml/checkpoints at the script's start, and write progress.json beside it "
        "(trainkit.Progress), so that it shows.",
    )
