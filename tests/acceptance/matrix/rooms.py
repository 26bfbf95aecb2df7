"""Accounts in which rows of the matrix run: one for all rows that instance types tell apart, one each for the others.

An account takes some five seconds to open, a run on the clock that jumps a tenth of one. Rows whose faults all name
instance types of their own can share an account, where they start at one instant; a row with faults that strike every
run (`api_errors`, `functions`, `events`, `access_denied`) shares it only with rows that have the very same.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.account import Account, StartingAccount
from trainwright.cli.rehearse.options import AccountOptions
from trainwright.cli.rehearse.tools import cdk
from trainwright_runtime.facts import job_name, run_id

HERE = Path(__file__).parent
FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
ALIVE = {"InProgress", "Stopping"}
OF_EVERY_RUN = {"api_errors", "functions", "events", "access_denied"}
COMMON = {"clock": {"jump": True}, "fake_jobs": {"seconds": "10m", "steps": 100}}
REQUEST = {"image": "platform", "checkpoints": True, "limits": {"max_runtime": "1h"}}
SECONDS = 240.0
_MAKING = threading.Lock()


@dataclass(frozen=True)
class Case:
    """A row of the matrix: what is asked for, what people do, what must come of it. See cases.yaml."""

    row: str
    starts: list[dict[str, Any]]
    execution: str
    request: dict[str, Any] = field(default_factory=dict)
    team: str = "matrix"
    stop_execution_after: int | None = None
    redrive: bool = False
    name_taken: bool = False
    execution_seconds: int | None = None
    from_zero: bool = False
    pool_kept_seconds: int | None = None

    @property
    def faults(self) -> dict[str, Any]:
        return YAML(typ="safe").load((HERE / f"{self.row}.yaml").read_text())

    @property
    def room(self) -> str:
        """Rows with the same can share an account: what of their faults, of what their people do, and of the team's
        alarm would be every row's.
        """
        of_all = {key: value for key, value in self.faults.items() if key in OF_EVERY_RUN}
        return json.dumps([of_all, self.execution_seconds, self.from_zero])


@dataclass
class Result:
    """What a row left behind."""

    case: Case
    arn: str
    run: str
    execution: dict[str, Any]
    history: list[dict[str, Any]]
    record: dict[str, Any]
    report: dict[str, Any] | None
    jobs: list[dict[str, Any]]
    month: dict[str, Any]
    alarms: list[str]
    idle: list[dict[str, Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The attempts of the run's record."""
        return [self.record["attempts"][number] for number in sorted(self.record["attempts"], key=int)]


def cases() -> list[Case]:
    """Every case of cases.yaml."""
    data = YAML(typ="safe").load((HERE / "cases.yaml").read_text())
    return [Case(row, **words) for row, words in data.items()]


def merged(several: list[dict[str, Any]]) -> dict[str, Any]:
    """The faults of several rows as those of one account."""
    whole: dict[str, Any] = json.loads(json.dumps(COMMON))
    for faults in several:
        for key, value in faults.items():
            if key == "fake_jobs":
                whole[key].setdefault("others", []).extend(value.get("others", []))
            elif isinstance(value, list):
                known = whole.setdefault(key, [])
                known.extend(each for each in value if each not in known)
            elif key == "instance_types":
                whole.setdefault(key, {}).update(value)
    return whole


