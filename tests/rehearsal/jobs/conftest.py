"""An embedded account in a process of its own, with a role, a bucket and an image that does as it is told."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ACCOUNT = "123456789012"
IMAGE = "rehearsed:1"
PLATFORM = "platform:1"
FINAL = {"Completed", "Failed", "Stopped"}
FAULTS = {"spot_interruptions": [{"after": "checkpoint", "fraction": 0.5}]}

#: The program of the test image: HyperParameters["code"] is Python, run with what a training script would look up.
PROGRAM = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
ml = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
parameters = json.loads((ml / "input/config/hyperparameters.json").read_text())
checkpoints = ml / "checkpoints"
def whole(path, text):
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)
def epochs(total, seconds):
    progress = checkpoints / "progress.json"
    start = json.loads(progress.read_text())["step"] if progress.exists() else 0
    print("resumed from", start, flush=True)
    for step in range(start + 1, total + 1):
        time.sleep(seconds)
        whole(checkpoints / "model.ckpt", f"weights after {step}")
        whole(progress, json.dumps({"step": step, "total": total, "resumed_from": start or None}))
    (ml / "model" / "model.txt").write_text(f"trained {start}..{total}")
exec(parameters.get("code", ""))
"""


def _policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def request(name, code="", **changes):
    made = {
        "TrainingJobName": name,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/trainer",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"code": code},
        "InputDataConfig": [channel("train")],
        "OutputDataConfig": {"S3OutputPath": "s3://jobs/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }
    return {field: value for field, value in made.items() if value is not None}


def spot(name):
    """The members of a request that make a spot job with checkpoints."""
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        "CheckpointConfig": {"S3Uri": f"s3://jobs/checkpoints/{name}/"},
    }


def channel(name, **source):
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://jobs/{name}/", **source}
    return {"ChannelName": name, "DataSource": {"S3DataSource": data}}


def allow(actions, *resources):
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources) or ["*"]}


def wait_for(ready, what, seconds=30.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {seconds} seconds")


RIGHTS = [
    allow(["s3:GetObject"], "arn:aws:s3:::jobs/*"),
    allow(["s3:ListBucket"], "arn:aws:s3:::jobs"),
    allow(["s3:PutObject"], "arn:aws:s3:::jobs/out/*", "arn:aws:s3:::jobs/checkpoints/*"),
    allow(["ecr:GetAuthorizationToken"]),
    allow(
        ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
        f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
    ),
    allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]),
]


@dataclass
class Account:
    """A running account as its users see it."""

    endpoint: str
    ready: dict
    root: Path
    process: subprocess.Popen
    clients: dict = field(default_factory=dict)

    # for the tests' convenience: with --import-mode=importlib they cannot import from here
    spot = staticmethod(spot)
    channel = staticmethod(channel)
    wait_for = staticmethod(wait_for)
    rights = tuple(RIGHTS)

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self.clients[service]

    def role(self, name, service, statements):
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))["Role"]["Arn"]
        if statements:
            self.allow(name, statements)
        return role

    def allow(self, name, statements):
        self.client("iam").put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=_policy(statements))

    def train(self, name, code="", *, wait=True, **changes):
        self.client("sagemaker").create_training_job(**request(name, code, **changes))
        return self.finish(name) if wait else None

    def describe(self, name):
        return self.client("sagemaker").describe_training_job(TrainingJobName=name)

    def finish(self, name, seconds=60):
        return wait_for(lambda: (job := self.describe(name))["TrainingJobStatus"] in FINAL and job, name, seconds)

    def wait_until(self, name, secondary, seconds=30):
        return wait_for(
            lambda: (job := self.describe(name))["SecondaryStatus"] == secondary and job, secondary, seconds
        )

    def log(self, name):
        logs, group = self.client("logs"), "/aws/sagemaker/TrainingJobs"
        try:
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        except logs.exceptions.ResourceNotFoundException:  # the account's first job has not written yet
            return []
        names = sorted(stream["logStreamName"] for stream in streams)
        events = [logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] for stream in names]
        return [event["message"] for stream in events for event in stream]

    def objects(self, prefix):
        found = self.client("s3").list_objects_v2(Bucket="jobs", Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def read(self, key):
        return self.client("s3").get_object(Bucket="jobs", Key=key)["Body"].read()

    def model(self, name):
        with tarfile.open(fileobj=io.BytesIO(self.read(f"out/{name}/output/model.tar.gz"))) as archive:
            return {member.name: archive.extractfile(member).read().decode() for member in archive.getmembers()}


@contextlib.contextmanager
def running(root, faults=FAULTS, **environment):
    """A server on a port of its own, with the test image and a role for training."""
    image = root / "image"
    image.mkdir(parents=True)
    (image / "Dockerfile").write_text(
        "FROM scratch\nENV GREETING=hello\nWORKDIR /opt/program\nCOPY program.py .\n"
        'ENTRYPOINT ["python", "program.py"]\n'
    )
    (image / "program.py").write_text(PROGRAM)
    images = {IMAGE: str(image), PLATFORM: str(Path(__file__).parents[3] / "training_image")}
    config = {"root": str(root / "account"), "python": sys.executable, "faults": faults, "images": images}
    (root / "config.json").write_text(json.dumps(config))
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(root / "config.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TRAINWRIGHT_STOP_GRACE_SECONDS": "1.5", **environment},
    )
    try:
        line = process.stdout.readline()
        assert line, f"the account did not start: {process.wait()}"
        ready = json.loads(line)
        account = Account(ready["endpoint"], ready, root / "account", process)
        _furnish(account)
        yield account
    finally:
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()


