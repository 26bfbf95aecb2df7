"""The command from outside: what it prints and its exit code, before anything is started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

REQUEST = """\
name: digits
inputs:
  train: data://digits/train/
compute:
  instance_type: ml.m5.large
"""


def trainwright(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainwright.cli", *words]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.yaml").write_text(REQUEST)
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a.csv").write_text("1,2\n")
    return tmp_path


PUT = "data://digits/train/=sample"


def test_input_prints_the_json_that_starts_an_execution(folder: Path) -> None:
    done = trainwright(folder, "input", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert '"instance_type": "ml.m5.large"' in done.stdout


def test_fails_when_fields_are_wrong_with_line_column_and_field_of_each(folder: Path) -> None:
    (folder / "run.yaml").write_text(REQUEST.replace("instance_type", "instance_typ") + "  spot: maybe\n")
    for command in ("input", "rehearse"):
        done = trainwright(folder, command, "run.yaml")
        assert done.returncode == 2
        first, second, third = done.stderr.splitlines()
        assert first.startswith("run.yaml:5:3 TW102 compute.instance_typ: unknown field; did you mean instance_type?")
        assert second.startswith("run.yaml:6:3 TW104 compute.spot: ")
        assert third == ("2 problems." if command == "input" else "2 problems. Nothing was started.")
        assert done.stdout == ""
    assert not (folder / ".rehearsal").exists()


def test_fails_when_an_input_has_no_data(folder: Path) -> None:
    done = trainwright(folder, "rehearse", "run.yaml")
    assert done.returncode == 2
    assert "run.yaml:3:3 TW101 inputs.train: nothing lies under data://digits/train/" in done.stderr
    assert "--put data://digits/train/=FOLDER" in done.stderr


def test_fails_when_the_users_script_imports_what_the_python_lacks(folder: Path) -> None:
    image = folder / "training_image"
    image.mkdir()
    (image / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["python", "mine.py"]\n')
    (image / "mine.py").write_text("import sys\nimport nosuchmodule\n")
    done = trainwright(folder, "rehearse", "run.yaml", "--put", PUT)
    assert done.returncode == 2
    assert "training_image/mine.py:2:1 import nosuchmodule" in done.stderr
    assert "pip install nosuchmodule" in done.stderr
    assert not (folder / ".rehearsal").exists()


def test_the_active_environments_python_is_the_one_that_is_asked(folder: Path) -> None:
    active = folder / "active"
    (active / "bin").mkdir(parents=True)
    (active / "bin" / "python").write_text("#!/bin/sh\nexit 9\n")
    (active / "bin" / "python").chmod(0o755)
    done = trainwright(folder, "rehearse", "run.yaml", "--put", PUT, VIRTUAL_ENV=str(active))
    assert done.returncode == 2
    assert f"{active}/bin/python: is not a Python that runs" in done.stderr


def test_fails_when_the_port_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = trainwright(folder, "rehearse", "run.yaml", "--put", PUT, "--port", port)
    assert done.returncode == 2
    assert f"--port {port}: cannot be used (Address already in use)" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--put", "sales=sample"), "write data://PREFIX/=FOLDER"),
        (("--python", "nowhere/python"), "--python nowhere/python: there is no such file"),
        (("--app", "sample"), "--app sample: there is no cdk.json"),
        (("--policy", "none.yaml"), "none.yaml"),
    ],
)
def test_fails_when_an_option_is_wrong(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = trainwright(folder, "rehearse", "run.yaml", *words)
    assert done.returncode == 2
    assert said in done.stderr and "Nothing was started." in done.stderr


def test_a_teams_policy_is_checked_before_anything_starts(folder: Path) -> None:
    (folder / "policy.yaml").write_text("team: small\nallow:\n  instance_types: [ml.c5.*]\n")
    done = trainwright(folder, "rehearse", "run.yaml", "--put", PUT, "--policy", "policy.yaml")
    assert done.returncode == 2
    assert "run.yaml:5:3 TW201 compute.instance_type" in done.stderr and "ml.c5.*" in done.stderr


@pytest.fixture
def broken_app(folder: Path) -> Path:
    (folder / "app.py").write_text("import sys\nprint('no such vpc', file=sys.stderr)\nsys.exit(3)\n")
    return folder


def test_a_failing_step_is_named_with_its_reason_and_leaves_its_logs(broken_app: Path) -> None:
    done = trainwright(broken_app, "rehearse", "run.yaml", "--put", PUT)
    assert done.returncode == 1
    assert "no  1  synthesise the app" in done.stdout
    assert "| no such vpc" in done.stdout
    assert "Step 1 failed" in done.stdout and "exit code 3" in done.stdout
    assert "no such vpc" in (broken_app / ".rehearsal/last/logs/synth.log").read_text()
    assert '"step": 1' in (broken_app / ".rehearsal/last/summary.json").read_text()


def test_what_a_rehearsal_leaves_is_replaced_only_when_the_next_is_over(broken_app: Path) -> None:
    last = broken_app / ".rehearsal" / "last"
    last.mkdir(parents=True)
    (last / "summary.json").write_text("{}")
    (broken_app / "app.py").write_text("import time\ntime.sleep(60)\n")
    code, _ = start_and_interrupt(broken_app)
    assert code == 130
    assert (last / "summary.json").read_text() == "{}"


def test_ctrl_c_says_one_sentence_and_leaves_no_process(broken_app: Path) -> None:
    (broken_app / "app.py").write_text("import time\ntime.sleep(61)\n")
    code, said = start_and_interrupt(broken_app)
    assert code == 130
    assert "Interrupted in step 1" in said and "Traceback" not in said
    assert processes_in(broken_app) == []


def test_two_rehearsals_in_one_folder_do_not_meet(broken_app: Path) -> None:
    (broken_app / "app.py").write_text("import time\ntime.sleep(60)\n")
    first = start(broken_app)
    second = trainwright(broken_app, "rehearse", "run.yaml", "--put", PUT)
    first.terminate()
    first.communicate(timeout=30)
    assert second.returncode == 2
    assert "another rehearsal is under way" in second.stderr


def start(folder: Path) -> subprocess.Popen[str]:
    """A rehearsal that has begun its first step."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright.cli", "rehearse", "run.yaml", "--put", PUT],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job ignores SIGINT, and so would we
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    wait_for((folder / ".rehearsal" / "next" / "logs" / "synth.log").exists)
    return process


def start_and_interrupt(folder: Path) -> tuple[int, str]:
    process = start(folder)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out + err


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that work in `folder` or name it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().replace("\0", " ").strip()
            if str(folder) in words or str((entry / "cwd").readlink()) == str(folder):
                found.append(words)
        except OSError:
            continue
    return found


def test_a_policy_that_contradicts_itself_is_refused_before_anything_starts(folder: Path) -> None:
    policy = folder / "research.yaml"
    policy.write_text("team: research\nallow: {instance_types: [ml.m5.*], images: []}\n")
    run = folder / "run.yaml"
    run.write_text("name: x\ncompute: {instance_type: ml.m5.large}\nlimits: {max_runtime: 1h}\n")
    done = trainwright(folder, "input", str(run), "--policy", str(policy))
    assert done.returncode == 2
    assert f"{policy}:2:36 TW401 allow.images: " in done.stderr
    assert "Traceback" not in done.stderr
