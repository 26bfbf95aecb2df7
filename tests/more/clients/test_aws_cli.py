"""The AWS CLI as people type it: version 2 where there is one, else version 1 for all that it can do."""

import json
import os
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]

OWN = Path(__file__).parents[3] / ".sdk" / "aws" / "bin" / "aws"
GROUP = "/aws/sagemaker/TrainingJobs"


class Cli:
    """One `aws`; before 2.13 it does not read AWS_ENDPOINT_URL and must be told."""

    def __init__(self, account, program, version):
        self.account, self.program, self.version = account, program, version
        told = version < (1, 29) or (2,) <= version < (2, 13)
        self.endpoint = ["--endpoint-url", account.exports["AWS_ENDPOINT_URL"]] if told else []

    def run(self, *words):
        """The finished process of `aws WORDS`."""
        return self.account.run(self.program, *self.endpoint, *words, AWS_PAGER="")

    def say(self, *words):
        """What `aws WORDS` prints; it must end well."""
        done = self.run(*words)
        assert done.returncode == 0, f"aws {' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, *words):
        """The JSON that `aws WORDS` prints."""
        return json.loads(self.say(*words, "--output", "json"))

    def refused(self, *words):
        """Error code and message, in the CLI's own form."""
        done = self.run(*words)
        assert done.returncode not in (0, 1), done.stdout
        form = r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: 0\))?: (.*)"
        found = re.search(form, done.stderr)
        assert found, done.stderr
        return found.groups()


def found_on(path):
    folders = path.split(os.pathsep)
    return [one for folder in folders if (one := shutil.which("aws", path=folder))]


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    found = re.match(r"aws-cli/(\d+)\.(\d+)", done.stdout + done.stderr)
    return tuple(map(int, found.groups())) if found else (0, 0)


@pytest.fixture(scope="module")
def cli(account):
    named = os.environ.get("TRAINWRIGHT_AWS_CLI")
    programs = [named] if named else [*found_on(os.environ["PATH"]), *([str(OWN)] if OWN.is_file() else [])]
    versions = {program: version_of(program) for program in programs}
    # The first of version 2, whatever is before it on PATH.
    for program in sorted(programs, key=lambda one: versions[one] < (2,)):
        if versions[program] >= (1,):
            return Cli(account, program, versions[program])
    pytest.skip("there is no AWS CLI: nothing of it was tried (apt install awscli, or make .sdk/aws/.installed)")


@pytest.fixture(scope="module")
def v2(cli):
    if cli.version < (2,):
        pytest.skip(f"{cli.program} is version 1: `aws logs tail` was not tried")
    return cli


def until(ready, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} seconds")


def test_who_is_calling(cli):
    assert cli.ask("sts", "get-caller-identity")["Arn"] == "arn:aws:iam::123456789012:root"


def test_files_go_up_and_come_down_in_parts_and_in_step(cli, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "deep").mkdir(parents=True)
    (here / "deep" / "a.csv").write_text("1,2\n")
    (here / "large.bin").write_bytes(os.urandom(9 * 1024 * 1024))  # over the CLI's 8 MB: a multipart upload
    cli.say("s3", "cp", "--no-progress", here / "large.bin", "s3://jobs/cli/large.bin")
    assert cli.ask("s3api", "head-object", "--bucket", "jobs", "--key", "cli/large.bin")["ETag"].endswith('-2"')
    assert "upload: " in cli.say("s3", "sync", "--no-progress", here, "s3://jobs/cli/", "--exclude", "large.bin")
    assert cli.say("s3", "sync", "--no-progress", here, "s3://jobs/cli/", "--exclude", "large.bin") == ""
    cli.say("s3", "sync", "--no-progress", "s3://jobs/cli/", back)
    assert (back / "large.bin").read_bytes() == (here / "large.bin").read_bytes()
    listed = cli.say("s3", "ls", "s3://jobs/cli/", "--recursive", "--summarize")
    assert "cli/deep/a.csv" in listed and "Total Objects: 2" in listed
    (here / "deep" / "a.csv").unlink()
    assert "delete: s3://jobs/cli/deep/a.csv" in cli.say("s3", "sync", here, "s3://jobs/cli/", "--delete")