def _furnish(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="jobs")
    for key in ("train/a.csv", "train/deep/b.csv", "train/c.csv"):
        s3.put_object(Bucket="jobs", Key=key, Body=key.encode())
    account.role("trainer", "sagemaker.amazonaws.com", RIGHTS)


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    with running(tmp_path_factory.mktemp("account")) as started:
        yield started


@pytest.fixture(scope="session")
def account_without_namespaces(tmp_path_factory):
    with running(tmp_path_factory.mktemp("plain"), TRAINWRIGHT_NO_NAMESPACES="1") as started:
        yield started


@pytest.fixture(params=["account", "account_without_namespaces"])
def either_account(request):
    """What holds with namespaces and without; on a machine that forbids them both are the same."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def zipped():
    """A function that makes a zip file of named texts."""

    def make(**files):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                archive.writestr(name.replace("__", "."), text)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def start_account():
    """A context manager that starts one more account."""
    return running


@dataclass
class Builder:
    """Projects that build an image each, with a role and a repository of the same name."""

    account: Account
    make_zip: object

    def build(self, name, *, tag, files=None, without=None, base_rights=True):
        sources = {"Dockerfile": 'FROM scratch\nCOPY . /opt/p/\nENTRYPOINT ["python", "/opt/p/program.py"]\n'}
        content = self.make_zip(**{**sources, "program__py": PROGRAM, **(files or {})})
        self.account.client("s3").put_object(Bucket="jobs", Key=f"source/{name}.zip", Body=content)
        self.account.client("ecr").create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
        self.project(name, self._role(name, without, base_rights=base_rights))
        codebuild = self.account.client("codebuild")
        override = [{"name": "IMAGE_TAG", "value": tag, "type": "PLAINTEXT"}]
        build = codebuild.start_build(projectName=name, environmentVariablesOverride=override)["build"]
        assert build["buildStatus"] == "IN_PROGRESS"

        def ended():
            found = codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
            return found if found["buildComplete"] else None

        return wait_for(ended, "the build's end")

    def project(self, name, role):
        command = "docker build --platform linux/amd64 -f 'Dockerfile' -t \"$REPOSITORY_URI:$IMAGE_TAG\" ."
        spec = {"version": "0.2", "phases": {"build": {"commands": [command, "docker push x"]}}}
        repository = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{name}"
        self.account.client("codebuild").create_project(
            name=name,
            serviceRole=role,
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "computeType": "BUILD_GENERAL1_SMALL",
                "image": "aws/codebuild/standard:7.0",
                "privilegedMode": True,
                "environmentVariables": [{"name": "REPOSITORY_URI", "value": repository}],
            },
            source={"type": "S3", "location": f"jobs/source/{name}.zip", "buildspec": json.dumps(spec)},
        )

    def digest(self, repository, tag):
        ecr = self.account.client("ecr")
        return ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"][0][
            "imageDigest"
        ]

    def _role(self, name, without, *, base_rights):
        push = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        own = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}"
        wanted = [
            allow(["s3:GetObject"], f"arn:aws:s3:::jobs/source/{name}.zip"),
            allow(["ecr:GetAuthorizationToken"]),
            allow([*pull, *push], own),
            allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
        ]
        wanted += [allow(pull, "arn:aws:ecr:us-east-1:763104351884:repository/*")] if base_rights else []
        for statement in wanted:
            statement["Action"] = [action for action in statement["Action"] if action != without]
        rights = [statement for statement in wanted if statement["Action"]]
        return self.account.role(f"{name}-role", "codebuild.amazonaws.com", rights)


@pytest.fixture
def builder(account, zipped):
    return Builder(account, zipped)


@pytest.fixture(scope="session")
def pushed_image(account):
    """The address of the test image in the account's own ECR."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Dockerfile", 'FROM scratch\nCOPY . /opt/p/\nENTRYPOINT ["python", "/opt/p/program.py"]\n')
        archive.writestr("program.py", PROGRAM)
    build = Builder(account, lambda **_: buffer.getvalue()).build("pushed", tag="one")
    assert build["buildStatus"] == "SUCCEEDED"
    return f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/pushed:one"
