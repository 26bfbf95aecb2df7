"""The platform's own image on the account: the user's script, its requirements, its secrets, its processes."""

import json
from pathlib import Path

import pytest

from trainwright.cli.rehearse.data import write_digits

EXAMPLE = Path(__file__).parents[3] / "examples" / "script"
PLATFORM = {"TrainingImage": "platform:1", "TrainingInputMode": "File"}
SCRIPT = """
import argparse, os, pathlib, sys
import helper
import trainkit
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--optimizer")
options = parser.parse_args()
names = sorted(path.name for path in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv"))
print("trains", options.epochs, options.optimizer, names, os.environ["SM_USER_ENTRY_POINT"], trainkit.precision())
checkpoints = trainkit.Checkpoints()
checkpoints.save(options.epochs, lambda path: path.write_text("weights"))
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text(helper.weights(options.epochs))
"""
HELPER = "def weights(epochs):\n    return f'trained for {epochs} epochs'\n"


@pytest.fixture
def put(either_account, pack):
    """Upload a source; gives its address."""

    def go(name, **files):
        key = f"train/source/{name}/sourcedir.tar.gz"
        either_account.client("s3").put_object(Bucket="jobs", Key=key, Body=pack(**files))
        return f"s3://jobs/{key}"

    yield go
    s3 = either_account.client("s3")
    for key in either_account.objects("train/source/"):  # other tests count the files of train/
        s3.delete_object(Bucket="jobs", Key=key)


def script_mode(address, **values):
    """The toolkit's hyperparameters, as the SDK writes them."""
    given = {"sagemaker_program": "main.py", "sagemaker_submit_directory": address, "sagemaker_region": "us-east-1"}
    return {"HyperParameters": {name: json.dumps(value) for name, value in {**given, **values}.items()}}


def code_channel(address):
    source = {"S3DataType": "S3Prefix", "S3Uri": address}
    return {"ChannelName": "code", "DataSource": {"S3DataSource": source}}


def data_channel():
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/train/deep/"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}}


