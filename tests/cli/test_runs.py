"""`run`, `list` and `stop` against AWS's APIs: what they ask for, print and answer."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from rich.console import Console

from trainwright.cli import requests, teams
from trainwright.cli.errors import BadInput
from trainwright.cli.runs import overview, start, watching
from trainwright.cli.runs.watching import Watch
from trainwright_runtime.facts import run_id

REQUEST = """\
name: digits
inputs: {train: data://digits/train/}
compute: {instance_type: ml.g5.xlarge, spot: true}
limits: {max_runtime: 30m}
"""
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:vision"
ROLE = "arn:aws:iam::123456789012:role/vision-execution"


def parameter(team: str, machine: str = MACHINE) -> str:
    buckets = {f"{kind}_bucket": f"{team}-{kind}" for kind in ("data", "artifacts", "checkpoints", "reports")}
    rest = {"runs_table": f"{team}-runs", "log_group": "/aws/sagemaker/TrainingJobs", "execution_role_arn": ROLE}
    return json.dumps({"schema": 1, "team": team, "state_machine_arn": machine} | buckets | rest)


TEAM = teams.read(parameter("vision"))


@pytest.fixture
def aws(here: Path, monkeypatch: pytest.MonkeyPatch):
    """An account in this process with the team `vision`; executions stay RUNNING until they are stopped."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with mock_aws():
        clients = SimpleNamespace(
            **{name: boto3.client(name, region_name="eu-west-1") for name in ("ssm", "s3", "dynamodb", "stepfunctions")}
        )
        role = "arn:aws:iam::123456789012:role/unknown_sf_role"
        machine = clients.stepfunctions.create_state_machine(name="vision", definition="{}", roleArn=role)
        clients.machine = machine["stateMachineArn"]
        deploy(clients, "vision", clients.machine)
        (here / "run.yaml").write_text(REQUEST)
        yield clients


def deploy(clients: Any, team: str, machine: str, policy: dict | None = None) -> None:
    text = json.dumps({"team": team} | (policy or {}))
    for name, value in ((team, parameter(team, machine)), (f"{team}/policy", text)):
        clients.ssm.put_parameter(Name=f"/trainwright/teams/{name}", Value=value, Type="String", Overwrite=True)
    clients.s3.create_bucket(Bucket=f"{team}-data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    clients.dynamodb.create_table(
        TableName=f"{team}-runs",
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def executions(clients: Any) -> list[dict]:
    return clients.stepfunctions.list_executions(stateMachineArn=clients.machine)["executions"]


def record(clients: Any, execution: dict, **attributes: Any) -> str:
    run = run_id(execution["executionArn"], execution["startDate"], "vision")
    item = {"run": {"S": run}, "execution_arn": {"S": execution["executionArn"]}, **attributes}
    clients.dynamodb.put_item(TableName="vision-runs", Item=item)
    return run


def test_run_shows_plan_and_price_then_starts(aws, invoke) -> None:
    done = invoke("run", "run.yaml", "--yes", "--detach", "--set", "compute.instance_count=2")
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "digits for team vision in eu-west-1" in text
    assert "attempt spot, 2 x ml.g5.xlarge time at most 30m of training, 90m with waiting" in text
    assert "train: s3://vision-data/digits/train/" in text
    assert "at most 1.41 USD (2 x 1.408 USD/h on demand for 30m; spot usually costs less)" in text
    (execution,) = executions(aws)
    assert re.fullmatch(r"digits-\d{8}-\d{6}-[0-9a-f]{4}", execution["name"])
    assert f"trainwright stop {execution['name']}" in text
    described = aws.stepfunctions.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"])["compute"] == {
        "instance_type": "ml.g5.xlarge",
        "spot": True,
        "instance_count": 2,
    }


def test_run_as_json_prints_one_object(aws, invoke) -> None:
    done = invoke("run", "run.yaml", "--yes", "--detach", "--json")
    (execution,) = executions(aws)
    assert json.loads(done.stdout) == {
        "name": execution["name"],
        "execution": execution["executionArn"],
        "status": "RUNNING",
    }


def test_run_says_what_the_policy_filled_in_and_warns(aws, invoke) -> None:
    policy = {"always": {"tags": {"centre": "4711"}, "limits": {"max_runtime": "20m"}}}
    text = json.dumps({"team": "vision"} | policy)
    aws.ssm.put_parameter(Name="/trainwright/teams/vision/policy", Value=text, Type="String", Overwrite=True)
    text = " ".join(invoke("run", "run.yaml", "--yes", "--detach").stdout.split())
    assert "policy tags.centre: 4711" in text
    assert "warning limits.max_runtime: the team's policy always sets 20m" in text


def test_what_the_teams_policy_forbids_is_refused_with_its_place(aws, invoke) -> None:
    policy = json.dumps({"team": "vision", "allow": {"instance_types": ["ml.m5.*"]}})
    aws.ssm.put_parameter(Name="/trainwright/teams/vision/policy", Value=policy, Type="String", Overwrite=True)
    done = invoke("run", "run.yaml", "--yes")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("run.yaml:3:11 TW201 compute.instance_type: the team's policy does not allow this")
    assert done.stderr.splitlines()[-1] == "1 problem. Nothing was started."
    assert executions(aws) == []
    assert json.loads(invoke("run", "run.yaml", "--yes", "--json").stdout)["problems"][0]["code"] == "TW201"


def test_run_asks_in_a_terminal_only(aws, invoke, monkeypatch) -> None:
    done = invoke("run", "run.yaml", "--detach")
    assert done.exit_code == 2
    assert "add --yes to start the run without a question" in done.stderr
    monkeypatch.setattr(start, "can_ask", lambda: True)
    assert invoke("run", "run.yaml", "--detach", stdin="n\n").exit_code == 1
    assert executions(aws) == []
    assert invoke("run", "run.yaml", "--detach", stdin="\n").exit_code == 0
    assert len(executions(aws)) == 1


def test_the_source_is_uploaded_once(aws, invoke, here: Path) -> None:
    (here / "src").mkdir()
    (here / "src" / "train.py").write_text("print(1)\n")
    (here / "run.yaml").write_text(REQUEST + "source_code: {source_dir: src, entry_script: train.py}\n")
    first = invoke("run", "run.yaml", "--yes", "--detach")
    second = invoke("run", "run.yaml", "--yes", "--detach")
    (stored,) = aws.s3.list_objects_v2(Bucket="vision-data")["Contents"]
    assert re.fullmatch(r"source/[0-9a-f]{64}/sourcedir\.tar\.gz", stored["Key"])
    assert f"The source was uploaded: s3://vision-data/{stored['Key']}" in first.stdout
    assert f"The source is there already: s3://vision-data/{stored['Key']}" in second.stdout
    for execution in executions(aws):
        given = aws.stepfunctions.describe_execution(executionArn=execution["executionArn"])["input"]
        assert json.loads(given)["source_code"]["source_dir"] == f"data://{stored['Key']}"


def test_a_team_is_found_or_those_there_are_are_listed(aws, invoke) -> None:
    deploy(aws, "forecast", aws.machine)
    done = invoke("run", "run.yaml", "--yes", "--detach")
    assert done.exit_code == 2
    assert "there is more than one team: forecast, vision. Choose one with --team." in done.stderr
    assert invoke("run", "run.yaml", "--yes", "--detach", "--team", "vision").exit_code == 0
    done = invoke("list", "--team", "nobody")
    assert done.exit_code == 2
    assert "--team nobody: no team of this name is deployed in eu-west-1" in done.stderr


def test_a_teams_own_network_is_known(aws, invoke, here: Path) -> None:
    source = "{file_system_id: fs-0123456789abcdef0, file_system_type: EFS, directory_path: /d}"
    (here / "run.yaml").write_text(REQUEST.replace("data://digits/train/", source))
    policy = json.dumps({"team": "vision", "capabilities": {"efs": ["fs-0123456789abcdef0"]}})
    aws.ssm.put_parameter(Name="/trainwright/teams/vision/policy", Value=policy, Type="String", Overwrite=True)
    assert "VPC" in invoke("run", "run.yaml", "--yes", "--detach").stderr
    network = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}
    text = json.dumps(json.loads(parameter("vision", aws.machine)) | network)
    aws.ssm.put_parameter(Name="/trainwright/teams/vision", Value=text, Type="String", Overwrite=True)
    done = invoke("run", "run.yaml", "--yes", "--detach")
    assert done.exit_code == 0, done.stderr
    assert "train: fs-0123456789abcdef0" in " ".join(done.stdout.split())


