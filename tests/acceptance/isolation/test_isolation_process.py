"""A training process of team `a` tries what is team `b`'s with the rights of its job: each call is denied."""

import io
import json
import tarfile

import pytest

REGISTRY = "123456789012"
REFUSED = {"AccessDenied", "AccessDeniedException", "403"}


def of_s3(b):
    """What can be done to objects, on an object of each of their buckets that is there."""
    objects = {
        b["data_bucket"]: "secret/plans.csv",
        b["artifacts_bucket"]: b["model"].partition(f"{b['artifacts_bucket']}/")[2],
        b["checkpoints_bucket"]: f"runs/{b['run']}/step-1.txt",
        b["reports_bucket"]: f"runs/{b['run']}/report.json",
    }
    for bucket, key in objects.items():
        there = {"Bucket": bucket, "Key": key}
        yield "s3", "list_objects_v2", {"Bucket": bucket}
        yield "s3", "head_object", there
        yield "s3", "get_object", there
        yield "s3", "put_object", {**there, "Body": "ours"}
        yield "s3", "delete_object", there
        yield "s3", "get_bucket_policy", {"Bucket": bucket}


def of_the_run(b):
    """Its record, its job, its executions."""
    key = {"run": {"S": b["run"]}}
    table = b["runs_table"]
    yield "dynamodb", "get_item", {"TableName": table, "Key": key}
    yield "dynamodb", "scan", {"TableName": table}
    yield "dynamodb", "put_item", {"TableName": table, "Item": key}
    yield "dynamodb", "delete_item", {"TableName": table, "Key": key}
    yield "sagemaker", "describe_training_job", {"TrainingJobName": b["job"]}
    yield "sagemaker", "stop_training_job", {"TrainingJobName": b["job"]}
    yield "stepfunctions", "start_execution", {"stateMachineArn": b["state_machine_arn"], "input": "{}"}
    yield "stepfunctions", "list_executions", {"stateMachineArn": b["state_machine_arn"]}
    yield "logs", "get_log_events", log_of(b)
    yield "logs", "put_log_events", {**log_of(b), "logEvents": [{"timestamp": 1, "message": "ours"}]}


def log_of(b):
    return {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": f"{b['job']}/algo-1-1"}


def of_the_team(b):
    """Its parameters, key, images, functions and roles."""
    yield "ssm", "get_parameter", {"Name": "/trainwright/teams/b"}
    yield "ssm", "get_parameter", {"Name": "/trainwright/teams/b/policy"}
    yield "kms", "generate_data_key", {"KeyId": b["key"], "KeySpec": "AES_256"}
    yield "kms", "encrypt", {"KeyId": b["key"], "Plaintext": "ours"}
    yield "kms", "describe_key", {"KeyId": b["key"]}
    images = {"registryId": REGISTRY, "repositoryName": "b-private"}
    yield "ecr", "batch_get_image", {**images, "imageIds": [{"imageTag": "latest"}]}
    yield "ecr", "describe_images", images
    yield "sts", "assume_role", {"RoleArn": b["execution_role_arn"], "RoleSessionName": "ours"}


def job_as_theirs(b):
    """A job of its own making, under their role."""
    yield (
        "sagemaker",
        "create_training_job",
        {
            "TrainingJobName": "b-0123456789-1",
            "RoleArn": b["execution_role_arn"],
            "AlgorithmSpecification": {"TrainingImage": b["image"], "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": f"s3://{b['artifacts_bucket']}/runs/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    )


def reports_of(a):
    """What its own team's runs are said to have done is not the process's to say, nor to read."""
    for key in ("runs.html", f"runs/{a['team']}-0123456789/report.json", f"runs/{a['team']}-0123456789/profile/1.json"):
        yield "s3", "put_object", {"Bucket": a["reports_bucket"], "Key": key, "Body": "ours"}
        yield "s3", "get_object", {"Bucket": a["reports_bucket"], "Key": key}
    yield "s3", "list_objects_v2", {"Bucket": a["reports_bucket"], "Prefix": f"runs/{a['team']}-0123456789/"}


def own(a):
    """What the process may do with what is its team's: else a refusal above would prove nothing."""
    files = f"runs/{a['team']}-0123456789/{a['team']}-0123456789-1/profiler-output/"
    yield "s3", "put_object", {"Bucket": a["reports_bucket"], "Key": f"{files}system/ours", "Body": "ours"}
    yield "s3", "list_objects_v2", {"Bucket": a["reports_bucket"], "Prefix": files}
    yield "s3", "list_objects_v2", {"Bucket": a["data_bucket"]}
    yield "s3", "get_object", {"Bucket": a["data_bucket"], "Key": "calls/calls.json"}
    yield "s3", "put_object", {"Bucket": a["checkpoints_bucket"], "Key": "runs/ours.txt", "Body": "ours"}


@pytest.fixture(scope="module")
def tried(teams, theirs):
    """What came of each call, by the run that made them."""
    ours = teams.of("a")
    on_theirs = [*of_s3(theirs), *of_the_run(theirs), *of_the_team(theirs), *job_as_theirs(theirs)]
    calls = [*on_theirs, *reports_of(ours), *own(ours)]
    s3 = teams.client("s3")
    s3.put_object(Bucket=teams.of("a")["data_bucket"], Key="calls/calls.json", Body=json.dumps(calls))
    done = teams.run("a", inputs={"calls": "data://calls/"})
    assert done["status"] == "SUCCEEDED", done["cause"]
    bucket, _, key = json.loads(done["output"])["model"]["s3_uri"].removeprefix("s3://").partition("/")
    model = io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    with tarfile.open(fileobj=model) as archive:
        answers = json.load(archive.extractfile("answers.json"))
    return dict(zip(((service, method, json.dumps(said)) for service, method, said in calls), answers, strict=True))


def test_each_call_on_what_is_theirs_is_denied(tried, teams, theirs):
    ours = {json.dumps(said) for *_, said in own(teams.of("a"))}
    let_through = {
        call: answer for call, answer in tried.items() if call[2] not in ours and answer["Code"] not in REFUSED
    }
    assert let_through == {}
    assert len(tried) > 40


def test_what_is_said_of_its_own_run_is_not_its_to_write(tried, teams):
    answers = [tried[service, method, json.dumps(said)] for service, method, said in reports_of(teams.of("a"))]
    assert len(answers) == 7
    assert {answer["Code"] for answer in answers} <= REFUSED


def test_the_same_calls_on_what_is_its_own_are_not(tried, teams):
    for service, method, said in own(teams.of("a")):
        assert tried[service, method, json.dumps(said)]["Code"] == ""


def test_nothing_of_theirs_has_changed(tried, teams, theirs):
    s3 = teams.client("s3")
    found = s3.get_object(Bucket=theirs["data_bucket"], Key="secret/plans.csv")
    assert found["Body"].read() == b"1,2"
    assert teams.jobs("b-") == [theirs["job"]]
