"""SIGKILL in the middle of a training run: of the account, of the command, of both. Nothing trains on, nothing is lost.

Each account opens with the folder that the one before left: what is checked of a kill, the next account shows.
"""

import importlib.util
import json
import os
import signal
import threading
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from trainwright.rehearsal.keeping import folder as keeping

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

    def start():
        accounts.append(opened.Up(folder, "--app", str(opened.APP), "--data", "kept"))
        assert accounts[-1].exports, accounts[-1].said
        return accounts[-1]

    yield start
    for each in accounts:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(60)
        each.process.stdout.close()


class Writing:
    """Puts one object after another, and remembers of which it heard that they are there."""

    def __init__(self, account, name):
        self.told = []
        self._s3, self._bucket, self._name = account.client("s3"), account.team["data_bucket"], name
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            for number in range(100_000):
                key = f"{self._name}/{number}"
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=key.encode() * 1000)
                self.told.append(key)
        except (BotoCoreError, ClientError):
            return  # killed

    def end(self):
        self._thread.join(60)
        assert self.told
        return self.told


def kill_while_it_trains(account, victims):
    """SIGKILL to the command, its account or both, with a job that trains and objects that arrive."""
    run = account.start_long()
    job = f"{run}-1"
    opened.wait(lambda: opened.training(job), "a process that trains")
    (server,) = [pid for pid, words in opened.processes(account.folder) if "trainwright.rehearsal.server" in words]
    writing = Writing(account, run)
    opened.wait(lambda: len(writing.told) > 20, "objects to arrive")
    everything = opened.descendants(account.process.pid)
    assert {server, *opened.training(job)} <= everything
    for victim in victims:
        os.kill({"command": account.process.pid, "account": server}[victim], signal.SIGKILL)
    opened.wait(lambda: not opened.training(job), "the training to end with the account", seconds=5)
    opened.wait(lambda: not any(map(opened.is_running, everything)), "everything to end", seconds=15)
    account.process.wait(20)
    return run, writing.end()


def check_kept(account, run, told):
    """Everything that was answered is there, and the run that was under way is closed."""
    assert f"{run} was under way when the account ended: closed as ABORTED" in account.said
    s3, bucket = account.client("s3"), account.team["data_bucket"]
    for key in told:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode() * 1000
    record = account.record(run)
    assert (record["status"]["S"], record["diagnosis"]["M"]["label"]["S"]) == ("STOPPED", "stopped_by_user")
    assert {f"runs/{run}/report.html", f"runs/{run}/report.json"} <= account.objects("reports")


def test_nothing_trains_on_and_nothing_is_lost_whoever_is_killed(up, folder):
    first = up()
    assert "The run succeeded." in first.trainwright("run", "run.yaml", "--yes")
    done = json.loads(first.trainwright("list", "--json"))["runs"][0]["run"]
    model = first.objects("artifacts")
    run, told = kill_while_it_trains(first, ["command"])

    second = up()
    check_kept(second, run, told)
    assert second.record(done)["status"]["S"] == "SUCCEEDED" and model <= second.objects("artifacts")
    other, more = kill_while_it_trains(second, ["account"])
    assert second.process.returncode == 1, "the command says that its account is gone"

    third = up()
    check_kept(third, other, more)
    assert third.record(run)["status"]["S"] == "STOPPED" and set(told) <= third.objects("data", prefix=run)
    last, most = kill_while_it_trains(third, ["command", "account"])

    index = keeping.read(folder / "kept")
    keys = {key for bucket in index.buckets.values() for key in bucket.objects}
    assert {*told, *more, *most, f"runs/{done}/report.html"} <= keys
    rows = {item["run"]["S"]: item for table in index.tables.values() for item in table.items.values()}
    assert (rows[last]["status"]["S"], rows[other]["status"]["S"]) == ("RUNNING", "STOPPED")
    digests = {path.name for path in (folder / "kept" / "objects").iterdir() if keeping.is_whole(path)}
    assert index.digests <= digests