def test_list_shows_the_newest_first_with_what_the_record_knows(aws, invoke) -> None:
    invoke("run", "run.yaml", "--yes", "--detach")
    (first,) = executions(aws)
    attempts = {"M": {"1": {"M": {"billable_seconds": {"N": "95"}}}}}
    done = {"status": {"S": "REFUSED"}, "name": {"S": "digits"}, "attempts": attempts}
    run = record(aws, first, **done)
    aws.stepfunctions.stop_execution(executionArn=first["executionArn"])
    invoke("run", "run.yaml", "--yes", "--detach")
    listed = json.loads(invoke("list", "--json").stdout)
    assert listed["team"] == "vision"
    assert {row["status"] for row in listed["runs"]} == {"RUNNING", "REFUSED"}
    (refused,) = [row for row in listed["runs"] if row["status"] == "REFUSED"]
    assert (refused["run"], refused["name"], refused["attempts"], refused["billable_seconds"]) == (run, "digits", 1, 95)
    shown = invoke("list").stdout
    assert run in shown and "REFUSED" in shown and "95 s" in shown


def test_list_of_a_team_without_runs(aws, invoke) -> None:
    assert invoke("list").stdout == "Team vision has no runs yet.\n"


@pytest.mark.parametrize("named", ["run", "name", "arn"])
def test_stop_takes_a_runs_id_its_executions_name_or_arn(aws, invoke, named: str) -> None:
    invoke("run", "run.yaml", "--yes", "--detach")
    (execution,) = executions(aws)
    words = {"run": record(aws, execution), "name": execution["name"], "arn": execution["executionArn"]}
    done = invoke("stop", words[named], "--yes")
    assert done.exit_code == 0, done.output
    assert executions(aws)[0]["status"] == "ABORTED"
    assert f"{execution['name']} is being stopped" in done.stdout
    assert "has ended already: ABORTED" in invoke("stop", words[named], "--yes").stdout