def test_a_users_script_from_s3_runs_in_the_platforms_image(either_account, put):
    address = put("from-s3", **{"main.py": SCRIPT, "helper.py": HELPER})
    job = either_account.train(
        "from-s3",
        AlgorithmSpecification=PLATFORM,
        InputDataConfig=[data_channel()],
        Environment={"TRAINWRIGHT_PRECISION": "bf16"},
        CheckpointConfig={"S3Uri": "s3://jobs/checkpoints/from-s3/"},
        **script_mode(address, epochs=3, optimizer="adam"),
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.log("from-s3") == ["trains 3 adam ['b.csv'] main.py bf16"]
    assert either_account.model("from-s3") == {"model.txt": "trained for 3 epochs"}
    assert len(either_account.objects("checkpoints/from-s3/")) == 1


def test_the_example_learns_and_keeps_what_the_run_asks_for(account, tmp_path, pack):
    s3 = account.client("s3")
    write_digits(tmp_path)
    for file in tmp_path.rglob("*.csv"):
        s3.put_object(Bucket="jobs", Key=f"digits/{file.relative_to(tmp_path)}", Body=file.read_bytes())
    files = {path.name: path.read_bytes() for path in EXAMPLE.iterdir() if path.is_file()}
    s3.put_object(Bucket="jobs", Key="sources/example.tar.gz", Body=pack(**files))
    data = {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/digits/"}
    channels = [
        {"ChannelName": name, "DataSource": {"S3DataSource": {**data, "S3Uri": f"s3://jobs/digits/{name}/"}}}
        for name in ("train", "validation")
    ]
    hyperparameters = script_mode("s3://jobs/sources/example.tar.gz", sagemaker_program="train.py", epochs=150)
    job = account.train(
        "example",
        AlgorithmSpecification={
            **PLATFORM,
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "validation:accuracy=(.*)"}],
        },
        InputDataConfig=channels,
        CheckpointConfig={"S3Uri": "s3://jobs/checkpoints/example/"},
        Environment={"TRAINWRIGHT_CHECKPOINT_EVERY_SECONDS": "600"},
        **hyperparameters,
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["FinalMetricDataList"][0]["Value"] > 0.9
    assert len([key for key in account.objects("checkpoints/example/") if key.endswith(".ckpt")]) == 1


def test_an_isolated_job_gets_its_source_through_the_channel_code(either_account, put):
    address = put("isolated", **{"main.py": SCRIPT, "helper.py": HELPER})
    job = either_account.train(
        "isolated-script",
        AlgorithmSpecification=PLATFORM,
        InputDataConfig=[data_channel(), code_channel(address)],
        EnableNetworkIsolation=True,
        **script_mode("/opt/ml/input/data/code/sourcedir.tar.gz", epochs=1),
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.model("isolated-script") == {"model.txt": "trained for 1 epochs"}


def test_a_source_that_the_role_may_not_read_is_said_in_the_reason(either_account):
    hyperparameters = script_mode("s3://jobs/none.tar.gz")
    job = either_account.train("no-source", AlgorithmSpecification=PLATFORM, **hyperparameters)
    reason = "AlgorithmError: the source s3://jobs/none.tar.gz cannot be fetched: 404"
    assert job["FailureReason"].startswith(reason)


def test_a_failing_script_is_quoted(either_account, put):
    address = put("fails", **{"main.py": "raise ValueError('no labels')"})
    job = either_account.train("script-fails", AlgorithmSpecification=PLATFORM, **script_mode(address))
    assert job["FailureReason"].startswith("AlgorithmError: ValueError: no labels\n")


def test_what_a_job_installs_stays_the_jobs_own(either_account, put, tiny_wheel):
    files = {"own_thing-1.0-py3-none-any.whl": tiny_wheel("own_thing")}
    files |= {"requirements.txt": "--no-index\n./own_thing-1.0-py3-none-any.whl\n"}
    address = put("requires", **files, **{"main.py": "import own_thing, sklearn; print(own_thing.said)"})
    job = either_account.train("requires", AlgorithmSpecification=PLATFORM, **script_mode(address))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.log("requires") == ["installed"]
    with pytest.raises(ImportError):
        __import__("own_thing")


def test_a_command_runs_in_the_source_with_its_requirements(either_account, put, tiny_wheel):
    files = {
        "own_tool-1.0-py3-none-any.whl": tiny_wheel("own_tool"),
        "reqs.txt": "--no-index\n./own_tool-1.0-py3-none-any.whl",
    }
    source = "import os, own_tool, pathlib, sys\nprint(sys.argv[1:], own_tool.said, os.environ['GREETING'])\n"
    source += "ml = pathlib.Path(os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml'))\n(ml / 'model/m').write_text('1')\n"
    address = put("command", **files, **{"go.py": source})
    line = (
        "mkdir -p /opt/ml/code && tar -xzf /opt/ml/input/data/code/sourcedir.tar.gz -C /opt/ml/code && cd /opt/ml/code"
        " && pip install -q -r reqs.txt && exec python go.py --lr 0.1"
    )
    specification = {
        "TrainingImage": "rehearsed:1",
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash", "-c"],
        "ContainerArguments": [line],
    }
    job = either_account.train(
        "command", AlgorithmSpecification=specification, InputDataConfig=[code_channel(address)], HyperParameters={}
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.log("command")[-1] == "['--lr', '0.1'] installed hello"
    assert either_account.model("command") == {"m": "1"}


def test_a_secret_reaches_the_script_with_the_roles_rights_alone(account, pack):
    made = account.client("secretsmanager").create_secret(Name="wandb", SecretString="hunter2")["ARN"]
    s3 = account.client("s3")
    main = "import os; print(len(os.environ['WANDB_API_KEY']))"
    s3.put_object(Bucket="jobs", Key="sources/secret.tar.gz", Body=pack(**{"main.py": main}))
    given = {
        "AlgorithmSpecification": PLATFORM,
        "Environment": {"TRAINWRIGHT_SECRET_WANDB_API_KEY": made},
        **script_mode("s3://jobs/sources/secret.tar.gz"),
    }
    job = account.train("secret-refused", **given)
    assert job["FailureReason"] == (
        f"AlgorithmError: secret {made} cannot be fetched: AccessDeniedException, exit code: 1"
    )
    rights = [*account.rights, {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [made]}]
    role = account.role("reads-secrets", "sagemaker.amazonaws.com", rights)
    job = account.train("secret", RoleArn=role, **given)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.log("secret") == ["7"]


def test_a_launcher_of_awss_own_images_is_refused_in_the_reason(account):
    hyperparameters = script_mode("s3://jobs/x.tar.gz", sagemaker_distributed_dataparallel_enabled=True)
    job = account.train("smddp", AlgorithmSpecification=PLATFORM, **hyperparameters)
    assert job["FailureReason"].startswith("AlgorithmError: SMDDP (smdistributed.dataparallel) is part of AWS's own")
