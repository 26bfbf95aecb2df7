"""Notices of a deployed team, through SNS to queues, a function and a mailbox: each once, filtered, under its IAM."""

import email
import email.policy
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwright.cli.environment import child_environment
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse.tools import cdk

REQUEST = {
    "name": "digits",
    "image": "platform",
    "hyperparameters": {"seconds": 0, "token": "hunter2"},
    "compute": {"instance_type": "ml.m5.large"},
    "limits": {"max_runtime": "10m"},
}
FINDING = {
    "rule": "io_bottleneck",
    "title": "The GPUs wait for input",
    "attempt": 1,
    "host": "algo-1",
    "device": None,
    "severity": "high",
    "measured": "GPU use below 10 %",
    "value": 82.0,
    "threshold": "50 %",
    "start": "2026-11-21T05:00:00Z",
    "end": "2026-11-21T05:01:00Z",
    "change": "Read the channel with FastFile.",
    "worth_seconds": 60.0,
    "source": "system metrics",
    "documentation": None,
}


class News:
    """The team `news` as deployed, and whoever hears of it."""

    def __init__(self, account, folder, wait):
        self.account, self.folder, self.wait, self.client = account, folder, wait, account.client
        text = self.client("ssm").get_parameter(Name="/trainwright/teams/news")["Parameter"]["Value"]
        self.team = json.loads(text)
        (stack,) = self.client("cloudformation").describe_stacks(StackName="Notices")["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def run(self, **changes):
        """A run that has ended, its id."""
        states = self.client("stepfunctions")
        request = json.dumps(REQUEST | changes)
        arn = states.start_execution(stateMachineArn=self.team["state_machine_arn"], input=request)["executionArn"]
        ended = self.wait(lambda: self._ended(arn), f"the end of {arn}", 60)
        key = {"run": {"S": f"execution:{arn}"}}
        item = self.client("dynamodb").get_item(TableName=self.team["runs_table"], Key=key, ConsistentRead=True)
        return item["Item"]["target"]["S"], ended

    def _ended(self, arn):
        found = self.client("stepfunctions").describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    def invoke(self, function, event):
        arguments = {"FunctionName": self.outputs[function], "Payload": json.dumps(event)}
        answer = self.client("lambda").invoke(**arguments)
        assert "FunctionError" not in answer, answer["Payload"].read()

    def report_again(self, run):
        event = {"schema": 2, "run": {"id": run, "team": "news", "name": None}, "redrive_count": 0}
        self.invoke("ReportFunction", event)

    def take(self, queue, most=1, seconds=20):
        """The messages of a queue, `most` of them or what comes in the time."""
        found, end = [], time.monotonic() + seconds
        url = self.outputs[f"{queue}Url"]
        while len(found) < most and time.monotonic() < end:
            for message in self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
            time.sleep(0.05)
        return found

    def rest(self):
        """What nobody has taken."""
        return [message for queue in ("All", "Bad", "Chat") for message in self.take(queue, 1, 1)]

    def mails(self):
        files = sorted((self.folder / "mail").glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def heard(self):
        pages = self.client("logs").filter_log_events(logGroupName=self.outputs["HeardLogName"], filterPattern="heard")
        return [json.loads(event["message"].removeprefix("heard ")) for event in pages["events"]]


@pytest.fixture(scope="module")
def news(tmp_path_factory, start_account, wait):
    folder = tmp_path_factory.mktemp("account")
    with Processes() as processes:
        account, assembly = start_account(processes, folder, {}), folder / "cdk.out"
        env = child_environment() | {"CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
        subprocess.run([sys.executable, str(Path(__file__).with_name("notices_app.py"))], env=env, check=True)
        words = ["--app", str(assembly), "deploy", "**", "--method", "direct", "--require-approval", "never", "--ci"]
        env = account.environment() | {"CDK_HOME": str(folder / "cdk-home")}
        command = [*cdk(processes, folder), *words, "--no-notices"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield News(account, folder, wait)


def test_a_failed_run_is_heard_of_everywhere_once(news):
    run, ended = news.run(hyperparameters={"fail": "the labels <!here> are empty", "api_key": "hunter2"})
    assert ended["status"] == "FAILED"
    ((told,), (raw,), (chat,)) = (news.take(queue) for queue in ("All", "Bad", "Chat"))
    assert {name: each["Value"] for name, each in told["MessageAttributes"].items()} == {
        "event": "failed",
        "team": "news",
        "status": "FAILED",
        "fault": "code",
    }
    notice = json.loads(told["Message"])
    assert notice == raw
    assert notice["run"]["id"] == run
    assert "the labels" in notice["diagnosis"]["summary"]
    assert notice["report"]["html"] == f"s3://{news.team['reports_bucket']}/runs/{run}/report.html"
    assert chat["metadata"]["threadId"] == run
    assert "<!" not in json.dumps(chat["content"], ensure_ascii=False)
    (mail,) = news.mails()
    assert (mail["To"], mail["Subject"]) == ("news@example.com", told["Subject"])
    assert f"Page: {notice['report']['html']}" in mail.get_content()
    assert "hunter2" not in mail.get_content() + json.dumps([told, chat])

    news.report_again(run)  # the rule on executions that fail has called Close by now, or will
    execution = {"executionArn": ended["executionArn"], "status": "FAILED", "input": ended["input"]}
    news.invoke("CloseFunction", {"detail": execution | {"startDate": int(ended["startDate"].timestamp() * 1000)}})
    assert news.rest() == []
    assert len(news.mails()) == 1


def test_a_finished_run_and_its_finding(news):
    run, ended = news.run()
    assert ended["status"] == "SUCCEEDED", ended
    (told,) = news.take("All")
    assert told["MessageAttributes"]["event"]["Value"] == "finished"
    assert news.wait(lambda: [each for each in news.heard() if each["run"]["id"] == run], "the function to hear")

    profile = {"schema": 1, "attempt": 1, "job_name": f"{run}-1", "status": "complete", "findings": [FINDING]}
    rest = {"pending": [], "missing": [], "source": "profiler", "series": None, "summary": {}, "rules": [], "files": {}}
    s3, bucket, key = news.client("s3"), news.team["reports_bucket"], f"runs/{run}/profile/1.json"
    listed = {"Bucket": bucket, "Prefix": key}
    news.wait(lambda: s3.list_objects_v2(**listed).get("Contents"), "what Digest says of the job")
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(profile | rest))
    for _ in range(2):
        news.report_again(run)
    (found,) = news.take("All")
    assert json.loads(found["Message"])["findings"][0]["title"] == "The GPUs wait for input"
    assert [each["metadata"]["eventType"] for each in news.take("Chat", 2)] == [
        "trainwright-finished",
        "trainwright-finding",
    ]
    assert news.wait(lambda: [each for each in news.heard() if each["event"] == "finding"], "the function to hear")
    assert news.rest() == []


def test_a_refused_run_where_the_policy_asks(news):
    run, _ = news.run(compute={"instance_typ": "x"})
    (told,) = news.take("All")
    assert told["MessageAttributes"]["event"]["Value"] == "refused"
    assert "compute.instance_typ: unknown field" in news.mails()[-1].get_content()
    assert [each["metadata"]["threadId"] for each in news.take("Chat")] == [run]


def test_a_month_that_comes_close_to_its_budget(news):
    news.run(limits={"max_runtime": "48m"})
    events = [each["MessageAttributes"]["event"]["Value"] for each in news.take("All", 2)]
    assert sorted(events) == ["budget", "finished"]
    news.take("Chat", 2)
    news.run(limits={"max_runtime": "48m"})
    (told,) = news.take("All", 2, 3)
    assert told["MessageAttributes"]["event"]["Value"] == "finished"
    mails = [mail["Subject"] for mail in news.mails() if "budget" in mail["Subject"]]
    assert len(mails) == 1
    assert mails[0].endswith("% of the month's budget of 0.10 USD is committed")
