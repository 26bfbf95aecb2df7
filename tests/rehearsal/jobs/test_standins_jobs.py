"""Jobs on AWS's own images: the training toolkit around a script, and what a built-in algorithm checks first."""

import json

import pytest

ECR = "dkr.ecr.us-east-1.amazonaws.com"
PYTORCH = f"763104351884.{ECR}/pytorch-training:2.8.0-cpu-py312-ubuntu22.04-sagemaker"
SKLEARN = f"683313688378.{ECR}/sagemaker-scikit-learn:1.4-2-cpu-py3"
XGBOOST = f"683313688378.{ECR}/sagemaker-xgboost:3.0-5"
KMEANS = f"382416733822.{ECR}/kmeans:1"
SCRIPT = """
import argparse, json, os, pathlib
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--note")
options = parser.parse_args()
print("trains", options.epochs, options.note, sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])), helper.__name__)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text(json.loads(os.environ["SM_HPS"])["note"])
"""
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]


@pytest.fixture(scope="module")
def role(account):
    """May pull AWS's images, and read its own source."""
    pull = {"Effect": "Allow", "Action": PULL, "Resource": ["arn:aws:ecr:us-east-1:*:repository/*"]}
    return account.role("standins", "sagemaker.amazonaws.com", [*account.rights, pull])


@pytest.fixture
def train(account, role, pack):
    """Runs a script-mode job on an image; its description."""
    s3 = account.client("s3")

    def run(name, image, files, *, wait=True, request=None, **values):
        s3.put_object(Bucket="jobs", Key=f"sources/{name}.tar.gz", Body=pack(**files))
        given = {
            "sagemaker_program": next(iter(files)),
            "sagemaker_submit_directory": f"s3://jobs/sources/{name}.tar.gz",
            **values,
        }
        return account.train(
            name,
            wait=wait,
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            HyperParameters={key: json.dumps(value) for key, value in given.items()},
            **(request or {}),
        )

    yield run
    for key in account.objects("sources/"):
        s3.delete_object(Bucket="jobs", Key=key)


def test_a_script_runs_as_in_a_deep_learning_container(account, train):
    files = {"train.py": SCRIPT, "helper.py": ""}
    job = train("dlc", PYTORCH, files, epochs=3, note="two words")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.model("dlc") == {"model.txt": "two words"}
    log = account.log("dlc")
    assert "trains 3 two words ['a.csv', 'c.csv', 'deep'] helper" in log
    assert any(f"Stand-in for {PYTORCH}" in line for line in log)
    assert any("older than 5.1.4 lets a shell read ['two words']" in line for line in log)
    assert any(line.endswith("Reporting training SUCCESS") for line in log)


def test_a_failing_script_is_quoted_as_the_toolkit_does(account, train):
    job = train(
        "dlc-fails", PYTORCH, {"train.py": "import sys\nraise ValueError('no labels in ' + sys.argv[2])"}, x="a.csv"
    )
    reason = job["FailureReason"]
    assert reason.startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "raise ValueError(')
    assert 'ValueError: no labels in a.csv"\nCommand "' in reason
    assert reason.endswith('-- train.py -x a.csv", exit code: 1')
    assert any(line.endswith("Reporting training FAILURE") for line in account.log("dlc-fails"))


def test_a_script_in_a_framework_container_without_captured_errors_says_nothing_of_them(account, train):
    job = train("sklearn-fails", SKLEARN, {"train.py": "raise ValueError('no labels')"})
    assert 'ExitCode 1\nErrorMessage ""\nCommand "' in job["FailureReason"]
    assert "ValueError: no labels" in account.log("sklearn-fails")


def test_a_stop_does_not_reach_the_script(account, train):
    listens = (
        "import os, pathlib, signal, sys, time\n"
        "def heard(*_):\n    pathlib.Path(os.environ['SM_MODEL_DIR'], 'heard').touch()\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, heard)\nprint('listens', flush=True)\n"
        "for _ in range(600):\n    time.sleep(0.1)\n"
    )
    train("dlc-stops", PYTORCH, {"train.py": listens}, wait=False)
    account.wait_for(lambda: account.describe("dlc-stops")["SecondaryStatus"] == "Training", "the training")
    account.wait_for(lambda: _logged(account, "dlc-stops", "listens"), "the script")
    account.client("sagemaker").stop_training_job(TrainingJobName="dlc-stops")
    assert account.finish("dlc-stops")["TrainingJobStatus"] == "Stopped"
    assert account.objects("out/dlc-stops/") == []  # it was killed after the grace, and had not heard


def _logged(account, name, text):
    try:
        return text in account.log(name)
    except account.client("logs").exceptions.ResourceNotFoundException:
        return False