def test_a_job_from_a_file_to_its_model(cli, account, tmp_path):
    (tmp_path / "job.json").write_text(json.dumps(account.request("by-cli")))
    made = cli.ask("sagemaker", "create-training-job", "--cli-input-json", f"file://{tmp_path / 'job.json'}")
    assert made["TrainingJobArn"].endswith(":training-job/by-cli")
    describe = ("sagemaker", "describe-training-job", "--training-job-name", "by-cli")
    until(lambda: cli.ask(*describe)["TrainingJobStatus"] == "Completed")
    cli.say("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "by-cli")
    model = cli.ask(*describe)["ModelArtifacts"]["S3ModelArtifacts"]
    cli.say("s3", "cp", "--no-progress", model, tmp_path / "model.tar.gz")
    packed = subprocess.run(["tar", "tzf", tmp_path / "model.tar.gz"], capture_output=True, text=True, check=True)
    assert packed.stdout.split() == ["model.json"]


def test_lists_and_searches(cli, finished):
    listed = cli.ask(
        *("sagemaker", "list-training-jobs", "--name-contains", "by-boto3", "--status-equals", "Completed"),
        *("--creation-time-after", "2020-01-01T00:00:00", "--sort-by", "CreationTime", "--max-items", "5"),
    )
    assert [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]] == [finished]
    expression = {
        "Filters": [
            {"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "Completed"},
            {"Name": "Tags.who", "Operator": "Equals", "Value": "boto3"},
        ]
    }
    words = ("sagemaker", "search", "--resource", "TrainingJob", "--search-expression", json.dumps(expression))
    assert [one["TrainingJob"]["TrainingJobName"] for one in cli.ask(*words)["Results"]] == [finished]
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{finished}"
    assert cli.ask("sagemaker", "list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "who", "Value": "boto3"}]


def test_a_job_is_stopped(cli, account):
    long = account.request("stopped-by-cli", HyperParameters={"epochs": "1000", "seconds": "0.1"})
    account.client("sagemaker").create_training_job(**long)
    describe = ("sagemaker", "describe-training-job", "--training-job-name", "stopped-by-cli")
    until(lambda: cli.ask(*describe)["SecondaryStatus"] == "Training")
    cli.say("sagemaker", "stop-training-job", "--training-job-name", "stopped-by-cli")
    # The image does not handle SIGTERM as process 1, so that its grace of two minutes runs: Stopping is enough.
    assert cli.ask(*describe)["TrainingJobStatus"] in ("Stopping", "Stopped")


def test_a_warm_pool_is_kept_and_ended(cli, account):
    name, resources = "warm-by-cli", account.request("any")["ResourceConfig"]
    warm = account.request(name, ResourceConfig={**resources, "KeepAlivePeriodInSeconds": 600})
    account.client("sagemaker").create_training_job(**warm)
    describe = ("sagemaker", "describe-training-job", "--training-job-name", name)
    until(lambda: cli.ask(*describe).get("WarmPoolStatus", {}).get("Status") == "Available")
    listed = cli.ask("sagemaker", "list-training-jobs", "--warm-pool-status-equals", "Available")
    assert [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]] == [name]
    end = ("sagemaker", "update-training-job", "--training-job-name", name)
    cli.say(*end, "--resource-config", "KeepAlivePeriodInSeconds=0")
    until(lambda: cli.ask(*describe)["WarmPoolStatus"]["Status"] == "Terminated")


def test_logs_are_read(cli, finished):
    streams = cli.ask(
        *("logs", "describe-log-streams", "--log-group-name", GROUP, "--log-stream-name-prefix", f"{finished}/")
    )["logStreams"]
    assert [stream["logStreamName"].rpartition("-")[0] for stream in streams] == [f"{finished}/algo-1"]
    stream = streams[0]["logStreamName"]
    words = ("logs", "get-log-events", "--log-group-name", GROUP, "--log-stream-name", stream, "--start-from-head")
    messages = [event["message"] for event in cli.ask(*words)["events"]]
    assert messages[0] == "starting after epoch 0" and messages[-1] == "epoch 3 loss=0.3333"
    found = cli.ask("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", '"epoch 2"')["events"]
    assert stream in {event["logStreamName"] for event in found}


def test_logs_are_tailed(v2, finished):
    tail = ("logs", "tail", GROUP, "--since", "1h", "--format", "short", "--log-stream-name-prefix", f"{finished}/")
    assert re.search(r"^\S+ epoch 3 loss=0\.3333$", v2.say(*tail), re.MULTILINE)


def test_logs_are_followed_until_somebody_stops(v2, finished):
    words = [v2.program, *v2.endpoint, "logs", "tail", GROUP, "--follow", "--since", "1h", "--format", "short"]
    environment = {**v2.account.environment, "PYTHONUNBUFFERED": "1"}
    following = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert any("epoch 3" in line for line in following.stdout)
        assert following.poll() is None
    finally:
        following.kill()
        following.communicate()


@pytest.fixture(scope="module")
def machine(account):
    choice = {"Variable": "$.good", "BooleanEquals": True, "Next": "Done"}
    states = {
        "Look": {"Type": "Choice", "Choices": [choice], "Default": "Bad"},
        "Done": {"Type": "Pass", "End": True},
        "Bad": {"Type": "Fail", "Error": "NotGood", "Cause": "it is not good"},
    }
    definition = json.dumps({"StartAt": "Look", "States": states})
    client = account.client("stepfunctions")
    return client.create_state_machine(name="cli", definition=definition, roleArn=account.role)["stateMachineArn"]


@pytest.mark.parametrize(("good", "status"), [(True, "SUCCEEDED"), (False, "FAILED")])
def test_an_execution_is_started_and_described(cli, machine, good, status):
    given = json.dumps({"good": good})
    start = ("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", given)
    execution = ("--execution-arn", cli.ask(*start)["executionArn"])
    describe = ("stepfunctions", "describe-execution", *execution)
    until(lambda: cli.ask(*describe)["status"] == status)
    told = cli.ask(*describe)
    ended = {"output": {"good": True}} if good else {"error": "NotGood", "cause": "it is not good"}
    assert {key: json.loads(told[key]) if key == "output" else told[key] for key in ended} == ended
    history = cli.ask("stepfunctions", "get-execution-history", *execution, "--max-items", "3")
    assert [event["type"] for event in history["events"]][:2] == ["ExecutionStarted", "ChoiceStateEntered"]


def test_what_else_a_team_looks_at(cli, account):
    assert cli.ask("cloudformation", "describe-stacks")["Stacks"][0]["StackName"] == "CDKToolkit"
    version = cli.ask("ssm", "get-parameter", "--name", "/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"]
    assert int(version) >= 21  # what the newest features of cdk deploy ask for
    repository = "cdk-hnb659fds-container-assets-123456789012-us-east-1"
    assert cli.ask("ecr", "describe-images", "--repository-name", repository) == {"imageDetails": []}
    assert "Rules" in cli.ask("events", "list-rules")


def test_a_job_s_metrics_are_in_cloudwatch(cli, finished):
    name, space = [{"Name": "TrainingJobName", "Value": finished}], "/aws/sagemaker/TrainingJobs"
    stat = {"Metric": {"Namespace": space, "MetricName": "loss", "Dimensions": name}, "Period": 60, "Stat": "Minimum"}
    now = datetime.now(UTC)
    query = (
        *("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps([{"Id": "loss", "MetricStat": stat}])),
        *("--start-time", (now - timedelta(hours=1)).isoformat(), "--end-time", (now + timedelta(hours=1)).isoformat()),
    )
    values = until(lambda: cli.ask(*query)["MetricDataResults"][0]["Values"])
    assert min(values) == pytest.approx(1 / 3, abs=1e-4)


REFUSED = {
    "stop of an unknown job": (
        ("sagemaker", "stop-training-job", "--training-job-name", "nobody"),
        ("ValidationException", "Requested resource not found."),
    ),
    "an unknown execution": (
        *(
            ("stepfunctions", "describe-execution", "--execution-arn"),
            (
                "ExecutionDoesNotExist",
                "Execution Does Not Exist: 'arn:aws:states:us-east-1:123456789012:execution:m:e'",
            ),
        ),
    ),
    "an unknown bucket": (
        ("s3api", "list-objects-v2", "--bucket", "nobody-has-this"),
        ("NoSuchBucket", "The specified bucket does not exist"),
    ),
    "an unknown stack": (
        ("cloudformation", "describe-stacks", "--stack-name", "nobody"),
        ("ValidationError", "Stack with id nobody does not exist"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_aws_own(cli, case):
    words, expected = REFUSED[case]
    if words[-1] == "--execution-arn":
        words = (*words, "arn:aws:states:us-east-1:123456789012:execution:m:e")
    assert cli.refused(*words) == expected
