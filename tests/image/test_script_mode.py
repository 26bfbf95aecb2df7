"""The user's own script in the platform's image, asked for in the words of AWS's SDK."""

import io
import json
import os
import signal
import tarfile

import pytest

LOOK = """
import json, os, sys, helper
print(json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "helper": helper.__file__}))
"""


def test_the_users_script_runs_in_its_folder_with_its_modules_and_the_toolkits_variables(job, pack):
    job.script_mode(
        pack(**{"main.py": LOOK, "helper.py": ""}), epochs=3, optimizer="adam", sagemaker_region="eu-west-1"
    )
    code, out, err = job.run()
    assert code == 0, err
    seen, folder = json.loads(out), job.base / "code"
    assert seen["argv"] == [str(folder / "main.py"), "--epochs", "3", "--optimizer", "adam"]
    assert seen["cwd"] == str(folder)
    assert seen["helper"] == str(folder / "helper.py")
    env = seen["env"]
    assert env["SM_USER_ENTRY_POINT"] == "main.py"
    assert env["SM_MODULE_NAME"] == "main"
    assert env["SM_MODULE_DIR"] == "/opt/ml/input/data/code/sourcedir.tar.gz"
    assert env["SM_HPS"] == '{"epochs":3,"optimizer":"adam"}'
    assert env["SAGEMAKER_REGION"] == "eu-west-1"
    assert env["PYTHONPATH"].split(os.pathsep)[0] == str(folder)


def test_trainkit_is_there_for_the_users_script_and_its_modules_come_first(job, pack):
    job.script_mode(pack(**{"main.py": "import trainkit, train; print(train.said)", "train.py": "said = 'mine'"}))
    assert job.run()[:2] == (0, "mine\n")


def test_a_script_in_a_folder_and_one_for_the_shell(job, pack):
    job.script_mode(pack(**{"src/main.py": "import os; print(os.path.basename(os.getcwd()))"}), "src/main.py")
    assert job.run()[:2] == (0, "code\n")
    job.script_mode(pack(**{"go.sh": 'echo "$@" $SM_USER_ENTRY_POINT'}), "go.sh", k=5)
    assert job.run()[:2] == (0, "-k 5 go.sh\n")


def test_what_an_earlier_start_left_in_the_folder_is_gone(job, pack):
    (job.base / "code").mkdir()
    (job.base / "code" / "helper.py").write_text("")
    job.script_mode(pack(**{"main.py": "import helper"}))
    assert job.run()[0] == 1
    assert "No module named 'helper'" in job.failure


def test_the_source_is_fetched_from_s3(job, pack, aws):
    aws.objects["/data/source/sourcedir.tar.gz"] = pack(**{"main.py": "print('from S3')"})
    address = "s3://data/source/sourcedir.tar.gz"
    job.hyperparameters(sagemaker_program="main.py", sagemaker_submit_directory=address)
    assert job.run(**aws.environment)[:2] == (0, "from S3\n")


def test_a_source_that_is_not_there_is_the_reason_of_failure(job, aws):
    job.hyperparameters(sagemaker_program="main.py", sagemaker_submit_directory="s3://data/none.tar.gz")
    assert job.run(**aws.environment)[0] == 1
    assert job.failure.startswith("the source s3://data/none.tar.gz cannot be fetched: 404")
    (job.base / "output/failure").unlink()
    job.hyperparameters(sagemaker_program="main.py", sagemaker_submit_directory="/opt/ml/input/data/code/x.tar.gz")
    job.run()
    assert "is not there; is there an input channel for it?" in job.failure


def test_a_script_that_is_not_in_the_source_is_named_with_what_is(job, pack):
    job.script_mode(pack(**{"train.py": "", "lib/a.py": ""}), "main.py")
    assert job.run()[0] == 1
    assert job.failure.endswith("has no file main.py; at its top it has: lib, train.py")


def archive_with(member: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def plain(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = 1
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (plain("../evil.py"), "../evil.py, which leads out of the folder"),
        (plain("/etc/evil.py"), "/etc/evil.py, which leads out of the folder"),
        (link("main.py", "/etc/passwd"), "main.py, which is no plain file"),
    ],
)
def test_fails_on_an_archive_that_leads_out_of_its_folder(job, member, message):
    job.script_mode(archive_with(member))
    assert job.run()[0] == 1
    assert message in job.failure
    assert not (job.base / "evil.py").exists()


def test_fails_on_what_is_no_archive(job):
    job.script_mode(b"not an archive")
    assert job.run()[0] == 1
    assert "cannot be unpacked: ReadError" in job.failure