def test_an_image_built_on_a_deep_learning_container_runs_its_own_script(account, builder):
    files = {
        "Dockerfile": f"FROM {PYTORCH}\nCOPY train.py /opt/ml/code/\nENV SAGEMAKER_PROGRAM=train.py\n",
        "train__py": "import sys; print('built in', sys.argv[1:])",
    }
    assert builder.build("extended", tag="one", files=files)["buildStatus"] == "SUCCEEDED"
    specification = {"TrainingImage": f"123456789012.{ECR}/extended:one", "TrainingInputMode": "File"}
    job = account.train("extended", AlgorithmSpecification=specification, HyperParameters={"lr": "0.1"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "built in ['--lr', '0.1']" in account.log("extended")


def test_requirements_are_installed_for_the_job_alone(account, train, tiny_wheel):
    files = {
        "train.py": "import own_thing; print(own_thing.said)",
        "requirements.txt": "--no-index\n./own_thing-1.0-py3-none-any.whl\n",
        "own_thing-1.0-py3-none-any.whl": tiny_wheel("own_thing"),
    }
    job = train("dlc-requires", PYTORCH, files)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "installed" in account.log("dlc-requires")


def test_every_host_finds_the_master(account, train):
    script = "import os, socket\nprint(os.environ['SM_CURRENT_HOST'], 'of', os.environ['SM_HOSTS'],"
    script += " os.environ['MASTER_ADDR'], bool(socket.gethostbyname(os.environ['MASTER_ADDR'])))\n"
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    job = train("dlc-two", PYTORCH, {"train.py": script}, request={"ResourceConfig": two})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    said = [line for line in account.log("dlc-two") if line.startswith("algo-")]
    assert said == [f'algo-{number} of ["algo-1","algo-2"] algo-1 True' for number in (1, 2)]


def test_a_source_that_is_not_there_is_a_framework_error(account, role):
    values = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://jobs/none.tar.gz"}
    job = account.train(
        "dlc-no-source",
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": PYTORCH, "TrainingInputMode": "File"},
        HyperParameters={key: json.dumps(value) for key, value in values.items()},
    )
    assert job["FailureReason"].startswith("AlgorithmError: Framework Error: \nTraceback (most recent call last):\n")


def test_a_role_that_may_not_pull_a_deep_learning_container_fails_the_job(account):
    job = account.train("dlc-refused", AlgorithmSpecification={"TrainingImage": PYTORCH, "TrainingInputMode": "File"})
    assert job["FailureReason"].startswith("ClientError: Cannot pull algorithm container.")


def test_an_image_in_another_account_than_awss_is_not_there(account, role):
    image = PYTORCH.replace("763104351884", "763104351885")
    job = account.train(
        "dlc-typo", RoleArn=role, AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"}
    )
    assert job["FailureReason"].startswith("ClientError: Cannot pull algorithm container.")


def built_in(image, **hyperparameters):
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters,
    }


def test_a_built_in_algorithm_refuses_a_wrong_hyperparameter(account):
    job = account.train("kmeans-wrong", **built_in(KMEANS, k="3"))
    assert job["FailureReason"] == (
        "ClientError: No value(s) were specified for 'feature_dim' which are required hyperparameter(s) "
        "(caused by ValidationError), exit code: 2"
    )


def test_a_built_in_algorithm_reads_its_data_and_trains_nothing(account):
    account.client("s3").put_object(Bucket="jobs", Key="kmeans-numbers/a.csv", Body=b"1,2\n3,4\n")
    channel = {**account.channel("train", S3Uri="s3://jobs/kmeans-numbers/"), "ContentType": "text/csv;label_size=0"}
    job = account.train("kmeans", InputDataConfig=[channel], **built_in(KMEANS, k="3", feature_dim="2"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = json.loads(account.model("kmeans")["stand-in.json"])
    assert model["read"] == {"train": {"files": 1, "bytes": 8, "records": 2}} and KMEANS in model["about"]
    assert "FinalMetricDataList" not in job


def test_xgboost_without_a_script_is_the_algorithm(account):
    job = account.train("xgboost-wrong", **built_in(XGBOOST, max_depth="3"))
    reason = job["FailureReason"]
    assert reason.startswith("AlgorithmError: framework error: \nTraceback")
    assert reason.endswith("\nMissing required hyperparameter: num_round, exit code: 1")


def test_xgboost_with_a_script_runs_it_as_a_module(account, train):
    job = train("xgboost-script", XGBOOST, {"abalone.py": "import sys; sys.exit(3)"}, eta=0.2)
    assert job["FailureReason"].startswith('AlgorithmError: ExecuteUserScriptError:\nCommand "')
    assert job["FailureReason"].endswith('-m abalone --eta 0.2", exit code: 1')


def test_without_namespaces_too(account_without_namespaces, pack):
    account, key = account_without_namespaces, "sources/x.tar.gz"
    pull = {"Effect": "Allow", "Action": PULL, "Resource": ["arn:aws:ecr:us-east-1:*:repository/*"]}
    account.client("s3").put_object(Bucket="jobs", Key=key, Body=pack(**{"train.py": SCRIPT, "helper.py": ""}))
    values = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://jobs/{key}", "note": "x"}
    job = account.train(
        "plain-dlc",
        RoleArn=account.role("standins", "sagemaker.amazonaws.com", [*account.rights, pull]),
        AlgorithmSpecification={"TrainingImage": PYTORCH, "TrainingInputMode": "File"},
        HyperParameters={key: json.dumps(value) for key, value in values.items()},
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert account.model("plain-dlc") == {"model.txt": "x"}
