"""The training image's entry point, run as SageMaker runs it: the word `train`, files under /opt/ml, nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "training_image"


class Container:
    """An /opt/ml of its own, and the environment that SageMaker gives: no SM_* variable."""

    def __init__(self, base: Path):
        self.base = base
        self.write("input/config/hyperparameters.json", {"epochs": "3", "lr": "0.1", "optimizer": "adam", "k": "5"})
        self.write("input/config/inputdataconfig.json", {"train": {"TrainingInputMode": "File"}})
        self.write("input/config/resourceconfig.json", {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})

    def write(self, name: str, content: object) -> None:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def start(self, source: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        script = self.base / "user.py"
        script.write_text(source)
        env = {"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), **environment}
        return subprocess.Popen(
            [sys.executable, "-m", "trainkit.launch", str(script), *(words or ("train",))],
            cwd=IMAGE,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str, *words: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(source, *words, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_the_script_gets_the_toolkits_variables_and_its_hyperparameters(container: Container) -> None:
    code, out, _ = container.run("import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))")
    arguments, env = json.loads(out)
    assert code == 0
    assert arguments == ["--epochs", "3", "-k", "5", "--lr", "0.1", "--optimizer", "adam"]
    assert env["SM_MODEL_DIR"] == str(container.base / "model") and Path(env["SM_MODEL_DIR"]).is_dir()
    assert env["SM_CHANNEL_TRAIN"] == str(container.base / "input/data/train")
    assert json.loads(env["SM_CHANNELS"]) == ["train"]
    assert json.loads(env["SM_HPS"]) == {"epochs": 3, "lr": 0.1, "optimizer": "adam", "k": 5}
    assert env["SM_HP_OPTIMIZER"] == "adam"
    assert (env["SM_CURRENT_HOST"], json.loads(env["SM_HOSTS"])) == ("algo-2", ["algo-1", "algo-2"])
    assert json.loads(env["SM_TRAINING_ENV"])["output_data_dir"] == str(container.base / "output/data")


def test_the_toolkits_own_hyperparameters_do_not_reach_the_script(container: Container) -> None:
    container.write("input/config/hyperparameters.json", {"sagemaker_program": '"x.py"', "epochs": "1"})
    code, out, _ = container.run("import sys; print(sys.argv[1:])")
    assert (code, out.strip()) == (0, "['--epochs', '1']")


def test_a_job_without_channels_or_hyperparameters_starts(container: Container) -> None:
    for name in ("hyperparameters", "inputdataconfig", "resourceconfig"):
        (container.base / f"input/config/{name}.json").unlink()
    code, out, _ = container.run("import os, sys; print(sys.argv[1:], os.environ['SM_CHANNELS'])")
    assert (code, out.strip()) == (0, "[] []")


def test_arguments_of_the_job_follow_the_hyperparameters(container: Container) -> None:
    _, out, _ = container.run("import sys; print(sys.argv[-1])", "--verbose", "train")
    assert out.strip() == "--verbose"


def test_sm_variables_come_from_the_entry_point_alone(container: Container) -> None:
    env = {"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(container.base)}
    program = "import trainkit, os; print([name for name in os.environ if name.startswith('SM_')])"
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=IMAGE, env=env, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_sigterm_reaches_the_script_and_its_exit_code_comes_back(container: Container) -> None:
    process = container.start(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('asked to stop', flush=True), sys.exit(7)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert (out, process.returncode) == ("asked to stop\n", 7)


def test_sigterm_before_the_script_has_started_is_not_lost(container: Container) -> None:
    process = container.start("import time; time.sleep(60)")
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 20:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    process.communicate()
    assert process.returncode in (143, -signal.SIGTERM)


def test_an_exception_is_left_as_the_reason_of_failure(container: Container) -> None:
    code, _, err = container.run("def load():\n    raise ValueError('labels: 3 rows have none')\nload()\n")
    assert code == 1
    first, *frames = container.failure.splitlines()
    assert first == "ValueError: labels: 3 rows have none"
    assert any("in load" in line for line in frames)
    assert "Traceback (most recent call last)" in err, "the log must still have it all"


def test_the_reason_fits_what_sagemaker_shows_and_keeps_the_exception_first(container: Container) -> None:
    container.run("def f(n):\n    return f(n - 1) if n else 1 / 0\nf(200)\n")
    assert container.failure.startswith("ZeroDivisionError: division by zero\n")
    assert len(container.failure) <= 1024


def test_a_reason_that_the_script_wrote_itself_stays(container: Container) -> None:
    source = f"open({str(container.base / 'output/failure')!r}, 'w').write('no data for Tuesday'); raise SystemExit(3)"
    code, _, _ = container.run(source)
    assert (code, container.failure) == (3, "no data for Tuesday")


def test_a_script_that_was_killed_says_by_what(container: Container) -> None:
    code, _, _ = container.run("import os; os.kill(os.getpid(), 9)")
    assert code == 128 + 9
    assert container.failure.startswith("killed by SIGKILL") and "memory" in container.failure


def test_a_good_end_leaves_no_failure_file(container: Container) -> None:
    assert container.run("pass")[0] == 0
    assert not (container.base / "output" / "failure").exists()


def test_without_a_script_it_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trainkit.launch", "train"], cwd=IMAGE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "SCRIPT.py" in done.stderr
