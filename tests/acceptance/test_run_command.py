"""`trainwright run`, `list` and `stop` as people start them, against the deployed platform of the embedded account."""

import json
import re
import signal
import subprocess
import sys

import pytest

from trainwright.cli.environment import aws_environment, child_environment
from trainwright_runtime.report import form

REQUEST = """\
name: quick
hyperparameters: {{seconds: {seconds}}}
compute: {{instance_type: ml.m5.large}}
source_code: {{source_dir: src, entry_script: train.py}}
checkpoints: true
limits: {{max_runtime: 10m}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print('mine')\n")
    return tmp_path


@pytest.fixture
def trainwright(platform, folder):
    """Runs the command on a request whose script takes `seconds`; answers the finished process."""

    def run(*words, seconds=0, lines=""):
        process = start(platform, folder, words, seconds, lines)
        out, err = process.communicate(timeout=90)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def start(platform, folder, words, seconds=0, lines=""):
    (folder / "run.yaml").write_text(REQUEST.format(seconds=seconds) + lines)
    env = child_environment() | aws_environment(platform.account.endpoint, platform.account.region)
    return subprocess.Popen(
        [sys.executable, "-m", "trainwright.cli", *words],
        cwd=folder,
        env=env | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job ignores SIGINT, and so would we
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )


def test_a_run_from_its_file_to_its_verdict(platform, trainwright):
    done = trainwright("run", "run.yaml", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "quick for team default in us-east-1" in done.stdout
    key = re.search(r"The source was uploaded: s3://\S+/(source/[0-9a-f]{64}/sourcedir\.tar\.gz)", done.stdout)[1]
    platform.client("s3").head_object(Bucket=platform.team["data_bucket"], Key=key)
    assert re.search(r"default-[0-9a-f]{10}-1  Training", done.stdout)
    assert "The run succeeded." in done.stdout
    report = re.search(r"Report: s3://([^/]+)/(\S+)", done.stdout)
    platform.client("s3").head_object(Bucket=report[1], Key=report[2])


def test_its_end_as_json_and_its_row_in_the_list(trainwright):
    done = trainwright("run", "run.yaml", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    assert ended["status"] == "SUCCEEDED"
    assert ended["attempts"][0]["status"] == "Completed"
    listed = json.loads(trainwright("list", "--json").stdout)["runs"]
    (row,) = [row for row in listed if row["execution"] == ended["execution"]]
    assert (row["run"], row["status"]) == (ended["run"], "SUCCEEDED")


def test_a_run_again_is_held_against_the_one_before(platform, trainwright):
    first = json.loads(trainwright("run", "run.yaml", "--yes", "--json", "--set", "name=again").stdout)
    done = trainwright("run", "--again", first["run"], "--yes", "--json", "--set", "hyperparameters.seconds=1")
    second = json.loads(done.stdout)
    report = platform.report(second["execution"])
    form.Report.model_validate(report, strict=True)
    assert report["command"] == f"trainwright run --again {second['run']}"
    assert report["comparison"]["run"] == first["run"]
    assert report["comparison"]["changes"] == [
        {"what": "settings", "field": "hyperparameters.seconds", "was": 0, "is": 1}
    ]
    page = platform.client("s3").get_object(Bucket=platform.team["reports_bucket"], Key="runs.html")["Body"].read()
    assert all(each["run"].encode() in page for each in (first, second))


def test_a_script_that_raises_ends_with_1_and_the_diagnosis(trainwright):
    done = trainwright("run", "run.yaml", "--yes", "--set", "hyperparameters.fail=the labels are empty")
    assert done.returncode == 1
    assert "RuntimeError: " in done.stdout and "the labels are empty" in done.stdout
    assert "fault: code" in done.stdout


def test_what_only_prepare_can_refuse_has_its_place_too(trainwright):
    done = trainwright("run", "run.yaml", "--yes", lines="image: nowhere\n")
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("run.yaml:7:1 TW303 image: the platform has no image of this name")


def test_ctrl_c_leaves_the_run_alone_and_stop_ends_it(platform, folder, wait, trainwright):
    process = start(platform, folder, ("run", "run.yaml", "--yes"), seconds=60)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "  Training" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=30)
    said = "".join(lines) + rest
    assert process.returncode == 130, said + err
    assert "The run goes on." in said and "Traceback" not in said + err
    run = re.search(r"(default-[0-9a-f]{10})-1  Training", said)[1]
    arn = platform.client("dynamodb").get_item(TableName=platform.team["runs_table"], Key={"run": {"S": run}})["Item"]
    arn = arn["execution_arn"]["S"]
    assert platform.execution(arn)["status"] == "RUNNING"
    assert trainwright("stop", run).returncode == 2, "nobody can be asked"
    done = trainwright("stop", run, "--yes")
    assert done.returncode == 0, done.stderr
    assert platform.finish(arn)["status"] == "ABORTED"
    assert platform.report(arn)["status"] == "STOPPED"