def test_requirements_are_installed_before_the_script_starts(tiny_wheel, job, pack, tmp_path):
    files = {"main.py": "import own_pkg; print(own_pkg.said)", "own_pkg-1.0-py3-none-any.whl": tiny_wheel("own_pkg")}
    job.script_mode(pack(**files, **{"requirements.txt": "--no-index\n./own_pkg-1.0-py3-none-any.whl\n"}))
    target = tmp_path / "site"
    code, out, err = job.run(PIP_TARGET=str(target), PYTHONPATH=str(target))
    assert (code, out) == (0, "installed\n"), err


def test_another_file_of_requirements_can_be_named(job, pack):
    job.script_mode(pack(**{"main.py": "print('ran')", "gpu.txt": "--no-index\nno-such-package==3\n"}))
    assert job.run()[:2] == (0, "ran\n")
    assert job.run(TRAINWRIGHT_REQUIREMENTS="gpu.txt")[0] == 1
    assert job.failure.startswith("gpu.txt line 2 (no-such-package==3) cannot be installed: ")
    (job.base / "output/failure").unlink()
    job.run(TRAINWRIGHT_REQUIREMENTS="none.txt")
    assert job.failure == "the source has no file none.txt, which TRAINWRIGHT_REQUIREMENTS names"


NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
    "PIP_RETRIES": "1",
    "PIP_CONFIG_FILE": os.devnull,
    "HOME": "/nonexistent",
}


def test_requirements_that_cannot_be_had_without_a_network_say_what_to_do(job, pack):
    job.script_mode(pack(**{"main.py": "", "requirements.txt": "# ours\n\nno_such.package >= 1\n"}))
    code, _, err = job.run(**NOWHERE)
    assert code == 1
    assert job.failure.startswith("requirements.txt line 3 (no_such.package >= 1) cannot be installed: No matching")
    assert "no package index can be reached from this job" in job.failure
    assert "No matching distribution" in err, "pip's own words belong into the log"


def test_a_line_that_pip_cannot_read_is_named(job, pack):
    job.script_mode(pack(**{"main.py": "", "requirements.txt": "pip\n== 3\n"}))
    job.run(**NOWHERE)
    assert job.failure.startswith("requirements.txt line 2 (== 3) cannot be installed: Invalid requirement: '== 3'")
    assert "network" not in job.failure


def test_sigterm_reaches_the_users_script(job, pack):
    source = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    job.script_mode(pack(**{"main.py": source}))
    process = job.start()
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 7


# --- secrets -------------------------------------------------------------------------------------------------------

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:wandb-AbCdEf"


def test_a_secret_is_a_variable_of_the_script_and_is_nowhere_else(job, pack, aws):
    aws.secrets[ARN] = {"SecretString": "hunter2"}
    job.script_mode(pack(**{"main.py": "import os; raise SystemExit(os.environ['WANDB_API_KEY'] != 'hunter2')"}))
    code, out, err = job.run(TRAINWRIGHT_SECRET_WANDB_API_KEY=ARN, **aws.environment)
    assert code == 0, err
    assert "hunter2" not in out + err
    holding = [path.name for path in job.base.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert holding == ["main.py"], "the test's own script alone has it"


def test_a_secret_that_an_error_quotes_is_masked_in_the_reason_of_failure(job, pack, aws):
    aws.secrets[ARN] = {"SecretString": "hunter2"}
    job.script_mode(pack(**{"main.py": "import os\nraise ValueError('bad key ' + os.environ['KEY'])"}))
    job.run(TRAINWRIGHT_SECRET_KEY=ARN, **aws.environment)
    assert job.failure.startswith("ValueError: bad key ***\n")


def test_a_secret_that_cannot_be_had_is_named_by_arn_and_error_code_alone(job, pack, aws):
    job.script_mode(pack(**{"main.py": "print('ran')"}))
    code, out, err = job.run(TRAINWRIGHT_SECRET_KEY=ARN, **aws.environment)
    assert (code, out) == (1, "")
    assert job.failure == f"secret {ARN} cannot be fetched: AccessDeniedException"
    assert "hunter2" not in err


def test_a_binary_secret_is_refused(job, pack, aws):
    aws.secrets[ARN] = {"SecretBinary": "aHVudGVyMg=="}
    job.script_mode(pack(**{"main.py": ""}))
    assert job.run(TRAINWRIGHT_SECRET_KEY=ARN, **aws.environment)[0] == 1
    assert job.failure == f"secret {ARN} is binary: it cannot become the variable KEY; store it as text"