def test_stop_asks_in_a_terminal_only(aws, invoke) -> None:
    invoke("run", "run.yaml", "--yes", "--detach")
    done = invoke("stop", executions(aws)[0]["name"])
    assert done.exit_code == 2
    assert "add --yes" in done.stderr and "Nothing was stopped." in done.stderr
    assert executions(aws)[0]["status"] == "RUNNING"


@pytest.mark.parametrize("named", ["vision-0123456789", "nothing-of-this-name"])
def test_fails_when_there_is_no_such_run(aws, invoke, named: str) -> None:
    done = invoke("stop", named, "--yes")
    assert done.exit_code == 2
    assert named in done.stderr and "`trainwright list` shows what there is" in done.stderr


def test_fails_without_a_region_or_credentials_in_a_sentence(here: Path, invoke, monkeypatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (here / "run.yaml").write_text(REQUEST)
    done = invoke("run", "run.yaml", "--yes")
    assert done.exit_code == 1
    assert done.stderr == "AWS: no region is set. Set AWS_REGION, or give your profile a region.\n"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    done = invoke("run", "run.yaml", "--yes")
    assert done.exit_code == 1
    assert done.stderr.startswith("AWS: no credentials were found") and "Nothing was started." in done.stderr
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "The config profile (nobody) could not be found" in invoke("list").stderr


def test_fails_when_aws_cannot_be_reached(here: Path, invoke, monkeypatch) -> None:
    (here / "run.yaml").write_text(REQUEST)
    for name, value in {
        "AWS_ENDPOINT_URL": "http://localhost:1",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    done = invoke("run", "run.yaml", "--yes")
    assert done.exit_code == 1
    assert done.stderr.startswith("AWS cannot be reached: ") and "http://localhost:1" in done.stderr


def test_a_denial_names_the_action_and_who_grants_it(aws, invoke, monkeypatch) -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: states:StartExecution on resource: y"
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "StartExecution")
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refusing("StartExecution", error))
    done = invoke("run", "run.yaml", "--yes")
    assert done.exit_code == 1
    said = "AWS denied states:StartExecution to these credentials: ask the platform team for grant_start."
    assert done.stderr == f"{said} Nothing was started.\n"


