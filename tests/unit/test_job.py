"""The CreateTrainingJob request: what a request renders to, and what AWS's own model says of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime.facts import Deployment, Run, RunFacts
from trainwright_runtime.handlers.api_model import check_request, create_training_job_shape, refusals
from trainwright_runtime.job import named, render
from trainwright_runtime.origin import field_of
from trainwright_runtime.request import Checked, check
from trainwright_runtime.shapes import too_large
from trainwright_runtime.spec import first_spec

DEPLOYMENT = Deployment(
    team="vision",
    data_bucket="the-data",
    artifacts_bucket="the-artifacts",
    checkpoints_bucket="the-checkpoints",
    reports_bucket="the-reports",
    execution_role_arn="arn:aws:iam::123456789012:role/vision-execution",
)
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/platform@sha256:" + "a" * 64
FACTS = RunFacts(Run("vision-0123456789", "vision", "digits"), DEPLOYMENT, IMAGE)
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def resolved(**fields):
    result = check({"name": "digits", "compute": {"instance_type": "ml.m5.large"}, **fields})
    assert isinstance(result, Checked), result
    return result.resolved


def rendered(facts=FACTS, **fields):
    return render(first_spec(resolved(**fields), facts))


def deployed(**changes):
    return RunFacts(FACTS.run, Deployment(**{**vars(DEPLOYMENT), **changes}), IMAGE)


def test_a_whole_spot_request():
    request = rendered(
        hyperparameters={"epochs": 12},
        inputs={"train": "data://digits/train/", "labels": {"s3_uri": "s3://other/x", "content_type": "text/csv"}},
        compute={"instance_type": "ml.m5.large", "spot": True, "instance_count": 2},
        limits={"max_runtime": "30m"},
        environment={"MODE": "fast"},
        tags={"cost": 1},
    )
    assert named(request, "vision-0123456789-1", 1) == {
        "TrainingJobName": "vision-0123456789-1",
        "RoleArn": DEPLOYMENT.execution_role_arn,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"epochs": "12"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://the-data/digits/train/",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            },
            {
                "ChannelName": "labels",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://other/x",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "ContentType": "text/csv",
            },
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://the-artifacts/runs/vision-0123456789/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 5400},
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {
            "S3Uri": "s3://the-checkpoints/runs/vision-0123456789/",
            "LocalPath": "/opt/ml/checkpoints",
        },
        "Environment": {"MODE": "fast"},
        "Tags": [
            {"Key": "cost", "Value": "1"},
            {"Key": "trainwright:team", "Value": "vision"},
            {"Key": "trainwright:run", "Value": "vision-0123456789"},
            {"Key": "trainwright:name", "Value": "digits"},
            {"Key": "trainwright:attempt", "Value": "1"},
        ],
    }


def test_on_demand_has_no_waiting_time_and_no_checkpoints():
    request = rendered()
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    assert request["EnableManagedSpotTraining"] is False
    assert "CheckpointConfig" not in request


def test_empty_blocks_are_left_out():
    assert not {"HyperParameters", "InputDataConfig", "Environment", "VpcConfig"} & rendered().keys()


def test_a_key_covers_outputs_and_volumes_but_not_local_storage():
    facts = deployed(kms_key_arn=KEY)
    request = rendered(facts)
    assert request["OutputDataConfig"]["KmsKeyId"] == KEY
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    nvme = rendered(facts, compute={"instance_type": "ml.g5.xlarge"})
    assert nvme["OutputDataConfig"]["KmsKeyId"] == KEY
    assert "VolumeKmsKeyId" not in nvme["ResourceConfig"]


def test_a_vpc_is_the_platforms():
    request = rendered(deployed(subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",)))
    assert request["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


def test_what_is_rendered_passes_the_apis_own_model():
    assert refusals(named(rendered(deployed(kms_key_arn=KEY)), "vision-0123456789-1", 1)) == []


def test_an_instance_type_that_aws_does_not_have_is_told_by_the_requests_own_field():
    problems = check({"name": "x", "compute": {"instance_type": "ml.m99.large"}}, api=check_request)
    assert [problem.path for problem in problems] == [("compute", "instance_type")]


def broken(change):
    request = named(rendered(inputs={"t": "data://x/"}, environment={"A": "b"}), "vision-0123456789-1", 1)
    change(request)
    return request


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (lambda r: r.pop("RoleArn"), "RoleArn", "missing"),
        (lambda r: r.update(Colour="red"), "Colour", "no such field"),
        (lambda r: r.update(TrainingJobName="-x"), "TrainingJobName", "form"),
        (lambda r: r.update(TrainingJobName="x" * 64), "TrainingJobName", "too many"),
        (lambda r: r["ResourceConfig"].update(InstanceType="ml.x"), "compute.instance_type", "does not have"),
        (lambda r: r["ResourceConfig"].update(InstanceCount=-1), "compute.instance_count", "out of range"),
        (lambda r: r["ResourceConfig"].update(InstanceCount="1"), "compute.instance_count", "wrong type"),
        (lambda r: r["ResourceConfig"].update(InstanceCount=True), "compute.instance_count", "wrong type"),
        (lambda r: r.update(EnableManagedSpotTraining="yes"), "compute.spot", "wrong type"),
        (lambda r: r["InputDataConfig"][0]["DataSource"]["S3DataSource"].pop("S3Uri"), "inputs.t.s3_uri", "missing"),
        (lambda r: r.update(InputDataConfig=[]), "inputs", "too few"),
        (lambda r: r.update(Environment={"1": "x"}), "environment.1", "form"),
        (lambda r: r.update(Environment={"A": "x" * 600}), "environment.A", "too many"),
        (lambda r: r["Tags"].append({"Key": "k", "Value": "<"}), "tags.k", "form"),
        (lambda r: r.update(HyperParameters={"k": "a\nb"}), "hyperparameters.k", "form"),
    ],
)
def test_the_walk_finds_what_botocore_and_its_skipped_checks_would(change, path, words):
    found = {problem.field: problem.problem for problem in refusals(broken(change))}
    assert words in found[path]


def test_a_variables_value_is_hidden_here_too():
    problem = refusals(broken(lambda r: r.update(Environment={"A": "hunter2" * 100})))[0]
    assert "hunter2" not in problem.sentence()


def test_tags_in_any_script_are_tags():
    request = broken(lambda r: r["Tags"].append({"Key": "größe", "Value": "日本 1_.:/=+-@"}))
    assert refusals(request) == []


def test_too_large_names_the_biggest_part():
    request = named(rendered(hyperparameters={f"k{n}": "v" * 2400 for n in range(60)}), "vision-0123456789-1", 1)
    problem = too_large(request)
    assert problem is not None
    assert problem.field == "hyperparameters"
    assert "HyperParameters takes" in problem.problem
    assert too_large(rendered()) is None


def test_a_path_of_the_platforms_own_stays_the_apis():
    assert field_of(("RoleArn",), rendered()) == ("RoleArn",)


NAMES = st.text("abcXYZ_09", min_size=1, max_size=10).map(lambda name: f"n{name}")
REQUESTS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True),
        "compute": st.fixed_dictionaries(
            {
                "instance_type": st.sampled_from(["ml.m5.large", "ml.g5.xlarge", "ml.p4d.24xlarge"]),
                "spot": st.booleans(),
            },
            optional={"instance_count": st.integers(1, 1000), "volume_size_in_gb": st.integers(1, 16_384)},
        ),
    },
    optional={
        "hyperparameters": st.dictionaries(
            NAMES, st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=5
        ),
        "environment": st.dictionaries(NAMES, st.text(max_size=600) | st.booleans(), max_size=5),
        "tags": st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=5),
        "inputs": st.dictionaries(
            st.text(max_size=8), st.text(max_size=12).map(lambda key: f"data://{key}"), max_size=3
        ),
        "limits": st.fixed_dictionaries({"max_runtime": st.integers(1, 5_000_000).map(lambda n: f"{n}s")}),
    },
)


@given(REQUESTS)
@settings(max_examples=200, deadline=None)
def test_whatever_passes_the_check_passes_the_apis_model(data):
    result = check(data)
    if isinstance(result, Checked):
        assert check_request(result.resolved) == []


def test_the_shape_is_the_real_one():
    assert create_training_job_shape().name == "CreateTrainingJobRequest"