class House:
    """The accounts of a session: `result` opens the account that a row needs and waits for what the row left."""

    def __init__(self, folder: Path, wanted: list[Case], at_once: int = 2) -> None:
        self._folder, self._assembly = folder, folder / "cdk.out"
        self._processes = Processes()
        self._pool = ThreadPoolExecutor(at_once)
        self._results: dict[str, Future[dict[str, Result]]] = {}
        self._wanted = wanted

    def __enter__(self) -> "House":
        self._processes.__enter__()
        env = child_environment() | {"CDK_OUTDIR": str(self._assembly), "CDK_VALIDATION": "false"}
        subprocess.run([sys.executable, str(HERE / "app.py")], env=env, check=True)
        self._cdk = cdk(self._processes, self._folder)
        rooms: dict[str, list[Case]] = {}
        for case in self._wanted:
            rooms.setdefault(case.room, []).append(case)
        for group in sorted(rooms.values(), key=len, reverse=True):
            found = self._pool.submit(self._run, group)
            self._results |= {case.row: found for case in group}
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._processes.__exit__(*exception)

    def result(self, row: str) -> Result:
        """What a row left behind; raises what went wrong with its account."""
        return self._results[row].result()[row]

    def _run(self, group: list[Case]) -> dict[str, Result]:
        with self._room(group) as room:
            return room.run(group)

    @contextmanager
    def _room(self, group: list[Case]):
        folder, faults = self._folder / group[0].row, merged([case.faults for case in group])
        folder.mkdir()
        starting = StartingAccount(
            self._processes,
            folder,
            port=0,
            region="us-east-1",
            account_id="123456789012",
            python=Path(sys.executable),
            options=AccountOptions(faults),
        )
        try:
            account = starting.wait()
            self._deploy(account, folder, sorted({case.team.title() for case in group}))
            yield Room(account, faults)
        finally:
            self._processes.stop(starting.process)

    def _deploy(self, account: Account, folder: Path, stacks: list[str]) -> None:
        env = account.environment() | {"CDK_HOME": str(folder / "cdk-home")}
        arguments = ["deploy", "Platform", *stacks, "--app", str(self._assembly), "--require-approval", "never"]
        command = [*self._cdk, *arguments, "--method", "direct", "--concurrency", "3", "--no-notices", "--ci"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Room:
    """One account with the platform in it."""

    def __init__(self, account: Account, faults: dict[str, Any]) -> None:
        self._account, self._faults = account, faults
        self.states = self._client("stepfunctions")
        self.sagemaker = self._client("sagemaker")
        self._teams: dict[str, dict[str, str]] = {}

    def run(self, group: list[Case]) -> dict[str, Result]:
        """Start every row at one instant, do what its people do, wait until nothing happens any more."""
        for case in group:
            self._shorten(case)
        self._clock(hold=True)
        started = {case.row: self._start(case) for case in group}
        for case in group:
            self._take_name(case, started[case.row])
        self._at_their_moments(group, started)
        self._finish(group, started)
        if again := [case for case in group if case.redrive]:
            self._clock(hold=True)
            for case in again:
                self.states.redrive_execution(executionArn=started[case.row][0])
            self._clock(hold=False)
            self._finish(group, started)
        return {case.row: self._result(case, *started[case.row]) for case in group}

    def _client(self, service: str) -> Any:
        """Clients are made one at a time: boto3's own session is not made for threads."""
        with _MAKING:
            return self._account.client(service)

    # --- what people do ---

    def _start(self, case: Case) -> tuple[str, str]:
        request = {"name": case.row, **REQUEST, **case.request}
        machine = self._team(case)["state_machine_arn"]
        begun = self.states.start_execution(stateMachineArn=machine, name=case.row, input=json.dumps(request))
        return begun["executionArn"], run_id(begun["executionArn"], begun["startDate"], case.team)

    def _take_name(self, case: Case, started: tuple[str, str]) -> None:
        if not case.name_taken:
            return
        team = self._team(case)
        self.sagemaker.create_training_job(
            TrainingJobName=job_name(started[1], 1),
            RoleArn=team["execution_role_arn"],
            AlgorithmSpecification={"TrainingImage": self._image(), "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": f"s3://{team['artifacts_bucket']}/runs/by-hand/"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
        )

    def _image(self) -> str:
        found = self._client("ssm").get_parameter(Name="/trainwright/images/platform")
        return found["Parameter"]["Value"]

    def _shorten(self, case: Case) -> None:
        """Give every execution so little time that it times out."""
        if case.execution_seconds is None:
            return
        machine = self.states.describe_state_machine(stateMachineArn=self._team(case)["state_machine_arn"])
        definition = json.loads(machine["definition"]) | {"TimeoutSeconds": case.execution_seconds}
        self.states.update_state_machine(
            stateMachineArn=machine["stateMachineArn"], definition=json.dumps(definition), roleArn=machine["roleArn"]
        )

    def _at_their_moments(self, group: list[Case], started: dict[str, tuple[str, str]]) -> None:
        """Let time go on; hold it at each moment at which somebody stops an execution."""
        passed = 0
        for moment in sorted({case.stop_execution_after for case in group if case.stop_execution_after}):
            self._pass(moment - passed)
            passed = moment
            for case in group:
                if case.stop_execution_after == moment:
                    self.states.stop_execution(executionArn=started[case.row][0], error="Changed", cause="my mind")
        self._clock(hold=False)

    def _pass(self, seconds: int) -> None:
        """Let so much time go by in an account that is held, and hold it again."""
        before = self._clock()["waiting"]
        with ThreadPoolExecutor(1) as threads:
            over = threads.submit(self._clock, sleep=seconds, hold=True)
            wait_for(lambda: self._clock()["waiting"] > before or over.done(), "the sleep to begin")
            self._clock(hold=False)
            over.result()

    # --- what came of it ---

    def _finish(self, group: list[Case], started: dict[str, tuple[str, str]]) -> None:
        """Executions end, then the rules about their ends have their turn."""
        for case in group:
            arn, run = started[case.row]
            wait_for(lambda arn=arn: self.states.describe_execution(executionArn=arn)["status"] in FINAL, case.row)
            wait_for(lambda case=case, run=run: self._is_settled(case, run), f"the record of {case.row}", fatal=False)

    def _is_settled(self, case: Case, run: str) -> bool:
        record = self._item(case, run)
        settled = bool(record) and record["status"] != "RUNNING" and self._report(case, run) is not None
        return settled and not [job for job in self._jobs(run) if job["TrainingJobStatus"] in ALIVE]

    def _result(self, case: Case, arn: str, run: str) -> Result:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        record = self._item(case, run)
        never = [self._faults[key][index] for key, index in self._never()]
        alarms = self._client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
        return Result(
            case=case,
            arn=arn,
            run=run,
            execution=self.states.describe_execution(executionArn=arn),
            history=[event for page in pages for event in page["events"]],
            record=record,
            report=self._report(case, run),
            jobs=self._jobs(run),
            month=self._item(case, f"money:{(record.get('money') or {}).get('month')}"),
            alarms=[
                alarm["MetricName"] for alarm in alarms if {"Name": "team", "Value": case.team} in alarm["Dimensions"]
            ],
            idle=[each for each in never if any(each in known for known in lists(case.faults))],
        )

    def _jobs(self, run: str) -> list[dict[str, Any]]:
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=run)
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
        found = [self.sagemaker.describe_training_job(TrainingJobName=name) for name in names]
        return sorted(found, key=lambda job: job["CreationTime"])

    def _item(self, case: Case, key: str) -> dict[str, Any]:
        table, wanted = self._team(case)["runs_table"], {"run": {"S": key}}
        found = self._client("dynamodb").get_item(TableName=table, Key=wanted, ConsistentRead=True)
        return {name: plain(value) for name, value in found.get("Item", {}).items()}

    def _report(self, case: Case, run: str) -> dict[str, Any] | None:
        s3, bucket = self._client("s3"), self._team(case)["reports_bucket"]
        try:
            return json.load(s3.get_object(Bucket=bucket, Key=f"runs/{run}/report.json")["Body"])
        except s3.exceptions.NoSuchKey:
            return None

    def _team(self, case: Case) -> dict[str, str]:
        if case.team not in self._teams:
            found = self._client("ssm").get_parameter(Name=f"/trainwright/teams/{case.team}")
            self._teams[case.team] = json.loads(found["Parameter"]["Value"])
        return self._teams[case.team]

    def _clock(self, **wish: Any) -> dict[str, Any]:
        return self._page("clock", json.dumps(wish).encode() if wish else None)

    def _never(self) -> Iterator[tuple[str, int]]:
        """Which of the account's faults never struck, by list and place in it."""
        for place in self._page("faults")["never"]:
            key, _, index = place.rstrip("]").partition("[")
            yield key, int(index)

    def _page(self, name: str, wish: bytes | None = None) -> dict[str, Any]:
        page = f"{self._account.endpoint}/_trainwright/{name}"
        with urllib.request.urlopen(page, wish, timeout=SECONDS) as answer:
            return json.load(answer)


def lists(faults: dict[str, Any]) -> list[list[Any]]:
    """The lists of faults of a faults file."""
    return [entries for entries in faults.values() if isinstance(entries, list)]


def plain(value: dict[str, Any]) -> Any:
    """DynamoDB's form of a value as Python's."""
    ((kind, held),) = value.items()
    if kind == "M":
        return {name: plain(each) for name, each in held.items()}
    if kind == "L":
        return [plain(each) for each in held]
    if kind == "N":
        return float(held) if "." in held else int(held)
    return None if kind == "NULL" else held


def wait_for(look, what: str, seconds: float = SECONDS, *, fatal: bool = True):
    """What `look` finds at last; None where nothing came and that is not fatal."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    assert not fatal, f"waited {seconds} s for {what}"
    return None