def refusing(operation: str, error: Exception):
    from botocore.client import BaseClient

    real = BaseClient._make_api_call

    def call(client: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            raise error
        return real(client, name, parameters)

    return call


# --- prices ---


def priced(here: Path, lines: str) -> str:
    from trainwright.cli import planning

    (here / "run.yaml").write_text(f"name: x\n{lines}\nlimits: {{max_runtime: 2h}}\n")
    request = requests.read(Path("run.yaml"))
    return overview.price(planning.plan_in(request, TEAM.deployment), request.checked.resolved)


def test_the_worst_case_is_every_host_on_demand_to_the_end(here: Path) -> None:
    said = priced(here, "compute: {instance_type: ml.g5.xlarge, instance_count: 3}")
    assert said == "at most 8.45 USD (3 x 1.408 USD/h on demand for 2h)"


def test_groups_are_added_up(here: Path) -> None:
    group = "{{instance_group_name: {0}, instance_type: {1}, instance_count: {2}}}"
    groups = ", ".join([group.format("a", "ml.g5.xlarge", 1), group.format("b", "ml.g5.2xlarge", 2)])
    assert priced(here, f"compute: {{instance_groups: [{groups}]}}").count(" x ") == 2


def test_no_price_is_said_where_none_is_known(here: Path) -> None:
    said = priced(here, "compute: {instance_type: ml.r5.large}")
    assert said == "no price is known for ml.r5.large"


def test_names_of_executions_fit_and_differ() -> None:
    now = datetime(2026, 11, 21, 6, 15, 45, tzinfo=UTC)
    names = {start.execution_name("x" * 63, now) for _ in range(5)}
    assert len(names) == 5
    assert all(re.fullmatch(r"x+-20261121-061545-[0-9a-f]{4}", name) and len(name) <= 80 for name in names)
    assert start.execution_name("a b/ü", now).startswith("a-b---2026")


# --- watching ---


class FakeAws:
    """Answers DescribeExecution with each of `executions` in turn, and says what a running job says."""

    def __init__(self, *executions: Any, progress: Any = None, record: dict | None = None) -> None:
        self.executions = list(executions)
        self.progress = progress
        self.record = record

    def client(self, service: str) -> Any:
        return getattr(self, service)

    @property
    def stepfunctions(self) -> Any:
        scheduled = {
            "resourceType": "sagemaker",
            "resource": "createTrainingJob.sync",
            "parameters": '{"TrainingJobName": "vision-x-1"}',
        }
        return SimpleNamespace(
            describe_execution=lambda executionArn: self._next(),
            get_execution_history=lambda **_: {"events": [{"taskScheduledEventDetails": scheduled}]},
        )

    @property
    def sagemaker(self) -> Any:
        return SimpleNamespace(
            describe_training_job=lambda TrainingJobName: {
                "TrainingJobStatus": "InProgress",
                "SecondaryStatus": "Training",
                "CheckpointConfig": {},
                "TrainingStartTime": datetime.now(UTC) - timedelta(seconds=5),
                "SecondaryStatusTransitions": [{"Status": "Training", "StatusMessage": "in progress"}],
            }
        )

    @property
    def logs(self) -> Any:
        return SimpleNamespace(
            describe_log_streams=lambda **_: {"logStreams": [{"logStreamName": "s"}]},
            get_log_events=lambda **given: {
                "events": [] if "nextToken" in given else [{"message": "loss=0.1\x1b[2J"}],
                "nextForwardToken": "t",
            },
        )

    @property
    def s3(self) -> Any:
        return SimpleNamespace(get_object=self._get)

    @property
    def dynamodb(self) -> Any:
        return SimpleNamespace(get_item=lambda **_: {"Item": self.record} if self.record else {})

    def _get(self, **_: Any) -> Any:
        if isinstance(self.progress, Exception):
            raise self.progress
        return {"Body": SimpleNamespace(read=lambda: self.progress)}

    def _next(self) -> dict:
        found = self.executions.pop(0)
        if isinstance(found, BaseException):
            raise found
        return EXECUTION | found


EXECUTION = {
    "executionArn": TEAM.execution_arn("digits-1"),
    "name": "digits-1",
    "startDate": datetime(2026, 11, 21, tzinfo=UTC),
    "status": "RUNNING",
}
DENIED = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")


def watch(aws: FakeAws) -> Watch:
    console = Console(record=True, width=200, force_terminal=False)
    return Watch(aws, TEAM, EXECUTION["executionArn"], console, poll_seconds=0)


def test_a_watch_says_what_is_new_and_ends_with_the_execution() -> None:
    watched = watch(FakeAws({}, {}, {"status": "SUCCEEDED"}, progress=b'{"step": 3, "total": 12}'))
    assert watched.until_it_ends()["status"] == "SUCCEEDED"
    lines = watched.console.export_text().splitlines()
    assert sum("vision-x-1  Training     in progress" in line for line in lines) == 1
    assert [line for line in lines if "loss" in line] == [r"  loss=0.1\x1b[2J"]
    assert sum("InProgress/Training, step 3 of 12, training for" in line for line in lines) == 2, "running, succeeded"


@pytest.mark.parametrize("progress", [DENIED, b"not json", b"[]", b'{"step": null}'])
def test_progress_that_nobody_may_or_can_read_is_left_out(progress: Any) -> None:
    watched = watch(FakeAws({}, {}, {"status": "FAILED"}, progress=progress))
    assert watched.until_it_ends()["status"] == "FAILED"
    assert "step" not in watched.console.export_text()


def test_a_watch_outlives_a_network_that_is_away() -> None:
    away = EndpointConnectionError(endpoint_url="https://states.eu-west-1.amazonaws.com")
    watched = watch(FakeAws({}, away, away, {"status": "SUCCEEDED"}, progress=b"{}"))
    assert watched.until_it_ends()["status"] == "SUCCEEDED"
    assert watched.console.export_text().count("trying again, the run goes on") == 1


def test_a_watch_gives_up_at_last_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", -1)
    away = EndpointConnectionError(endpoint_url="https://states.eu-west-1.amazonaws.com")
    with pytest.raises(EndpointConnectionError):
        watch(FakeAws(away)).until_it_ends()


def ended(aws: FakeAws, here: Path, *, as_json: bool = False) -> tuple[int, str]:
    (here / "run.yaml").write_text(REQUEST)
    watched = watch(aws)
    code = start._follow(watched, requests.read(Path("run.yaml")), as_json=as_json)
    return code, watched.console.export_text()


RECORD = {
    "run": {"S": "vision-0123456789"},
    "status": {"S": "SUCCEEDED"},
    "metrics": {"M": {"accuracy": {"N": "0.975"}}},
    "model": {"S": "s3://vision-artifacts/m/model.tar.gz"},
    "attempts": {"M": {"1": {"M": {"billable_seconds": {"N": "95"}}}}},
    "problems": {"L": []},
}


def test_a_run_that_succeeds_ends_with_0_and_what_it_left(here: Path) -> None:
    code, said = ended(FakeAws({"status": "SUCCEEDED"}, record=RECORD, progress=b"{}"), here)
    assert code == 0
    assert "The run succeeded.\naccuracy: 0.975\nBilled: 95 s\nModel: s3://vision-artifacts/m/model.tar.gz\n" in said
    assert "Report: s3://vision-reports/runs/vision-0123456789/report.html" in said


def test_a_run_that_fails_ends_with_1_and_its_diagnosis(here: Path) -> None:
    cause = "The run failed.\nThe training script failed. (script_failed, fault: code)\nLast log lines:\n  \x1b[2Jboom"
    failed = {"status": "FAILED", "error": "TrainingFailed", "cause": cause}
    code, said = ended(FakeAws(failed, record=RECORD | {"status": {"S": "FAILED"}}, progress=b"{}"), here)
    assert code == 1
    assert "The training script failed. (script_failed, fault: code)" in said
    assert r"\x1b[2Jboom" in said


def test_a_run_that_is_refused_has_its_problems_placed(here: Path) -> None:
    problem = {"code": "TW303", "path": ["image"], "problem": "no such image", "sure": False}
    problems = {"L": [{"M": {"code": {"S": "TW303"}, "path": {"L": [{"S": "compute"}]}, "problem": {"S": "no"}}}]}
    refused = {"status": "FAILED", "error": "InvalidRunRequest", "cause": str(problem)}
    with pytest.raises(BadInput) as said:
        ended(FakeAws(refused, record=RECORD | {"problems": problems}, progress=b"{}"), here)
    assert str(said.value) == "run.yaml:3:1 TW303 compute: no"


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_go_on(here: Path) -> None:
    code, said = ended(FakeAws({}, KeyboardInterrupt(), progress=b"{}"), here)
    assert code == 130
    assert "The run goes on." in said
    assert "trainwright stop digits-1 --team vision" in said and "trainwright list --team vision" in said


def test_the_end_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = ended(FakeAws({"status": "SUCCEEDED"}, record=RECORD, progress=b"{}"), here, as_json=True)
    answer = json.loads(capsys.readouterr().out.rpartition("\n{\n")[2].join(["{\n", ""]))
    assert code == 0
    assert answer["run"] == "vision-0123456789" and answer["status"] == "SUCCEEDED"
    assert set(answer) == {
        "name", "execution", "run", "status", "attempts", "metrics", "model", "report", "diagnosis",
    }  # fmt: skip


SENT = {
    "name": "digits",
    "inputs": {"train": "data://digits/train/"},
    "compute": {"instance_type": "ml.g5.xlarge"},
    "environment": {"API_TOKEN": "hunter2"},
    "score": "score.py",
}
RUN = "vision-0123456789"


@pytest.fixture
def sent(aws):
    """A bucket of reports that holds one run's request."""
    bucket = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    aws.s3.create_bucket(Bucket="vision-reports", **bucket)
    aws.s3.put_object(Bucket="vision-reports", Key=f"runs/{RUN}/request.json", Body=json.dumps(SENT).encode())
    return aws


def test_run_again_starts_what_an_earlier_run_asked_for(sent, invoke) -> None:
    deploy(sent, "audio", MACHINE)  # the run's id says whose it is
    done = invoke("run", "--again", RUN, "--yes", "--detach", "--set", "compute.instance_count=2")
    assert done.exit_code == 0, done.output
    (execution,) = executions(sent)
    described = sent.stepfunctions.describe_execution(executionArn=execution["executionArn"])
    started = json.loads(described["input"])
    assert started["environment"] == {"API_TOKEN": "hunter2"}, "the request is whole, though reports hide such values"
    assert started["compute"] == {"instance_type": "ml.g5.xlarge", "instance_count": 2}
    assert "score" not in started, "the script that scores lay beside the file"


def test_run_again_refuses_what_the_policy_does_not_allow_any_more(sent, invoke) -> None:
    policy = json.dumps({"team": "vision", "allow": {"instance_types": ["ml.m5.*"]}})
    sent.ssm.put_parameter(Name="/trainwright/teams/vision/policy", Value=policy, Type="String", Overwrite=True)
    done = invoke("run", "--again", RUN, "--yes")
    assert done.exit_code == 2
    place = f"s3://vision-reports/runs/{RUN}/request.json:1:1"
    assert done.stderr.startswith(f"{place} TW201 compute.instance_type: the team's policy does not allow this")
    assert executions(sent) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--again", "vision-00000000aa"], "team vision has no such run; `trainwright list` shows what there is"),
        (["--again", "digits"], "this is no run's id, such as vision-0123456789"),
        (["--again", ""], "this is no run's id"),
        (["--again", RUN, "run.yaml"], "give one of REQUEST and --again RUN"),
        ([], "give one of REQUEST and --again RUN"),
    ],
)
def test_run_again_says_what_is_wrong(sent, invoke, arguments, said) -> None:
    done = invoke("run", *arguments, "--yes")
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert executions(sent) == []
