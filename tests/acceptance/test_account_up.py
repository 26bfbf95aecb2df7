"""`trainwright account up` as people start it: two accounts one after another, which share a folder of `--data`."""

import importlib.util
import json
import os
import re
import signal
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("opened", Path(__file__).with_name("opened.py"))
opened = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(opened)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run.yaml").write_text(opened.REQUEST)
    return tmp_path


@pytest.fixture
def up(folder):
    """Opens accounts; whatever happens to the test, none is left."""
    accounts = []

    def start(*words):
        accounts.append(opened.Up(folder, *words))
        assert accounts[-1].exports, accounts[-1].said
        return accounts[-1]

    yield start
    for each in accounts:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(60)
        each.process.stdout.close()


def test_an_empty_account_serves_until_ctrl_c_and_leaves_nothing(up, folder):
    account = up("--no-deploy")
    assert account.client("sts").get_caller_identity()["Account"] == "123456789012"
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"], "bootstrapped, and nothing else"
    assert Path(account.exports["SAGEMAKER_USER_CONFIG_OVERRIDE"]).is_file()
    config = json.loads((folder / ".rehearsal/up/account/config.json").read_text())
    assert config["faults"] == {}, "nobody takes spot machines away"
    assert account.end() == 130, account.said
    assert opened.alive(folder) == []
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"run.yaml", ".rehearsal/up/lock"}


def test_fails_when_the_account_dies_and_keeps_its_logs(up, folder):
    account = up("--no-deploy")
    (server,) = [pid for pid, words in opened.processes(folder) if "trainwright.rehearsal.server" in words]
    os.kill(server, signal.SIGKILL)
    rest, _ = account.process.communicate(timeout=20)
    assert account.process.returncode == 1, rest
    assert "the embedded account ended by itself (exit code -9)" in rest
    assert "The account has ended. Logs: .rehearsal/up/last/logs" in rest
    assert (folder / ".rehearsal/up/last/logs/account.log").exists()
    assert not (folder / ".rehearsal/up/account").exists() and opened.alive(folder) == []


def test_what_data_keeps_survives_ctrl_c(up, folder):
    words = ("--app", str(opened.APP), "--data", "kept")
    first = up(*words)
    assert "team default: arn:aws:states:us-east-1:123456789012:stateMachine:" in first.said
    assert "The run succeeded." in first.trainwright("run", "run.yaml", "--yes")
    done = json.loads(first.trainwright("list", "--json"))["runs"][0]
    bucket = first.team["data_bucket"]
    note = {"Metadata": {"by": "hand"}, "ContentType": "text/plain", "Tagging": "kind=raw"}
    first.client("s3").put_object(Bucket=bucket, Key="by hand/ä.txt", Body=b"mine", **note)
    stopped = first.start_long()
    assert first.end() == 130, first.said
    assert "Stopping 1 run" in first.said
    # two runs and their executions, the team's month, the index and the names of runs, and jobs that more is to come of
    assert re.search(r"kept keeps \d+ objects and [78] table rows\.", first.said), first.said
    assert opened.alive(folder) == []

    second = up(*words)
    assert second.team["data_bucket"] != bucket, "the new bucket's name is another one"
    found = second.client("s3").get_object(Bucket=second.team["data_bucket"], Key="by hand/ä.txt")
    assert (found["Body"].read(), found["Metadata"], found["ContentType"]) == (b"mine", {"by": "hand"}, "text/plain")
    assert found["TagCount"] == 1
    record = second.record(done["run"])
    assert record["status"]["S"] == "SUCCEEDED"
    model = record["model"]["S"].removeprefix(f"s3://{second.team['artifacts_bucket']}/")
    assert model in second.objects("artifacts"), "the record's address is one in the new bucket"
    record = second.record(stopped)
    assert (record["status"]["S"], record["attempts"]["M"]["1"]["M"]["status"]["S"]) == ("STOPPED", "Stopped")
    assert f"runs/{stopped}/report.html" in second.objects("reports")
    assert "The run succeeded." in second.trainwright("run", "run.yaml", "--yes")
    assert second.end() == 130, second.said
    assert opened.alive(folder) == []
