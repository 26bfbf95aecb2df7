"""What a training script finds when it starts, and what becomes of what it leaves."""

import json

LOOK = """
print(json.dumps({
    "argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "pid": os.getpid(),
    "config": {path.stem: json.loads(path.read_text()) for path in (ml / "input/config").iterdir()},
    "data": sorted(str(path.relative_to(ml / "input/data")) for path in (ml / "input/data").rglob("*.csv")),
    "folders": sorted(path.name for path in ml.iterdir()),
}))
"""


def seen(account, name, **changes):
    job = account.train(name, LOOK, **changes)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return json.loads(account.log(name)[0])


def test_configuration_files_and_channels(either_account):
    found = seen(
        either_account, "config", HyperParameters={"code": LOOK, "epochs": "3"}, **either_account.spot("config")
    )
    config = found["config"]
    assert config["hyperparameters"]["epochs"] == "3"
    assert config["inputdataconfig"] == {
        "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    }
    assert config["resourceconfig"]["current_host"] == "algo-1"
    assert config["resourceconfig"]["hosts"] == ["algo-1"]
    assert config["resourceconfig"]["current_instance_type"] == "ml.m5.large"
    assert config["checkpointconfig"] == {"LocalPath": "/opt/ml/checkpoints"}
    assert found["data"] == ["train/a.csv", "train/c.csv", "train/deep/b.csv"]
    assert found["folders"] == ["checkpoints", "input", "model", "output"]
    assert found["argv"][1:] == ["train"]


def test_environment_is_sagemakers_the_images_and_the_requests_and_nothing_more(account, monkeypatch):
    found = seen(account, "environment", Environment={"WANDB_MODE": "offline"})
    env = found["env"]
    for name in ("LC_CTYPE",):  # Python's own, when it changes the C locale
        env.pop(name, None)
    assert env.pop("TRAINING_JOB_NAME") == "environment"
    assert env.pop("TRAINING_JOB_ARN") == "arn:aws:sagemaker:us-east-1:123456789012:training-job/environment"
    assert (env.pop("WANDB_MODE"), env.pop("GREETING")) == ("offline", "hello")
    expected = {"PATH", "HOME", "LANG", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
    assert set(env) == expected
    assert found["cwd"] == "/opt/program"


def test_the_entry_point_is_process_1_of_a_machine_with_an_opt_ml_of_its_own(account):
    if account.ready["namespaces"]:
        assert seen(account, "process-1")["pid"] == 1
        assert account.ready["lost_guarantees"] == []


def test_without_namespaces_the_lost_guarantees_are_said(account_without_namespaces):
    ready = account_without_namespaces.ready
    assert not ready["namespaces"]
    assert any("SAGEMAKER_BASE_DIR" in sentence for sentence in ready["lost_guarantees"])


def test_model_and_output_are_packed(either_account):
    code = (
        "(ml/'model'/'deep').mkdir(); (ml/'model'/'deep'/'w').write_text('1'); (ml/'output/data/plot').write_text('2')"
    )
    job = either_account.train("packed", code)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://jobs/out/packed/output/model.tar.gz"
    assert either_account.model("packed") == {"deep/w": "1"}
    assert either_account.objects("out/packed/output/output") == ["out/packed/output/output.tar.gz"]


def test_log_lines_arrive_while_the_job_runs(account):
    code = "print('first', flush=True); time.sleep(30)"
    account.train("talks", code, wait=False)
    account.wait_until("talks", "Training")
    assert account.wait_for(lambda: account.log("talks"), "a line") == ["first"]
    account.client("sagemaker").stop_training_job(TrainingJobName="talks")
    account.finish("talks")


def test_stdout_and_stderr_are_one_log_and_metrics_are_read_from_it(account):
    specification = {
        "TrainingImage": "rehearsed:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    }
    code = "print('loss=0.5', flush=True); print('loss=0.25', file=sys.stderr)"
    job = account.train("metrics", code, AlgorithmSpecification=specification)
    assert account.log("metrics") == ["loss=0.5", "loss=0.25"]
    assert [(item["MetricName"], item["Value"]) for item in job["FinalMetricDataList"]] == [("loss", 0.25)]


def test_every_host_has_files_and_a_shard_of_its_own(either_account):
    code = """
host = json.loads((ml / "input/config/resourceconfig.json").read_text())["current_host"]
files = [path.name for path in (ml / "input/data/train").rglob("*") if path.is_file()]
(ml / "model" / host).write_text(",".join(sorted(files)))
time.sleep(0.3)
assert len(list((ml / "model").iterdir())) == 1
"""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    source = either_account.channel("train", S3DataDistributionType="ShardedByS3Key")
    job = either_account.train("two-hosts", code, ResourceConfig=resources, InputDataConfig=[source])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert either_account.model("two-hosts") == {"algo-1": "a.csv,b.csv", "algo-2": "c.csv"}


def test_network_isolation_leaves_the_loopback_only(account):
    if not account.ready["namespaces"]:
        return
    code = "import socket; print(sorted(name for _, name in socket.if_nameindex()), 'AWS_ENDPOINT_URL' in os.environ)"
    account.train("isolated", code, EnableNetworkIsolation=True)
    assert account.log("isolated") == ["['lo'] False"]


def test_the_script_has_the_execution_roles_rights_and_no_others(account):
    code = """
import boto3
from botocore.exceptions import ClientError
s3 = boto3.client("s3", region_name=os.environ["AWS_REGION"])
print(s3.get_object(Bucket="jobs", Key="train/a.csv")["Body"].read())
try:
    s3.delete_object(Bucket="jobs", Key="train/a.csv")
except ClientError as error:
    print(error.response["Error"]["Code"])
"""
    account.train("as-role", code)
    assert account.log("as-role") == ["b'train/a.csv'", "AccessDenied"]


def test_the_request_may_replace_the_entry_point(account):
    specification = {
        "TrainingImage": "rehearsed:1",
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["sh", "-c"],
        "ContainerArguments": ["echo $GREETING from $0"],
    }
    account.train("replaced", AlgorithmSpecification=specification)
    assert account.log("replaced") == ["hello from sh"]
